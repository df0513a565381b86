"""Colours a photo and reports how it went. Arguments: the report, the photo, a description."""

import json
import sys

from pictures_in_gimp import Gimp, Gio, call, digest, packed, visible

REPORT, PHOTO, WORDS = sys.argv[1:4]
image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(PHOTO))
layer = image.get_layers()[0]
# With the photo's own 8 bits: on the way to floats babl takes the path that it finds fastest, and
# those differ in the last bit.
before = digest(layer, "R'G'B'A u8")
results = [call("description", image, [layer], description=WORDS) for _ in range(2)]
report = {
    "seconds": [result["seconds"] for result in results],
    "errors": [result["error"] for result in results],
    "same_source": digest(layer, "R'G'B'A u8") == before,
    "layers": len(image.get_layers()),
    "new": packed(results[0]["layer"]) if results[0]["done"] else None,
    "again": packed(results[1]["layer"]) if results[1]["done"] else None,
    "seen": visible(image),
}
image.delete()
with open(REPORT, "w", encoding="utf-8") as file:
    json.dump(report, file)
