"""The way of a layer, with fake models: what is never broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from skimage.color import lab2rgb, rgb2lab

from models.color.shrinking import working_shape
from models.guidance.condition import (
    Condition,
    Located,
    NamedThing,
    Prediction,
    TextEmbedding,
    join_embeddings,
)
from models.guidance.named_colors import ab_of
from models.guidance.palette import Palette
from models.guidance.reference import Reference
from models.job import ColorizeJob, Hint, JobError, PaletteColor, ThingChange
from models.pipeline import Colorized, colorize, find_things, view_of
from tests.support.fakes import FakeClip, FakeColorizer, LocatingColorizer

DTYPES = (np.uint8, np.uint16, np.float32)


def picture(height: int, width: int, channels: int, dtype: Any, *, seed: int = 0) -> NDArray[Any]:
    noise = np.random.default_rng(seed).random((height, width, channels), np.float32)
    if dtype == np.float32:
        return noise
    return (noise * np.iinfo(dtype).max).astype(dtype)


def run(pixels: NDArray[Any], job: ColorizeJob | None = None, **options: Any) -> Colorized:
    job = ColorizeJob() if job is None else job
    return colorize(pixels, job, colorizer=FakeColorizer(), clip=FakeClip(), **options)


def unit(pixels: NDArray[Any]) -> NDArray[np.float64]:
    scale = 1 if pixels.dtype == np.float32 else np.iinfo(pixels.dtype).max
    return pixels.astype(np.float64) / scale


def lightness_of(pixels: NDArray[Any]) -> NDArray[np.float64]:
    rgb = unit(pixels[..., :3] if pixels.shape[2] > 2 else np.repeat(pixels[..., :1], 3, axis=2))
    lab: NDArray[np.float64] = rgb2lab(rgb)
    return lab[..., 0]


def photo_of(rgb: tuple[int, int, int], *, size: tuple[int, int] = (30, 40)) -> Reference:
    return Reference.of(np.full((*size, 3), rgb, np.uint8))


def mean_ab(pixels: NDArray[Any]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = rgb2lab(unit(pixels))[..., 1:].reshape(-1, 2).mean(axis=0)
    return found


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(48, 64), (1, 1), (1, 400), (300, 3)])
def test_lightness_size_type_and_alpha_are_kept(
    dtype: Any, channels: int, size: tuple[int, int]
) -> None:
    pixels = picture(*size, channels, dtype)
    before = pixels.copy()
    job = ColorizeJob("a red car", (Hint(0, 0, "#2040c0"),), 1.5)
    result = run(pixels, job, reference=photo_of((200, 140, 60))).pixels
    assert result.shape == (*size, 4 if channels in (2, 4) else 3)
    assert result.dtype == dtype
    error = np.abs(lightness_of(result) - lightness_of(pixels))
    assert error.max() <= (0.5 if dtype == np.uint8 else 0.05)
    assert error.mean() <= (0.15 if dtype == np.uint8 else 0.05)
    if channels in (2, 4):
        assert result[..., -1].tobytes() == pixels[..., -1].tobytes()
    np.testing.assert_array_equal(pixels, before)


@pytest.mark.parametrize("dtype", DTYPES)
def test_grey_without_strength_and_saturation_comes_back_unchanged(dtype: Any) -> None:
    pixels = picture(40, 30, 1, dtype)
    job = ColorizeJob("a red car", (Hint(3, 3, "#ff0000"),), saturation=0, strength=0)
    result = run(pixels, job, reference=photo_of((200, 140, 60))).pixels
    np.testing.assert_array_equal(result, np.repeat(pixels, 3, axis=2))


def test_the_same_request_gives_the_same_bytes() -> None:
    pixels = picture(90, 70, 3, np.uint8)
    job = ColorizeJob("a green field", (Hint(3, 4, "#00aa00"),))
    reference = photo_of((200, 140, 60))
    first = run(pixels, job, reference=reference).pixels
    assert first.tobytes() == run(pixels, job, reference=reference).pixels.tobytes()


def test_a_coloured_input_is_read_for_its_lightness() -> None:
    rgb = picture(32, 32, 3, np.float32)
    lab = np.dstack([lightness_of(rgb), np.zeros((32, 32, 2))])
    grey = lab2rgb(lab)[..., :1].astype(np.float32)
    np.testing.assert_allclose(run(rgb).pixels, run(grey).pixels, atol=2e-3)


def test_black_mask_keeps_the_inputs_own_pixels() -> None:
    pixels = picture(40, 60, 3, np.uint8)
    mask = np.zeros((40, 60), np.float32)
    mask[:, 30:] = 1
    result = run(pixels, mask=mask).pixels
    np.testing.assert_array_equal(result[:, :30], pixels[:, :30])
    np.testing.assert_array_equal(result[:, 30:], run(pixels).pixels[:, 30:])


def test_saturation_scales_chroma() -> None:
    pixels = np.full((32, 32, 1), 128, np.uint8)
    chroma = [
        np.hypot(
            *np.moveaxis(rgb2lab(run(pixels, ColorizeJob(saturation=s)).pixels)[..., 1:], -1, 0)
        )
        for s in (0.5, 1.0)
    ]
    assert chroma[1].mean() == pytest.approx(2 * chroma[0].mean(), rel=0.05)


def test_notices_of_clip_and_unused_guidance_are_passed_on() -> None:
    pixels = picture(8, 8, 1, np.uint8)
    assert run(pixels, ColorizeJob("word " * 50)).notices
    assert "strength is 0" in run(pixels, ColorizeJob("a red car", strength=0)).notices[0]
    assert not run(pixels, ColorizeJob("a red car")).notices


def test_hints_outside_are_refused() -> None:
    with pytest.raises(JobError, match="outside the image"):
        run(picture(8, 8, 1, np.uint8), ColorizeJob(hints=(Hint(8, 0, "#ffffff"),)))


def test_the_stages_are_timed() -> None:
    assert list(run(picture(8, 8, 1, np.uint8)).timings) == [
        "lightness",
        "guidance",
        "network",
        "join",
    ]


@pytest.mark.parametrize(
    ("height", "width"), [(1, 1), (1, 4000), (3000, 1), (7000, 3400), (224, 224), (480, 640)]
)
def test_the_working_grid_has_one_area_and_keeps_the_shape(height: int, width: int) -> None:
    rows, columns = working_shape(height, width, 224)
    assert rows % 4 == columns % 4 == 0
    assert rows * columns == pytest.approx(224**2, rel=0.05)
    if 1 / 16 < width / height < 16:
        assert columns / rows == pytest.approx(width / height, rel=0.03)


def test_working_lightness_does_not_depend_on_the_size() -> None:
    coarse = picture(8, 8, 1, np.float32)[..., 0]
    import cv2

    views = [
        view_of(
            cv2.resize(coarse, (n, n), interpolation=cv2.INTER_CUBIC).clip(0, 1)[..., None],
            FakeColorizer(),
        )
        for n in (128, 512, 1024)
    ]
    for view in views[1:]:
        assert np.abs(view.lightness - views[0].lightness).mean() < 0.5
        assert np.abs(view.read - views[0].read).mean() < 0.5


# What wins where, as docs/guidance.md has it.


def test_a_dab_is_met_exactly() -> None:
    pixels = np.full((64, 64, 1), 120, np.uint8)
    pixels[:, 40:] = 60
    result = run(pixels, ColorizeJob("a red car", (Hint(12, 30, "#7a6f9e"),))).pixels
    asked = rgb2lab(unit(np.uint8([[[0x7A, 0x6F, 0x9E]]])))[0, 0, 1:]
    np.testing.assert_allclose(rgb2lab(unit(result))[30, 12, 1:], asked, atol=1.5)


def test_a_dab_wins_over_a_reference_on_its_object_and_not_beyond() -> None:
    pixels = np.full((64, 64, 1), 120, np.uint8)
    pixels[:, 32:] = 60
    reference = photo_of((150, 110, 40))
    dabs = ColorizeJob(hints=(Hint(12, 30, "#4a70c0"),))
    without = rgb2lab(unit(run(pixels, reference=reference).pixels))[..., 1:]
    both = rgb2lab(unit(run(pixels, dabs, reference=reference).pixels))[..., 1:]
    asked = rgb2lab(unit(np.uint8([[[0x4A, 0x70, 0xC0]]])))[0, 0, 1:]
    assert np.linalg.norm(both[30, 12] - asked) < 3
    assert np.linalg.norm(both[8:56, 4:24] - asked, axis=-1).max() < 15
    assert np.linalg.norm(both - without, axis=-1)[:, 40:].max() < 4


def test_a_reference_wins_over_the_networks_guess_where_it_matches() -> None:
    pixels = np.full((48, 48, 1), 110, np.uint8)
    red, blue = (
        mean_ab(run(pixels, reference=photo_of(rgb)).pixels)
        for rgb in ((150, 90, 90), (90, 90, 150))
    )
    plain = mean_ab(run(pixels).pixels)
    theirs = [mean_ab(photo_of(rgb).rgb) for rgb in ((150, 90, 90), (90, 90, 150))]
    for found, wanted in zip((red, blue), theirs, strict=True):
        assert np.linalg.norm(found - wanted) < 0.5 * np.linalg.norm(plain - wanted)


def test_a_description_and_a_reference_share_the_global_path() -> None:
    text, image = np.float32([1, 0, 0, 0]), np.float32([0, 1, 0, 0])
    both = join_embeddings(text, image)
    assert both is not None
    np.testing.assert_allclose(both, [0.5**0.5, 0.5**0.5, 0, 0], atol=1e-6)
    assert join_embeddings(text, None) is text
    assert join_embeddings(None, image) is image
    assert join_embeddings(None, None) is None
    assert join_embeddings(text, -text) is text


def test_words_still_count_beside_a_reference() -> None:
    pixels, reference = picture(40, 40, 1, np.uint8), photo_of((20, 60, 20))
    with_words = run(pixels, ColorizeJob("a red car"), reference=reference).pixels
    assert (with_words != run(pixels, reference=reference).pixels).any()
    assert (with_words != run(pixels, ColorizeJob("a red car")).pixels).any()


@pytest.mark.parametrize("guidance", ["dabs", "reference", "description"])
def test_strength_scales_every_kind_of_guidance(guidance: str) -> None:
    pixels = np.full((48, 48, 1), 110, np.uint8)
    hints = (Hint(20, 20, "#4040a0", 9),) if guidance == "dabs" else ()
    reference = photo_of((90, 90, 150)) if guidance == "reference" else None
    words = "a red car" if guidance == "description" else ""
    plain = mean_ab(run(pixels).pixels)
    moved = [
        np.linalg.norm(
            mean_ab(run(pixels, ColorizeJob(words, hints, strength=s), reference=reference).pixels)
            - plain
        )
        for s in (0, 0.5, 1)
    ]
    assert moved[0] == 0
    assert 0.1 * moved[2] < moved[1] < 0.9 * moved[2]


def test_a_palette_moves_the_picture_to_its_colours_as_far_as_the_strength_says() -> None:
    pixels = picture(40, 40, 1, np.uint8)
    palette = (PaletteColor("#4a6a7a"),)
    wanted = rgb2lab(np.float64([[[0x4A, 0x6A, 0x7A]]]) / 255)[0, 0, 1:]
    plain = mean_ab(run(pixels).pixels)
    way = [
        mean_ab(run(pixels, ColorizeJob(palette=palette, strength=s)).pixels) for s in (0, 0.5, 1)
    ]
    np.testing.assert_array_equal(way[0], plain)
    np.testing.assert_allclose(way[1], (plain + wanted) / 2, atol=4)
    np.testing.assert_allclose(way[2], wanted, atol=4)


def test_the_network_is_told_the_palette() -> None:
    class Told(FakeColorizer):
        given: Condition

        def predict(self, lightness: NDArray[np.float32], condition: Condition) -> Prediction:
            self.given = condition
            return super().predict(lightness, condition)

    colorizer = Told()
    job = ColorizeJob(palette=(PaletteColor("#4a6a7a"), PaletteColor("#e8d8b0", 3)))
    colorize(picture(16, 20, 1, np.uint8), job, colorizer=colorizer, clip=FakeClip())
    assert colorizer.given.palette is not None
    np.testing.assert_array_equal(colorizer.given.palette, Palette.of(job.palette).for_network())


def test_a_dab_and_a_reference_win_over_a_palette() -> None:
    pixels, palette = np.full((48, 48, 1), 110, np.uint8), (PaletteColor("#4a6a7a"),)
    dab = ColorizeJob(hints=(Hint(12, 30, "#7a6f5e", 3),), palette=palette)
    asked = rgb2lab(np.float64([[[0x7A, 0x6F, 0x5E]]]) / 255)[0, 0, 1:]
    found = rgb2lab(unit(run(pixels, dab).pixels))[30, 12, 1:]
    np.testing.assert_allclose(found, asked, atol=1.5)
    reference = photo_of((150, 90, 90))
    both = mean_ab(run(pixels, ColorizeJob(palette=palette), reference=reference).pixels)
    theirs = mean_ab(reference.rgb)
    alone = mean_ab(run(pixels, ColorizeJob(palette=palette)).pixels)
    assert np.linalg.norm(both - theirs) < 0.3 * np.linalg.norm(alone - theirs)


def test_a_palette_that_does_not_count_or_cannot_show_is_said() -> None:
    pixels = np.full((30, 30, 1), 60, np.uint8)
    palette = (PaletteColor("#ffff00"), PaletteColor("#604020"))
    (unused,) = run(pixels, ColorizeJob(palette=palette, strength=0)).notices
    assert unused == "The guidance was not used: strength is 0. Raise it."
    painted = np.full((30, 30, 4), 255, np.uint8)
    assert run(pixels, ColorizeJob(strength=0), painted=painted).notices == (unused,)
    (paler,) = run(pixels, ColorizeJob(palette=palette)).notices
    assert paler.startswith("The palette's #ffff00 shows paler than you gave it")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_photo_without_greys_is_said(dtype: Any, channels: int) -> None:
    top = 1 if dtype == np.float32 else np.iinfo(dtype).max
    dots = np.random.default_rng(5).integers(0, 2, (300, 400, 1))
    pixels = np.repeat(dots * top, channels, axis=2).astype(dtype)
    if channels in (2, 4):
        pixels[..., -1] = top
    said = [one for one in run(pixels).notices if "only black and white" in one]
    assert said == [
        "The photo is only black and white, with no greys to colour: scan it in greyscale."
    ]
    pixels[100:140, :, 0] = top // 2 if top > 1 else 0.5
    assert not any("only black and white" in one for one in run(pixels).notices)


def test_a_toned_scan_is_said_and_coloured_as_its_lightness_is() -> None:
    levels = np.linspace(0, 100, 60 * 80).reshape(60, 80)
    sepia = lab2rgb(np.dstack([levels, 0 * levels + 8, 0 * levels + 20])).astype(np.float32)
    found = run(sepia)
    assert found.scan == ("sepia",)
    assert found.notices == (
        "The photo looks like a scan (sepia): its colours were chosen as if it were clean.",
    )
    grey = lab2rgb(np.dstack([lightness_of(sepia), 0 * levels, 0 * levels]))[..., :1]
    np.testing.assert_allclose(found.pixels, run(grey.astype(np.float32)).pixels, atol=2e-3)
    photo = skimage.data.astronaut()
    for pixels in (photo, photo[..., 1:2]):
        assert (run(pixels).scan, run(pixels).notices) == ((), ())


def test_a_printed_photo_is_read_without_its_dots_and_keeps_them() -> None:
    y, x = np.indices((160, 200)) * (2 * np.pi / 16)
    levels = 50 + 20 * np.cos(0.02 * x) + 12 * np.cos(x + y) * np.cos(x - y)
    grey = lab2rgb(np.dstack([levels, 0 * levels, 0 * levels]))[..., :1].astype(np.float32)
    result = run(grey)
    assert result.scan == ("halftone",)
    assert "halftone" in result.notices[0]
    np.testing.assert_allclose(lightness_of(result.pixels), lightness_of(grey), atol=0.05)
    view = view_of(grey, FakeColorizer())
    assert view.read.std() < view.lightness.std()


def test_the_card_around_a_print_keeps_its_own_grey_unless_it_is_dabbed() -> None:
    class Seeing(FakeColorizer):
        working_size = 224

    def chroma_of(job: ColorizeJob) -> NDArray[np.float64]:
        result = colorize(mounted, job, colorizer=Seeing(), clip=FakeClip()).pixels
        return np.asarray(np.hypot(*np.moveaxis(rgb2lab(result)[..., 1:], -1, 0)))

    levels = np.full((200, 240), 94.0)
    y, x = np.indices((120, 160))
    levels[30:150, 40:200] = 40 + 20 * np.sin(x / 9) * np.cos(y / 7)
    mounted = lab2rgb(np.dstack([levels, 0 * levels, 0 * levels]))[..., :1].astype(np.float32)
    chroma = chroma_of(ColorizeJob())
    assert chroma[:24].max() < 0.5
    assert chroma[160:].max() < 0.5
    assert chroma[50:130, 60:180].mean() > 5
    dabbed = chroma_of(ColorizeJob(hints=(Hint(120, 12, "#ffd0b0", 6),)))
    assert dabbed[12, 120] > 5


@pytest.mark.parametrize("border", [12, 30])
def test_a_narrow_border_stays_neutral_to_its_last_pixel(border: int) -> None:
    class Seeing(FakeColorizer):
        working_size = 224

    levels = np.full((720, 640), 96.0)
    y, x = np.indices((720 - 2 * border, 640 - 2 * border))
    levels[border:-border, border:-border] = 40 + 20 * np.sin(x / 9) * np.cos(y / 7)
    grey = lab2rgb(np.dstack([levels, 0 * levels, 0 * levels]))[..., :1].astype(np.float32)
    result = colorize(grey, ColorizeJob(), colorizer=Seeing(), clip=FakeClip()).pixels
    chroma = np.hypot(*np.moveaxis(rgb2lab(result)[..., 1:], -1, 0))
    around = np.ones(levels.shape, bool)
    around[border:-border, border:-border] = False
    assert chroma[around].mean() < 1.5
    assert chroma[2 * border : -2 * border, 2 * border : -2 * border].mean() > 5


def test_a_reference_without_colours_is_said_and_not_used() -> None:
    pixels = picture(30, 30, 1, np.uint8)
    found = run(pixels, reference=Reference.of(picture(20, 20, 1, np.uint8), "exemplar abc"))
    assert "exemplar abc has no colours and was not used" in found.notices[0]
    np.testing.assert_array_equal(found.pixels, run(pixels).pixels)


@pytest.mark.parametrize("tint", [(10, 25), (-3, -20)])
def test_a_toned_reference_is_said_and_moves_nothing(tint: tuple[float, float]) -> None:
    levels = skimage.data.camera()[::8, ::8].astype(float) / 2.55
    scan = lab2rgb(np.dstack([levels, *(np.full_like(levels, one) for one in tint)]))
    reference = Reference.of((scan * 255).astype(np.uint8))
    pixels = picture(48, 64, 1, np.uint8)
    job = ColorizeJob("a red car")
    result, plain = run(pixels, job, reference=reference), run(pixels, job)
    np.testing.assert_array_equal(result.pixels, plain.pixels)
    (notice,) = set(result.notices) - set(plain.notices)
    assert notice.startswith("The reference is toned (")
    assert "no colours to lend" in notice


@pytest.mark.parametrize(
    "change", [ThingChange("green dress", "#8a2030"), ThingChange("green dress", use=False)]
)
def test_changes_without_a_description_are_said(change: ThingChange) -> None:
    found = run(picture(48, 64, 1, np.uint8), ColorizeJob(things=(change,)))
    assert found.notices == (
        'The change of "green dress" was not used: the description gives colours to nothing.',
    )


def test_a_reference_that_matches_nowhere_is_said() -> None:
    found = run(np.full((30, 30, 1), 250, np.uint8), reference=photo_of((40, 0, 0)))
    assert "little effect" in found.notices[0]
    assert not run(np.full((30, 30, 1), 110, np.uint8), reference=photo_of((150, 90, 90))).notices


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_references_of_any_kind_and_size_are_read(dtype: Any, channels: int) -> None:
    for size in ((1, 1), (1, 700), (900, 800)):
        small = Reference.of(picture(*size, channels, dtype)).rgb
        assert small.shape[2] == 3
        assert small.shape[0] * small.shape[1] <= 513 * 513
        assert small.dtype == np.float32
        assert 0 <= small.min() <= small.max() <= 1


def test_what_is_transparent_in_a_reference_lends_no_colour() -> None:
    rgba = np.zeros((20, 20, 4), np.uint8)
    rgba[..., 0] = 255
    small = Reference.of(rgba).rgb
    np.testing.assert_allclose(small, 0.5, atol=1e-6)


def test_a_reference_wins_over_words_where_it_matches() -> None:
    pixels, reference = np.full((48, 48, 1), 110, np.uint8), photo_of((90, 90, 150))
    words, both = (
        mean_ab(run(pixels, ColorizeJob("a red car"), reference=given).pixels)
        for given in (None, reference)
    )
    theirs = mean_ab(reference.rgb)
    assert np.linalg.norm(both - theirs) < 0.3 * np.linalg.norm(words - theirs)


def test_saturation_makes_dabs_more_or_less_vivid_too() -> None:
    pixels = np.full((64, 64, 1), 120, np.uint8)
    asked = rgb2lab(unit(np.uint8([[[0x7A, 0x6F, 0x9E]]])))[0, 0, 1:]
    for saturation in (0.5, 1.0, 1.4):
        job = ColorizeJob(hints=(Hint(30, 30, "#7a6f9e"),), saturation=saturation)
        found = rgb2lab(unit(run(pixels, job).pixels))[30, 30, 1:]
        np.testing.assert_allclose(found, saturation * asked, atol=1.5)


def test_where_the_mask_is_black_no_guidance_counts() -> None:
    pixels, mask = picture(40, 60, 3, np.uint8), np.ones((40, 60), np.float32)
    mask[:, :20] = 0
    job = ColorizeJob("a red car", (Hint(5, 5, "#ff0000", 4),))
    result = run(pixels, job, reference=photo_of((20, 60, 120)), mask=mask).pixels
    np.testing.assert_array_equal(result[:, :20], pixels[:, :20])


def test_dabs_and_references_give_the_same_colours_at_every_size() -> None:
    coarse = picture(8, 8, 1, np.float32, seed=4)[..., 0]
    import cv2

    views = []
    for scale in (1, 4):
        side = 160 * scale
        pixels = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC).clip(0, 1)
        hint = Hint(50.5 * scale - 0.5, 90.5 * scale - 0.5, "#7a2f2e", 5 * scale)
        reference = photo_of((90, 110, 60), size=(30 * scale, 20 * scale))
        result = run(pixels[..., None], ColorizeJob(hints=(hint,)), reference=reference).pixels
        views.append(cv2.resize(result, (80, 80), interpolation=cv2.INTER_AREA))
    ab = [rgb2lab(view)[..., 1:] for view in views]
    assert np.linalg.norm(ab[0] - ab[1], axis=-1).mean() < 1


class ClipOfBlue(FakeClip):
    """Knows things that are blue, and takes "blue" out of the scene."""

    def embed_text(self, text: str, language: str | None = None) -> TextEmbedding:
        words = text.split()
        scene = " ".join(word for word in words if word != "blue")
        things = [NamedThing(np.zeros(8, np.float32), ("blue",), w) for w in words[-1:]]
        return TextEmbedding(
            super().embed_text(text).vector,
            named=tuple(things) if "blue" in words else (),
            scene=super().embed_text(scene).vector if scene else None,
        )


def named(description: str, **options: Any) -> NDArray[np.float64]:
    """Return the ab of a grey picture whose left half is found for every name."""
    pixels = np.full((64, 64, 1), 128, np.uint8)
    job = ColorizeJob(description, **options)
    made = colorize(pixels, job, colorizer=LocatingColorizer(), clip=ClipOfBlue())
    ab: NDArray[np.float64] = rgb2lab(made.pixels)[..., 1:]
    return ab


def test_a_named_thing_takes_its_colour_and_the_rest_that_of_the_scene() -> None:
    blue, plain = named("a blue car"), named("a car")
    left, right = np.s_[8:56, 4:24], np.s_[8:56, 40:60]
    np.testing.assert_allclose(blue[left].mean((0, 1)), ab_of(["blue"]), atol=2)
    np.testing.assert_allclose(blue[right], plain[right], atol=1)


def test_strength_scales_how_far_a_named_thing_takes_its_colour() -> None:
    none, half, full = (named("a blue car", strength=s)[32, 12] for s in (0.0, 0.5, 1.0))
    assert np.linalg.norm(full - none) > np.linalg.norm(half - none) > 5


def test_a_colour_alone_is_of_the_whole_picture() -> None:
    moved = np.linalg.norm(named("blue") - named(""), axis=-1)
    assert moved.min() > 5


def test_a_thing_that_is_not_there_is_said() -> None:
    class Blind(LocatingColorizer):
        def locate(
            self,
            lightness: NDArray[np.float32],
            things: Sequence[NamedThing],
            others: Sequence[NamedThing] = (),
        ) -> Located:
            there = super().locate(lightness, things, others)
            return replace(there, probability=0.01 * there.probability, shares=0 * there.shares)

    pixels = np.full((64, 64, 1), 128, np.uint8)
    made = colorize(pixels, ColorizeJob("a blue car"), colorizer=Blind(), clip=ClipOfBlue())
    assert any('looks like "blue car"' in notice for notice in made.notices)


def test_a_thing_that_is_not_understood_colours_nothing_and_is_said() -> None:
    class Puzzled(ClipOfBlue):
        def embed_text(self, text: str, language: str | None = None) -> TextEmbedding:
            read = super().embed_text(text)
            known = replace(read.named[0], thing="cart")
            return replace(read, named=(replace(read.named[0], is_understood=False), known))

    pixels = np.full((64, 64, 1), 128, np.uint8)
    job, view = ColorizeJob("a blue qwrt"), view_of(pixels, LocatingColorizer())
    (qwrt, cart), notices = find_things(pixels, job, clip=Puzzled(), view=view)
    assert (qwrt.found, qwrt.area, qwrt.box) == (0.0, 0.0, None)
    assert (cart.found, cart.box) == (1.0, (0, 0, 32, 64))
    assert [notice for notice in notices if "looks like" in notice] == [qwrt.notice]


def test_a_colorizer_that_finds_nothing_gets_the_whole_description() -> None:
    class Listening(FakeColorizer):
        given: NDArray[np.float32] | None = None

        def predict(self, lightness: NDArray[np.float32], condition: Condition) -> Prediction:
            self.given = condition.embedding
            return super().predict(lightness, condition)

    listening = Listening()
    colorize(
        np.full((64, 64, 1), 128, np.uint8),
        ColorizeJob("a blue car"),
        colorizer=listening,
        clip=ClipOfBlue(),
    )
    assert listening.given is not None
    np.testing.assert_array_equal(listening.given, FakeClip().embed_text("a blue car").vector)


def test_what_is_hidden_has_no_say_in_what_is_visible() -> None:
    rng = np.random.default_rng(2)
    one, other = rng.integers(0, 256, (2, 60, 80, 2)).astype(np.uint8)
    other[20:] = one[20:]
    one[:20, :, 1] = other[:20, :, 1] = 0
    first, second = (
        colorize(pixels, ColorizeJob(), colorizer=FakeColorizer(), clip=FakeClip()).pixels
        for pixels in (one, other)
    )
    np.testing.assert_array_equal(first[20:], second[20:])
