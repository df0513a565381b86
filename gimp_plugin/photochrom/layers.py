"""Layers of GIMP as pixels, and coloured pixels as new layers.

Pixels leave and enter in sRGB whatever the image's own profile and precision are: babl's named
formats are sRGB, and GEGL converts between them and the image's space.
"""

from __future__ import annotations

import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import gi
from failures import Failure
from origin import COLOR_LAYER, ORIGIN, Origin, attach
from pixels import ITEM_SIZES, Pixels
from settings import PARASITE, Settings

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
from gi.repository import Gegl, Gimp  # noqa: E402

STRIP = 256  # rows that are written at a time: no second copy of a large layer is made
MAX_NAME = 60  # letters of a layer's name

# Channels of ``Pixels`` -> babl's model, perceptual and with straight alpha.
MODELS = {1: "Y'", 2: "Y'A", 3: "R'G'B'", 4: "R'G'B'A"}
TYPES = {"uint8": "u8", "uint16": "u16", "float32": "float"}
# Type of an array's items, and what is opaque among them.
ARRAYS: dict[str, tuple[str, Any]] = {
    "uint8": ("B", 255),
    "uint16": ("H", 65535),
    "float32": ("f", 1.0),
}
ONE = 0x3F800000  # 1.0 as the bits of a float32
EIGHT_BIT = (Gimp.Precision.U8_NON_LINEAR, Gimp.Precision.U8_PERCEPTUAL)
SIXTEEN_BIT = (
    Gimp.Precision.U8_LINEAR,  # eight linear bits are about twelve perceptual ones in the shadows
    Gimp.Precision.U16_LINEAR,
    Gimp.Precision.U16_NON_LINEAR,
    Gimp.Precision.U16_PERCEPTUAL,
)


class Unusable(Failure):
    """What is selected cannot be coloured; the message says what to select instead."""


def selected_layer(drawables: Sequence[Gimp.Drawable]) -> Gimp.Layer:
    """Return the one layer among what is selected; for a layer's mask, the layer.

    Raises:
        Unusable: there is none, or several.
    """
    if len(drawables) != 1:
        raise Unusable(f"{len(drawables)} layers are selected: select the one to be coloured")
    drawable = drawables[0]
    if isinstance(drawable, Gimp.LayerMask):
        drawable = Gimp.Layer.from_mask(drawable)
    if not isinstance(drawable, Gimp.Layer):
        raise Unusable("a channel is selected: select the layer that is to be coloured")
    return drawable


def read(layer: Gimp.Layer, output: str) -> Pixels:
    """Read a layer at full size, in its own coordinates.

    Grey layers give grey, with alpha where the layer has it. So do coloured ones for a layer of
    colour alone, whose lightness nobody sees. The samples are as deep as the image's, except that
    floats outside [0, 1], which the server has no use for, are cut to 16 bits.
    """
    grey = output == COLOR_LAYER or layer.is_gray()
    channels = (1 if grey else 3) + layer.has_alpha()
    precision = layer.get_image().get_precision()
    if precision in EIGHT_BIT:
        return _get(layer, channels, "uint8")
    if precision in SIXTEEN_BIT or output == COLOR_LAYER:
        return _get(layer, channels, "uint16")
    pixels = _get(layer, channels, "float32")
    # As integers, the floats of [0, 1] are the smallest: nan, infinity and minus are above.
    if max(memoryview(pixels.data).cast("B").cast("I")) > ONE:
        return _get(layer, channels, "uint16")
    return pixels


def read_small(layer: Gimp.Drawable, longest: int, *, colour: bool = False) -> Pixels:
    """Read a reduced copy, (h, w, 1 or 3) uint8, whose long side has ``longest`` pixels at most."""
    width, height = layer.get_width(), layer.get_height()
    scale = min(1.0, longest / max(width, height))
    return _get(
        layer, 3 if colour else 1, "uint8", scale, (round(width * scale), round(height * scale))
    )


def read_paint(layer: Gimp.Layer) -> Pixels:
    """Read (H, W, 4) uint8 at full size: colours and how thick they are."""
    return _get(layer, 4, "uint8")


def sample_alpha(layer: Gimp.Layer) -> bytes:
    """Read a layer's alpha, reduced to at most 256 samples a side: (h * w) uint8."""
    longest = max(layer.get_width(), layer.get_height())
    scale = min(1.0, 256 / longest)
    area = Gegl.Rectangle.new(
        0, 0, max(1, int(layer.get_width() * scale)), max(1, int(layer.get_height() * scale))
    )
    return bytes(layer.get_buffer().get(area, scale, "A u8", Gegl.AbyssPolicy.NONE))


def _get(
    layer: Gimp.Drawable,
    channels: int,
    dtype: str,
    scale: float = 1.0,
    size: tuple[int, int] | None = None,
) -> Pixels:
    width, height = size or (layer.get_width(), layer.get_height())
    width, height = max(width, 1), max(height, 1)
    area = Gegl.Rectangle.new(0, 0, width, height)
    data = layer.get_buffer().get(
        area, scale, f"{MODELS[channels]} {TYPES[dtype]}", Gegl.AbyssPolicy.CLAMP
    )
    return Pixels(data, (height, width, channels), dtype)


@contextmanager
def one_undo_step(image: Gimp.Image) -> Iterator[None]:
    """Make what happens inside one step of the undo history."""
    image.undo_group_start()
    try:
        yield
    finally:
        image.undo_group_end()


def insert(
    image: Gimp.Image,
    source: Gimp.Layer,
    pixels: Pixels,
    *,
    name: str,
    settings: Settings,
    origin: Origin,
) -> Gimp.Layer:
    """Put a new layer with these pixels above ``source``, shown where ``source`` and selection are.

    Call it inside ``one_undo_step``. A grey or indexed image becomes RGB.

    Raises:
        Unusable: the layer changed or vanished meanwhile.
    """
    if not image.is_valid() or not source.is_valid():
        raise Unusable("the layer was deleted meanwhile; nothing was changed")
    if (source.get_width(), source.get_height()) != (pixels.width, pixels.height):
        raise Unusable("the layer got another size meanwhile; nothing was changed: try again")
    if image.get_base_type() != Gimp.ImageBaseType.RGB:
        image.convert_rgb()
    mode = Gimp.LayerMode.LCH_COLOR if origin.output == COLOR_LAYER else Gimp.LayerMode.NORMAL
    layer = Gimp.Layer.new(
        image, name, pixels.width, pixels.height, Gimp.ImageType.RGBA_IMAGE, 100.0, mode
    )
    try:
        _set(layer, pixels)
        attach(layer, PARASITE, settings.to_json())
        attach(layer, ORIGIN, origin.to_json())
        image.insert_layer(layer, source.get_parent(), _place(image, source))
        _, x, y = source.get_offsets()
        layer.set_offsets(x, y)
        _mask(image, source, layer)
    except BaseException:
        # Nothing half-made may stay.
        if layer.is_attached():
            image.remove_layer(layer)
        else:
            layer.delete()
        raise
    layer.update(0, 0, pixels.width, pixels.height)
    return layer


def _set(layer: Gimp.Layer, pixels: Pixels) -> None:
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


def _place(image: Gimp.Image, source: Gimp.Layer) -> int:
    """Choose the position above ``source`` and above what was already made from it."""
    place = int(image.get_item_position(source))
    parent = source.get_parent()
    siblings = parent.get_children() if parent else image.get_layers()
    tattoo = source.get_tattoo()
    while place > 0:
        origin = Origin.of(siblings[place - 1])
        if origin is None or origin.source != tattoo:
            break
        place -= 1
    return place


def _mask(image: Gimp.Image, source: Gimp.Layer, layer: Gimp.Layer) -> None:
    """Show ``layer`` only where the source's mask and the selection are, soft edges included.

    The one that is alone stays a mask; with both, the source's goes into the alpha.
    """
    selected = not Gimp.Selection.is_empty(image)
    theirs = source.get_mask()
    if theirs is not None and source.get_apply_mask():
        mine = layer.create_mask(Gimp.AddMaskType.WHITE)
        layer.add_mask(mine)
        area = Gegl.Rectangle.new(0, 0, layer.get_width(), layer.get_height())
        buffer = mine.get_buffer()
        theirs.get_buffer().copy(area, Gegl.AbyssPolicy.NONE, buffer, area)
        buffer.flush()
        mine.update(0, 0, layer.get_width(), layer.get_height())
        if selected:
            layer.remove_mask(Gimp.MaskApplyMode.APPLY)
    if selected:
        layer.add_mask(layer.create_mask(Gimp.AddMaskType.SELECTION))
    if layer.get_mask() is not None:
        layer.set_edit_mask(False)  # what is painted next goes onto the layer


def layer_name(words: str, otherwise: str) -> str:
    """Name a layer after a description, cut to a readable length."""
    name = " ".join(words.split()) or otherwise
    return name if len(name) <= MAX_NAME else name[: MAX_NAME - 1].rstrip() + "…"
