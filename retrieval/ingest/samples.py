"""Photos that come with scikit-image and may be used freely, for a first library."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from retrieval.database.exemplar import Place
from retrieval.ingest.walk import Found

FOLDER: Final = "scikit-image"
# name -> what it shows; all are in the public domain or CC0 (skimage/data/README.txt).
CAPTIONS: Final = {
    "astronaut.png": "a smiling astronaut in an orange suit before a flag and a space shuttle",
    "chelsea.png": "a brown tabby cat looking into the camera",
    "coffee.png": "a cup of coffee on a wooden table",
    "motorcycle_left.png": "a motorcycle in a garage full of tools",
    "rocket.jpg": "a rocket on its launch pad at dusk",
}


def find_samples() -> Iterator[Found]:
    """Yield the sample photos that the installed scikit-image has; nothing is downloaded."""
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        return
    for name, caption in CAPTIONS.items():
        path = Path(spec.origin).parent / "data" / name
        if path.is_file():
            status = path.stat()
            place = Place(str(path), f"{FOLDER}/{name}", status.st_size, status.st_mtime_ns)
            yield Found(place, caption=caption)
