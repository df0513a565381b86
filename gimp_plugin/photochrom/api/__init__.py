"""Photochrom's HTTP interface with the standard library alone: no GIMP, no Gtk."""
