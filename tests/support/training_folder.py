"""A folder of photos for all trainings, made up: balls in front of walls, in shards with masks and
boxes."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 96
COLORS = {
    "red": (190, 40, 45),
    "blue": (50, 80, 190),
    "green": (60, 140, 60),
    "yellow": (215, 190, 50),
}
NAMES = ("background", "ball", "wall")


def make_folder(folder: Path, *, photos: int) -> None:
    """Write as many photos with captions and boxes, and again as many with masks."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    drawn = []
    with (
        tarfile.open(folder / "balls-train-000.tar", "w") as plain,
        tarfile.open(folder / "regions-balls-train-000.tar", "w") as masks,
    ):
        for i in range(2 * photos):
            pixels, place, (ball, wall) = _picture(generator)
            record = {"captions": [f"a {ball} ball in front of a {wall} wall"], "source": "balls"}
            key, shard = f"ball-{i}", plain
            if i >= photos:
                shard, record = masks, record | {"captions": [], "labels": NAMES}
                _add(shard, f"{key}.png", _png(np.where(place, 1, 2).astype(np.uint8)))
            _add(shard, f"{key}.jpg", _jpeg(pixels))
            _add(shard, f"{key}.json", json.dumps(record).encode())
            rows, columns = np.nonzero(place)
            box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            region = {"name": "ball", "attributes": [ball], "box": [int(x) / SIDE for x in box]}
            drawn.append({"key": key, "split": "train", "regions": [region]})
    lines = "".join(f"{json.dumps(one)}\n" for one in drawn[:photos])
    (folder / "balls-regions.jsonl").write_text(lines, "utf-8")


def _picture(
    generator: np.random.Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.bool_], tuple[str, str]]:
    """Make (H, W, 3) pixels, where the ball is, and the colours of ball and wall."""
    ball, wall = (str(color) for color in generator.choice(list(COLORS), 2, replace=False))
    y, x = np.mgrid[:SIDE, :SIDE]
    row, column = generator.uniform(30, SIDE - 30, 2)
    place = np.hypot(y - row, x - column) < generator.uniform(14, 26)
    light = 0.6 + 0.4 * (y + x)[..., None] / (2 * SIDE)
    rgb = np.where(place[..., None], COLORS[ball], COLORS[wall]) * light
    rgb = rgb + generator.normal(0, 5, rgb.shape)
    return rgb.clip(0, 255).astype(np.uint8), place, (ball, wall)


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=92)
    return file.getvalue()


def _png(labels: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(labels).save(file, "PNG")
    return file.getvalue()


def _add(shard: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    shard.addfile(member, io.BytesIO(content))
