"""The weights that come with Photochrom, on real photos: colour, words, sizes, repeatability."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data
from skimage.color import deltaE_ciede2000, rgb2lab

from models.job import ColorizeJob, Hint
from models.measures import colourfulness
from models.networks.clip import Clip
from models.networks.predictor import Predictor
from models.pipeline import colorize

Pair = tuple[Predictor, Clip]


@pytest.fixture(scope="module")
def pair(released: Pair) -> Pair:
    return released


def grey(rgb: NDArray[np.uint8], side: int | None = None) -> NDArray[np.uint8]:
    picture = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    if side is not None:
        shrinks = side < max(picture.shape)
        how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        scale = side / max(picture.shape)
        size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
        picture = cv2.resize(picture, size, interpolation=how)
    return np.asarray(picture, np.uint8)[..., None]


def run(pair: Pair, pixels: NDArray[np.uint8], text: str = "", **options: object) -> NDArray:
    job = ColorizeJob(text, **options)
    return colorize(pixels, job, colorizer=pair[0], clip=pair[1]).pixels


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee"])
def test_a_photo_gets_about_as_much_colour_as_it_had(pair: Pair, name: str) -> None:
    photo = getattr(data, name)()
    coloured = run(pair, grey(photo))
    assert 0.25 * colourfulness(photo) < colourfulness(coloured) < 2.5 * colourfulness(photo)


def test_words_change_the_colours(pair: Pair) -> None:
    photo = grey(data.coffee())
    means = {
        word: rgb2lab(run(pair, photo, f"a {word} coffee cup on a {word} table"))[..., 1:].mean(
            (0, 1)
        )
        for word in ("red", "green", "blue")
    }
    assert means["red"][0] > means["green"][0] + 3
    assert means["blue"][1] < means["red"][1] - 3
    assert means["blue"][1] < means["green"][1] - 3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee"])
def test_tone_words_work(pair: Pair, name: str) -> None:
    photo = grey(getattr(data, name)())
    warm, cold = (
        rgb2lab(run(pair, photo, words))[..., 2].mean()
        for words in ("warm golden light", "cold blue evening")
    )
    assert warm > cold + 3


@pytest.mark.slow
def test_a_hint_pulls_its_surroundings_towards_its_colour(pair: Pair) -> None:
    photo = grey(data.astronaut())
    own = rgb2lab(run(pair, photo))
    for color, towards in (("#2040c0", -1), ("#c0a020", 1)):
        hinted = rgb2lab(run(pair, photo, hints=(Hint(400, 100, color, 12),)))
        there = np.s_[90:111, 390:411]
        assert towards * (hinted[there][..., 2].mean() - own[there][..., 2].mean()) > 3


@pytest.mark.slow
def test_strength_goes_from_the_own_guess_to_the_guided_one(pair: Pair) -> None:
    photo = grey(data.coffee())
    own = run(pair, photo)
    np.testing.assert_array_equal(run(pair, photo, "a blue cup", strength=0.0), own)
    steps = [run(pair, photo, "a blue cup", strength=s).astype(float) for s in (0.3, 1.0)]
    assert 0 < np.abs(steps[0] - own).mean() < np.abs(steps[1] - own).mean()


def test_the_same_request_gives_the_same_bytes(pair: Pair) -> None:
    photo = grey(data.chelsea())
    assert run(pair, photo, "a cat").tobytes() == run(pair, photo, "a cat").tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("text", ["", "a woman in an orange suit in front of a flag"])
def test_the_same_photo_has_the_same_colours_at_every_size(pair: Pair, text: str) -> None:
    results = [
        cv2.resize(
            run(pair, grey(data.astronaut(), side), text), (256, 256), interpolation=cv2.INTER_AREA
        )
        for side in (256, 1024, 4096)
    ]
    labs = [rgb2lab(result) for result in results]
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert deltaE_ciede2000(labs[i], labs[j]).mean() < 2


@pytest.mark.slow
@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (7000, 3400)])
def test_extreme_shapes_keep_their_lightness(pair: Pair, size: tuple[int, int]) -> None:
    photo = grey(data.astronaut())[..., 0]
    picture = cv2.resize(photo, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)[..., None]
    result = run(pair, picture.reshape(*size, 1), "a green field")
    assert result.shape == (*size, 3)
    corner = np.s_[: min(size[0], 500), : min(size[1], 500)]
    own = rgb2lab(np.repeat(picture.reshape(*size, 1)[corner], 3, axis=2))[..., 0]
    error = np.abs(rgb2lab(result[corner])[..., 0] - own)
    assert error.max() <= 0.5
    assert error.mean() <= 0.15
