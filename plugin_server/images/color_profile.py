"""ICC profiles: pixels into sRGB, and back into the profile they came in.

littleCMS does the work through imagecodecs. Its default way interpolates a coarse table and is
up to 8 % off in 16 bits; NO_OPTIMIZE keeps it exact.
"""

from __future__ import annotations

import functools
import os
from concurrent.futures import ThreadPoolExecutor

import imagecodecs
import numpy as np

from models.color.lab import lab_to_srgb_in_gamut, lightness, srgb_to_lab
from plugin_server.images.layer import Pixels, strips, to_depth, top_of

NO_OPTIMIZE = 0x0100  # cmsFLAGS_NOOPTIMIZE
BLACK_POINT = 0x2000  # cmsFLAGS_BLACKPOINTCOMPENSATION
RELATIVE = 1  # the relative colorimetric intent: colours that both spaces have stay themselves
SAME = 130  # of 65535, half a step of 8 bits: a profile this near to sRGB is sRGB
LEEWAY = 0.02  # of L: cutting off that little spares much chroma, near yellow most of it
MAX_PROFILE = 16 * 1024 * 1024  # bytes
WORKERS = min(4, os.cpu_count() or 1)
SRGB_GAMMA = 45_455  # of PNG's gAMA
MIN_GAMMA, MAX_GAMMA = 10_000, 1_000_000  # gamma 10 to 0.1: beyond it the number is damaged
# CIE x, y of D65 and of sRGB's red, green and blue
SRGB_POINTS = np.array([[0.3127, 0.3290], [0.64, 0.33], [0.30, 0.60], [0.15, 0.06]])
_SPACES = {b"RGB ": "rgb", b"GRAY": "gray", b"CMYK": "cmyk"}


class ProfileError(ValueError):
    """A profile that cannot be used for these pixels; the message says why."""


def space_of(profile: bytes) -> str:
    """Return "rgb", "gray" or "cmyk"; ProfileError for any other profile."""
    space = _SPACES.get(profile[16:20]) if profile[36:40] == b"acsp" else None
    if space is None:
        raise ProfileError("it is no ICC profile of grey, RGB or CMYK")
    return space


def is_srgb(profile: bytes) -> bool:
    """Tell whether an RGB profile is sRGB, by what it does and not by what it is called."""
    steps = np.linspace(0, 65535, 9).astype(np.uint16)
    grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 1, 3)
    return int(np.abs(_transform(grid, profile, _srgb(), "rgb").astype(int) - grid).max()) <= SAME


def can_be_written(profile: bytes) -> bool:
    """Tell whether an RGB profile leads from sRGB too; many a scanner's only leads there."""
    try:
        _transform(np.zeros((1, 1, 3), np.uint16), _srgb(), profile, "rgb")
    except ProfileError:
        return False
    return True


def to_srgb(pixels: Pixels, profile: bytes) -> Pixels:
    """Convert (H, W, C) from `profile` to sRGB: uint16, or float32 in [0, 1] from float32.

    Grey and RGB keep their channels and alpha; CMYK becomes RGB. Raises ProfileError.
    """
    space = space_of(profile)
    if space == "cmyk":
        return _convert(pixels, profile, _srgb(), "cmyk")
    color, alpha = _split(pixels)
    if not _is_grey(color):
        if space != "rgb":
            raise ProfileError("it is a profile for grey, and the picture has colours")
        return _join(_convert_color(color, profile), alpha)
    grey = _convert_grey(color[..., :1], profile, space)
    return _join(np.repeat(grey, color.shape[2], axis=2), alpha)


def from_srgb(pixels: Pixels, profile: bytes, *, source: Pixels, decoded: Pixels) -> Pixels:
    """Convert (H, W, 3 or 4) sRGB into an RGB `profile`, at the depth of `source`.

    source: the pixels that were read, in the profile's space; decoded: the same in sRGB. Where
    `pixels` still equals `decoded`, the source's own values come back.
    """
    bits = 8 * source.dtype.itemsize
    color, alpha = _split(pixels)
    out = to_depth(_convert(color, _srgb(), profile, "rgb"), bits)
    own, _ = _split(source)
    before, _ = _split(decoded)
    for rows in strips(out):
        same = (color[rows] == before[rows]).all(axis=2, keepdims=True)
        np.copyto(out[rows], own[rows], where=same)
    return _join(out, None if alpha is None else to_depth(alpha, bits))


def gamma_profile(gamma: bytes | None, primaries: bytes | None) -> bytes | None:
    """Write PNG's gAMA and cHRM as a profile; None where there is no gAMA, or it is sRGB's.

    PNG 3rd edition, 11.3.2.1 and 11.3.2.2: numbers times 100,000; white point, red, green, blue.
    """
    if gamma is None or len(gamma) != 4:
        return None
    exponent = int.from_bytes(gamma, "big")
    if not MIN_GAMMA <= exponent <= MAX_GAMMA:
        return None
    points = SRGB_POINTS
    if primaries is not None and len(primaries) == 32:
        points = np.frombuffer(primaries, ">u4").reshape(4, 2) / 1e5
    is_usual = np.abs(points - SRGB_POINTS).max() < 0.002
    if is_usual and abs(exponent - SRGB_GAMMA) < 500:
        return None
    with_luminance = np.concatenate([points, np.ones((4, 1))], axis=1)
    try:
        profile: bytes = imagecodecs.cms_profile(
            "rgb",
            whitepoint=list(with_luminance[0]),
            primaries=list(with_luminance[1:].ravel()),
            gamma=1e5 / exponent,
        )
    except (imagecodecs.CmsError, ValueError):  # points that are no colours
        return None
    return profile


def plain_cmyk_to_rgb(pixels: Pixels) -> Pixels:
    """Convert (H, W, 4) CMYK that carries no profile to RGB of the same depth, as inks absorb."""
    top = np.float32(top_of(pixels.dtype))
    out = np.empty((*pixels.shape[:2], 3), pixels.dtype)
    for rows in strips(pixels):
        light = 1 - pixels[rows].astype(np.float32) / top
        out[rows] = np.rint(light[..., :3] * light[..., 3:] * top)
    return out


def _convert(pixels: Pixels, profile: bytes, target: bytes, space: str) -> Pixels:
    """Convert (H, W, 1, 3 or 4) in strips, side by side."""
    is_float = pixels.dtype == np.float32
    out = np.empty((*pixels.shape[:2], 3), np.float32 if is_float else np.uint16)

    def work(rows: slice) -> None:
        converted = _transform(np.ascontiguousarray(pixels[rows]), profile, target, space)
        out[rows] = np.clip(converted, 0, 1) if is_float else converted

    with ThreadPoolExecutor(WORKERS) as pool:
        for _ in pool.map(work, strips(pixels, 1 << 16)):
            pass
    return out


def _convert_color(color: Pixels, profile: bytes) -> Pixels:
    """Convert (H, W, 3) RGB to sRGB; what sRGB has no room for keeps its lightness, not its chroma.

    littleCMS cuts each channel at its end instead, which changes the lightness: by 2 L where the
    profile is ProPhoto's.
    """
    out = _convert(color, profile, _srgb(), "rgb")
    top = top_of(out.dtype)
    for rows in strips(out):
        cut = ((out[rows] == 0) | (out[rows] == top)).any(axis=2)
        if not cut.any():
            continue
        exact = to_depth(color[rows][cut][:, None], 32)
        unbounded = _transform(exact, profile, _srgb(), "rgb")
        lab = srgb_to_lab(unbounded)
        error = np.abs(lightness(np.clip(unbounded, 0, 1)) - lab[..., 0])[:, 0]
        lab = lab[error > LEEWAY]
        fitting = lab_to_srgb_in_gamut(lab[..., 0], lab[..., 1:])
        mended = out[rows][cut]
        mended[error > LEEWAY] = to_depth(fitting, 8 * out.dtype.itemsize)[:, 0]
        out[rows][cut] = mended
    return out


def _convert_grey(grey: Pixels, profile: bytes, space: str) -> Pixels:
    """Convert (H, W, 1) along the neutral axis, by a table where the values can be counted."""
    if grey.dtype == np.float32:
        return _neutral(grey, profile, space)
    values = np.arange(top_of(grey.dtype) + 1).astype(grey.dtype).reshape(-1, 1, 1)
    table = _neutral(values, profile, space).reshape(-1)
    return table[grey]


def _neutral(grey: Pixels, profile: bytes, space: str) -> Pixels:
    """Convert (H, W, 1) greys and give their green channel, the nearest to lightness."""
    color = np.repeat(grey, 3, axis=2) if space == "rgb" else grey
    return _convert(color, profile, _srgb(), space)[..., 1:2]


def _transform(pixels: Pixels, profile: bytes, target: bytes, space: str) -> Pixels:
    """Let littleCMS convert (H, W, C) to RGB: float32 to float32, anything else to uint16."""
    try:
        out: Pixels = imagecodecs.cms_transform(
            pixels if space != "gray" else pixels[..., 0],
            profile,
            target,
            colorspace=space,
            outcolorspace="rgb",
            outdtype=np.float32 if pixels.dtype == np.float32 else np.uint16,
            intent=RELATIVE,
            flags=NO_OPTIMIZE | (BLACK_POINT if space == "cmyk" else 0),
        )
    except imagecodecs.CmsError as problem:
        raise ProfileError(f"littleCMS cannot use it ({problem})") from problem
    return out.reshape(*pixels.shape[:2], 3)


@functools.cache
def _srgb() -> bytes:
    profile: bytes = imagecodecs.cms_profile("srgb")
    return profile


def _split(pixels: Pixels) -> tuple[Pixels, Pixels | None]:
    """Part colour and alpha."""
    channels = pixels.shape[2]
    return (pixels[..., :-1], pixels[..., -1:]) if channels in (2, 4) else (pixels, None)


def _join(color: Pixels, alpha: Pixels | None) -> Pixels:
    """Put alpha beside colour again, at the colour's depth."""
    if alpha is None:
        return color
    return np.concatenate([color, to_depth(alpha, 8 * color.dtype.itemsize)], axis=2)


def _is_grey(color: Pixels) -> bool:
    """Tell whether (H, W, 1 or 3) holds greys alone."""
    return color.shape[2] == 1 or all(
        np.array_equal(color[..., 0], color[..., channel]) for channel in (1, 2)
    )
