"""Colored pixels as new layers above the photo."""

from __future__ import annotations

import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import gi
from api.errors import Unusable
from api.pixels import ITEM_SIZES, Pixels
from api.settings import Settings
from api.texts import _

from layers.parasites import RGB_LAYER, Origin, attach_result, results_of
from layers.photo import COVERAGE, MODELS, TYPES, Photo

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
from gi.repository import Gegl, Gimp  # noqa: E402

STRIP = 256  # rows that are written at a time: no second copy of a large layer is made
MAX_NAME = 60  # letters of a layer's name

# Type of an array's items, and what is opaque among them.
ARRAYS: dict[str, tuple[str, Any]] = {
    "uint8": ("B", 255),
    "uint16": ("H", 65535),
    "float32": ("f", 1.0),
}


@dataclass(frozen=True)
class NewLayer:
    """A layer to be made.

    Attributes:
        masks: of the photo's size; all but the last go into the alpha, which leaves the last one
            to be painted on. A group gets their product.
    """

    name: str
    settings: Settings
    origin: Origin
    masks: tuple[Pixels, ...] = field(default=())


@contextmanager
def one_undo_step(image: Gimp.Image) -> Iterator[None]:
    """Make what happens inside one step of the undo history."""
    image.undo_group_start()
    try:
        yield
    finally:
        image.undo_group_end()


def check_unchanged(photo: Photo, pixels: Pixels) -> None:
    """Refuse a photo that was deleted or got another size while the server was at work.

    One that was painted on meanwhile gets the colors of what it was.

    Raises:
        Unusable: it was or did.
    """
    if not photo.image.is_valid() or not photo.layer.is_valid():
        raise Unusable(_("the layer was deleted meanwhile; nothing was changed"))
    if photo.size != (pixels.width, pixels.height):
        raise Unusable(_("the layer got another size meanwhile; nothing was changed: try again"))


def place_above(photo: Photo) -> tuple[Gimp.Layer | None, int]:
    """Choose the group and position above a photo and above what was already made from it."""
    image, layer = photo.image, photo.layer
    parent = layer.get_parent()
    if photo.is_visible:
        while parent is not None:
            layer, parent = parent, parent.get_parent()
    siblings = parent.get_children() if parent else image.get_layers()
    place = 0 if photo.is_visible else siblings.index(layer)
    results = results_of(image, photo.layer)
    while place > 0 and siblings[place - 1] in results:
        place -= 1
    return parent, place


def insert(
    photo: Photo,
    new: NewLayer,
    pixels: Pixels,
    place: tuple[Gimp.Layer | None, int],
    opacity: float,
) -> Gimp.Layer:
    """Put a new layer at a place; call it inside ``one_undo_step``, in an RGB image."""
    is_whole = new.origin.output == RGB_LAYER
    mode = Gimp.LayerMode.NORMAL if is_whole else Gimp.LayerMode.LCH_COLOR
    width, height = pixels.width, pixels.height
    layer = Gimp.Layer.new(
        photo.image, new.name, width, height, Gimp.ImageType.RGBA_IMAGE, opacity, mode
    )
    try:
        _fill(layer, pixels)
        attach_result(layer, new.settings, new.origin)
        photo.image.insert_layer(layer, *place)
        layer.set_offsets(*photo.extent[:2])
        for mask in new.masks:
            add_mask(layer, mask)
    except BaseException:
        # Nothing half-made may stay.
        if layer.is_attached():
            photo.image.remove_layer(layer)
        else:
            layer.delete()
        raise
    layer.update(0, 0, width, height)
    return layer


def add_mask(layer: Gimp.Layer, pixels: Pixels) -> None:
    """Give a layer a mask; one that it has goes into its alpha."""
    if layer.get_mask() is not None:
        layer.remove_mask(Gimp.MaskApplyMode.APPLY)
    mask = layer.create_mask(Gimp.AddMaskType.WHITE)
    layer.add_mask(mask)
    buffer = mask.get_buffer()
    area = Gegl.Rectangle.new(0, 0, pixels.width, pixels.height)
    buffer.set(area, COVERAGE, bytes(pixels.data))
    buffer.flush()
    mask.update(0, 0, pixels.width, pixels.height)
    layer.set_edit_mask(False)  # what is painted next goes onto the layer


def _fill(layer: Gimp.Layer, pixels: Pixels) -> None:
    data = memoryview(pixels.data).cast("B")
    row = pixels.width * pixels.channels * ITEM_SIZES[pixels.dtype]
    # GEGL would ignore data of another size in silence.
    assert len(data) == row * pixels.height
    form = f"{MODELS[4]} {TYPES[pixels.dtype]}"
    buffer = layer.get_buffer()
    for top in range(0, pixels.height, STRIP):
        rows = min(STRIP, pixels.height - top)
        strip = data[top * row : (top + rows) * row]
        # Anything but bytes would be taken apart into one Python number for each.
        buffer.set(
            Gegl.Rectangle.new(0, top, pixels.width, rows),
            form,
            bytes(strip) if pixels.channels == 4 else _with_alpha(strip, pixels.dtype),
        )
    buffer.flush()


def _with_alpha(rgb: memoryview, dtype: str) -> bytes:
    """Add an opaque alpha to RGB samples: babl does the same, after half a second's thought."""
    code, opaque = ARRAYS[dtype]
    samples: array.array[Any] = array.array(code)
    samples.frombytes(rgb)
    whole: array.array[Any] = array.array(code, [opaque]) * (len(samples) // 3 * 4)
    for channel in range(3):
        whole[channel::4] = samples[channel::3]
    return whole.tobytes()


def layer_name(words: str, otherwise: str) -> str:
    """Name a layer after a description, cut to a readable length."""
    name = " ".join(words.split()) or otherwise
    return name if len(name) <= MAX_NAME else name[: MAX_NAME - 1].rstrip() + "…"
