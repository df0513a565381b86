"""A toned scan is told from a colour photo and from a grey one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from models.color.lab import lab_to_srgb_in_gamut
from models.scans import tone_of

Array = NDArray[np.float32]


def camera(side: int = 300) -> Array:
    """Return the lightness of a photo, 0 to 100."""
    picture = cv2.resize(skimage.data.camera(), (side, side), interpolation=cv2.INTER_AREA)
    return picture.astype(np.float32) / np.float32(2.55)


def toned(lightness: Array, dark: tuple[float, float], light: tuple[float, float]) -> Array:
    """Give ab that goes from one colour in the shadows to another in the lights."""
    share = (lightness / 100)[..., None]
    return lab_to_srgb_in_gamut(lightness, np.float32(dark) * (1 - share) + light * share)


@pytest.mark.parametrize(
    ("dark", "light", "name"),
    [
        ((6, 12), (4, 18), "sepia"),
        ((0, 0), (12, 30), "sepia"),
        ((-1, 4), (-2, 12), "yellowed"),
        ((2, -30), (-3, -4), "cyanotype"),
        ((8, -2), (10, 1), "one colour"),
    ],
)
@pytest.mark.parametrize("noise", [0, 1.5])
def test_tones_are_named(
    dark: tuple[float, float], light: tuple[float, float], name: str, noise: float
) -> None:
    grain = np.random.default_rng(0).normal(0, noise, (300, 300))
    lightness = (camera() + grain).clip(0, 100).astype(np.float32)
    assert tone_of(toned(lightness, dark, light)) == name


def test_eight_bits_and_jpeg_change_nothing() -> None:
    rgb = (toned(camera(), (6, 12), (4, 18)) * 255 + 0.5).astype(np.uint8)
    for quality in (95, 60):
        _, file = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        again = cv2.imdecode(file, cv2.IMREAD_COLOR)[..., ::-1]
        assert tone_of(np.ascontiguousarray(again, np.float32) / 255) == "sepia"


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea", "rocket"])
def test_colour_photos_are_not_toned(name: str) -> None:
    assert tone_of(getattr(skimage.data, name)().astype(np.float32) / 255) is None


def test_a_warm_photo_of_few_colours_is_not_toned() -> None:
    lightness = camera()
    ab = np.zeros((300, 300, 2), np.float32)
    ab[:, :150], ab[:, 150:] = (6, 16), (2, 4)  # two things as light as each other
    assert tone_of(lab_to_srgb_in_gamut(lightness, ab)) is None


def test_grey_photos_flat_layers_and_drawings_in_one_ink_are_not_toned() -> None:
    grey = np.repeat(camera()[..., None] / 100, 3, axis=2).astype(np.float32)
    assert tone_of(grey) is None
    assert tone_of(np.full((40, 50, 3), (0.8, 0.6, 0.4), np.float32)) is None
    assert tone_of(np.full((1, 1, 3), (0.8, 0.6, 0.4), np.float32)) is None
    ink = np.where(camera()[..., None] > 50, (1, 1, 1), (0.9, 0.1, 0.1)).astype(np.float32)
    assert tone_of(ink) is None


def test_a_pencil_mark_does_not_hide_the_tone() -> None:
    rgb = toned(camera(), (6, 12), (4, 18))
    rgb[10:20, 20:200] = (0.1, 0.2, 0.9)
    assert tone_of(rgb) == "sepia"
