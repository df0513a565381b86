"""Finds the server, starts it where it does not run, and stops its work when GIMP ends."""
