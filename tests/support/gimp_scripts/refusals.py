"""Asks for what cannot be done, and reports what was said and whether the image is the same."""

import json
import sys

from pictures_in_gimp import Gimp, call, make_image, state


def refused(procedure, prepare=lambda image, layer: [layer], **arguments):
    image, layer = make_image()
    try:
        drawables = prepare(image, layer)
        before = state(image)
        result = call(procedure, image, drawables, **arguments)
        return {"done": result["done"], "error": result["error"], "before": before,
                "after": state(image)}  # fmt: skip
    finally:
        image.delete()


def channel_of_selection(image, _layer):
    return [Gimp.Selection.save(image)]


def second(image, layer):
    copy = layer.copy()
    image.insert_layer(copy, None, 0)
    return [layer, copy]


def empty_above(image, layer):
    empty = Gimp.Layer.new(
        image, "dabs", 8, 8, Gimp.ImageType.GRAYA_IMAGE, 100, Gimp.LayerMode.NORMAL
    )
    image.insert_layer(empty, None, 0)
    return [layer]


def status():
    procedure = Gimp.get_pdb().lookup_procedure("plug-in-photochrom-settings")
    result = procedure.run(procedure.create_config())
    return result.index(1)


report = {
    "status": status(),
    "channel": refused("automatic", channel_of_selection),
    "two layers": refused("automatic", second),
    "no reference": refused("reference"),
    "no picture": refused("reference", reference=sys.argv[0]),
    "no dabs": refused("hints"),
    "empty dabs": refused("hints", empty_above),
    "again without": refused("again"),
}
with open(sys.argv[1], "w", encoding="utf-8") as file:
    json.dump(report, file)
