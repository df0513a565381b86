"""What Photochrom costs, measured on this machine: ``python -m benchmarks``."""
