"""The GIMP 3 plug-in: ``photochrom`` is what GIMP runs, ``install`` puts it where GIMP looks."""
