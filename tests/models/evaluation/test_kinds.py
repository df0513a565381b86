"""Kinds of photo: by likeness to sentences; photos and captions count alike."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from models.evaluation.kinds import KINDS, SENTENCES, KindOfPhoto
from models.guidance.condition import TextEmbedding
from models.networks.clip import Clip
from models.networks.predictor import Predictor


class Sentences:
    """Embeds a sentence as its kind's own direction."""

    name = "sentences"

    def embed_text(self, text: str, language: str | None = None) -> TextEmbedding:
        kind = next(k for k, sentences in SENTENCES.items() if text in sentences)
        return TextEmbedding(direction(kind))

    def embed_image(self, rgb: np.ndarray) -> np.ndarray:
        raise AssertionError("no photo is embedded to name its kind")


def direction(*kinds: str) -> np.ndarray:
    vector = np.zeros(len(KINDS), np.float32)
    for share, kind in zip((1.0, 0.9), kinds, strict=False):
        vector[KINDS.index(kind)] = share
    return vector / np.float32(np.linalg.norm(vector))


@pytest.mark.parametrize("kind", KINDS)
def test_a_photo_like_a_kinds_sentence_is_of_that_kind(kind: str) -> None:
    assert KindOfPhoto(Sentences())(direction(kind)) == kind


def test_the_caption_decides_between_two_that_are_as_likely() -> None:
    kind_of = KindOfPhoto(Sentences())
    doubtful = direction("streets", "animals")
    assert kind_of(doubtful) == "streets"
    assert kind_of(doubtful, direction("animals")) == "animals"
    assert kind_of(direction("food"), direction("food", "objects")) == "food"


def test_the_embedded_clip_knows_common_photos(released: tuple[Predictor, Clip]) -> None:
    _, clip = released
    kind_of = KindOfPhoto(clip)
    photos = {"animals": data.chelsea(), "portraits": data.astronaut(), "food": data.coffee()}
    captions = {"animals": "a cat", "portraits": "a woman in a suit", "food": "a cup of coffee"}
    for kind, photo in photos.items():
        seen = clip.embed_image(photo.astype(np.float32) / np.float32(255))
        assert kind_of(seen, clip.embed_text(captions[kind]).vector) == kind
    assert kind_of(clip.embed_image(photos["animals"].astype(np.float32) / 255)) == "animals"
