"""Runs every kind of image through the procedures without a screen, and reports what came of it.

Arguments: the report to write, a JSON file with the cases.
"""

import json
import sys

from pictures_in_gimp import (
    EXACT,
    Gimp,
    digest,
    every_layer,
    make_image,
    notes,
    packed,
    visible,
)
from pictures_in_gimp import call_here as call

REPORT, CASES = sys.argv[1:3]


def run(case):
    image, layer = make_image(**case["image"])
    try:
        drawables = [layer.get_mask()] if case.get("select_mask") else [layer]
        exact = EXACT[case["image"].get("precision", "u8")]
        before = {
            "exact": digest(layer, exact),
            "seen": visible(image),
            "count": len(layers(image)),
        }
        result = call(case["procedure"], image, drawables, **case.get("arguments", {}))
        new = result.pop("layer")
        report = {
            **result,
            "before": before,
            "source": packed(layer),
            "exact": digest(layer, exact),
            "seen": visible(image),
            "count": len(layers(image)),
            "base": int(image.get_base_type()),
        }
        if new is not None:
            report["new"] = describe(new, layer, image)
        return report
    finally:
        image.delete()


def layers(image):
    return list(every_layer(image))


def describe(new, source, image):
    selection = image.get_selection()
    return {
        "name": new.get_name(),
        "lch": new.get_mode() == Gimp.LayerMode.LCH_COLOR,
        "normal": new.get_mode() == Gimp.LayerMode.NORMAL,
        "offsets": list(new.get_offsets())[1:],
        "source_offsets": list(source.get_offsets())[1:],
        "same_parent": new.get_parent() == source.get_parent(),
        "directly_above": image.get_item_position(new) + 1 == image.get_item_position(source),
        "pixels": packed(new),
        "mask": new.get_mask() and packed(new.get_mask(), "Y float"),
        "source_mask": source.get_mask() and packed(source.get_mask(), "Y float"),
        "coverage": packed(selection, "Y float"),
        "notes": notes(new),
        "identity": notes(source)["photochrom-id"],
        "edits_mask": new.get_edit_mask(),
    }


with open(CASES, encoding="utf-8") as file:
    cases = json.load(file)
report = {"version": Gimp.version(), "cases": {name: run(case) for name, case in cases.items()}}
with open(REPORT, "w", encoding="utf-8") as file:
    json.dump(report, file)
