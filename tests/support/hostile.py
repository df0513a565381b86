"""Requests that somebody might send to break the server: damaged files, malformed forms."""

from __future__ import annotations

import io
import json
import random
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from tests.support.pictures import (
    encoded,
    exif_with_orientation,
    grey_picture,
    png_chunk,
    png_of,
    random_pixels,
    saved,
    tiff_of,
)

BOUNDARY = b"hostile"
FORM = "multipart/form-data; boundary=hostile"
PATHS = (
    "/v1/colorize", "/v1/jobs", "/v1/images", "/v1/suggestions", "/v1/confidence",
    "/v1/exemplars", "/v1/exemplars/search", "/v1/things",
)  # fmt: skip
FIELDS = ("image", "image", "image", "mask", "reference", "hint_image", "r0")
TEXTS = (
    "", "nan", "-1", "1e999", "0x10", "٣", "NULL", "../../etc/passwd", "%00", "\0", "\ud800",
    "🎈" * 9, "a" * 5000, "[[" * 500, '{"x":1}', '[{"x":1,"y":1,"color":"#ffffff"}]', "auto",
    "<script>", "\r\n", '[{"mask":"r0","color":"#ffffff"}]',
    '[{"mask":"r0","description":"a red hat"}]',
    '[{"box":[0,0,NaN,1e999],"color":"#ffffff"}]', '[{"box":[-5,-5,9,1e300],"color":"#123456"}]',
    '[{"box":[3,3,4,4],"description":"a green hat \u0000"}]',
    '[{"phrase":"red hat","color":"#112233"}]',
    '[{"phrase":"red hat","mask":"r0"}]', '[{"phrase":"","use":null}]', '[{"mask":"image"}]',
    json.dumps([{"box": [1, 1, 2, 2], "color": "#ffffff"}] * 33), "a red hat and a #aabbcc door",
)  # fmt: skip
NAMES = (
    "description", "hints", "saturation", "strength", "x", "y", "k", "exemplar", "image_id",
    "caption", "colors", "tone", "palette", "regions", "regions", "things", "r0", "region-1",
)  # fmt: skip
NUMBERS = (b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00")


def valid_files() -> dict[str, bytes]:
    """Make small files of every kind that is read."""
    rgb = random_pixels(17, 23, 3)
    rgba = random_pixels(17, 23, 4)
    deep = random_pixels(17, 23, 3, np.uint16)
    exif = exif_with_orientation(6)
    palette = io.BytesIO()
    Image.fromarray(rgb).quantize(16).save(palette, "PNG")
    return {
        "png": png_of(rgb),
        "png deep": png_of(deep, png_chunk(b"pHYs", struct.pack(">IIB", 3000, 3000, 1))),
        "png alpha": saved(rgba, "PNG"),
        "png palette": palette.getvalue(),
        "png texts": png_of(
            rgb,
            png_chunk(b"iCCP", b"p\0\0" + zlib.compress(b"no profile" * 9)),
            png_chunk(b"iTXt", b"photochrom\0\1\0\0\0" + zlib.compress(b'{"a":1}')),
            png_chunk(b"eXIf", exif),
        ),
        "jpeg": saved(rgb, "JPEG", exif=b"Exif\0\0" + exif),
        "jpeg progressive": saved(rgb, "JPEG", progressive=True),
        "webp": saved(rgba, "WEBP"),
        "webp lossless": saved(rgb, "WEBP", lossless=True),
        "tiff": tiff_of(rgb),
        "tiff deep": tiff_of(deep, compression="deflate"),
        "tiff lzw": tiff_of(rgb, compression="lzw"),
        "tiff tiled": tiff_of(rgb, tile=(16, 16)),
        "tiff float": tiff_of(random_pixels(17, 23, 1, np.float32)[..., 0]),
        "npy": encoded(rgb, "npy"),
        "npy float": encoded(random_pixels(9, 9, 3, np.float32), "npy"),
        "grey": encoded(grey_picture()),
    }


@dataclass(frozen=True, slots=True)
class Change:
    """One mutation: what, where (a share of the length), how long, and with what."""

    kind: str  # flip, cut, end, double, number, insert
    place: float
    length: int = 1
    value: int = 0

    def apply(self, data: bytes) -> bytes:
        at = min(int(self.place * len(data)), max(len(data) - 1, 0))
        end = at + self.length
        match self.kind:
            case "flip":
                return data[:at] + bytes(b ^ (self.value or 1) for b in data[at:end]) + data[end:]
            case "cut":
                return data[:at] + data[end:]
            case "end":
                return data[:at]
            case "double":
                return data[:end] + data[at:end] * (1 + self.value % 4) + data[end:]
            case "number":
                number = NUMBERS[self.value % len(NUMBERS)]
                return data[:at] + number + data[at + 4 :]
            case _:
                return data[:at] + bytes([self.value]) * self.length + data[at:]


KINDS = ("flip", "cut", "end", "double", "number", "insert")


def mutated(data: bytes, changes: Sequence[Change]) -> bytes:
    for change in changes:
        data = change.apply(data)
    return data


def part(name: str, data: bytes, *, filename: str | None = None) -> bytes:
    """Write one part of a form, whatever its name holds."""
    head = f'Content-Disposition: form-data; name="{name}"'
    if filename is not None:
        head += f'; filename="{filename}"'
    return (
        b"--" + BOUNDARY + b"\r\n" + head.encode("utf-8", "surrogateescape") + b"\r\n\r\n" + data
        + b"\r\n"
    )  # fmt: skip


def whole(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--" + BOUNDARY + b"--\r\n"


@dataclass(frozen=True, slots=True)
class Attack:
    """One request."""

    path: str
    body: bytes
    content_type: str = FORM
    method: str = "POST"


def any_attack(rng: random.Random, files: Sequence[bytes]) -> Attack:
    """Make up one request of any kind."""
    path = rng.choice(PATHS)
    match rng.randrange(10):
        case 0 | 1:  # words where numbers belong, and the other way round
            names = (*NAMES, _printable(rng.choice(TEXTS)))
            texts = [
                part(rng.choice(names), rng.choice(TEXTS).encode("utf-8", "replace"))
                for _ in range(rng.randrange(1, 4))
            ]
            picture = part("image", rng.choice(files), filename=_printable(rng.choice(TEXTS)))
            masks = [part("r0", rng.choice(files), filename="r")] * rng.randrange(2)
            body = whole(picture, *texts, *masks, *_place(path, rng))
        case 2:  # a form that is broken itself
            body = whole(part("image", rng.choice(files), filename="a"), *_place(path, rng))
            body = mutated(body, [any_change(rng) for _ in range(rng.randrange(1, 4))])
        case 3:
            return Attack(path, rng.randbytes(rng.randrange(300)), rng.choice(
                (FORM, "multipart/form-data", "application/json", "image/png", "",
                 "multipart/form-data; boundary=" + "x" * 200)))  # fmt: skip
        case _:  # a damaged picture
            data = mutated(rng.choice(files), [any_change(rng) for _ in range(rng.randrange(1, 5))])
            field = rng.choice(FIELDS) if path in PATHS[:2] else "image"
            parts = [part(field, data, filename="a")]
            if field != "image":
                parts.append(part("image", rng.choice(files), filename="b"))
            if field == "r0":
                parts.append(part("regions", b'[{"mask":"r0","description":"a red hat"}]'))
            body = whole(*parts, *_place(path, rng))
    return Attack(path, body)


def bombs() -> dict[str, bytes]:
    """Make small files that claim to be, or unpack to, something huge."""
    side = 60_000
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    zeros = zlib.compress(bytes(50_000_000), 9)
    png = (
        b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zeros)
        + png_chunk(b"IEND", b"")
    )  # fmt: skip
    small = random_pixels(8, 8, 3)
    jpeg = bytearray(saved(small, "JPEG"))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", 65_000, 65_000)
    webp = bytearray(saved(small, "WEBP", lossless=True))
    at = webp.index(b"VP8L") + 9
    webp[at : at + 4] = struct.pack("<I", 16_383 | 16_383 << 14)
    tiff = bytearray(tiff_of(small))
    for tag in (256, 257):  # ImageWidth, ImageLength
        entry = tiff.index(struct.pack("<H", tag), 8)
        struct.pack_into("<HHII", tiff, entry, tag, 4, 1, side)
    npy = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        npy, {"descr": "|u1", "fortran_order": False, "shape": (side, side, 4)}
    )
    return {
        "png": png,
        "jpeg": bytes(jpeg),
        "webp": bytes(webp),
        "tiff": bytes(tiff),
        "npy": npy.getvalue(),
        "png profile": png_of(small, png_chunk(b"iCCP", b"p\0\0" + zeros)),
        "png text": png_of(small, png_chunk(b"iTXt", b"photochrom\0\1\0\0\0" + zeros)),
    }


def deep_json() -> str:
    return json.dumps([{"x": 1, "y": 1, "color": "#ffffff"}]) + "[" * 100_000


def _place(path: str, rng: random.Random) -> list[bytes]:
    if not path.endswith("suggestions"):
        return []
    return [part("x", str(rng.randrange(30)).encode()), part("y", b"3")]


def any_change(rng: random.Random) -> Change:
    length = rng.choice((1, 1, 2, 4, 16, 200))
    return Change(rng.choice(KINDS), rng.random() ** 2, length, rng.randrange(256))


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter not in '\r\n"\0\ud800')
