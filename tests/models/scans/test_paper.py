"""Paper around prints and under writing is found; scenes are never taken for it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from models.color.lab import lightness
from models.scans import paper_of

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
    page = written(card(), 212, 1)
    page[15:185, 20:220] = scene(170, 200)
    paper = paper_of(page)
    assert paper is not None
    assert paper[200:].all()
    assert paper[:13].all()
    assert not paper[17:183, 22:218].any()


def test_a_print_that_lies_askew_is_found() -> None:
    sheet = card()
    turn = cv2.getRotationMatrix2D((120, 110), 4, 1)
    box = np.zeros((220, 240), np.float32)
    box[40:180, 50:190] = 1
    box = np.asarray(cv2.warpAffine(box, turn, (240, 220)), np.float32)
    sheet = np.asarray(sheet * (1 - box) + scene(220, 240) * box, np.float32)
    paper = paper_of(sheet)
    assert paper is not None
    assert paper[box > 0.99].mean() < 0.02
    assert paper[box < 0.01].mean() > 0.97


def test_a_typed_page_is_all_paper() -> None:
    page = written(card(), 20, 16)
    paper = paper_of(page)
    assert paper is not None
    assert paper.all()


def mounted(page: Array, *places: tuple[int, int, int, int]) -> tuple[Array, Array]:
    """Lay a print at each (top, left, height, width); return the page and where prints are."""
    page, where = page.copy(), np.zeros(page.shape, np.float32)
    for top, left, height, width in places:
        page[top : top + height, left : left + width] = scene(height, width)
        where[top : top + height, left : left + width] = 1
    return page, where


def assert_parted(page: Array, where: Array) -> None:
    """``where`` is 1 on prints; two pixels at their edges may be either."""
    paper = paper_of(page)
    assert paper is not None
    edge = np.ones((5, 5), np.uint8)
    assert not paper[cv2.erode(where, edge) > 0.99].any()
    assert paper[cv2.dilate(where, edge) < 0.01].all()


def test_prints_whose_edges_are_as_light_as_the_card_are_whole() -> None:
    page, where = mounted(card(), (20, 20, 170, 200))
    page[20:90, 20:110] = card()[:70, :90]  # sky, up to the corner
    assert_parted(page, where)


def test_prints_that_share_a_sheet_are_found() -> None:
    assert_parted(*mounted(card(), (15, 12, 120, 90), (60, 120, 90, 110)))


@pytest.mark.parametrize("level", [77.0, CARD - 5])
def test_card_may_be_grey_and_darker_on_one_side(level: float) -> None:
    page = card() - CARD + level + np.linspace(-4.5, 4.5, 240)
    assert_parted(*mounted(page.astype(np.float32), (20, 20, 170, 200)))


def test_narrow_borders_are_paper() -> None:
    assert_parted(*mounted(card(), (4, 4, 212, 232)))


@pytest.mark.parametrize("angle", [-1.5, 1.5])
def test_a_print_with_a_light_edge_that_lies_askew_is_whole(angle: float) -> None:
    page, where = mounted(card(), (30, 30, 150, 180))
    page[30:80, 60:140] = CARD
    turn = cv2.getRotationMatrix2D((120, 110), angle, 1)
    lain = np.asarray(cv2.warpAffine(page, turn, (240, 220), borderValue=CARD), np.float32)
    assert_parted(lain, np.asarray(cv2.warpAffine(where, turn, (240, 220)), np.float32))


def test_an_oval_print_is_found() -> None:
    where = np.zeros((220, 240), np.float32)
    cv2.ellipse(where, (120, 105), (60, 80), 0, 0, 360, 1.0, -1)
    page = np.where(where > 0, scene(220, 240), card()).astype(np.float32)
    paper = paper_of(page)
    assert paper is not None
    assert paper[where > 0].mean() < 0.02
    assert paper[where == 0].mean() > 0.98


def test_the_lid_of_a_scanner_around_the_paper_is_paper() -> None:
    page, where = mounted(card(180, 200), (12, 12, 150, 176))
    lid = np.asarray(card() - CARD + 6, np.float32)
    lid[20:200, 20:220] = page
    print_at = np.zeros(lid.shape, np.float32)
    print_at[20:200, 20:220] = where
    assert_parted(lid, print_at)
    lid[20:200, 20:220] = scene(180, 200)
    assert paper_of(lid) is None


def test_a_figure_before_a_light_wall_is_a_scene() -> None:
    figure = np.zeros((220, 240), np.uint8)
    cv2.circle(figure, (120, 60), 25, 1, -1)
    cv2.fillPoly(figure, [np.array([[80, 200], [95, 90], [145, 90], [160, 200]])], 1)
    assert paper_of(np.where(figure > 0, scene(220, 240), card()).astype(np.float32)) is None


def test_a_picture_on_a_dark_wall_is_a_scene() -> None:
    page, _ = mounted(card() - 34, (40, 60, 100, 120))
    assert paper_of(page) is None


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
