"""The HTTP server and the command line of Photochrom."""
