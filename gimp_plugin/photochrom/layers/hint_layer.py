"""Layers of hints: where a person paints dabs of the colors that the photo shall have."""

from __future__ import annotations

import base64
import json
import re
import zlib
from array import array
from collections.abc import Sequence

import gi
from api.errors import Unusable
from api.pixels import Pixels
from api.settings import read_object
from api.texts import _

from layers.parasites import attach, get_note, hint_layers, mark_hints
from layers.photo import Photo, read_at

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
from gi.repository import Gegl, Gimp  # noqa: E402

PAINT = "photochrom-paint"  # on a result: the paint that it followed, for when its layer is gone
MAX_PAINT = 2_000_000  # letters; more is not kept
MAX_SAMPLES = 400_000_000
DAB = 0.012  # radius of a dab that is laid for the person, as a share of the short side
SAME_LOOK = 12  # of 255, the mean difference that retouching may make
OPAQUE = re.compile(rb"[\x80-\xff]+")  # thinner paint does not count
# In a reduced copy a dab smaller than its pixels looks thin, however opaque it is.
REDUCED = re.compile(rb"[\x01-\xff]+")
BLANK = bytes(4)


def how() -> str:
    """Say how to give hints."""
    return _("choose Colors > Photochrom > New Dab Layer, paint dabs of color on it, and try again")


def new_hint_layer(photo: Photo) -> Gimp.Layer:
    """Add a transparent layer for dabs, as large as the photo, above it; a gray image becomes RGB.

    Call it inside ``one_undo_step``.
    """
    image = photo.image
    left, top, width, height = photo.extent
    if image.get_base_type() != Gimp.ImageBaseType.RGB:
        image.convert_rgb()  # in a gray image all dabs would be gray
    layer = Gimp.Layer.new(
        image,
        _("Dabs"),
        width,
        height,
        Gimp.ImageType.RGBA_IMAGE,
        100.0,
        Gimp.LayerMode.NORMAL,
    )
    image.insert_layer(layer, photo.layer.get_parent(), 0)
    layer.set_offsets(left, top)
    mark_hints(layer, photo.layer)
    image.set_selected_layers([layer])
    return layer


def lay_dab(photo: Photo, place: tuple[float, float], color: str) -> None:
    """Paint a dab on the uppermost dab layer that reaches there, which is made if there is none.

    Call it inside ``one_undo_step``; ``place`` is given as shares of the photo's size.
    """
    image = photo.image
    left, top, width, height = photo.extent
    radius = max(2.0, DAB * min(width, height))
    x, y = left + place[0] * width, top + place[1] * height
    reaching = (one for one in hint_layers(image, photo.layer) if _reaches(one, x, y))
    layer = next(reaching, None) or new_hint_layer(photo)
    kept = None if Gimp.Selection.is_empty(image) else Gimp.Selection.save(image)
    Gimp.context_push()
    try:
        Gimp.context_set_antialias(False)
        Gimp.context_set_feather(False)
        Gimp.context_set_opacity(100.0)
        Gimp.context_set_paint_mode(Gimp.LayerMode.NORMAL)
        Gimp.context_set_foreground(Gegl.Color.new(color))
        image.select_ellipse(
            Gimp.ChannelOps.REPLACE, x - radius, y - radius, 2 * radius, 2 * radius
        )
        layer.edit_fill(Gimp.FillType.FOREGROUND)
    finally:
        Gimp.context_pop()
        Gimp.Selection.none(image)
        if kept is not None:
            image.select_item(Gimp.ChannelOps.REPLACE, kept)
            image.remove_channel(kept)
        image.set_selected_layers([layer])


def _reaches(layer: Gimp.Layer, x: float, y: float) -> bool:
    """Tell whether a place of the image lies on a layer; what is painted beside it is lost."""
    left, top = map(int, layer.get_offsets()[1:])
    x, y = x - left, y - top
    return 0 <= x < int(layer.get_width()) and 0 <= y < int(layer.get_height())


def read_hints(layers: Sequence[Gimp.Layer], photo: Photo, scale: float = 1.0) -> Pixels:
    """Read the paint of layers, the uppermost first, where it lies on the photo: (H, W, 4) uint8.

    Paint that is less than half opaque is left out; the rest keeps its alpha, which is how sure it
    is. In a reduced copy all paint is there.

    Raises:
        Unusable: there is no paint on the photo, or all of it is gray in a gray image.
    """
    canvas, shape = bytearray(), (1, 1, 4)
    counting = OPAQUE if scale == 1.0 else REDUCED
    for layer in reversed(layers):
        data, shape = read_at(layer, photo.extent, "R'G'B'A u8", scale)
        canvas = canvas or bytearray(len(data))
        for run in counting.finditer(data[3::4]):
            canvas[4 * run.start() : 4 * run.end()] = data[4 * run.start() : 4 * run.end()]
    names = ", ".join(f"'{layer.get_name()}'" for layer in layers)
    if scale == 1.0 and OPAQUE.search(canvas[3::4]) is None:
        raise Unusable(
            _("{names} has no dabs of opaque color on the photo: {how}").format(
                names=names, how=how()
            )
        )
    if photo.image.get_base_type() == Gimp.ImageBaseType.GRAY:
        raise Unusable(
            _(
                "{names} can hold no color, because the image is gray: choose Image > Mode > RGB, "
                "and paint the dabs again"
            ).format(names=names)
        )
    return Pixels(bytes(canvas), shape, "uint8")


def keep_paint(layer: Gimp.Layer, hints: Pixels, photo: Photo) -> None:
    """Note on a result the paint that it followed; paint that is too detailed is left out."""
    data = base64.b64encode(zlib.compress(bytes(hints.data), 1)).decode("ascii")
    if len(data) <= MAX_PAINT:
        size = {"width": hints.width, "height": hints.height}
        attach(layer, PAINT, json.dumps({**size, "data": data, "look": _look(photo)}))


def kept_paint(layer: Gimp.Layer, photo: Photo) -> Pixels | None:
    """Read the paint that a result followed, for a photo that was scaled since.

    Returns None where there is none, or where the photo was cropped, turned or flipped, so that
    nobody knows where the paint belongs.
    """
    read = read_object(get_note(layer, PAINT) or b"") or {}
    try:
        width, height, text = int(read["width"]), int(read["height"]), str(read["data"])
        pairs = list(zip(_look(photo), read["look"], strict=True))
        count = 4 * width * height
        if not 0 < count <= MAX_SAMPLES:
            return None
        if sum(abs(now - int(then)) for now, then in pairs) > SAME_LOOK * len(pairs):
            return None
        data = zlib.decompressobj().decompress(base64.b64decode(text), count)
        return _resized(Pixels(data, (height, width, 4), "uint8"), photo.size)
    except (KeyError, TypeError, ValueError, zlib.error):
        return None


def _look(photo: Photo) -> list[int]:
    """Give the lightness (0 to 255) at 8 x 8 places, to tell a scaled photo from a changed one."""
    small = photo.read_small(64)
    rows = [(2 * y + 1) * small.height // 16 for y in range(8)]
    columns = [(2 * x + 1) * small.width // 16 for x in range(8)]
    return [bytes(small.data)[y * small.width + x] for y in rows for x in columns]


def _resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Take the nearest sample for each pixel of another size; most rows are blank."""
    width, height = size
    if (width, height) == (pixels.width, pixels.height):
        return pixels
    columns = [(2 * x + 1) * pixels.width // (2 * width) for x in range(width)]
    data, row = bytes(pixels.data), 4 * pixels.width
    lines = []
    for y in range(height):
        top = (2 * y + 1) * pixels.height // (2 * height) * row
        line = data[top : top + row]
        if line.count(0) == row:
            lines.append(BLANK * width)
        else:
            lines.append(array("I", map(array("I", line).__getitem__, columns)).tobytes())
    return Pixels(b"".join(lines), (height, width, 4), "uint8")
