"""Every reader of ours, and every decoder as we call it, with the files that they begin from."""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from models.captions import captions_in_json, captions_in_text
from models.job import JobError
from models.job_json import parse_hints, parse_palette
from plugin_server.batch.descriptions import DescriptionsError, read_table
from plugin_server.images import frames, iptc
from plugin_server.images.codec import decode, encode, read_settings
from plugin_server.images.color_profile import ProfileError, is_srgb
from plugin_server.images.exif import made_true, read_orientation, strip_mark
from plugin_server.images.layer import ImageError, Limits
from plugin_server.images.xmp import joined, readable, settings_in
from retrieval.errors import LibraryError
from retrieval.ingest.captions import captions_in_xmp
from retrieval.ingest.photos import PhotoLimits, decode_small, texts_in
from retrieval.ingest.walk import find_photos
from tests.fuzz.corpus import CORPUS
from tests.support import attacks
from tests.support.hostile import valid_files

LIMITS: Final = Limits(max_pixels=1_000_000)
Read = Callable[[bytes], None]


def read_picture(data: bytes) -> None:
    with suppress(ImageError):
        layer = decode(data, limits=LIMITS)
        with suppress(ImageError):
            encode(layer, "image/tiff", settings="{}")
    with suppress(ImageError):
        read_settings(data)


def read_photo(data: bytes) -> None:
    with suppress(LibraryError):
        decode_small(data, PhotoLimits(max_pixels=1_000_000))
    texts_in(data)


def read_xmp(data: bytes) -> None:
    joined(readable(data), "{}")
    settings_in(data)
    captions_in_xmp(data)


def read_metadata(data: bytes) -> None:
    block = strip_mark(data)
    read_orientation(block)
    made_true(block, width=40, height=30)
    iptc.from_resources(data)
    iptc.from_text(data)


def read_profile(data: bytes) -> None:
    with suppress(ProfileError):
        is_srgb(data)


def read_words(data: bytes) -> None:
    captions_in_json(data)
    captions_in_text(data)
    text = data.decode("utf-8", "replace")
    for parse in (parse_hints, parse_palette):
        with suppress(JobError):
            parse(text)


def read_frames(data: bytes) -> None:
    with suppress(frames.FrameError, EOFError):
        header, buffers = frames.receive(io.BytesIO(data), most=1 << 20)  # type: ignore[arg-type]
        frames.unpack_layer(header, buffers, LIMITS)


def read_files(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        table, shard = Path(folder) / "a.csv", Path(folder) / "a.tar"
        table.write_bytes(data)
        shard.write_bytes(data)
        with suppress(DescriptionsError):
            read_table(table)
        with suppress(LibraryError, OSError):
            for found in find_photos([shard], library=Path(folder) / "library"):
                if hasattr(found, "captions"):
                    found.captions()


def shard() -> bytes:
    """Make a small tar of a photo and its words."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in (("a.jpg", b"photo"), ("a.json", b'{"caption": "a tram"}')):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            entry.pax_headers = {"comment": "x" * 50}
            tar.addfile(entry, io.BytesIO(data))
    return file.getvalue()


def readers() -> dict[str, tuple[Read, list[bytes]]]:
    """Name each reader, with the files that it is fed."""
    pictures = [*valid_files().values(), *(make(50) for make in attacks.PICTURES)]
    packets = [make(20) for make in attacks.XMP]
    words = [
        b'[{"x": 1, "y": 2, "color": "#ffffff", "radius": 3}]',
        b'["#ffffff", {"color": "#000000", "weight": -1e400}]',
        json.dumps({"caption": ["a tram", "b"]}).encode(), b"a tram\nin the rain",
    ]  # fmt: skip
    message = io.BytesIO()
    header, buffers = frames.pack_layer(decode(valid_files()["png"], limits=LIMITS))
    frames.send(message, header, buffers)  # type: ignore[arg-type]
    kept = [file.read_bytes() for file in sorted(CORPUS.glob("*.bin"))]
    profile = decode(valid_files()["jpeg"], limits=LIMITS).profile or bytes(200)
    table: dict[str, tuple[Read, list[bytes]]] = {
        "picture": (read_picture, pictures),
        "photo": (read_photo, pictures),
        "xmp": (read_xmp, packets),
        "metadata": (read_metadata, [attacks.tiff_tags(50), b"8BIM\x04\x04\0\0\0\0\0\x04abcd"]),
        "profile": (read_profile, [profile]),
        "words": (read_words, words),
        "frames": (read_frames, [message.getvalue()]),
        "files": (read_files, [b"file;description\na.jpg;a tram\n", shard()]),
    }
    return {name: (read, [*files, *kept]) for name, (read, files) in table.items()}
