"""Colours a large layer. Arguments: the report, width, height, how often (once if left out)."""

import json
import sys

from pictures_in_gimp import Gegl, Gimp, call, digest, make_image, notes

REPORT, WIDTH, HEIGHT = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
COUNT = int(sys.argv[4]) if len(sys.argv) > 4 else 1

image, layer = make_image(base="rgb", size=(WIDTH, HEIGHT))
before = digest(layer, "R'G'B' u8")
results = [call("description", image, [layer], description="a red tram") for _ in range(COUNT)]
points = [(x, y) for y in range(5, HEIGHT, HEIGHT // 9) for x in range(5, WIDTH, WIDTH // 9)]
seen = Gimp.Layer.new_from_visible(image, image, "seen")


def samples(drawable):
    buffer = drawable.get_buffer()
    return [list(buffer.get(Gegl.Rectangle.new(x, y, 1, 1), 1.0, "R'G'B' u8",
                            Gegl.AbyssPolicy.NONE)) for x, y in points]  # fmt: skip


report = {
    "seconds": [result["seconds"] for result in results],
    "server_seconds": [
        json.loads(notes(result["layer"])["photochrom-origin"])["server_seconds"]
        for result in results
        if result["done"]
    ],
    "errors": [result["error"] for result in results],
    "same_source": digest(layer, "R'G'B' u8") == before,
    "samples": {"source": samples(layer), "seen": samples(seen)},
}
seen.delete()
image.delete()
with open(REPORT, "w", encoding="utf-8") as file:
    json.dump(report, file)
