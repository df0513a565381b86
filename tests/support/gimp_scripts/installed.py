"""Tells which of our procedures there are, and colours with one. Arguments: the report, and a file
to be opened before."""

import json
import sys

from pictures_in_gimp import Gimp, Gio, call, make_image

report = {}
if len(sys.argv) > 2:
    try:
        Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(sys.argv[2]))
    except Exception as problem:  # GIMP makes no image of an extension, and says so
        report["said"] = str(problem)
procedure = Gimp.get_pdb().lookup_procedure("plug-in-photochrom-description")
report["blurb"] = procedure and procedure.get_blurb()
if procedure:
    image, layer = make_image()
    result = call("description", image, [layer], description="a red tram")
    report["error"] = result["error"]
    report["layers"] = [one.get_name() for one in image.get_layers()]
    image.delete()
with open(sys.argv[1], "w", encoding="utf-8") as file:
    json.dump(report, file)
