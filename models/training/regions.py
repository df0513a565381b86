"""Photos with named regions: masks from shards, and boxes that people drew for captions' phrases.

A shard with masks holds ``KEY.png``, a label map, beside each photo and its ``KEY.json``. Boxes are
one JSON object a line, joined with photos by their key.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.photo_files import IMAGE_SUFFIXES, key_of, part_masks
from models.photos import Photo, PhotosError
from models.shown import shown

FloatArray = NDArray[np.float32]
UNKNOWN = 255
NOT_NAMES = frozenset({"background", "one", "others", "other", "something", "someone", "another"})


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """A phrase's boxes, (K, 4) float32 x0, y0, x1, y1 as shares, and the colours it names."""

    name: str
    boxes: FloatArray
    colors: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class RegionPhoto:
    """A photo, (H, W, 3) uint8 sRGB, with its named regions.

    ``labels`` is an (H, W) uint8 map of indices into ``names``, or None where there are only boxes.
    ``grey``: too grey to teach colours.
    """

    key: str
    pixels: NDArray[np.uint8]
    source: str
    captions: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    labels: NDArray[np.uint8] | None = None
    boxes: tuple[Boxes, ...] = ()
    grey: bool = False

    @classmethod
    def of(cls, photo: Photo, boxes: tuple[Boxes, ...]) -> Self:
        """Put a photo and the boxes that were drawn in it together."""
        return cls(photo.key, photo.pixels, photo.source, photo.captions, boxes=boxes)

    @property
    def has_regions(self) -> bool:
        """Tell whether anybody has drawn where something is."""
        return self.labels is not None or bool(self.boxes)

    @property
    def shown(self) -> tuple[str, ...]:
        """Everything that is said of it: captions, and the names of its boxes and masks."""
        there = () if self.labels is None else set(np.unique(self.labels)) - {UNKNOWN}
        masked = (self.names[i] for i in sorted(there) if self.names[i] not in NOT_NAMES)
        return (*self.captions, *(one.name for one in self.boxes), *masked)


def read_masks(paths: Sequence[Path]) -> Iterator[RegionPhoto]:
    """Yield the photos with masks of ``regions-*`` shards.

    Raises:
        PhotosError: a shard has none.
    """
    for path in paths:
        samples: dict[str, dict[Path, bytes]] = {}
        with tarfile.open(path) as shard:
            for member in shard:
                file = shard.extractfile(member)
                assert file is not None
                samples.setdefault(key_of(member.name), {})[Path(member.name)] = file.read()
        has_masks = False
        for key, files in samples.items():
            pictures = [file for file in files if file.suffix.lower() in IMAGE_SUFFIXES]
            photos, masks = part_masks(pictures)
            if (described := files.get(Path(f"{key}.json"))) is None or not masks:
                continue
            has_masks = True
            record = json.loads(described)
            rgb = Image.open(io.BytesIO(files[photos[0]])).convert("RGB")
            labels = np.asarray(Image.open(io.BytesIO(files[masks[0]])), np.uint8)
            yield RegionPhoto(
                key, np.asarray(rgb, np.uint8), record["source"], tuple(record["captions"]),
                tuple(record["labels"]), labels, grey=bool(record.get("grey")),
            )  # fmt: skip
        if not has_masks:
            raise PhotosError(
                f"{shown(path)} has no photo with a mask (KEY.png and KEY.json beside KEY.jpg): "
                "name regions-* shards"
            )


def read_drawn(path: Path, split: str | None = None) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the key of each photo of a split, of all with None, and the regions drawn in it."""
    with path.open(encoding="utf-8") as file:
        for record in map(json.loads, file):
            if split is None or record["split"] == split:
                yield record["key"], record["regions"]


def read_boxes(path: Path, split: str) -> dict[str, tuple[Boxes, ...]]:
    """Read drawn boxes by photo, those of one name joined."""
    found = {}
    for key, regions in read_drawn(path, split):
        joined: dict[tuple[str, tuple[str, ...]], list[Any]] = {}
        for region in regions:
            name = region["name"].lower()
            if name not in NOT_NAMES:
                colors = tuple(region.get("attributes", ()))
                joined.setdefault((name, colors), []).append(region["box"])
        found[key] = tuple(
            Boxes(name, np.asarray(boxes, np.float32), colors)
            for (name, colors), boxes in joined.items()
        )
    return found


def box_mask(boxes: FloatArray, shape: tuple[int, int], margin: float = 0.0) -> NDArray[np.bool_]:
    """Fill (K, 4) boxes, grown by a margin (a share of the sides), in an (h, w) map."""
    mask = np.zeros(shape, np.uint8)
    for x0, y0, x1, y1 in boxes:
        left, top = int((x0 - margin) * shape[1]), int((y0 - margin) * shape[0])
        right = int(np.ceil((x1 + margin) * shape[1]))
        bottom = int(np.ceil((y1 + margin) * shape[0]))
        mask[max(top, 0) : max(bottom, top + 1), max(left, 0) : max(right, left + 1)] = 1
    return mask.astype(bool)
