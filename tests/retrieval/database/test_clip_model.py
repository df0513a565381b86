"""Batches through the image tower, and telling one model from another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieval.database import queries
from retrieval.database.clip_model import PASS, embed_captions, embed_photos, model_number, probe_of
from retrieval.database.store import Store
from tests.support.albums import OtherClip, color_photo
from tests.support.fakes import FakeClip

FloatArray = NDArray[np.float32]


class Batched(FakeClip):
    """Takes several photos at once, and remembers how many."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def embed_images(self, photos: Sequence[FloatArray]) -> FloatArray:
        self.sizes.append(len(photos))
        return np.stack([self.embed_image(photo) for photo in photos])


def test_batches_are_small_and_keep_their_order() -> None:
    photos = [color_photo(seed, width=40 + seed) for seed in range(PASS * 2 + 3)]
    clip = Batched()
    vectors = embed_photos(clip, photos)
    assert clip.sizes == [PASS, PASS, 3]
    np.testing.assert_array_equal(vectors, embed_photos(FakeClip(), photos))
    first = FakeClip().embed_image(photos[0].astype(np.float32) / 255)
    np.testing.assert_allclose(vectors[0], first, atol=1e-6)


def test_photos_without_caption_have_no_caption_vector() -> None:
    vectors = embed_captions(FakeClip(), ["", "a tram", "", "a tram"])
    assert vectors[0] is None
    assert vectors[2] is None
    assert vectors[1] is not None
    np.testing.assert_array_equal(vectors[1], vectors[3])
    assert embed_captions(FakeClip(), []) == []


def test_a_model_is_known_by_its_name_and_its_probe(tmp_path: Path) -> None:
    store, probe, other = Store(tmp_path), probe_of(FakeClip()), probe_of(OtherClip())
    with store.writing() as connection:
        number = queries.insert_model(connection, "a", probe)
    with store.reading() as connection:
        assert model_number(connection, "a", probe) == number
        shaken = probe + np.float32(1e-4)  # another processor's rounding
        assert model_number(connection, "a", shaken / np.linalg.norm(shaken)) == number
        assert model_number(connection, "b", probe) is None
        assert model_number(connection, "a", other) is None
        assert model_number(connection, "a", probe[:4]) is None
