"""The library on the disk: exemplars and their vectors in SQLite."""
