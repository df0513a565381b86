"""What is said of photos with masks, and what the extent learns of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.color.lab import lab_to_srgb_in_gamut
from models.networks.clip import Clip
from models.networks.predictor import Predictor
from models.training.mask_captions import with_caption
from models.training.regions import UNKNOWN, RegionPhoto
from models.training.scenes import scene_of

SIDE = 224


def photo_of(*colors: tuple[float, float]) -> RegionPhoto:
    """Make a photo of upright strips, each a mask, in the given ab; the last column is unknown."""
    width = SIDE // len(colors)
    ab = np.repeat(np.array(colors, np.float32), width, axis=0)
    ab = np.broadcast_to(ab, (SIDE, *ab.shape))
    lightness = np.full(ab.shape[:2], 55, np.float32)
    rgb = (lab_to_srgb_in_gamut(lightness, ab) * 255).round().astype(np.uint8)
    labels = np.broadcast_to(np.repeat(np.arange(len(colors)), width), ab.shape[:2])
    labels = labels.astype(np.uint8)
    labels[:, -8:] = UNKNOWN
    names = ("background", "shirt", "skirt", "bag")[: len(colors)]
    return RegionPhoto("a", rgb, "", (), names, labels)


BLUE, GREEN, GREY, RED = (0.0, -45.0), (-45.0, 40.0), (1.0, 1.0), (55.0, 35.0)


def test_a_mask_of_one_hue_is_said_in_its_colour() -> None:
    said = with_caption(photo_of(GREY, BLUE, GREEN, GREY), np.random.default_rng(0))
    assert sorted(said.captions[0].split(" and ")) == ["a blue shirt", "a green skirt"]


def test_what_has_many_hues_or_none_is_not_said() -> None:
    generator = np.random.default_rng(0)
    mixed = photo_of(GREY, BLUE)
    mixed.pixels[::2, SIDE // 2 :] = photo_of(GREY, RED).pixels[::2, SIDE // 2 :]
    assert with_caption(mixed, generator).captions == ()
    assert with_caption(photo_of(BLUE, GREY), generator).captions == ()  # nor the background
    assert with_caption(replace(photo_of(GREY, BLUE), grey=True), generator).captions == ()


def test_a_photo_keeps_its_own_caption_with_colours() -> None:
    told = replace(photo_of(GREY, BLUE), captions=("a red shirt",))
    assert with_caption(told, np.random.default_rng(0)) is told


def test_all_that_is_said_of_a_photo() -> None:
    told = replace(photo_of(GREY, BLUE), captions=("a girl",), names=("background", "shirt", "bag"))
    assert told.shown == ("a girl", "shirt")  # no mask is of a bag


def test_a_scene_knows_the_outline_of_a_thing(released: tuple[Predictor, Clip]) -> None:
    photo = replace(photo_of(BLUE, BLUE, GREEN, GREY), captions=("a blue shirt",))
    scene = scene_of(photo, *released, np.random.default_rng(0), captions=1)
    assert scene is not None
    assert scene.is_masked
    (thing,) = scene.asked[0][0]
    assert thing.outside is not None
    cells = SIDE // 4
    strip = np.arange(cells) // (cells // 4)
    outside = (strip != 1) & (np.arange(cells) < cells - 2)  # what is unknown is not outside
    np.testing.assert_array_equal(thing.outside, np.broadcast_to(outside, (cells, cells)))
    for wish in thing.wishes:  # as it is, and turned: the blue beside the shirt is not meant
        assert not wish.inside[:, strip != 1].any()
        assert wish.inside[:, strip == 1].float().mean() > 0.9
    own, turned = (wish.truth.float().mean((1, 2)) for wish in thing.wishes)
    assert (own - turned).norm() > 2
