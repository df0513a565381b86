"""The full-size step: lightness, alpha and mask kept, edges respected, no seams, lean."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from skimage import color as oracle
from skimage import data

from models.color import upsampling
from models.color.lab import lab_to_srgb_in_gamut, lightness, srgb_to_lab
from models.color.upsampling import recolor

DTYPES = (np.uint8, np.uint16, np.float32)
L_BOUNDS = {np.uint8: (0.5, 0.15), np.uint16: (0.05, 0.05), np.float32: (0.05, 0.05)}


def small_view(height: int = 48, width: int = 64, chroma: float = 40) -> tuple[np.ndarray, ...]:
    """Make (h, w, 2) chroma and a (h, w) guide that share some edges."""
    rng = np.random.default_rng(5)
    coarse = rng.uniform(-1, 1, (6, 8, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)
    return chroma * smooth[..., :2], 50 + 45 * smooth[..., 2]


def picture(height: int, width: int, channels: int, dtype: type) -> np.ndarray:
    """Make random pixels, black and white among them."""
    rng = np.random.default_rng(6)
    unit = np.clip(rng.uniform(-0.1, 1.1, (height, width, channels)), 0, 1)
    return as_dtype(unit, dtype)


def as_dtype(unit: np.ndarray, dtype: type) -> np.ndarray:
    if dtype is np.float32:
        return unit.astype(np.float32)
    return np.rint(unit * np.iinfo(dtype).max).astype(dtype)


def as_unit(pixels: np.ndarray) -> np.ndarray:
    """Return (H, W, 3) float64 sRGB without alpha."""
    unit = pixels.astype(np.float64)
    if pixels.dtype != np.float32:
        unit /= np.iinfo(pixels.dtype).max
    return np.repeat(unit[..., :1], 3, axis=2) if pixels.shape[2] < 3 else unit[..., :3]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("chroma", [30, 1e4])
def test_lightness_alpha_size_and_depth_are_kept(dtype: type, channels: int, chroma: float) -> None:
    pixels = picture(90, 130, channels, dtype)
    kept = pixels.copy()
    out = recolor(pixels, *small_view(chroma=chroma))
    np.testing.assert_array_equal(pixels, kept)
    assert out.shape == (90, 130, 4 if channels in (2, 4) else 3)
    assert out.dtype == dtype
    error = np.abs(oracle.rgb2lab(as_unit(out))[..., 0] - oracle.rgb2lab(as_unit(pixels))[..., 0])
    worst, mean = L_BOUNDS[dtype]
    assert error.max() <= worst
    assert error.mean() <= mean
    if channels in (2, 4):
        assert out[..., 3].tobytes() == pixels[..., -1].tobytes()
    assert np.abs(srgb_to_lab(as_unit(out))[..., 1:]).mean() > 5


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 2])
def test_no_chroma_leaves_grey_unchanged(dtype: type, channels: int) -> None:
    pixels = picture(70, 300, channels, dtype)
    ab, guide = small_view()
    out = recolor(pixels, np.zeros_like(ab), guide)
    for channel in range(3):
        np.testing.assert_array_equal(out[..., channel], pixels[..., 0])


def test_no_chroma_turns_colour_to_grey() -> None:
    ab, guide = small_view()
    out = recolor(data.coffee(), np.zeros_like(ab), guide)
    assert np.ptp(out, axis=2).max() <= 1  # float32 may fall on either side of a half


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_grey_value_comes_back(dtype: type) -> None:
    count = np.iinfo(dtype).max + 1
    pixels = np.arange(count, dtype=dtype).reshape(256, -1, 1)
    ab, guide = small_view()
    hair = np.full_like(ab, 1e-6)  # not zero, so that the whole way is walked
    np.testing.assert_array_equal(recolor(pixels, hair, guide), np.repeat(pixels, 3, axis=2))


def test_grey_as_rgb_is_treated_as_grey() -> None:
    grey = picture(60, 80, 1, np.uint8)
    view = small_view()
    np.testing.assert_array_equal(recolor(np.repeat(grey, 3, axis=2), *view), recolor(grey, *view))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_the_mask(dtype: type, channels: int) -> None:
    pixels = picture(64, 96, channels, dtype)
    mask = np.zeros((64, 96), np.float32)
    mask[:, 32:64] = np.linspace(0.2, 0.8, 32)
    mask[:, 64:] = 1
    view = small_view()
    out, full = recolor(pixels, *view, mask=mask), recolor(pixels, *view)
    own = np.repeat(pixels[..., :1], 3, axis=2) if channels < 3 else pixels[..., :3]
    assert out[:, :32, :3].tobytes() == own[:, :32].tobytes()
    np.testing.assert_allclose(as_unit(out)[:, 64:], as_unit(full)[:, 64:], atol=1e-4)
    if channels in (2, 4):
        assert out[..., 3].tobytes() == pixels[..., -1].tobytes()
    # In between: the chroma lies between the two, weighted. Only where neither was clipped.
    if dtype is not np.uint8 and channels > 2:
        between, new = (oracle.rgb2lab(as_unit(x))[:, 32:64, 1:] for x in (out, full))
        old = oracle.rgb2lab(as_unit(pixels))[:, 32:64, 1:]
        expected = old + mask[:, 32:64, None] * (new - old)
        assert np.median(np.abs(between - expected)) < 0.05
    error = oracle.rgb2lab(as_unit(out))[..., 0] - oracle.rgb2lab(as_unit(pixels))[..., 0]
    assert np.abs(error).max() <= L_BOUNDS[dtype][0]


@pytest.mark.parametrize("value", [0, 1])
def test_a_mask_of_one_value(value: int) -> None:
    pixels = data.coffee()
    mask = np.full(pixels.shape[:2], value, np.float32)
    view = small_view()
    expected = pixels if value == 0 else recolor(pixels, *view)
    np.testing.assert_array_equal(recolor(pixels, *view, mask=mask), expected)


def bleeding_edge() -> tuple[np.ndarray, ...]:
    """A bright red half beside a dark blue one, and its small view with the colours bled."""
    truth = np.zeros((240, 320, 3), np.float32)
    truth[:, :157], truth[:, 157:] = (70, 30, 20), (35, 10, -30)
    small = cv2.resize(truth, (40, 30), interpolation=cv2.INTER_AREA)
    ab = cv2.GaussianBlur(small[..., 1:], (0, 0), 0.8)
    grey = lab_to_srgb_in_gamut(truth[..., 0], np.zeros((240, 320, 2)))[..., :1]
    return truth, ab, small[..., 0].copy(), grey


def test_colour_stops_at_an_edge() -> None:
    truth, ab, guide, grey = bleeding_edge()
    got = srgb_to_lab(recolor(grey, ab, guide))[..., 1:]
    plain = cv2.resize(ab, (320, 240), interpolation=cv2.INTER_LINEAR)
    near = slice(157 - 16, 157 + 16)
    error = np.abs(got - truth[..., 1:])[:, near].mean()
    assert error < 0.1 * np.abs(plain - truth[..., 1:])[:, near].mean()
    steepest = np.abs(np.diff(got[120, :, 1])).max()
    assert steepest > 3 * np.abs(np.diff(plain[120, :, 1])).max()


def test_no_halo_beside_an_edge() -> None:
    _, ab, guide, grey = bleeding_edge()
    got = srgb_to_lab(recolor(grey, ab, guide))[..., 1:]
    for channel in range(2):
        assert got[..., channel].min() >= ab[..., channel].min() - 0.1
        assert got[..., channel].max() <= ab[..., channel].max() + 0.1


def test_grain_makes_no_blotches() -> None:
    rng = np.random.default_rng(7)
    ab = np.full((32, 32, 2), 12, np.float32)
    guide = rng.normal(55, 3, (32, 32)).astype(np.float32)
    grey = np.clip(rng.normal(0.5, 0.08, (256, 256, 1)), 0.2, 0.9).astype(np.float32)
    got = srgb_to_lab(recolor(grey, ab, guide))[..., 1:]
    np.testing.assert_allclose(got, 12, atol=0.05)


def test_lightness_that_does_not_explain_chroma_leaves_it_alone() -> None:
    """Chroma rises from left to right, and lightness is a texture as coarse as the small view."""
    rng = np.random.default_rng(3)
    ab = np.repeat(np.linspace(-12, 12, 40, dtype=np.float32)[None, :, None], 30, 0).repeat(2, 2)
    guide = rng.uniform(40, 70, (30, 40)).astype(np.float32)
    level = cv2.resize(guide, (320, 240), interpolation=cv2.INTER_NEAREST)
    grey = lab_to_srgb_in_gamut(level, np.zeros((240, 320, 2)))[..., :1]
    got = srgb_to_lab(recolor(grey, ab, guide))[..., 1:]
    plain = cv2.resize(ab, (320, 240), interpolation=cv2.INTER_LINEAR)
    assert np.abs(got - plain).mean() < 0.05


def test_chroma_of_photographs_comes_nearer_than_by_bilinear_upsampling() -> None:
    ratios = []
    for photo in (data.astronaut(), data.coffee(), data.chelsea(), data.rocket()):
        lab = srgb_to_lab(photo / 255)
        size = (photo.shape[1] // 4, photo.shape[0] // 4)
        small = cv2.resize(lab, size, interpolation=cv2.INTER_AREA)
        ab = cv2.GaussianBlur(small[..., 1:], (0, 0), 1)
        got = srgb_to_lab(recolor(photo, ab, small[..., 0]) / 255)
        plain = cv2.resize(ab, photo.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        error = ((got - lab)[..., 1:] ** 2).mean()
        ratios.append(error / ((plain - lab[..., 1:]) ** 2).mean())
    assert max(ratios) < 1
    assert np.mean(ratios) < 0.9


def test_the_same_colours_at_every_size() -> None:
    lab = srgb_to_lab(data.astronaut() / 255)
    small = cv2.resize(lab, (192, 192), interpolation=cv2.INTER_AREA)
    brought = []
    for size in (256, 1024, 2048):
        how = cv2.INTER_AREA if size < 512 else cv2.INTER_CUBIC
        plane = np.clip(cv2.resize(lab[..., 0], (size, size), interpolation=how), 0, 100)
        grey = lab_to_srgb_in_gamut(plane, np.zeros((size, size, 2)))[..., :1]
        out = recolor(as_dtype(grey, np.uint8), small[..., 1:], small[..., 0])
        at_256 = cv2.resize(out, (256, 256), interpolation=cv2.INTER_AREA)
        brought.append(oracle.rgb2lab(at_256))
    for other in brought[1:]:
        assert oracle.deltaE_ciede2000(brought[0], other).mean() < 1.5


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1), (2, 3), (5, 9000)])
@pytest.mark.parametrize("view", [(1, 1), (1, 192), (48, 64), (192, 2)])
def test_odd_shapes(shape: tuple[int, int], view: tuple[int, int]) -> None:
    pixels = picture(*shape, 2, np.uint8)
    out = recolor(pixels, *small_view(*view))
    assert out.shape == (*shape, 4)
    assert out[..., 3].tobytes() == pixels[..., 1].tobytes()
    error = lightness(as_unit(out)) - lightness(as_unit(pixels))
    assert np.abs(error).max() <= 0.5


@pytest.fixture
def set_blocks(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int, int], None]:
    def set_to(block: int, columns: int, workers: int) -> None:
        monkeypatch.setattr(upsampling, "BLOCK", block)
        monkeypatch.setattr(upsampling, "COLUMNS", columns)
        monkeypatch.setattr(upsampling, "WORKERS", workers)

    return set_to


@pytest.mark.parametrize("channels", [1, 3])
def test_blocks_leave_no_seams(channels: int, set_blocks: Callable[[int, int, int], None]) -> None:
    pixels = picture(53, 131, channels, np.uint16)
    mask = picture(53, 131, 1, np.float32)[..., 0]
    view = small_view()
    expected = recolor(pixels, *view, mask=mask)
    for block, columns, workers in ((1, 50, 1), (64, 7, 3), (5000, 4000, 2)):
        set_blocks(block, columns, workers)
        other = recolor(pixels, *view, mask=mask).astype(int)
        # OpenCV rounds the last pixels of an array otherwise; a chroma step of the gamut is 1e-4.
        assert np.abs(other - expected).max() <= 32
        assert (other != expected).mean() < 0.002


def test_the_same_bytes_every_time() -> None:
    pixels = picture(300, 500, 3, np.float32)
    view = small_view()
    assert recolor(pixels, *view).tobytes() == recolor(pixels, *view).tobytes()


@pytest.mark.slow
def test_memory_beside_the_result_is_small() -> None:
    pixels = picture(2800, 4200, 1, np.uint8)
    view = small_view(109, 224)
    tracemalloc.start()
    out = recolor(pixels, *view)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert out.shape == (2800, 4200, 3)
    assert peak - out.nbytes < 40e6  # a plane of float32 has 47e6


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_the_result_may_take_the_place_of_the_pixels(channels: int) -> None:
    pixels = picture(300, 400, channels, np.uint8)
    view = small_view()
    expected = recolor(pixels, *view)
    given = pixels.copy()
    out = recolor(given, *view, may_overwrite=True)
    assert out.tobytes() == expected.tobytes()
    assert np.shares_memory(out, given) == (channels > 2)
    pixels.flags.writeable = False  # somebody else looks at them too
    assert recolor(pixels, *view, may_overwrite=True).tobytes() == expected.tobytes()


def test_what_does_not_fit_together_is_refused() -> None:
    ab, guide = small_view()
    grey = picture(8, 9, 1, np.uint8)
    for pixels in (grey[..., 0], np.zeros((4, 4, 5), np.uint8), np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(ValueError, match="shape"):
            recolor(pixels, ab, guide)
    with pytest.raises(ValueError, match="float64"):
        recolor(grey.astype(np.float64), ab, guide)
    with pytest.raises(ValueError, match="guide"):
        recolor(grey, ab[:-1], guide)
    with pytest.raises(ValueError, match="mask"):
        recolor(grey, ab, guide, mask=np.ones((9, 8), np.float32))
