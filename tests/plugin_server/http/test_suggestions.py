"""Likely colours for a place, and how sure the model is."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from flask.testing import FlaskClient
from skimage.color import rgb2lab

from models.color.lab import parse_hex
from models.guidance.condition import Condition, Distribution, Prediction
from models.job import ColorizeJob
from models.suggestions import ALIKE, confidence_map, gather, suggest
from tests.support.fakes import FakeClip, FakeColorizer
from tests.support.pictures import encoded, grey_picture


def lab_of(color: str) -> np.ndarray:
    return np.asarray(rgb2lab(parse_hex(color).reshape(1, 1, 3)))[0, 0]


class Opinionated(FakeColorizer):
    """Holds orange or blue likely, wherever it is asked, and notes where that was."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int, tuple[int, ...]]] = []

    def distribution(
        self, lightness: np.ndarray, condition: Condition, *, row: int, column: int
    ) -> Distribution:
        self.asked.append((row, column, lightness.shape))
        ab = np.array([[40, 60], [5, -45], [44, 55], [0, 0]], np.float32)
        return Distribution(ab, np.array([0.4, 0.3, 0.2, 0.1], np.float32))


def suggestions(pixels: np.ndarray, x: float, y: float, k: int = 6) -> list[tuple[str, float]]:
    found, notices = suggest(
        pixels, ColorizeJob(), x=x, y=y, k=k, colorizer=Opinionated(), clip=FakeClip()
    )
    assert notices == ()
    return [(suggestion.color, suggestion.weight) for suggestion in found]


def test_colours_alike_are_one_and_the_likeliest_comes_first() -> None:
    found = suggestions(np.full((20, 30, 1), 140, np.uint8), 3, 4)
    assert [weight for _, weight in found] == pytest.approx([0.6, 0.3, 0.1])
    orange, blue, grey = (lab_of(color) for color, _ in found)
    assert np.degrees(np.arctan2(orange[2], orange[1])) == pytest.approx(55, abs=8)
    assert blue[2] < -25
    assert np.hypot(*grey[1:]) < 1
    assert len(suggestions(np.full((20, 30, 1), 140, np.uint8), 3, 4, k=2)) == 2


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_suggestion_has_the_lightness_of_the_very_pixel(dtype: type, channels: int) -> None:
    top = 1 if dtype is np.float32 else np.iinfo(dtype).max
    pixels = np.zeros((24, 36, channels), dtype)
    pixels[10, 20] = 0.55 * top
    level = rgb2lab(np.full((1, 1, 3), 0.55))[0, 0, 0]
    for color, _ in suggestions(pixels, 20, 10):
        assert lab_of(color)[0] == pytest.approx(level, abs=0.5)


@pytest.mark.parametrize("level", [0, 255])
def test_black_and_white_have_one_colour_only(level: int) -> None:
    (color, weight), *others = suggestions(np.full((9, 9, 3), level, np.uint8), 0, 0)
    assert color == f"#{level:02x}{level:02x}{level:02x}"
    assert weight == pytest.approx(1)
    assert not others


@pytest.mark.parametrize(("x", "y"), [(0, 0), (299, 0), (0, 99), (299, 99), (150, 20)])
def test_the_place_is_found_on_the_working_grid(x: int, y: int) -> None:
    colorizer = Opinionated()
    suggest(
        np.zeros((100, 300, 1), np.uint8), ColorizeJob(), x=x, y=y, k=1,
        colorizer=colorizer, clip=FakeClip(),
    )  # fmt: skip
    ((row, column, (rows, columns)),) = colorizer.asked
    assert abs((row + 0.5) / rows - (y + 0.5) / 100) <= 0.5 / rows + 1e-6
    assert abs((column + 0.5) / columns - (x + 0.5) / 300) <= 0.5 / columns + 1e-6


def test_gathering_keeps_the_weight_and_parts_what_differs() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        ab = rng.uniform(-90, 90, (170, 2)).astype(np.float32)
        weights = rng.dirichlet(np.full(170, 0.05)).astype(np.float32)
        centres, found = gather(Distribution(ab, weights), 12)
        assert len(centres) == len(found) <= 12
        assert (np.diff(found) <= 0).all()
        assert found.sum() <= 1 + 1e-5
        top = ab[weights.argmax()]
        near = np.hypot(*(ab - top).T) < ALIKE
        assert (np.abs(found - weights[near].sum()) < 1e-5).any()
        assert (np.abs(centres) <= 90).all()


class HalfSure(FakeColorizer):
    """Is sure on the left."""

    def predict(self, lightness: np.ndarray, condition: Condition) -> Prediction:
        sure = np.zeros(lightness.shape, np.float32)
        sure[:, : sure.shape[1] // 2] = 1
        return Prediction(super().predict(lightness, condition).ab, sure)


def test_the_map_has_the_size_of_the_picture_and_is_white_where_sure() -> None:
    found, notices = confidence_map(
        np.zeros((123, 77, 3), np.uint8), ColorizeJob(), colorizer=HalfSure(), clip=FakeClip()
    )
    assert notices == ()
    assert found.shape == (123, 77)
    assert found.dtype == np.uint8
    assert (found[:, :36] == 255).all()
    assert (found[:, -36:] == 0).all()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"description": "a café"}, "some letters of “a café” are not known to the model"),
        ({"description": "a tram", "strength": "0"}, "strength is 0"),
        ({"description": "a tram"}, ""),
    ],
)
@pytest.mark.parametrize(("path", "place"), [("suggestions", {"x": 3, "y": 4}), ("confidence", {})])
def test_what_was_not_used_is_said(
    client: FlaskClient, path: str, place: dict[str, Any], fields: dict[str, Any], words: str
) -> None:
    image = io.BytesIO(encoded(grey_picture())), "photo"
    answer = client.post(f"/v1/{path}", data={"image": image, **place, **fields})
    assert answer.status_code == 200
    notice = unquote(answer.headers.get("Photochrom-Notice", ""))
    assert words in notice
    assert bool(words) == bool(notice)
