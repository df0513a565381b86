"""The measures against independent oracles, and a whole evaluation of two small photos."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from rich.console import Console
from skimage import data
from skimage.metrics import peak_signal_noise_ratio

from models.color.lab import lab_to_srgb_in_gamut, srgb_to_lab
from models.evaluation.evaluate import evaluate, grey_of, random_hints
from models.evaluation.figures import summary
from models.evaluation.matched import SCALES, curve, match
from models.evaluation.obedience import colored_caption, measure_obedience
from models.evaluation.page import html_page
from models.evaluation.report import table
from models.evaluation.results import deviation, error_of_mean
from models.measures import ciede2000, colourfulness, colourfulness_absolute, psnr, ssim
from models.photos import Photo
from models.training.color_naming import HUES, WORDS
from tests.support.fakes import FakeClip, FakeColorizer


def test_psnr_is_scikit_images() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 256, (2, 20, 30, 3), np.uint8)
    assert psnr(one, other) == pytest.approx(peak_signal_noise_ratio(one, other))
    assert psnr(one, one) == float("inf")


def test_colourfulness_by_hand() -> None:
    grey = np.full((4, 4, 3), 90, np.uint8)
    assert colourfulness(grey) == 0
    halves = grey.copy()
    halves[:2] = (255, 0, 0)
    # rg is 255 and 0, yb 127.5 and 0: deviations 127.5 and 63.75, means the same.
    expected = np.hypot(127.5, 63.75) + 0.3 * np.hypot(127.5, 63.75)
    assert colourfulness(halves) == pytest.approx(expected)
    opposite = grey.copy()
    opposite[:2], opposite[2:] = (255, 0, 0), (0, 255, 0)
    assert colourfulness_absolute(opposite) < colourfulness(opposite)


def test_the_same_picture_is_perfect() -> None:
    picture = data.chelsea()[:64, :64]
    assert ciede2000(picture, picture) == 0
    assert ssim(picture, picture) == pytest.approx(1)


def test_deviation_of_perfect_pictures_is_not_a_number() -> None:
    assert deviation([1.0, 3.0]) == pytest.approx(2**0.5)
    assert error_of_mean([1.0, 3.0]) == pytest.approx(1.0)
    for values in ([], [1.0], [float("inf"), 1.0], [float("inf")] * 2):
        assert math.isnan(deviation(values))
        assert math.isnan(error_of_mean(values))


def test_grey_of_is_neutral() -> None:
    lightness = np.linspace(0, 100, 64, dtype=np.float32).reshape(8, 8)
    grey = grey_of(lightness)
    assert grey.shape == (8, 8, 1)
    assert (grey[0, 0, 0], grey[-1, -1, 0]) == (0, 255)


def test_random_hints_tell_the_truth() -> None:
    picture = np.full((224, 224, 3), (10, 200, 30), np.uint8)
    hints = random_hints(picture, 5, np.random.default_rng(0))
    assert {hint.color for hint in hints} == {"#0ac81e"}
    # 2x2 px: the disc holds four pixel centres.
    y, x = np.mgrid[:224, :224]
    first = hints[0]
    assert first.radius is not None
    assert ((x - first.x) ** 2 + (y - first.y) ** 2 <= first.radius**2).sum() == 4


def area_ab(word: str) -> np.ndarray:
    hue = np.radians(HUES[word])
    ab = np.zeros((20, 20, 2), np.float32)
    ab[5:15, 6:10] = 40 * np.array([np.cos(hue), np.sin(hue)])
    return ab


def test_a_model_that_paints_only_the_named_thing_is_obedient_and_aims_well() -> None:
    made = measure_obedience({word: area_ab(word) for word in WORDS}, area_ab("red"), "red")
    assert made.obeyed == 1
    assert made.leak == 0
    assert made.aim == 1
    assert made.chance == pytest.approx(0.1)


def test_a_tint_over_everything_leaks_and_does_not_aim() -> None:
    results = {}
    for word in WORDS:
        hue = np.radians(HUES[word])
        results[word] = np.tile(np.float32([40 * np.cos(hue), 40 * np.sin(hue)]), (20, 20, 1))
    made = measure_obedience(results, area_ab("red"), "red")
    assert made.leak > 20 or made.obeyed == 1
    assert made.aim == pytest.approx(made.chance, abs=0.05)


def test_a_model_that_ignores_the_word_obeys_by_chance() -> None:
    vivid = np.float32(3) * area_ab("green")
    made = measure_obedience(dict.fromkeys(WORDS, vivid), area_ab("red"), "red")
    assert made.obeyed == pytest.approx(1 / 7)
    pale = measure_obedience(
        {word: vivid / np.float32(10) for word in WORDS}, area_ab("red"), "red"
    )
    assert pale.obeyed == 0  # a grey has no name


def test_aim_is_not_judged_where_the_photo_does_not_show_the_hue() -> None:
    made = measure_obedience({word: area_ab(word) for word in WORDS}, area_ab("blue"), "red")
    assert (made.aim, made.chance) == (None, None)


def test_colored_caption() -> None:
    assert colored_caption(("a dog", "a red and blue kite", "a green field")) == "a green field"
    assert colored_caption(("a dog",)) is None


def test_a_whole_evaluation() -> None:
    photos = [
        Photo("cat", data.chelsea()[::6, ::6], ("a red cat",), "here"),
        Photo("cup", data.coffee()[::8, ::8], ("a cup",), "there"),
        Photo("bare", data.rocket()[::8, ::8], (), "there"),
    ]
    *_, result = evaluate(photos, colorizer=FakeColorizer(), clip=FakeClip(), keep_pictures=2)
    figures = summary(result, {"photos": 3})
    assert figures["guidance"]["grey"]["photos"] == 3
    assert figures["guidance"]["caption"]["photos"] == 2
    assert figures["guidance"]["grey"]["psnr_against_grey"] == 0
    assert figures["guidance"]["grey"]["colourfulness_ratio"] == pytest.approx(0, abs=0.02)
    assert figures["guidance"]["none"]["lpips"] is None
    assert figures["obedience"]["photos"] == 1
    assert json.loads(json.dumps(figures)) == figures
    assert table(figures).row_count == len(figures["guidance"])
    page = html_page(figures, result)
    assert "a red cat" in page or "a cup" in page


@pytest.mark.parametrize("lpips", [None, 0.321])
def test_eighty_columns_hold_the_table(lpips: float | None) -> None:
    row = {
        "photos": 1000, "psnr": 22.2, "psnr_against_grey": -1.25, "ssim": 0.9, "ciede2000": 12.3,
        "lpips": lpips, "colourfulness_ratio": 0.95,
    }  # fmt: skip
    names = ("grey", "none", "caption", "other caption", "100 hints")
    with (console := Console(width=80)).capture() as told:
        console.print(table({"guidance": dict.fromkeys(names, row)}))
    lines = told.get().splitlines()
    assert "…" not in told.get()
    assert ("LPIPS" in told.get(), "0.321" in lines[3]) == ((lpips is not None,) * 2)
    assert [line.partition("  ")[0] for line in lines[3:]] == list(names)  # a line each


def test_captions_are_compared_on_the_same_photos() -> None:
    photos = [
        Photo("cat", data.chelsea()[::6, ::6], ("a cat",), "here"),
        Photo("bare", data.rocket()[::8, ::8], (), "there"),
        Photo("cup", data.coffee()[::8, ::8], ("a cup",), "there"),
    ]
    *_, result = evaluate(photos, colorizer=FakeColorizer(), clip=FakeClip(), hints=False)
    none = [row.values["psnr"] for row in result.rows if row.guidance == "none"]
    caption = [row.values["psnr"] for row in result.rows if row.guidance == "caption"]
    gain = summary(result, {})["caption_gain"]["over_none"]
    assert gain == pytest.approx(np.mean(caption) - np.mean([none[0], none[2]]))


def test_a_pale_truth_is_perfect_once_it_is_as_colourful() -> None:
    photos = [data.chelsea()[::6, ::6], data.coffee()[::8, ::8]]
    curves = []
    for photo in photos:
        lab = srgb_to_lab(photo.astype(np.float32) / 255)
        pale = lab_to_srgb_in_gamut(np.ascontiguousarray(lab[..., 0]), 0.5 * lab[..., 1:])
        curves.append(curve(photo, np.asarray(np.rint(pale * 255), np.uint8)))
    made = match(curves)
    assert made is not None
    assert made.scale == pytest.approx(2, abs=0.15)
    assert made.psnr > np.mean([c.psnr[SCALES.index(1.0)] for c in curves]) + 4


def test_grey_can_never_be_as_colourful() -> None:
    photo = data.chelsea()[::6, ::6]
    grey = np.repeat(photo.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    assert match([curve(photo, grey)]) is None
    assert match([]) is None
