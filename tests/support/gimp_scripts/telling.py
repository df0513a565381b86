"""Stories that a script tells inside GIMP, and what they are told with.

Arguments of such a script: the report to write, and the stories, all without.
"""

import json
import sys
import traceback

from pictures_in_gimp import Gegl, Gimp, notes, packed, pixels

STORIES = {}


def story(tell):
    STORIES[tell.__name__.replace("_", " ")] = tell
    return tell


def color_of(layer):
    """Return the mean colour of a layer's pixels, as three integers."""
    data = bytes(pixels(layer, "R'G'B' u8"))
    return [round(sum(data[at::3]) / len(data[at::3])) for at in range(3)]


def place(layer):
    siblings = layer.get_parent().get_children() if layer.get_parent() else None
    names = [one.get_name() for one in siblings or layer.get_image().get_layers()]
    return names


def brief(result):
    """Note a call's outcome and its new layer."""
    layer = result["layer"]
    found = {"done": result["done"], "error": result["error"], "status": result["status"]}
    if layer is not None:
        mask = layer.get_mask()
        found |= {
            "name": layer.get_name(),
            "color": color_of(layer),
            "offsets": list(layer.get_offsets())[1:],
            "size": [layer.get_width(), layer.get_height()],
            "mask": mask and packed(mask, "Y float"),
            "stack": place(layer),
            "settings": json.loads(notes(layer)["photochrom-settings"]),
            "origin": json.loads(notes(layer)["photochrom-origin"]),
        }
    return found


def paint(layer, x0, y0, side, color, alpha=255):
    """Paint a square on a transparent layer."""
    buffer = layer.get_buffer()
    data = bytes((*color, alpha)) * (side * side)
    buffer.set(Gegl.Rectangle.new(x0, y0, side, side), "R'G'B'A u8", data)
    buffer.flush()
    layer.update(0, 0, layer.get_width(), layer.get_height())


def select(image, x, y, width, height):
    image.select_rectangle(Gimp.ChannelOps.REPLACE, x, y, width, height)


def plain_layer(image, name, position=0, alpha=True):
    kind = Gimp.ImageType.RGBA_IMAGE if alpha else Gimp.ImageType.RGB_IMAGE
    width, height = image.get_width(), image.get_height()
    layer = Gimp.Layer.new(image, name, width, height, kind, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, None, position)
    return layer


def tell_all():
    """Tell the stories that are wanted, and write what came of each."""
    report = {"version": Gimp.version()}
    for name in sys.argv[2:] or list(STORIES):
        try:
            report[name] = STORIES[name]()
        except Exception:
            report[name] = {"problem": traceback.format_exc()}
        for image in Gimp.get_images():
            image.delete()
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(report, file)
