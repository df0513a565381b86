"""The way of a layer, with fake models: what is never broken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.color import rgb2lab

from fakes import FakeClip, FakeColorizer
from models.job import ColorizeJob, Hint, JobError
from models.pipeline import Colorized, colorize, working_lightness, working_shape

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


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(48, 64), (1, 1), (1, 400), (300, 3)])
def test_lightness_size_type_and_alpha_are_kept(
    dtype: Any, channels: int, size: tuple[int, int]
) -> None:
    pixels = picture(*size, channels, dtype)
    before = pixels.copy()
    result = run(pixels, ColorizeJob("a red car", (Hint(0, 0, "#2040c0"),), 1.5)).pixels
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
    result = run(pixels, ColorizeJob("a red car", saturation=0, strength=0)).pixels
    np.testing.assert_array_equal(result, np.repeat(pixels, 3, axis=2))


def test_the_same_request_gives_the_same_bytes() -> None:
    pixels = picture(90, 70, 3, np.uint8)
    job = ColorizeJob("a green field", (Hint(3, 4, "#00aa00"),))
    assert run(pixels, job).pixels.tobytes() == run(pixels, job).pixels.tobytes()


def test_a_coloured_input_is_read_for_its_lightness() -> None:
    rgb = picture(32, 32, 3, np.float32)
    lab = np.dstack([lightness_of(rgb), np.zeros((32, 32, 2))])
    from skimage.color import lab2rgb

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
        working_lightness(
            cv2.resize(coarse, (n, n), interpolation=cv2.INTER_CUBIC).clip(0, 1)[..., None], 64
        )
        for n in (128, 512, 1024)
    ]
    for view in views[1:]:
        assert np.abs(view - views[0]).mean() < 0.5
