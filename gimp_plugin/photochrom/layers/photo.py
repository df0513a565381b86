"""The photo that is colored: a layer, or all that is visible, as pixels and places.

Pixels leave in sRGB whatever the image's own profile and precision are: babl's named formats are
sRGB, and GEGL converts between them and the image's space.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import gi
from api.errors import Unusable
from api.pixels import Pixels
from api.texts import _

from layers.parasites import COLOR_LAYER, THING_LAYERS, every_layer, is_ours, photo_of

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
from gi.repository import Gegl, Gimp  # noqa: E402

# Channels of ``Pixels`` -> babl's model, perceptual and with straight alpha.
MODELS = {1: "Y'", 2: "Y'A", 3: "R'G'B'", 4: "R'G'B'A"}
TYPES = {"uint8": "u8", "uint16": "u16", "float32": "float"}
COVERAGE = "Y u8"  # of masks and the selection, which are linear
ONE = 0x3F800000  # 1.0 as the bits of a float32
EIGHT_BIT = (Gimp.Precision.U8_NON_LINEAR, Gimp.Precision.U8_PERCEPTUAL)
SIXTEEN_BIT = (
    Gimp.Precision.U8_LINEAR,  # eight linear bits are about twelve perceptual ones in the shadows
    Gimp.Precision.U16_LINEAR,
    Gimp.Precision.U16_NON_LINEAR,
    Gimp.Precision.U16_PERCEPTUAL,
)


@dataclass(frozen=True)
class Photo:
    """What is colored.

    Attributes:
        layer: the layer; with ``is_visible`` the one that stands for all that is visible.
        is_visible: whether all that is visible is colored, less what Photochrom made.
    """

    image: Gimp.Image
    layer: Gimp.Layer
    is_visible: bool = False

    @property
    def extent(self) -> tuple[int, int, int, int]:
        """Left, top, width and height in the image."""
        if self.is_visible:
            return 0, 0, self.image.get_width(), self.image.get_height()
        _ok, x, y = self.layer.get_offsets()
        return x, y, self.layer.get_width(), self.layer.get_height()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.extent[2:]

    def read(self, output: str) -> Pixels:
        """Read it at full size.

        Gray layers give gray, with alpha where the layer has it. So do colored ones for layers of
        color alone, whose lightness nobody sees. The samples are as deep as the image's, except
        that floats outside [0, 1], which the server has no use for, are cut to 16 bits.
        """
        with self._drawable() as drawable:
            is_color = output in (COLOR_LAYER, THING_LAYERS)
            channels = (1 if is_color or drawable.is_gray() else 3) + drawable.has_alpha()
            precision = self.image.get_precision()
            if precision in EIGHT_BIT:
                return self._get(drawable, channels, "uint8")
            if precision in SIXTEEN_BIT or is_color:
                return self._get(drawable, channels, "uint16")
            pixels = self._get(drawable, channels, "float32")
            # As integers, the floats of [0, 1] are the smallest: nan, infinity, minus are above.
            if max(memoryview(pixels.data).cast("B").cast("I")) > ONE:
                return self._get(drawable, channels, "uint16")
            return pixels

    def read_small(self, longest: int) -> Pixels:
        """Read a reduced copy, (h, w, 1) uint8, whose long side has ``longest`` pixels at most."""
        with self._drawable() as drawable:
            return self._get(drawable, 1, "uint8", min(1.0, longest / max(self.size)))

    def read_mask(self, drawable: Gimp.Drawable, scale: float = 1.0) -> Pixels:
        """Read a channel, a mask or the selection where it lies on the photo: (H, W, 1) uint8."""
        return Pixels(*read_at(drawable, self.extent, COVERAGE, scale), "uint8")

    def selection(self, scale: float = 1.0) -> Pixels | None:
        """Read the selection on the photo; None where nothing is selected.

        Raises:
            Unusable: it lies outside of the photo.
        """
        if Gimp.Selection.is_empty(self.image):
            return None
        mask = self.read_mask(self.image.get_selection(), scale)
        data = bytes(mask.data)
        if data.count(0) == len(data) and scale == 1.0:
            raise Unusable(
                _(
                    "the selection lies outside of the layer '{name}': select a part of the layer, "
                    "or nothing (Select > None)"
                ).format(name=self.layer.get_name())
            )
        return mask

    def _get(
        self, drawable: Gimp.Drawable, channels: int, dtype: str, scale: float = 1.0
    ) -> Pixels:
        _x, _y, width, height = self.extent
        form = f"{MODELS[channels]} {TYPES[dtype]}"
        area = _scaled((0, 0, width, height), scale)
        data = drawable.get_buffer().get(area, scale, form, Gegl.AbyssPolicy.CLAMP)
        return Pixels(data, (area.height, area.width, channels), dtype)

    @contextmanager
    def _drawable(self) -> Iterator[Gimp.Layer]:
        """Give what holds the pixels, with the layer's non-destructive filters applied."""
        if self.is_visible:
            ours = [layer for layer in every_layer(self.image) if is_ours(layer)]
            with projection(self.image, ours) as seen:
                yield seen
        elif not self.layer.get_filters():
            yield self.layer
        else:
            copy = self.layer.copy()
            try:
                copy.merge_filters()
                yield copy
            finally:
                copy.delete()


@contextmanager
def projection(image: Gimp.Image, without: Sequence[Gimp.Layer]) -> Iterator[Gimp.Layer]:
    """Give what one would see of an image without some of its layers; the image is not touched."""
    copy = image.duplicate()
    try:
        # Both have the same layers in the same order; a group takes its members along.
        pairs = zip(list(every_layer(image)), list(every_layer(copy)), strict=True)
        for other in [twin for layer, twin in pairs if layer in without]:
            if other.is_valid():
                copy.remove_layer(other)
        seen = Gimp.Layer.new_from_visible(copy, copy, "visible")
        yield seen
        seen.delete()
    finally:
        copy.delete()


def read_at(
    drawable: Gimp.Drawable, extent: tuple[int, int, int, int], form: str, scale: float = 1.0
) -> tuple[bytes, tuple[int, int, int]]:
    """Read what a drawable has at a place of the image, as samples and (H, W, channels)."""
    _ok, x, y = drawable.get_offsets()
    area = _scaled((extent[0] - x, extent[1] - y, extent[2], extent[3]), scale)
    data = bytes(drawable.get_buffer().get(area, scale, form, Gegl.AbyssPolicy.NONE))
    return data, (area.height, area.width, len(data) // (area.width * area.height))


def _scaled(extent: tuple[int, int, int, int], scale: float) -> Gegl.Rectangle:
    x, y, width, height = (round(side * scale) for side in extent)
    return Gegl.Rectangle.new(x, y, max(1, width), max(1, height))


def selected_photos(image: Gimp.Image, drawables: Sequence[Gimp.Drawable]) -> list[Gimp.Layer]:
    """Return the photos that the selected layers are or belong to, each once.

    Raises:
        Unusable: there is none, or one that cannot be colored.
    """
    if not drawables:
        raise Unusable(_("no layer is selected: select the one that is to be colored"))
    photos: list[Gimp.Layer] = []
    for drawable in drawables:
        layer = selected_layer(drawable)
        photo = photo_of(image, layer)
        if is_blank(photo):
            raise Unusable(
                _("the layer '{name}' is empty: select the photo that is to be colored").format(
                    name=photo.get_name()
                )
            )
        if photo not in photos:
            photos.append(photo)
    floating = image.get_floating_sel()
    if floating is not None:
        raise Unusable(
            _(
                "'{name}' floats: anchor it (Layer > Anchor Layer) or make it a layer "
                "(Layer > To New Layer), and try again"
            ).format(name=floating.get_name())
        )
    return photos


def selected_layer(drawable: Gimp.Drawable) -> Gimp.Layer:
    """Return the layer that is selected; for a layer's mask, its layer.

    Raises:
        Unusable: it is a channel.
    """
    if isinstance(drawable, Gimp.LayerMask):
        drawable = Gimp.Layer.from_mask(drawable)
    if not isinstance(drawable, Gimp.Layer):
        raise Unusable(
            _("'{name}' is a channel: select the layer that is to be colored").format(
                name=drawable.get_name()
            )
        )
    return drawable


def is_blank(layer: Gimp.Layer) -> bool:
    """Tell whether a layer holds nothing; read on at most 512 samples a side."""
    if not layer.has_alpha():
        return False
    extent = (*layer.get_offsets()[1:], layer.get_width(), layer.get_height())
    alpha, _shape = read_at(layer, extent, "A u8", min(1.0, 512 / max(extent[2:])))
    return not any(alpha)
