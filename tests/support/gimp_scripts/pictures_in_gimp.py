"""Makes images of every kind inside GIMP, calls the procedures, and notes what came of it."""

import base64
import hashlib
import os
import sys
import time

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
from gi.repository import Gegl, Gimp, Gio  # noqa: E402

WIDTH, HEIGHT = 24, 16
PRECISIONS = {
    "u8": Gimp.Precision.U8_NON_LINEAR,
    "u8-linear": Gimp.Precision.U8_LINEAR,
    "u16": Gimp.Precision.U16_NON_LINEAR,
    "u32": Gimp.Precision.U32_NON_LINEAR,
    "half": Gimp.Precision.HALF_NON_LINEAR,
    "float": Gimp.Precision.FLOAT_NON_LINEAR,
    "float-linear": Gimp.Precision.FLOAT_LINEAR,
}
# Babl's models that hold such an image's samples exactly.
EXACT = {
    "u8": "R'G'B'A u8",
    "u8-linear": "RGBA u8",
    "u16": "R'G'B'A u16",
    "u32": "R'G'B'A u16",  # GIMP itself goes through floats when grey becomes RGB
    "half": "R'G'B'A half",
    "float": "R'G'B'A float",
    "float-linear": "RGBA float",
}
BASES = {"grey": Gimp.ImageBaseType.GRAY, "rgb": Gimp.ImageBaseType.RGB}
TYPES = {
    ("grey", False): Gimp.ImageType.GRAY_IMAGE,
    ("grey", True): Gimp.ImageType.GRAYA_IMAGE,
    ("rgb", False): Gimp.ImageType.RGB_IMAGE,
    ("rgb", True): Gimp.ImageType.RGBA_IMAGE,
}


def ramp(width, height):
    """Return smooth grey bytes from rather dark to light."""
    return bytes(50 + x * 120 // max(width - 1, 1) + y * 80 // max(height - 1, 1)
                 for y in range(height) for x in range(width))  # fmt: skip


def make_image(base="grey", precision="u8", alpha=False, size=None, canvas=None, offset=(0, 0),
               group=False, mask=False, selection=None, indexed=False, profile=None):  # fmt: skip
    """Make an image with one photo; return it and the layer."""
    width, height = size or (WIDTH, HEIGHT)
    canvas = canvas or (width, height)
    image = Gimp.Image.new_with_precision(*canvas, BASES[base], PRECISIONS[precision])
    if profile:
        assert image.set_color_profile(getattr(Gimp.ColorProfile, "new_" + profile)())
    layer = Gimp.Layer.new(
        image, "photo", width, height, TYPES[base, alpha], 100, Gimp.LayerMode.NORMAL
    )
    fill(layer, "Y' u8", ramp(width, height))
    if alpha:
        values = bytearray()
        for at, grey in enumerate(ramp(width, height)):
            values += bytes((grey, (at * 7) % 256))
        fill(layer, "Y'A u8", bytes(values))
    parent = None
    if group:
        parent = Gimp.GroupLayer.new(image, "group")
        image.insert_layer(parent, None, 0)
    image.insert_layer(layer, parent, 0)
    layer.set_offsets(*offset)
    if mask:
        made = layer.create_mask(Gimp.AddMaskType.WHITE)
        layer.add_mask(made)
        fill(made, "Y u8", bytes(at * 3 % 256 for at in range(width * height)))
        layer.set_edit_mask(False)
    if indexed:
        image.convert_indexed(
            Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 64, False, False, ""
        )
    if selection:
        x, y, w, h, feather = selection
        image.select_rectangle(Gimp.ChannelOps.REPLACE, x, y, w, h)
        if feather:
            Gimp.Selection.feather(image, feather)
    return image, layer


def area_of(drawable):
    return Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height())


def fill(drawable, model, data):
    buffer = drawable.get_buffer()
    buffer.set(area_of(drawable), model, data)
    buffer.flush()
    drawable.update(0, 0, drawable.get_width(), drawable.get_height())


def pixels(drawable, model="R'G'B'A float"):
    return drawable.get_buffer().get(area_of(drawable), 1.0, model, Gegl.AbyssPolicy.NONE)


def packed(drawable, model="R'G'B'A float"):
    """Return pixels as text, with their size."""
    data = base64.b64encode(bytes(pixels(drawable, model))).decode("ascii")
    return {"width": drawable.get_width(), "height": drawable.get_height(), "data": data}


def visible(image):
    """Return what one sees of the image."""
    seen = Gimp.Layer.new_from_visible(image, image, "seen")
    try:
        return packed(seen)
    finally:
        seen.delete()


def call(name, image, drawables=None, **arguments):
    """Run a procedure without a dialog; return what came of it."""
    procedure = Gimp.get_pdb().lookup_procedure("plug-in-photochrom-" + name)
    config = procedure.create_config()
    config.set_property("image", image)
    config.set_core_object_array("drawables", drawables or image.get_selected_drawables())
    for argument, value in arguments.items():
        if argument == "reference" and isinstance(value, str):
            value = Gio.File.new_for_path(value)
        config.set_property(argument.replace("_", "-"), value)
    began = time.monotonic()
    result = procedure.run(config)
    done = result.index(0) == Gimp.PDBStatusType.SUCCESS
    return {
        "done": done,
        "error": None if done else Gimp.get_pdb().get_last_error(),
        "layer": result.index(1) if done else None,
        "seconds": time.monotonic() - began,
    }


def call_here(name, image, drawables=None, **arguments):
    """Run a procedure's code in this process: GIMP takes half a second to start another."""
    sys.path.insert(0, os.path.join(Gimp.directory(), "plug-ins", "photochrom"))
    import photochrom

    sys.path.pop(0)
    name = "plug-in-photochrom-" + name
    procedure = Gimp.get_pdb().lookup_procedure(name)
    config = procedure.create_config()
    for argument, value in arguments.items():
        if argument == "reference" and isinstance(value, str):
            value = Gio.File.new_for_path(value)
        config.set_property(argument.replace("_", "-"), value)
    entry = photochrom.COLORIZERS.get(name) or photochrom.IMAGE_ENTRIES[name]
    drawables = drawables or image.get_selected_drawables()
    mode = Gimp.RunMode.NONINTERACTIVE
    result = photochrom.run(procedure, mode, image, drawables, config, entry)
    status = result.index(0)
    done = status == Gimp.PDBStatusType.SUCCESS
    return {
        "done": done,
        "status": status.value_nick,
        "error": None if done else str(result.index(1)),
        "layer": result.index(1) if done else None,
    }


def notes(layer):
    return {name: bytes(layer.get_parasite(name).get_data()).decode("ascii")
            for name in layer.get_parasite_list()}  # fmt: skip


def every_layer(image):
    """Yield all layers with those in groups, from top to bottom."""

    def walk(layers):
        for layer in layers:
            yield layer
            if layer.is_group_layer():
                yield from walk(layer.get_children())

    yield from walk(image.get_layers())


def state(image):
    """Note everything of an image that a person could miss after an undo."""
    return {
        "base": int(image.get_base_type()),
        "size": [image.get_width(), image.get_height()],
        "profile": bool(image.get_color_profile()),
        "selection": digest(image.get_selection(), "Y float"),
        "selected": [item.get_id() for item in image.get_selected_drawables()],
        "layers": [
            {
                "id": layer.get_id(),
                "name": layer.get_name(),
                "parent": layer.get_parent() and layer.get_parent().get_id(),
                "offsets": list(layer.get_offsets())[1:],
                "kind": int(layer.type()),
                "mode": int(layer.get_mode()),
                "visible": layer.get_visible(),
                # As integers: to floats babl takes what path it finds fastest, and their last bits
                # differ.
                "pixels": digest(layer, "R'G'B'A u16"),
                "mask": layer.get_mask() and digest(layer.get_mask(), "Y float"),
                "notes": notes(layer),
            }
            for layer in every_layer(image)
        ],
    }


def digest(drawable, model="R'G'B'A float"):
    return hashlib.sha256(bytes(pixels(drawable, model))).hexdigest()
