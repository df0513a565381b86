"""A printed screen is seen, and taken out of what the network reads."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from models.scans import is_screened, without_screen

Array = NDArray[np.float32]
PHOTOS = ("camera", "coffee", "chelsea", "astronaut", "rocket")


def photo(name: str, shape: tuple[int, int] = (224, 224)) -> Array:
    """Return something like the lightness of a photo, 0 to 100."""
    picture = getattr(skimage.data, name)()
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, shape[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(small / 2.55, np.float32)


def printed(lightness: Array, pitch: float, angle: float) -> Array:
    """Print it as dots ``pitch`` pixels apart, soft as a scanner sees them."""
    y, x = np.indices(lightness.shape) * (2 * np.pi / pitch)
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    dots = 50 + 25 * (np.cos(u) + np.cos(v))
    return np.asarray(15 + 70 / (1 + np.exp((dots - lightness) / 10)), np.float32)


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("shape", [(224, 224), (172, 292)])
def test_a_photo_is_read_as_it_is(name: str, shape: tuple[int, int]) -> None:
    lightness = photo(name, shape)
    assert without_screen(lightness) is lightness


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize(("pitch", "angle"), [(2.6, 0.4), (3.3, 0.785), (4.5, 0.26)])
def test_a_printed_screen_is_seen_and_smoothed(name: str, pitch: float, angle: float) -> None:
    clean = photo(name)
    screened = printed(clean, pitch, angle)
    read = without_screen(screened)
    alike = [np.corrcoef(plane.ravel(), clean.ravel())[0, 1] for plane in (screened, read)]
    assert is_screened(screened)
    assert alike[1] > max(0.8, alike[0])


@pytest.mark.parametrize("shape", [(4, 4), (4, 900), (32, 32), (224, 224)])
def test_edges_noise_and_flat_layers_are_no_screens(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).uniform(0, 100, shape).astype(np.float32)
    row, column = np.indices(shape)
    step = np.where(column * 2 < shape[1], 20, 80).astype(np.float32)
    slope = np.where(3 * row + 2 * column < shape[0] + shape[1], 20, 80).astype(np.float32)
    frame = np.full(shape, 95, np.float32)
    frame[shape[0] // 8 : -shape[0] // 8, shape[1] // 8 : -shape[1] // 8] = 30
    for plane in (noise, step, slope, frame, np.full(shape, 50, np.float32)):
        assert not is_screened(plane)
