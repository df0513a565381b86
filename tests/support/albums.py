"""Folders and shards of small colour photos for the library's tests."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.support.fakes import FakeClip


class OtherClip(FakeClip):
    """Another model: its photos lie elsewhere in the space."""

    name = "other-clip"

    def embed_image(self, rgb: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.roll(super().embed_image(rgb), 4)


def color_photo(seed: int, *, width: int = 48, height: int = 40) -> NDArray[np.uint8]:
    """Return a smooth colourful picture, (H, W, 3) uint8, another one for each seed."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (5, 6, 3), np.uint8))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))


def jpeg(pixels: NDArray[np.uint8], **options: object) -> bytes:
    """Encode (H, W, 3) uint8."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", **{"quality": 92} | options)
    return file.getvalue()


def write_album(folder: Path, count: int, *, start: int = 0) -> list[Path]:
    """Write so many different JPEGs into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"photo-{seed:04}.jpg" for seed in range(start, start + count)]
    for seed, path in enumerate(paths, start):
        path.write_bytes(jpeg(color_photo(seed)))
    return paths


def write_shard(path: Path, count: int, *, start: int = 0, json_first: bool = False) -> None:
    """Write a tar shard of JPEGs, each with a JSON of captions beside it."""
    members: dict[str, bytes] = {}
    for seed in range(start, start + count):
        note = json.dumps({"captions": [f"picture number {seed}", "more words"]}).encode()
        sample = [(f"key-{seed}.jpg", jpeg(color_photo(seed))), (f"key-{seed}.json", note)]
        members |= reversed(sample) if json_first else sample
    write_tar(path, members)


def write_tar(path: Path, members: Mapping[str, bytes]) -> None:
    """Write files into a tar, in the order given."""
    with tarfile.open(path, "w") as shard:
        for name, data in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(data)
            shard.addfile(header, io.BytesIO(data))
