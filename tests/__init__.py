"""Tests, in folders like the code; what several of them use is in ``support``."""
