"""Layers of GIMP: read as pixels, made from pixels, and the notes that they carry."""
