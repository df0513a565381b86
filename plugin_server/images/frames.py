"""Messages between this process and those that decode: JSON with buffers behind it, on a pipe.

What comes back was made by a process that a hostile photo may have taken over, so nothing in it is
run or unpickled: it becomes known types within known bounds, or FrameError.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from plugin_server.images.layer import MEDIA_TYPES, Layer, Limits, Metadata, Pixels
from retrieval.ingest.photos import PhotoLimits, SmallPhoto

Buffer = bytes | bytearray | memoryview
MOST_TEXT: Final = 16 * 1024 * 1024  # bytes of the JSON
BYTES_PER_PIXEL: Final = 16  # of RGBA in float32
DTYPES: Final = ("uint8", "uint16", "float32")


class FrameError(ValueError):
    """What came over the pipe is no message, or not one of those that belong there."""


def send(pipe: io.RawIOBase, header: dict[str, Any], buffers: Sequence[Buffer] = ()) -> None:
    """Write one message."""
    views = [memoryview(buffer).cast("B") for buffer in buffers]
    text = json.dumps(header | {"sizes": [view.nbytes for view in views]}).encode()
    for view in (memoryview(struct.pack(">I", len(text)) + text), *views):
        while view:
            view = view[pipe.write(view) or 0 :]


def receive(pipe: io.RawIOBase, *, most: int) -> tuple[dict[str, Any], list[bytearray]]:
    """Read one message with at most ``most`` bytes of buffers.

    Raises:
        EOFError: the other side is gone.
        FrameError: it is no message.
    """
    (length,) = struct.unpack(">I", _exactly(pipe, 4))
    if length > MOST_TEXT:
        raise FrameError(f"a header of {length:,} bytes")
    try:
        header = json.loads(bytes(_exactly(pipe, length)))
        sizes = header.pop("sizes")
        is_sane = all(isinstance(size, int) and size >= 0 for size in sizes) and sum(sizes) <= most
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as problem:
        raise FrameError("no message") from problem
    if not is_sane:
        raise FrameError("buffers larger than any answer")
    return header, [_exactly(pipe, size) for size in sizes]


def pack_layer(layer: Layer) -> tuple[dict[str, Any], list[Buffer]]:
    """Write a layer as a header and buffers."""
    metadata = layer.metadata
    rest = asdict(metadata) | {"exif": None, "xmp": None, "iptc": None}
    header: dict[str, Any] = {
        "media_type": layer.media_type, "bits": layer.bits, "notices": layer.notices,
        "metadata": rest, "arrays": [], "blobs": [],
    }  # fmt: skip
    buffers: list[Buffer] = []
    for array in (layer.pixels, layer.source):
        if array is not None:
            header["arrays"].append([array.dtype.name, array.shape])
            buffers.append(np.ascontiguousarray(array).data)
    blobs = {"profile": layer.profile, "exif": metadata.exif, "xmp": metadata.xmp,
             "iptc": metadata.iptc}  # fmt: skip
    for name, blob in blobs.items():
        if blob is not None:
            header["blobs"].append(name)
            buffers.append(blob)
    return header, buffers


def unpack_layer(header: dict[str, Any], buffers: list[bytearray], limits: Limits) -> Layer:
    """Read what ``pack_layer`` wrote.

    Raises:
        FrameError: it is no layer within the limits.
    """
    try:
        arrays = [
            _array(buffer, dtype, shape, limits.max_pixels)
            for (dtype, shape), buffer in zip(header["arrays"], buffers, strict=False)
        ]
        blobs = buffers[len(arrays) :]
        named = {name: bytes(blob) for name, blob in zip(header["blobs"], blobs, strict=True)}
        profile = named.pop("profile", None)
        rest = header["metadata"]
        if header["media_type"] not in MEDIA_TYPES or header["bits"] not in (8, 16, 32):
            raise FrameError("a layer of an unknown type")
        metadata = Metadata(
            dpi=None if rest["dpi"] is None else (float(rest["dpi"][0]), float(rest["dpi"][1])),
            texts=tuple((str(tag), str(text)) for tag, text in rest["texts"]),
            compression=str(rest["compression"]),
            exif=named.get("exif"),
            xmp=named.get("xmp"),
            iptc=named.get("iptc"),
        )
        return Layer(
            arrays[0],
            header["media_type"],
            profile=profile,
            bits=header["bits"],
            metadata=metadata,
            source=arrays[1] if len(arrays) > 1 else None,
            notices=tuple(map(str, header["notices"])),
        )
    except (KeyError, TypeError, IndexError, ValueError) as problem:
        raise FrameError("no layer") from problem


def pack_small(photo: SmallPhoto) -> tuple[dict[str, Any], list[Buffer]]:
    """Write a small photo as a header and a buffer."""
    rgb = np.ascontiguousarray(photo.rgb)
    header = {"shape": rgb.shape, "size": [photo.width, photo.height], "captions": photo.captions}
    return header, [rgb.data]


def unpack_small(
    header: dict[str, Any], buffers: list[bytearray], limits: PhotoLimits
) -> SmallPhoto:
    """Read what ``pack_small`` wrote.

    Raises:
        FrameError: it is no such photo within the limits.
    """
    try:
        (buffer,) = buffers
        rgb = _array(buffer, "uint8", header["shape"], limits.max_pixels)
        width, height = map(int, header["size"])
        if rgb.shape[2] != 3 or not 0 < width * height <= limits.max_pixels:
            raise FrameError("a photo of another kind")
        return SmallPhoto(rgb, width, height, tuple(map(str, header["captions"])))
    except (KeyError, TypeError, ValueError) as problem:
        raise FrameError("no photo") from problem


def _array(buffer: bytearray, dtype: str, shape: list[int], most: int) -> Pixels:
    height, width, channels = shape
    if dtype not in DTYPES or not 1 <= channels <= 4 or not 0 < height * width <= most:
        raise FrameError("pixels of another kind")
    return np.frombuffer(buffer, dtype).reshape(height, width, channels)


def _exactly(pipe: io.RawIOBase, length: int) -> bytearray:
    data = bytearray(length)
    view = memoryview(data)
    while view:
        count = pipe.readinto(view)
        if not count:
            raise EOFError
        view = view[count:]
    return data
