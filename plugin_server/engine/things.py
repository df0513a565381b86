"""The masks of what a description names in a photo, kept for a while."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.color.mask import Mask
from models.color.shrinking import shrunk
from models.color.upsampling import upsampled
from models.guidance.things import FoundThing
from models.pipeline import View
from plugin_server.engine.requests import ImageId

MAGIC = b"photochrom things 1\n"  # before what is kept: no photo begins so


@dataclass(frozen=True, slots=True)
class KeptThings:
    """The places of things that were found in a kept photo, by their numbers."""

    photo: ImageId
    places: dict[int, NDArray[np.float32] | Mask]

    def pack(self) -> bytes:
        """Write it for the file store."""
        arrays: dict[str, Any] = {"photo": np.frombuffer(self.photo.encode(), np.uint8)}
        for number, place in self.places.items():
            if isinstance(place, Mask):
                arrays[f"levels-{number}"] = place.levels
                arrays[f"at-{number}"] = np.array(
                    [place.top, place.left, place.height, place.width]
                )
            else:
                arrays[f"place-{number}"] = place
        file = io.BytesIO()
        np.savez_compressed(file, **arrays)
        return MAGIC + file.getvalue()

    @classmethod
    def unpack(cls, data: bytes) -> KeptThings | None:
        """Read it again; None where the file store has something else under this name."""
        if not data.startswith(MAGIC):
            return None
        places: dict[int, NDArray[np.float32] | Mask] = {}
        with np.load(io.BytesIO(data[len(MAGIC) :]), allow_pickle=False) as arrays:
            photo = ImageId(arrays["photo"].tobytes().decode())
            for name in arrays.files:
                kind, _, number = name.partition("-")
                if kind == "place":
                    places[int(number)] = arrays[name]
                elif kind == "levels":
                    top, left, height, width = arrays[f"at-{number}"].tolist()
                    places[int(number)] = Mask(arrays[name], top, left, height, width)
        return cls(photo, places)


def keep(photo: ImageId, things: Sequence[FoundThing]) -> KeptThings:
    """Gather the places of the things that have one."""
    places: dict[int, NDArray[np.float32] | Mask] = {}
    for number, thing in enumerate(things):
        if thing.given is not None:
            places[number] = thing.given
        elif thing.place is not None:
            places[number] = thing.place
    return KeptThings(photo, places)


def full_size(
    place: NDArray[np.float32] | Mask, pixels: NDArray[Any], view: View
) -> NDArray[np.uint8]:
    """Draw a place at the size of the photo: (H, W) uint8."""
    if isinstance(place, Mask):
        out = np.zeros(pixels.shape[:2], np.uint8)
        x, y, width, height = place.box
        out[y : y + height, x : x + width] = place.levels
        return out
    return upsampled(place, pixels, shrunk(view.lightness, place.shape))
