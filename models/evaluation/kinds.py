"""What a photo shows: landscapes, streets, portraits, events, objects, food or animals.

Decided without training by the embedded CLIP: a kind is described by a few sentences, and the
photo's likeness to a kind is that to the most like of its sentences. A caption is compared with
the sentences too, and counts as much as the photo.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.guidance.condition import Embedder

FloatArray = NDArray[np.float32]

SENTENCES = {
    "landscapes": (
        "a landscape",
        "a photo of mountains",
        "a photo of a forest",
        "a photo of the sea and the sky",
        "a beach at sunset",
        "a photo of a glacier",
        "a field under a cloudy sky",
    ),
    "streets": (
        "a street in a city",
        "a photo of city buildings",
        "cars and people on a busy street",
        "the front of a house",
        "an old town square",
    ),
    "portraits": (
        "a portrait of a person",
        "a man looks at the camera",
        "a smiling girl",
        "two children sit together",
        "a woman in a dress stands outside",
    ),
    "events": (
        "people playing sports",
        "a football player runs on the field",
        "a boy does a trick on a bike",
        "a crowd at a concert",
        "a wedding",
        "children jump and play",
        "a person climbs a rock",
    ),
    "objects": (
        "a photo of an object",
        "a photo of a machine",
        "a photo of a musical instrument",
        "furniture in a room",
        "a photo of a tool on a table",
        "a photo of a car",
    ),
    "food": (
        "a plate of food",
        "a photo of a meal",
        "a dessert on a plate",
        "fruit and vegetables",
        "a drink in a glass or a cup",
    ),
    "animals": (
        "a photo of an animal",
        "a dog runs through the grass",
        "a bird on a branch",
        "a photo of a fish",
        "a cat",
        "a horse in a field",
    ),
}
KINDS = tuple(SENTENCES)


class KindOfPhoto:
    """Sorts photos into KINDS."""

    def __init__(self, clip: Embedder) -> None:
        self._kinds = [
            np.stack([clip.embed_text(sentence).vector for sentence in sentences])
            for sentences in SENTENCES.values()
        ]

    def __call__(self, photo: FloatArray, caption: FloatArray | None = None) -> str:
        """Name the kind of a photo by its embedding and, if it has one, its caption's; both (D,).

        A text is more like other texts than a photo is, so either's likenesses are brought to the
        same mean and spread before they are added.
        """
        scores = self._likeness(photo)
        if caption is not None:
            scores = scores + self._likeness(caption)
        return KINDS[int(scores.argmax())]

    def _likeness(self, vector: FloatArray) -> FloatArray:
        """Return the standardised likeness to each kind: (7,)."""
        best = np.array([(sentences @ vector).max() for sentences in self._kinds], np.float32)
        spread = max(float(best.std()), 1e-6)
        return np.asarray((best - best.mean()) / np.float32(spread), np.float32)
