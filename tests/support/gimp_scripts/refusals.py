"""Asks for what cannot be done, and reports what was said and whether the image is the same."""

import json
import sys

from pictures_in_gimp import Gimp, make_image, state
from pictures_in_gimp import call_here as call


def refused(procedure, prepare=lambda image, layer: [layer], **arguments):
    image, layer = make_image()
    try:
        drawables = prepare(image, layer)
        before = state(image)
        result = call(procedure, image, drawables, **arguments)
        return {**result, "layer": None, "before": before, "after": state(image)}
    finally:
        image.delete()


def channel_of_selection(image, _layer):
    return [Gimp.Selection.save(image)]


def empty_above(image, layer):
    empty = Gimp.Layer.new(
        image, "dabs", 8, 8, Gimp.ImageType.GRAYA_IMAGE, 100, Gimp.LayerMode.NORMAL
    )
    image.insert_layer(empty, None, 0)
    return [layer]


def empty_dab_layer(image, layer):
    call("dab-layer", image, [layer])
    return [layer]


def status():
    procedure = Gimp.get_pdb().lookup_procedure("plug-in-photochrom-settings")
    result = procedure.run(procedure.create_config())
    return result.index(1)


report = {
    "status": status(),
    "channel": refused("automatic", channel_of_selection),
    "no reference": refused("reference"),
    "no picture": refused("reference", reference=sys.argv[0]),
    "no dabs": refused("hints"),
    "unmarked dabs": refused("hints", empty_above),
    "empty dabs": refused("hints", empty_dab_layer),
    "odd palette": refused("description", palette="#12"),
    "two colors of photos": refused("description", reference=sys.argv[0], exemplar="a"),
    "again without": refused("again"),
}
with open(sys.argv[1], "w", encoding="utf-8") as file:
    json.dump(report, file)
