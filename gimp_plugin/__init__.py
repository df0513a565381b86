"""The GIMP 3 plug-in: not here yet, it arrives in a later version."""
