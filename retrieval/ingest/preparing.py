"""All that the library needs to know of a photo, made in one step, so that it may be made anywhere.

What comes of it travels as NumPy's npz, read without pickles.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from models.guidance.condition import Embedder
from retrieval.database.clip_model import SAME_MODEL, embed_captions, embed_photos, probe_of
from retrieval.database.exemplar import Prepared
from retrieval.errors import WrongClip
from retrieval.ingest.photos import DecodeSmall, PhotoLimits, decode_small, describe

FloatArray = NDArray[np.float32]

DIFFERENT: Final = (
    "the workers' CLIP model is another one than this library's: start them with the same version "
    "of Photochrom and the same --clip"
)


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """A photo and its vectors: ``vector`` and ``words`` (D,) float32 of unit length.

    ``words`` is None without a caption; ``probe`` is the model's embedding of one fixed picture.
    """

    photo: Prepared
    vector: FloatArray
    words: FloatArray | None
    probe: FloatArray

    def check_model(self, probe: FloatArray) -> None:
        """Raise WrongClip where another model made the vectors."""
        if probe.shape != self.probe.shape or float(probe @ self.probe) < SAME_MODEL:
            raise WrongClip(DIFFERENT)


class Preparer(Protocol):
    """Prepares photos somewhere else, ``in_flight`` at a time; safe for threads."""

    in_flight: int

    def __call__(self, data: bytes, captions: tuple[str, ...]) -> Embedded:
        """Prepare a photo; PhotoRefused where it cannot be an exemplar."""


def prepare(
    data: bytes,
    captions: tuple[str, ...],
    *,
    clip: Embedder,
    limits: PhotoLimits,
    decode: DecodeSmall = decode_small,
) -> Embedded:
    """Decode, describe and embed a photo.

    Raises:
        PhotoRefused: grey, broken, too large, ...
    """
    photo = describe(data, decode(data, limits), captions)
    (vector,) = embed_photos(clip, [photo.rgb])
    (words,) = embed_captions(clip, [photo.captions[0] if photo.captions else ""])
    return Embedded(photo, vector, words, probe_of(clip))


def to_bytes(embedded: Embedded) -> bytes:
    """Write it as an npz file."""
    photo = embedded.photo
    text = json.dumps(
        {
            "sha256": photo.sha256, "width": photo.width, "height": photo.height,
            "colors": photo.colors, "dhash": photo.dhash, "captions": photo.captions,
        }
    )  # fmt: skip
    arrays = {
        "text": np.frombuffer(text.encode(), np.uint8),
        "rgb": photo.rgb,
        "thumbnail": np.frombuffer(photo.thumbnail, np.uint8),
        "vector": embedded.vector,
        "words": np.zeros(0, np.float32) if embedded.words is None else embedded.words,
        "probe": embedded.probe,
    }
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def from_bytes(data: bytes) -> Embedded:
    """Read what ``to_bytes`` wrote.

    Raises:
        ValueError: it is none of it.
    """
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        text = json.loads(arrays["text"].tobytes())
        photo = Prepared(
            sha256=text["sha256"],
            width=text["width"],
            height=text["height"],
            rgb=arrays["rgb"],
            thumbnail=arrays["thumbnail"].tobytes(),
            colors=tuple(text["colors"]),
            dhash=text["dhash"],
            captions=tuple(text["captions"]),
        )
        words = arrays["words"]
        return Embedded(photo, arrays["vector"], words if words.size else None, arrays["probe"])
