"""The frames of files from anywhere, walked with bounds before a library sees them."""
