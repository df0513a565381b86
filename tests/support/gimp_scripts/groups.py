"""Colours photos as groups of layers, saves and opens them again, and notes what one sees.

Argument: the report to write.
"""

import json
import os
import sys
import traceback

from pictures_in_gimp import Gimp, Gio, make_image, notes, packed, visible
from pictures_in_gimp import call_here as call

REPORT = sys.argv[1]
WORDS = "a woman in a green dress with a red scarf"
KINDS = {
    "grey": {},
    "rgb 16 bit": {"base": "rgb", "precision": "u16"},
    "with alpha": {"base": "rgb", "alpha": True},
    "wide gamut": {"base": "rgb", "profile": "rgb_adobe"},
    "moved": {"size": [80, 60], "canvas": [64, 48], "offset": [-8, -6]},
}


def members(group):
    """Note the layers of a group, from top to bottom."""
    return [
        {
            "name": layer.get_name(),
            "phrase": json.loads(notes(layer)["photochrom-origin"])["phrase"],
            "lch": layer.get_mode() == Gimp.LayerMode.LCH_COLOR,
            "offsets": list(layer.get_offsets())[1:],
            "mask": layer.get_mask() and packed(layer.get_mask(), "Y float"),
            "filters": [
                [one.get_operation_name(), one.get_config().get_property("hue")]
                for one in layer.get_filters()
            ],
            "visible": layer.get_visible(),
        }
        for layer in group.get_children()
    ]


def brief(image, result):
    group = result["layer"]
    found = {"done": result["done"], "error": result["error"], "seen": visible(image)}
    if group is not None:
        found |= {
            "name": group.get_name(),
            "through": group.get_mode() == Gimp.LayerMode.PASS_THROUGH,
            "members": members(group) if group.is_group_layer() else None,
            "stack": [layer.get_name() for layer in image.get_layers()],
            "mask": group.get_mask() and packed(group.get_mask(), "Y float"),
            "settings": json.loads(notes(group)["photochrom-settings"]),
        }
    return found


def reopened(image):
    """Save an image as XCF, open it again, and note its uppermost group."""
    file = Gio.File.new_for_path(os.path.join(os.path.dirname(REPORT), "group.xcf"))
    assert Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, file, None)
    again = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, file)
    group = again.get_layers()[0]
    found = {"members": members(group), "seen": visible(again)}
    result = call("again", again, [group], description="a woman in a blue dress")
    found["again"] = brief(again, result)
    again.delete()
    return found


def tell(name):
    image, layer = make_image(**{"size": [64, 48], **KINDS[name]})
    single = brief(image, call("description", image, [layer], description=WORDS))
    image.remove_layer(image.get_layers()[0])
    group = brief(
        image, call("description", image, [layer], description=WORDS, output="thing-layers")
    )
    return {"single": single, "group": group, "image": image, "layer": layer}


def change_and_repeat():
    """Turn the dress's hue by hand, hide the scarf, and ask again with another scarf."""
    told = tell("grey")
    image = told["image"]
    group = image.get_layers()[0]
    for layer in group.get_children():
        if "dress" in layer.get_name():
            turn = layer.get_filters()[0]
            turn.get_config().set_property("hue", 40.0)
            turn.update()
        if "scarf" in layer.get_name():
            layer.set_visible(False)
    turned = brief(image, {"layer": group, "done": True, "error": None})
    words = "a woman in a green dress with a blue scarf"
    again = call("again", image, [group.get_children()[0]], description=words)
    return {"turned": turned, "again": brief(image, again), "file": reopened(image)}


def two_regions():
    image, layer = make_image(base="rgb", size=[64, 48])
    for x, words in ((0, "a green shawl"), (40, "a blue coat")):
        image.select_rectangle(Gimp.ChannelOps.REPLACE, x, 4, 20, 40)
        call("region", image, [layer], description=words)
    Gimp.Selection.none(image)
    result = call("description", image, [layer], description="people", output="thing-layers")
    return brief(image, result)


def selected():
    image, layer = make_image(base="rgb", size=[64, 48])
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 4, 4, 20, 40)
    before = visible(image)
    result = call("description", image, [layer], description="a green shawl", output="thing-layers")
    return {**brief(image, result), "before": before}


def masked_and_selected():
    """Color a masked photo with a selection, and again without it."""
    image, layer = make_image(base="rgb", size=[64, 48], mask=True)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 4, 4, 20, 40)
    result = call("description", image, [layer], description="a green shawl", output="thing-layers")
    first = brief(image, result)
    Gimp.Selection.none(image)
    again = brief(image, call("again", image, [result["layer"]], description="a blue shawl"))
    return {"first": first, "again": again, "mask": packed(layer.get_mask(), "Y float")}


STORIES = {name: lambda name=name: tell(name) for name in KINDS}
STORIES |= {"change and repeat": change_and_repeat, "two regions": two_regions,
            "selected": selected, "masked and selected": masked_and_selected}  # fmt: skip
report = {}
for name, story in STORIES.items():
    try:
        found = story()
        report[name] = {key: value for key, value in found.items() if key not in ("image", "layer")}
    except Exception:
        report[name] = {"problem": traceback.format_exc()}
    for image in Gimp.get_images():
        image.delete()
with open(REPORT, "w", encoding="utf-8") as file:
    json.dump(report, file)
