"""Paper around prints and under writing is found; scenes are never taken for it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from models.color.lab import lightness
from models.scans.paper import paper_of

Array = NDArray[np.float32]
CARD = 94.0


def scene(height: int, width: int) -> Array:
    grey = cv2.resize(data.astronaut(), (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(lightness(grey.astype(np.float32) / 255) * 0.75, np.float32)


def card(height: int = 220, width: int = 240) -> Array:
    noise = np.random.default_rng(0).normal(0, 0.7, (height, width))
    return np.asarray(CARD + noise, np.float32)


def written(page: Array, top: int, lines: int) -> Array:
    ink = np.zeros(page.shape, np.uint8)
    for line in range(lines):
        place = (16, top + 12 * line)
        cv2.putText(ink, "minutes of the meeting", place, cv2.FONT_HERSHEY_PLAIN, 0.8, 255)
    return np.where(ink > 100, np.float32(15), page)


def test_the_card_around_a_print_and_its_caption_are_paper() -> None:
    mounted = written(card(), 212, 1)
    mounted[15:185, 20:220] = scene(170, 200)
    paper = paper_of(mounted)
    assert paper is not None
    assert paper[200:].all()
    assert paper[:13].all()
    assert not paper[17:183, 22:218].any()


def test_a_print_that_lies_askew_is_found() -> None:
    mounted = card()
    turn = cv2.getRotationMatrix2D((120, 110), 4, 1)
    box = np.zeros((220, 240), np.float32)
    box[40:180, 50:190] = 1
    box = cv2.warpAffine(box, turn, (240, 220))
    mounted = mounted * (1 - box) + scene(220, 240) * box
    paper = paper_of(mounted)
    assert paper is not None
    assert paper[box > 0.99].mean() < 0.02
    assert paper[box < 0.01].mean() > 0.97


def test_a_typed_page_is_all_paper() -> None:
    page = written(card(), 20, 16)
    paper = paper_of(page)
    assert paper is not None
    assert paper.all()


@pytest.mark.parametrize("level", [60.0, CARD])
def test_a_thing_in_the_sky_is_a_scene(level: float) -> None:
    sky = np.full((220, 240), level, np.float32)
    cv2.ellipse(sky, (120, 100), (60, 25), 20, 0, 360, 30.0, -1)
    assert paper_of(sky) is None
    assert paper_of(np.full((220, 240), level, np.float32)) is None


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket", "camera", "page"])
def test_photos_are_no_paper(name: str) -> None:
    picture = getattr(data, name)()
    rgb = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
    small = cv2.resize(rgb, (240, 220), interpolation=cv2.INTER_AREA)
    assert paper_of(lightness(small.astype(np.float32) / 255)) is None
