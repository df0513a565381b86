"""Colour profiles: into sRGB at 16 bits and back, against colour-science and Pillow's littleCMS."""

from __future__ import annotations

import io
import itertools
import struct
from dataclasses import replace

import colour
import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms
from skimage import color as oracle

from models.color.lab import lab_to_srgb_in_gamut
from plugin_server.images.codec import Layer, Limits, decode, encode
from tests.support.pictures import (
    opened,
    png_chunk,
    png_of,
    random_pixels,
    saved,
    saved_image,
    tiff_of,
)

ADOBE = bytes(imagecodecs.cms_profile("adobergb"))
GREY = bytes(imagecodecs.cms_profile("gray", gamma=1.8))
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LIMITS = Limits()
D50 = colour.CCS_ILLUMINANTS["CIE 1931 2 Degree Standard Observer"]["D50"]  # of all profiles


def linear_from_adobe(encoded: np.ndarray) -> np.ndarray:
    """Convert Adobe RGB (1998) in [0, 1] to linear light of sRGB's primaries, not clipped."""
    spaces = colour.RGB_COLOURSPACES
    matrix = colour.matrix_RGB_to_RGB(
        spaces["Adobe RGB (1998)"], spaces["sRGB"], chromatic_adaptation_transform=None
    )
    return encoded.astype(float) ** (563 / 256) @ matrix.T


def fits_srgb(encoded: np.ndarray, margin: float = 0.001) -> np.ndarray:
    """Tell which colours of Adobe RGB sRGB has too, by a margin of linear light."""
    linear = linear_from_adobe(encoded)
    return ((linear >= margin) & (linear <= 1 - margin)).all(axis=-1)


def from_adobe(encoded: np.ndarray) -> np.ndarray:
    """Convert Adobe RGB (1998) in [0, 1] to sRGB by its definition."""
    linear = np.clip(linear_from_adobe(encoded), 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [3, 4])
def test_a_colour_profile_is_applied(dtype: type, channels: int) -> None:
    pixels = random_pixels(channels=channels, dtype=dtype)
    extra = ["unassalpha"] if channels == 4 else None
    layer = decode(tiff_of(pixels, iccprofile=ADOBE, extrasamples=extra), limits=LIMITS)
    top = 1 if dtype is np.float32 else np.iinfo(dtype).max
    assert layer.pixels.dtype == (np.float32 if dtype is np.float32 else np.uint16)
    assert layer.bits == pixels.itemsize * 8
    unit = layer.pixels / (1 if dtype is np.float32 else 65535)
    fits = fits_srgb(pixels[..., :3] / top)
    assert fits.mean() > 0.3
    expected = from_adobe(pixels[..., :3] / top)
    np.testing.assert_allclose(unit[fits, :3], expected[fits], atol=0.004)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_colour_that_srgb_lacks_keeps_its_lightness_and_hue(dtype: type) -> None:
    pixels = random_pixels(dtype=dtype)
    top = 1 if dtype is np.float32 else np.iinfo(dtype).max
    outside = ~fits_srgb(pixels / top, margin=-0.001)
    assert outside.sum() > 100
    layer = decode(tiff_of(pixels, iccprofile=ADOBE), limits=LIMITS)
    got = oracle.rgb2lab(layer.pixels[outside] / (1 if dtype is np.float32 else 65535))
    xyz = linear_from_adobe(pixels[outside] / top) @ oracle.colorconv.xyz_from_rgb.T
    wanted = oracle.xyz2lab(np.maximum(xyz, 0))
    assert np.abs(got[:, 0] - wanted[:, 0]).max() < 0.05
    cut = np.clip(linear_from_adobe(pixels[outside] / top), 0, 1) @ oracle.colorconv.xyz_from_rgb.T
    far = np.abs(oracle.xyz2lab(cut)[:, 0] - wanted[:, 0]) > 0.05  # the rest may be cut off
    strong = far & (np.hypot(got[:, 1], got[:, 2]) > 20)
    assert strong.sum() > 50
    turned = np.arctan2(*np.moveaxis(got[strong, 1:], -1, 0)) - np.arctan2(
        *np.moveaxis(wanted[strong, 1:], -1, 0)
    )
    assert np.abs(np.angle(np.exp(1j * turned), deg=True)).max() < 2


@pytest.mark.parametrize("media_type", ["image/png", "image/tiff"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_untouched_pixels_come_back_to_the_byte(media_type: str, dtype: type) -> None:
    pixels = random_pixels(channels=4, dtype=dtype)
    stored = tiff_of(pixels, iccprofile=ADOBE, extrasamples=["unassalpha"])
    layer = decode(stored, limits=LIMITS)
    answer = decode(encode(layer, media_type), limits=LIMITS)
    assert answer.profile == ADOBE
    np.testing.assert_array_equal(answer.source, pixels)  # out of sRGB's gamut, too


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_new_colours_come_back_through_the_profile(dtype: type) -> None:
    grey = random_pixels(channels=2, dtype=dtype)
    pixels = np.concatenate([np.repeat(grey[..., :1], 3, axis=2), grey[..., 1:]], axis=2)
    layer = decode(tiff_of(pixels, iccprofile=ADOBE, extrasamples=["unassalpha"]), limits=LIMITS)
    assert (np.ptp(layer.pixels[..., :3], axis=2) == 0).all()  # a grey photo stays grey inside
    lightness = oracle.rgb2lab(layer.pixels[..., :3] / 65535)[..., 0]
    ab = np.stack([np.full(lightness.shape, 15), np.full(lightness.shape, 20)], axis=-1)
    coloured = np.rint(lab_to_srgb_in_gamut(lightness, ab) * 65535).astype(np.uint16)
    result = np.concatenate([coloured, layer.pixels[..., 3:]], axis=2)
    stored = tifffile.imread(io.BytesIO(encode(replace(layer, pixels=result), "image/tiff")))
    assert stored.dtype == dtype
    np.testing.assert_array_equal(stored[..., 3], pixels[..., 3])
    top = np.iinfo(dtype).max
    back = oracle.rgb2lab(from_adobe(stored[..., :3] / top))
    bound = 0.05 if dtype is np.uint16 else 0.5
    light = lightness > 3  # below, Adobe's curve has no straight foot: one step is half an L
    assert np.abs(back[..., 0] - lightness)[light].max() <= bound
    middle = (lightness > 30) & (lightness < 80)
    assert np.abs(back[middle, 1:] - (15, 20)).max() < 2


def test_a_profile_that_is_srgb_changes_nothing_and_is_carried() -> None:
    pixels = random_pixels()
    layer = decode(saved(pixels, "PNG", icc_profile=SRGB), limits=LIMITS)
    np.testing.assert_array_equal(layer.pixels, pixels)
    assert layer.source is None
    assert layer.notices == ()
    for media_type in ("image/png", "image/jpeg", "image/tiff", "image/webp"):
        assert opened(encode(layer, media_type)).info["icc_profile"] == SRGB


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_the_profile_is_found_in_every_format(kind: str) -> None:
    stored = saved(random_pixels(), kind, icc_profile=ADOBE)
    layer = decode(stored, limits=LIMITS)
    assert layer.profile == ADOBE
    own = np.asarray(opened(stored))
    profiles = (ImageCms.ImageCmsProfile(io.BytesIO(data)) for data in (ADOBE, SRGB))
    expected = ImageCms.profileToProfile(Image.fromarray(own), *profiles, renderingIntent=1)
    fits = fits_srgb(own / 255)
    np.testing.assert_allclose(layer.pixels[fits] / 257, np.asarray(expected)[fits], atol=1.6)
    assert opened(encode(layer, layer.media_type)).info["icc_profile"] == ADOBE


def cmyk_profile() -> bytes:
    """Write a profile by hand (ICC.1:2001-04) whose inks absorb exactly their third of sRGB.

    A table of two steps an ink: the sixteen solid overprints.
    """
    inks = np.array(list(itertools.product([0.0, 1.0], repeat=4)))
    return profile_of((1 - inks[:, :3]) * (1 - inks[:, 3:]), kind=b"prtr", space=b"CMYK")


def scanner_profile() -> bytes:
    """Write a profile by hand that leads to Lab and not back; 0 is 0.1 of sRGB, 1 is 0.9."""
    corners = np.array(list(itertools.product([0.1, 0.9], repeat=3)))
    return profile_of(corners, kind=b"scnr", space=b"RGB ")


def profile_of(nodes: np.ndarray, *, kind: bytes, space: bytes) -> bytes:
    """Write a profile with a table of two steps a channel: sRGB nodes, in 8-bit Lab."""
    channels = len(nodes).bit_length() - 1
    xyz = colour.sRGB_to_XYZ(nodes, illuminant=D50)
    lab = colour.XYZ_to_Lab(xyz, D50)
    coded = np.rint(lab * (2.55, 1, 1) + (0, 128, 128)).astype(np.uint8).tobytes()
    unit = b"".join(struct.pack(">i", round(65536 * v)) for v in np.eye(3).ravel())
    line = bytes(range(256))
    table = b"mft1" + bytes([0, 0, 0, 0, channels, 3, 2, 0]) + unit
    table += line * channels + coded + line * 3
    table += bytes(-len(table) % 4)
    head = bytearray(128)
    struct.pack_into(
        ">I4sI4s4s4s", head, 0, 144 + len(table), b"", 0x02100000, kind, space, b"Lab "
    )
    head[36:40] = b"acsp"
    struct.pack_into(">iii", head, 68, *(round(65536 * v) for v in (0.9642, 1, 0.8249)))
    return bytes(head) + struct.pack(">I4sII", 1, b"A2B0", 144, len(table)) + table


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "TIFF of 16 bits"])
def test_cmyk_through_its_profile(kind: str) -> None:
    inks = np.array(list(itertools.product([0, 255], repeat=4)), np.uint8)
    pixels = np.repeat(np.repeat(inks.reshape(4, 4, 4), 16, axis=0), 16, axis=1)
    if kind == "TIFF of 16 bits":
        wide = pixels * np.uint16(257)
        stored = tiff_of(wide, photometric="separated", iccprofile=cmyk_profile())
    else:
        options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
        image = Image.frombytes("CMYK", (64, 64), pixels.tobytes())
        stored = saved_image(image, kind, icc_profile=cmyk_profile(), **options)
    layer = decode(stored, limits=LIMITS)
    expected = (1 - pixels[..., :3] / 255) * (1 - pixels[..., 3:] / 255)
    top = np.iinfo(layer.pixels.dtype).max
    assert layer.bits == (16 if "16" in kind else 8) == 8 * layer.pixels.itemsize
    got, wanted = (oracle.rgb2lab(rgb) for rgb in (layer.pixels / top, expected))
    assert oracle.deltaE_ciede2000(got, wanted).max() < 1  # the table's steps are 0.4 to 1
    assert layer.profile is None
    assert layer.notices == ("The picture was CMYK; the answer is sRGB.",)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_scanners_profile_is_applied_and_the_answer_is_srgb(dtype: type) -> None:
    corners = np.array(list(itertools.product([0, 1], repeat=3)), dtype) * np.iinfo(dtype).max
    pixels = np.repeat(corners.reshape(2, 4, 3), 8, axis=0)
    layer = decode(tiff_of(pixels, iccprofile=scanner_profile()), limits=LIMITS)
    assert layer.pixels.dtype == dtype
    top = np.iinfo(dtype).max
    expected = pixels / top * 0.8 + 0.1
    got, wanted = (oracle.rgb2lab(rgb) for rgb in (layer.pixels / top, expected))
    assert oracle.deltaE_ciede2000(got, wanted).max() < 2  # 8-bit Lab has steps of 0.4 to 1
    assert any("scanners" in notice for notice in layer.notices)
    answer = decode(encode(layer, "image/tiff"), limits=LIMITS)
    np.testing.assert_array_equal(answer.pixels, layer.pixels)
    assert answer.profile is None


def test_npy_is_srgb_whatever_the_input_was() -> None:
    layer = decode(saved(random_pixels(), "PNG", icc_profile=ADOBE), limits=LIMITS)
    array = np.load(io.BytesIO(encode(layer, "application/x-npy")), allow_pickle=False)
    assert array.dtype == np.uint8
    own = random_pixels() / 255
    fits = fits_srgb(own)
    np.testing.assert_allclose(array[fits] / 255, from_adobe(own)[fits], atol=0.006)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_profile_for_grey(dtype: type, channels: int) -> None:
    pixels = random_pixels(channels=channels, dtype=dtype)
    stored = tiff_of(
        pixels.squeeze(),
        iccprofile=GREY,
        planarconfig="contig" if channels == 2 else None,
        extrasamples=["unassalpha"] if channels == 2 else None,
    )
    layer = decode(stored, limits=LIMITS)
    top = np.iinfo(dtype).max
    linear = (pixels[..., 0] / top) ** 1.8
    expected = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(layer.pixels[..., 0] / top, expected, atol=0.6 / top + 0.0004)
    assert layer.pixels.dtype == dtype
    assert layer.pixels.shape == pixels.shape
    if channels == 2:
        np.testing.assert_array_equal(layer.pixels[..., 1], pixels[..., 1])
    assert any("grey" in notice for notice in layer.notices)
    coloured = replace(layer, pixels=random_pixels(dtype=dtype))
    assert "icc_profile" not in opened_if_8_bit(encode(coloured, "image/png"), dtype)


def opened_if_8_bit(data: bytes, dtype: type) -> dict[str, object]:
    """Return Pillow's info, or PNG's chunk names where Pillow cannot read the depth."""
    return opened(data).info if dtype is np.uint8 else {"icc_profile": 1} if b"iCCP" in data else {}


def test_grey_pixels_with_a_colour_profile() -> None:
    pixels = random_pixels(channels=1)
    layer = decode(tiff_of(pixels[..., 0], iccprofile=ADOBE), limits=LIMITS)
    expected = from_adobe(np.repeat(pixels, 3, axis=2) / 255)
    np.testing.assert_allclose(layer.pixels / 65535, expected[..., 1:2], atol=0.002)
    rgb = np.repeat(layer.pixels, 3, axis=2)
    answer = decode(encode(replace(layer, pixels=rgb), "image/tiff"), limits=LIMITS)
    assert answer.profile == ADOBE
    np.testing.assert_array_equal(answer.source, np.repeat(pixels, 3, axis=2))


BROKEN = (b"no profile at all", SRGB[:300], SRGB[:36] + b"xxxx" + SRGB[40:])


@pytest.mark.parametrize("profile", BROKEN)
def test_a_broken_profile_is_ignored_and_said(profile: bytes) -> None:
    pixels = random_pixels()
    layer = decode(tiff_of(pixels, iccprofile=profile), limits=LIMITS)
    np.testing.assert_array_equal(layer.pixels, pixels)
    assert layer.profile is None
    assert any("profile" in notice for notice in layer.notices)


def test_a_profile_for_something_else_is_ignored_and_said() -> None:
    for stored in (
        tiff_of(random_pixels(), iccprofile=GREY),
        saved(random_pixels(), "JPEG", icc_profile=GREY),
    ):
        layer = decode(stored, limits=LIMITS)
        assert layer.profile is None
        assert any("profile for grey" in notice for notice in layer.notices)
    in_cmyk = Image.fromarray(random_pixels()).convert("CMYK")
    layer = decode(saved_image(in_cmyk, "JPEG", icc_profile=ADOBE), limits=LIMITS)
    assert layer.pixels.shape[2] == 3
    assert len(layer.notices) == 2


def test_a_damaged_iccp_chunk_is_ignored_and_said() -> None:
    stored = png_of(random_pixels(), png_chunk(b"iCCP", b"x\x00\x00not deflated"))
    layer = decode(stored, limits=LIMITS)
    np.testing.assert_array_equal(layer.pixels, random_pixels())
    assert any("profile" in notice for notice in layer.notices)


def test_the_profile_survives_a_change_of_format() -> None:
    layer = Layer(random_pixels(dtype=np.uint16), profile=SRGB, bits=16)
    for media_type in ("image/png", "image/tiff"):
        again = decode(encode(layer, media_type), limits=LIMITS)
        assert again.profile == SRGB
        np.testing.assert_array_equal(again.pixels, layer.pixels)
