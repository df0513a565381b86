"""Things, regions and painted hints on the way of a layer, with fake models."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab

from models.color.mask import Mask
from models.guidance.condition import Located
from models.guidance.named_colors import ab_of
from models.guidance.regions import shaded
from models.job import Box, ColorizeJob, Hint, Region, ThingChange
from models.pipeline import Colorized, colorize, find_things, view_of
from tests.support.fakes import FakeColorizer, LocatingColorizer, NamingClip

GREY = np.full((64, 64, 1), 128, np.uint8)
DRESS = "a woman in a green dress"


def run(pixels: NDArray[Any], job: ColorizeJob, **options: Any) -> Colorized:
    return colorize(pixels, job, colorizer=LocatingColorizer(), clip=NamingClip(), **options)


def noise(channels: int = 1, dtype: Any = np.uint8) -> NDArray[Any]:
    values = np.random.default_rng(7).random((80, 100, channels), np.float32)
    return values if dtype == np.float32 else (values * np.iinfo(dtype).max).astype(dtype)


def ab(result: Colorized) -> NDArray[np.float64]:
    found: NDArray[np.float64] = rgb2lab(result.pixels)[..., 1:]
    return found


def blob() -> NDArray[np.uint8]:
    """Return a soft disc in (80, 100)."""
    y, x = np.indices((80, 100))
    return np.rint(255 * np.clip(1.4 - np.hypot(y - 40, x - 55) / 22, 0, 1)).astype(np.uint8)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize(
    "job", [
        ColorizeJob(),
        ColorizeJob(DRESS, (Hint(50, 40, "#d02020", 9), Hint(5, 5, "#2020d0", 3)), 1.4),
    ],
    ids=["plain", "words and dabs"],
)  # fmt: skip
def test_outside_every_region_the_answer_is_that_without(dtype: Any, job: ColorizeJob) -> None:
    pixels, disc = noise(3, dtype), blob()
    regions = (
        Region(mask="disc", color="#a02020"),
        Region(box=Box(3, 60, 20, 10), description="a blue hat"),
        Region(box=Box(80, 5, 9.5, 9.5), description="an old wall"),
    )
    changed = ColorizeJob(job.description, job.hints, job.saturation, regions=regions)
    plain = run(pixels, job).pixels
    found = run(pixels, changed, places={"disc": Mask.of_levels(disc)}).pixels
    outside = disc == 0
    outside[60:70, 3:23] = outside[5:15, 80:90] = False
    np.testing.assert_array_equal(found[outside], plain[outside])
    share = (found[~outside] != plain[~outside]).any(axis=-1).mean()
    assert share > (0.6 if dtype is np.uint8 else 0.8)  # of coarse levels more come out the same


@pytest.mark.parametrize("color", ["#8a2030", "#2a6f4e", "#d8c090", "#303a60", "#777777"])
def test_a_colour_typed_for_a_region_is_met_on_a_flat_patch(color: str) -> None:
    lab = rgb2lab(np.float64([[[int(color[i : i + 2], 16) for i in (1, 3, 5)]]]) / 255)[0, 0]
    level = int(
        np.argmin(
            np.abs(rgb2lab(np.tile(np.arange(256)[:, None, None] / 255, 3))[:, 0, 0] - lab[0])
        )
    )
    pixels = np.full((90, 120, 1), 200, np.uint8)
    pixels[20:70, 6:50] = level
    for region in (
        Region(box=Box(6, 20, 44, 50), color=color),
        Region(box=Box(3, 17, 50, 56), description="the wall", color=color),
    ):
        middle = rgb2lab(run(pixels, ColorizeJob(regions=(region,))).pixels)[45, 28]
        assert deltaE_ciede2000(middle, lab) < 3


def test_shading_goes_as_the_guess_says_and_else_as_on_a_matte_surface() -> None:
    color = np.float32([30, 20])
    levels = np.tile(np.linspace(20, 80, 60, dtype=np.float32), (20, 1))
    all_of_it = np.ones_like(levels)
    grey = np.zeros((20, 60, 2), np.float32)
    matte = shaded(color, grey, levels, all_of_it)
    rises = np.hypot(*matte[0].T)
    assert (np.diff(rises) > 0).all()
    np.testing.assert_allclose(matte[0, 29:31].mean(axis=0), color, atol=0.5)
    falls = grey.copy()
    falls[..., 0] = 40 - 0.4 * (levels - 50)
    assert (np.diff(np.hypot(*shaded(color, falls, levels, all_of_it)[0].T)) < 0).all()
    hue = np.arctan2(matte[..., 1], matte[..., 0])
    np.testing.assert_allclose(hue, np.arctan2(20, 30), atol=1e-5)


def test_words_are_looked_for_inside_the_region_alone() -> None:
    # Everything is found in the left half: a region that it fills is coloured as a whole, of one
    # that it fills by a fifth only that part.
    full = ColorizeJob(regions=(Region(box=Box(4, 4, 24, 56), description="a red dress"),))
    part = ColorizeJob(regions=(Region(box=Box(24, 4, 40, 56), description="a red dress"),))
    plain = ab(run(GREY, ColorizeJob()))
    red = ab_of(["red"])
    np.testing.assert_allclose(ab(run(GREY, full))[10:50, 8:24].mean((0, 1)), red, atol=1.5)
    found = ab(run(GREY, part))
    np.testing.assert_allclose(found[10:50, 25:28].mean((0, 1)), red, atol=8)
    np.testing.assert_allclose(found[10:50, 42:60], plain[10:50, 42:60], atol=1)


def test_a_later_region_lies_over_an_earlier_one_and_a_dab_over_both() -> None:
    regions = (
        Region(box=Box(0, 0, 40, 64), color="#a02020"),
        Region(box=Box(20, 0, 40, 64), color="#2020a0"),
    )
    found = ab(run(GREY, ColorizeJob(regions=regions)))
    assert found[32, 10, 0] > 30
    assert found[32, 30, 1] < -30
    dab = rgb2lab(np.float64([[[0x20, 0x80, 0x30]]]) / 255)[0, 0, 1:]
    dabbed = ab(run(GREY, ColorizeJob(regions=regions, hints=(Hint(30, 32, "#208030", 2),))))
    np.testing.assert_allclose(dabbed[32, 30], dab, atol=1.5)


def test_a_region_of_nothing_is_said() -> None:
    job = ColorizeJob(regions=(Region(mask="a", color="#a02020"),))
    found = run(GREY, job, places={"a": Mask.of_levels(np.zeros((64, 64), np.uint8))})
    assert found.notices == ("Region 0 was not used: its mask is black everywhere.",)
    np.testing.assert_array_equal(found.pixels, run(GREY, ColorizeJob()).pixels)


def test_strength_scales_regions_too() -> None:
    region = (Region(box=Box(0, 0, 64, 64), color="#2020a0"),)
    none, half, full = (
        ab(run(GREY, ColorizeJob(regions=region, strength=s)))[32, 32] for s in (0.0, 0.5, 1.0)
    )
    np.testing.assert_allclose(half, (none + full) / 2, atol=1.5)
    np.testing.assert_array_equal(none, ab(run(GREY, ColorizeJob()))[32, 32])


def test_things_take_another_colour_another_place_or_none() -> None:
    plain = ab(run(GREY, ColorizeJob("a woman in a dress")))
    named = ab(run(GREY, ColorizeJob(DRESS)))
    left, right = np.s_[8:56, 4:24], np.s_[8:56, 44:60]
    np.testing.assert_allclose(named[left].mean((0, 1)), ab_of(["green"]), atol=2)

    red = ColorizeJob(DRESS, things=(ThingChange("Green Dress", "#c04030"),))
    typed = ab(run(GREY, red))
    asked = rgb2lab(np.float64([[[0xC0, 0x40, 0x30]]]) / 255)[0, 0, 1:]
    np.testing.assert_allclose(typed[left].mean((0, 1)), asked, atol=2)
    np.testing.assert_allclose(typed[right], plain[right], atol=1)

    dropped = ColorizeJob(DRESS, things=(ThingChange("green dress", use=False),))
    np.testing.assert_array_equal(ab(run(GREY, dropped)), plain)

    moved = ColorizeJob(DRESS, things=(ThingChange("green dress", mask="m"),))
    place = {"m": Mask.of_box(44, 8, 16, 48, height=64, width=64)}
    there = ab(run(GREY, moved, places=place))
    np.testing.assert_allclose(there[right].mean((0, 1)), ab_of(["green"]), atol=2)
    np.testing.assert_array_equal(there[left], plain[left])


def test_a_change_of_what_is_not_named_is_said() -> None:
    job = ColorizeJob(DRESS, things=(ThingChange("brown hat", use=False),))
    assert run(GREY, job).notices == (
        'The change of "brown hat" was not used: the description gives colours to "green dress".',
    )


def test_what_was_found_is_told() -> None:
    (dress,) = run(GREY, ColorizeJob(DRESS)).things
    assert (dress.phrase, dress.thing, dress.colors) == ("green dress", "dress", ("green",))
    assert dress.found == 1
    assert dress.area == pytest.approx(0.5, abs=0.05)
    assert dress.box is not None
    x, y, width, height = dress.box
    assert (x, y, height) == (0, 0, 64)
    assert width == pytest.approx(32, abs=4)
    view = view_of(GREY, LocatingColorizer())
    again, notices = find_things(GREY, ColorizeJob(DRESS), clip=NamingClip(), view=view)
    assert [thing.phrase for thing in again] == ["green dress"]
    assert notices == ()


def test_looking_for_things_says_what_colouring_would_say_of_them() -> None:
    job = ColorizeJob(
        f"{DRESS}, a café and all that a description may have to say of it",
        regions=(Region(mask="black", color="#2a6f4e"),),
        things=(ThingChange("brown hat", use=False),),
    )
    places = {"black": Mask.of_levels(np.zeros((64, 64), np.uint8))}
    view = view_of(GREY, LocatingColorizer())
    _, notices = find_things(GREY, job, clip=NamingClip(), view=view, places=places)
    cut, letters, change, region = notices
    assert "only 12 were read" in cut
    assert "é" in letters
    assert change.startswith('The change of "brown hat" was not used')
    assert region == "Region 0 was not used: its mask is black everywhere."
    assert notices == run(GREY, job, places=places).notices


def test_what_is_not_found_is_told_and_colours_nothing() -> None:
    class Blind(LocatingColorizer):
        def locate(self, *arguments: Any) -> Located:
            there = super().locate(*arguments)
            return replace(there, probability=0.01 * there.probability, shares=0 * there.shares)

    made = colorize(GREY, ColorizeJob(DRESS), colorizer=Blind(), clip=NamingClip())
    plain = colorize(GREY, ColorizeJob("a woman in a dress"), colorizer=Blind(), clip=NamingClip())
    np.testing.assert_array_equal(made.pixels, plain.pixels)
    (dress,) = made.things
    assert (dress.place, dress.box, dress.area) == (None, None, 0)
    assert dress.found < 0.1
    assert dress.notice in made.notices


def test_painted_hints_count_where_they_are_as_far_as_they_are_opaque() -> None:
    painted = np.zeros((64, 64, 4), np.uint8)
    painted[20:30, 20:30] = (0x20, 0x80, 0x30, 255)
    asked = rgb2lab(np.float64([[[0x20, 0x80, 0x30]]]) / 255)[0, 0, 1:]
    plain = ab(run(GREY, ColorizeJob()))[25, 25]
    sure = ab(run(GREY, ColorizeJob(), painted=painted))[25, 25]
    np.testing.assert_allclose(sure, asked, atol=1.5)
    painted[..., 3] //= 4
    faint = ab(run(GREY, ColorizeJob(), painted=painted))[25, 25]
    assert 0.1 < np.linalg.norm(faint - plain) / np.linalg.norm(asked - plain) < 0.9
    empty = np.zeros_like(painted)
    np.testing.assert_array_equal(
        run(GREY, ColorizeJob(), painted=empty).pixels, run(GREY, ColorizeJob()).pixels
    )


def test_a_thin_stroke_on_a_large_photo_is_no_less_sure() -> None:
    pixels = np.full((640, 640, 1), 128, np.uint8)
    painted = np.zeros((640, 640, 4), np.uint8)
    painted[300:302, 100:500] = (0x20, 0x80, 0x30, 255)
    asked = rgb2lab(np.float64([[[0x20, 0x80, 0x30]]]) / 255)[0, 0, 1:]
    found = colorize(
        pixels, ColorizeJob(), colorizer=FakeColorizer(), clip=NamingClip(), painted=painted
    )
    np.testing.assert_allclose(ab(found)[300, 300], asked, atol=2)
