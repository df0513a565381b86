"""Things and regions with the weights that ship: what a person asks for is what they get."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, lab2rgb, rgb2gray, rgb2lab

from models.color.mask import Mask
from models.guidance.named_colors import ab_of
from models.job import Box, ColorizeJob, Hint, Region, ThingChange
from models.networks.clip import Clip
from models.networks.predictor import Predictor
from models.pipeline import View, colorize, view_of

pytestmark = pytest.mark.slow

PHOTO = rgb2gray(cv2.resize(skimage.data.astronaut(), (320, 320)))[..., None].astype(np.float32)
WORDS = "a woman in an orange suit"
SUIT, WALL = np.s_[200:280, 60:160], np.s_[20:100, 200:240]
Seen = tuple[Predictor, Clip, View]


@pytest.fixture(scope="module")
def seen(released: tuple[Predictor, Clip]) -> Seen:
    """Look at the photo once."""
    colorizer, clip = released
    return colorizer, clip, view_of(PHOTO, colorizer)


def run(seen: Seen, job: ColorizeJob, **places: Mask) -> NDArray[Any]:
    colorizer, clip, view = seen
    made = colorize(PHOTO, job, colorizer=colorizer, clip=clip, view=view, places=places)
    return made.pixels


def hue(pixels: NDArray[Any]) -> float:
    a, b = rgb2lab(pixels)[..., 1:].reshape(-1, 2).mean(axis=0)
    return float(np.degrees(np.arctan2(b, a)))


def apart(pixels: NDArray[Any], word: str) -> float:
    wanted = float(np.degrees(np.arctan2(*ab_of([word])[::-1])))
    return abs((hue(pixels) - wanted + 180) % 360 - 180)


def disc() -> Mask:
    y, x = np.indices((320, 320))
    away = np.hypot(y - 240, x - 110)
    return Mask.of_levels(np.rint(255 * np.clip((60 - away) / 10, 0, 1)).astype(np.uint8))


@pytest.mark.parametrize("job", [ColorizeJob(WORDS), ColorizeJob("", (Hint(30, 30, "#208040"),))])
def test_two_regions_with_two_descriptions(seen: Seen, job: ColorizeJob) -> None:
    regions = (
        Region(mask="disc", description="a green wool shawl"),
        Region(box=Box(200, 20, 40, 80), description="a purple wall"),
    )
    plain = run(seen, job)
    found = run(seen, ColorizeJob(job.description, job.hints, regions=regions), disc=disc())
    assert apart(found[220:260, 90:130], "green") < 20
    assert apart(found[WALL], "purple") < 20
    outside = np.ones((320, 320), bool)
    outside[20:100, 200:240] = False
    mask = disc()
    x, y, width, height = mask.box
    outside[y : y + height, x : x + width] &= mask.levels == 0
    np.testing.assert_array_equal(found[outside], plain[outside])


def test_a_thing_with_another_colour_another_place_or_none(seen: Seen) -> None:
    named = run(seen, ColorizeJob(WORDS))
    blue = run(seen, ColorizeJob(WORDS, things=(ThingChange("orange suit", "#2040a0"),)))
    assert (blue != named).any()
    moved = ColorizeJob(WORDS, things=(ThingChange("orange suit", mask="disc"),))
    assert apart(run(seen, moved, disc=disc())[220:260, 90:130], "orange") < 20
    dropped = run(seen, ColorizeJob(WORDS, things=(ThingChange("orange suit", use=False),)))
    plain = run(seen, ColorizeJob("a woman in a suit"))
    np.testing.assert_allclose(dropped, plain, atol=1e-3)  # the texts are read together


def test_a_thing_changed_by_colour_has_it_where_it_was_found(seen: Seen) -> None:
    colorizer, clip, view = seen
    job = ColorizeJob(WORDS, things=(ThingChange("orange suit", "#2040a0"),))
    made = colorize(PHOTO, job, colorizer=colorizer, clip=clip, view=view)
    (suit,) = made.things
    assert suit.place is not None
    sure = cv2.resize(suit.place, (320, 320)) > 0.95
    assert sure.any()
    a, b = rgb2lab(made.pixels)[sure][:, 1:].mean(axis=0)
    wanted = rgb2lab(np.float64([[[0x20, 0x40, 0xA0]]]) / 255)[0, 0, 1:]
    turned = np.degrees(np.arctan2(b, a) - np.arctan2(wanted[1], wanted[0]))
    assert abs((turned + 180) % 360 - 180) < 20


def test_a_typed_colour_is_met_on_a_flat_patch(released: tuple[Predictor, Clip]) -> None:
    """Of things and regions alike; the patch has the lightness of the colour."""
    colorizer, clip = released
    colors = np.random.default_rng(14).integers(0, 256, (8, 3), np.uint8)
    patch = Mask.of_box(60, 200, 100, 80, height=320, width=320)
    differences = []
    for color in colors:
        lab = rgb2lab(color[None] / 255)[0]
        pixels = PHOTO.copy()
        pixels[SUIT] = lab2rgb([lab[0], 0, 0])[0]
        view = view_of(pixels, colorizer)
        typed = "#" + bytes(color).hex()
        for job in (
            ColorizeJob(regions=(Region(mask="patch", color=typed),)),
            ColorizeJob(regions=(Region(box=Box(60, 200, 100, 80), color=typed),)),
            ColorizeJob(WORDS, things=(ThingChange("orange suit", typed, mask="patch"),)),
        ):
            made = colorize(
                pixels, job, colorizer=colorizer, clip=clip, view=view, places={"patch": patch}
            )
            differences.append(deltaE_ciede2000(rgb2lab(made.pixels[240, 110]), lab))
    assert np.median(differences) < 3, np.sort(differences).round(1)
