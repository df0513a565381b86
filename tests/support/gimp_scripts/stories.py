"""What people do around the plug-in, without a screen; each story notes what came of it.

Argument: the report to write.
"""

import base64
import json
import os
import sys

from pictures_in_gimp import Gimp, Gio, make_image, notes, pixels, state, visible
from pictures_in_gimp import call_here as call
from telling import brief, paint, place, plain_layer, select, story, tell_all

REPORT = sys.argv[1]


@story
def words_with_a_selection():
    image, layer = make_image(base="rgb")
    select(image, 4, 3, 12, 9)
    return {"first": brief(call("description", image, [layer], description="a green shawl"))}


@story
def again_keeps_the_region():
    image, layer = make_image(base="rgb")
    select(image, 4, 3, 12, 9)
    first = call("description", image, [layer], description="a red hat for once")
    before = brief(first)
    Gimp.Selection.none(image)
    second = brief(call("again", image, [first["layer"]], description="a blue hat instead"))
    return {"first": before, "second": second, "count": len(image.get_layers())}


@story
def again_after_scale_crop_flip_and_rotate():
    found = {}
    for name, change in {
        "scaled": lambda image: image.scale(48, 32),
        "cropped": lambda image: image.crop(12, 10, 6, 4),
        "flipped": lambda image: image.flip(Gimp.OrientationType.HORIZONTAL),
        "rotated": lambda image: image.rotate(Gimp.RotationType.DEGREES90),
    }.items():
        for kept in (True, False):
            image, layer = make_image(base="rgb")
            dabs = call("dab-layer", image, [layer])["layer"]
            paint(dabs, 8, 6, 3, (208, 32, 32))
            made = call("hints", image, [layer], description=f"red once {name} {kept}")
            if not kept:
                image.remove_layer(dabs)
            change(image)
            words = f"red again {name} {kept}"
            found[f"{name} {kept}"] = brief(
                call("again", image, [made["layer"]], description=words)
            )
            image.delete()
    return found


@story
def again_in_a_copy_of_the_image():
    image, layer = make_image(base="rgb")
    call("description", image, [layer], description="a red tram to copy")
    copy = image.duplicate()
    result = copy.get_layers()[0]
    found = {"again": brief(call("again", copy, [result], description="a blue copied tram"))}
    other, _ = make_image(base="rgb")
    alien = Gimp.Layer.new_from_drawable(image.get_layers()[0], other)
    other.insert_layer(alien, None, 0)
    before = state(other)
    found["alien"] = brief(call("again", other, [alien]))
    found["alien plain"] = brief(call("automatic", other, [alien]))
    found["alien same"] = state(other) == before
    return found


@story
def a_negative_under_invert():
    image, layer = make_image(base="rgb")
    positive = base64.b64encode(bytes(pixels(layer, "Y' u8"))).decode()
    layer.invert(False)
    filter = Gimp.DrawableFilter.new(layer, "gegl:invert-gamma", "Invert")
    layer.append_filter(filter)
    return {
        "positive": positive,
        "result": brief(call("description", image, [layer], description="a red negative")),
        "filters": len(layer.get_filters()),
    }


@story
def a_repair_layer_above():
    image, layer = make_image(base="rgb")
    layer.set_name("scan")
    repair = plain_layer(image, "repair")
    paint(repair, 2, 2, 6, (120, 120, 120))
    none = brief(call("hints", image, [layer]))
    visible = brief(
        call("description", image, [layer], description="a red visible one", visible=True)
    )
    again = brief(call("again", image, [layer], description="a blue visible one"))
    return {"none": none, "visible": visible, "again": again}


@story
def the_dab_layer_is_selected():
    image, layer = make_image(base="rgb")
    dabs = call("dab-layer", image, [layer])["layer"]
    paint(dabs, 8, 6, 3, (208, 32, 32))
    found = {"dabs": brief(call("description", image, [dabs], description="red with dabs below"))}
    found["source"] = notes(layer)["photochrom-id"]
    empty = plain_layer(image, "nothing")
    before = state(image)
    found["empty"] = brief(call("description", image, [empty], description="red empty"))
    found["same"] = state(image) == before
    return found


@story
def a_selection_that_misses_the_layer():
    image, layer = make_image(base="rgb", size=(10, 8), canvas=(40, 30), offset=(0, 0))
    select(image, 20, 20, 8, 8)
    before = state(image)
    found = brief(call("description", image, [layer], description="a red miss"))
    return {**found, "same": state(image) == before}


@story
def dabs_in_a_grey_image():
    image, layer = make_image()
    before = state(image)
    made = call("dab-layer", image, [layer])
    found = {"done": made["done"], "error": made["error"], "base": int(image.get_base_type())}
    paint(made["layer"], 8, 6, 3, (208, 32, 32))
    found["result"] = brief(call("hints", image, [layer], description="red in grey"))
    found["notes before"] = [one["notes"] for one in before["layers"]]
    return found


@story
def a_floating_selection():
    image, layer = make_image(base="rgb")
    select(image, 2, 2, 8, 8)
    Gimp.Selection.float(image, [layer], 3, 3)
    floating = image.get_floating_sel()
    before = len(image.get_layers())
    found = brief(call("description", image, [layer], description="a red float"))
    return {**found, "floats": floating is not None, "same": len(image.get_layers()) == before}


@story
def each_repeat_replaces():
    image, layer = make_image(base="rgb")
    first = call("description", image, [layer], description="a red first")
    first["layer"].set_opacity(60)
    second = call("again", image, [layer], description="a blue second")
    third = call("description", image, [layer], description="a green third", replace=True)
    fourth = call("description", image, [layer], description="a red fourth")
    return {
        "second": brief(second) if second["layer"].is_valid() else {"done": True},
        "opacity": third["layer"].get_opacity(),
        "stack": place(fourth["layer"]),
    }


@story
def dab_layers_in_a_group():
    image, layer = make_image(base="rgb")
    first = call("dab-layer", image, [layer])["layer"]
    second = call("dab-layer", image, [layer])["layer"]
    paint(first, 2, 2, 3, (208, 32, 32))
    paint(second, 12, 6, 3, (32, 64, 192))
    group = Gimp.GroupLayer.new(image, "dabs")
    image.insert_layer(group, None, 0)
    image.reorder_item(first, group, 0)
    return {"result": brief(call("hints", image, [first], description="red and two dabs"))}


@story
def several_layers_one_after_the_other():
    image, layer = make_image(base="rgb")
    other = layer.copy()
    image.insert_layer(other, None, 0)
    before = len(image.get_layers())
    found = brief(call("description", image, [layer, other], description="a red pair"))
    return {**found, "more": len(image.get_layers()) - before}


@story
def two_regions_on_one_photo():
    image, layer = make_image(base="rgb")
    select(image, 0, 0, 8, 16)
    one = call("region", image, [layer], description="a green dress")
    select(image, 12, 0, 8, 16)
    two = call("region", image, [layer], description="a blue coat")
    Gimp.Selection.none(image)
    before = state(image)
    image.undo_group_start()
    image.undo_group_end()
    made = brief(call("description", image, [layer], description="people, a red wall"))
    return {"done": [one["done"], two["done"]], "made": made, "channels": len(image.get_channels()),
            "layers before": len(before["layers"])}  # fmt: skip


@story
def a_parasite_that_names_a_file():
    folder = os.path.dirname(REPORT)
    pipe, deep = os.path.join(folder, "pipe"), "[" * 200_000
    if not os.path.exists(pipe):
        os.mkfifo(pipe)
    found = {}
    for name, uri in {
        "zero": "file:///dev/zero",
        "pipe": "file://" + pipe,
        "web": "http://127.0.0.1:9/x.png",
        "strange": "file://" + os.path.join(folder, "photo.png"),
    }.items():
        image, layer = make_image(base="rgb")
        made = call("description", image, [layer], description="red for a parasite")["layer"]
        settings = json.loads(notes(made)["photochrom-settings"]) | {"reference": "ab" * 32}
        origin = json.loads(notes(made)["photochrom-origin"]) | {"reference": uri}
        for note, value in (("photochrom-settings", settings), ("photochrom-origin", origin)):
            data = list(json.dumps(value).encode())
            made.attach_parasite(Gimp.Parasite.new(note, Gimp.PARASITE_PERSISTENT, data))
        found[name] = brief(call("again", image, [made]))
        image.delete()
    for note in ("photochrom-settings", "photochrom-origin", "photochrom-hints"):
        image, layer = make_image(base="rgb")
        made = call("description", image, [layer], description="red with deep notes")["layer"]
        made.attach_parasite(Gimp.Parasite.new(note, Gimp.PARASITE_PERSISTENT, list(deep.encode())))
        found["deep " + note] = brief(call("description", image, [layer], description="red deep"))
        image.delete()
    for uri in ("file:///dev/zero", "file://" + pipe):
        image, layer = make_image(base="rgb")
        found["given " + uri[-4:]] = brief(
            call("reference", image, [layer], reference=Gio.File.new_for_uri(uri))
        )
        image.delete()
    return found


@story
def a_reference_that_is_not_there():
    image, layer = make_image(base="rgb")
    absent = Gio.File.new_for_path(os.path.join(os.path.dirname(REPORT), "absent.png"))
    return brief(call("reference", image, [layer], reference=absent))


def opened_again(image, suffix):
    """Save an image as a file of another program, and open it."""
    file = Gio.File.new_for_path(os.path.join(os.path.dirname(REPORT), "export." + suffix))
    assert Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, file, None)
    return Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, file)


@story
def files_of_other_programs():
    """Save a colour layer with a region, and a whole coloured photo, as PSD and OpenRaster."""
    found = {}
    for suffix in ("psd", "ora"):
        image, layer = make_image(base="rgb")
        select(image, 4, 3, 12, 9)
        call("description", image, [layer], description="a red hat for export")
        Gimp.Selection.none(image)
        again = opened_again(image, suffix)
        found[suffix] = {
            "layers": [
                [one.get_name(), int(one.get_mode()), one.get_mask() is not None]
                for one in again.get_layers()
            ],
            "lch": int(Gimp.LayerMode.LCH_COLOR),
            "before": visible(image),
            "after": visible(again),
        }
        image, layer = make_image(base="rgb")
        call("description", image, [layer], description="a red whole", output="rgb-layer")
        again = opened_again(image, suffix)
        name = again.get_layers()[0].get_name()
        found[suffix]["whole"] = {"name": name, "before": visible(image), "after": visible(again)}
    return found


@story
def the_guides_batch():
    """Run the example of the guide in a folder with a damaged scan."""
    folder = os.path.dirname(REPORT)
    os.makedirs(os.path.join(folder, "scans"), exist_ok=True)
    with open(os.path.join(folder, "scans", "a.png"), "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n and then nothing")
    image, _layer = make_image()
    scan = Gio.File.new_for_path(os.path.join(folder, "scans", "b.png"))
    assert Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, scan, None)
    os.chdir(folder)
    with open(os.path.join(folder, "batch.py"), encoding="utf-8") as file:
        exec(compile(file.read(), "batch.py", "exec"), {})
    return {"files": sorted(os.listdir("scans"))}


tell_all()
