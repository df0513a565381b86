"""sRGB, CIELAB and the sRGB gamut, for pictures of any size.

sRGB is IEC 61966-2-1, encoded. CIELAB is CIE 15:2004 for D65 and the 2 degree observer: L in
[0, 100], a and b about -128..128. OpenCV's own Lab conversion is not used: its float path
interpolates a table and is up to 0.25 off in L and 0.7 in a.

The work is done on blocks, one float32 plane a channel: every step is one pass of a vectorised
operation over planes that stay in a core's cache, and a large picture needs no memory beyond its
result. Inside, f of CIE 15:2004 stands for L, a and b: f_y = (L + 16) / 116, which every pixel
keeps, f_x = f_y + a / 500 and f_z = f_y - b / 200. Where pixels have 8 or 16 bits a table stands
for the transfer curve: exact where it reads; where it writes 8 bits it is entered with 16 bits of
linear light, which can move a value only where it lies within a fortieth of a level of the middle
between two.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

BLOCK = 1 << 16  # pixels at a time: three float32 planes of it stay in a core's own cache
WHITE = np.array([0.95047, 1.0, 1.08883])  # XYZ of D65, 2 degrees (ASTM E308)
MAX_CHROMA = 140.0  # no sRGB colour reaches it: the strongest, blue, has 133.8
ABSURD = 1e4  # a or b beyond it is cut there, before its cube overflows float32
GAMUT_STEPS = 12  # halvings of the chroma: 140 / 2**12 is far below what an eye can tell
BYTE_STEPS = 8  # halvings of the chroma of 8-bit colours: as near as rounding leaves them
GAMUT_SLACK = 4e-6  # linear light; float32 puts white itself this far outside
FINE = 65535  # of linear light, where a table leads from it to 8 bits
A_SCALE, B_SCALE = np.float32(1 / 500), np.float32(1 / 200)
# CIE 15:2004, equations 8.3 to 8.6: f is a cube root, and a straight line below the knee.
_KNEE, _CUBE = np.float32(6 / 29), np.float32((6 / 29) ** 3)
_STEEP, _FLAT = 841 / 108, 108 / 841


def _rgb_to_xyz() -> NDArray[np.float64]:
    """Return the matrix from linear sRGB to XYZ over white, (3, 3); its rows sum to one.

    From the chromaticities of IEC 61966-2-1; dividing by white makes every grey exactly
    neutral, which the rounded matrix of the standard does not.
    """
    xy = np.array([[0.64, 0.33], [0.30, 0.60], [0.15, 0.06]])
    primaries = np.stack([xy[:, 0] / xy[:, 1], np.ones(3), (1 - xy.sum(axis=1)) / xy[:, 1]])
    matrix: NDArray[np.float64] = primaries * np.linalg.solve(primaries, WHITE) / WHITE[:, None]
    return matrix


TO_XYZ = _rgb_to_xyz()
TO_RGB = np.linalg.inv(TO_XYZ)


def srgb_to_lab(rgb: NDArray[Any]) -> FloatArray:
    """Convert (..., 3) sRGB in [0, 1] to (..., 3) CIELAB, float32."""

    def convert(planes: list[FloatArray]) -> list[FloatArray]:
        linear = [linearise(plane) for plane in planes]
        x, y, z = (_f(_mixed(linear, row)) for row in TO_XYZ)
        return [_l_of(y), (x - y) / A_SCALE, (y - z) / B_SCALE]

    return _blockwise(convert, _three(rgb), channels=3)


def lab_to_srgb(lab: NDArray[Any]) -> FloatArray:
    """Convert (..., 3) CIELAB to (..., 3) sRGB, float32, not clipped to [0, 1]."""

    def convert(planes: list[FloatArray]) -> list[FloatArray]:
        linear = _linear(_f_y_of(planes[0]), planes[1] * A_SCALE, planes[2] * B_SCALE)
        return [encode(plane) for plane in linear]

    return _blockwise(convert, _three(lab), channels=3)


def lightness(pixels: NDArray[Any]) -> FloatArray:
    """Return the CIELAB L in [0, 100] of sRGB in [0, 1], float32.

    A (H, W) array is grey and gives (H, W); any other must be (..., 3) and gives (...).
    """
    pixels = np.asarray(pixels)
    colours = np.asarray(pixels, np.float32)[..., None] if pixels.ndim == 2 else _three(pixels)
    return _blockwise(lambda planes: [_l_of(f_of(planes))], colours, channels=1)[..., 0]


def lab_to_srgb_in_gamut(lightness: NDArray[Any], ab: NDArray[Any]) -> FloatArray:
    """Return the sRGB in [0, 1] of this lightness and, as far as it fits, this chroma.

    lightness: (...), 0..100 (clipped to it). ab: (..., 2), any finite size. A colour outside
    sRGB keeps its L and its Lab hue and loses chroma until it fits: (..., 3) float32.
    """
    lightness = np.asarray(lightness, np.float32)
    ab = np.asarray(ab, np.float32)
    if ab.shape != (*lightness.shape, 2):
        raise ValueError(
            f"ab has the shape {ab.shape}; lightness {lightness.shape} needs one more 2"
        )

    def convert(planes: list[FloatArray]) -> list[FloatArray]:
        f = _f_y_of(planes[0].clip(0, 100))
        a, b = (plane.clip(-ABSURD, ABSURD) for plane in planes[1:])
        return joined(f, a * A_SCALE, b * B_SCALE, np.dtype(np.float32))

    return _blockwise(convert, np.concatenate([lightness[..., None], ab], axis=-1), channels=3)


def parse_hex(color: str) -> FloatArray:
    """Read "#rrggbb" as (3,) float32 sRGB in [0, 1]; ValueError for anything else."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", color):
        raise ValueError(f"{color!r} is no colour: write it as #rrggbb, such as #c0392b")
    return np.frombuffer(bytes.fromhex(color[1:]), np.uint8).astype(np.float32) / np.float32(255)


def to_hex(rgb: NDArray[Any]) -> str:
    """Write (3,) sRGB as "#rrggbb", rounded, clipped to [0, 1]."""
    red, green, blue = np.rint(np.clip(rgb, 0, 1) * 255).astype(int).tolist()
    return f"#{red:02x}{green:02x}{blue:02x}"


def f_of(planes: Sequence[NDArray[Any]]) -> FloatArray:
    """Return f_y of one plane of grey or three of sRGB: uint8, uint16, or float32 in [0, 1]."""
    is_float = planes[0].dtype == np.float32
    if len(planes) == 1 and not is_float:
        return _looked_up(planes[0], _f_of_greys(planes[0].dtype))
    linear = [
        linearise(np.ascontiguousarray(plane))
        if is_float
        else _looked_up(plane, _linear_of(plane.dtype))
        for plane in planes
    ]
    return _f(linear[0] if len(planes) == 1 else _mixed(linear, TO_XYZ[1]))


def joined(f: FloatArray, a: FloatArray, b: FloatArray, dtype: np.dtype[Any]) -> list[NDArray[Any]]:
    """Return three planes of sRGB: this f_y with the chroma a / 500 and b / 200, as far as it fits.

    All are (rows, columns). Chroma outside sRGB is lowered along its hue until it fits; L stays.
    """
    to_bytes = dtype == np.uint8
    top, half = (FINE, 0.5) if to_bytes else (1, 0.0)
    linear = _linear(f, a, b, top, half)
    low, high = half - GAMUT_SLACK * top, half + (1 + GAMUT_SLACK) * top
    if min(plane.min() for plane in linear) < low or max(plane.max() for plane in linear) > high:
        outside = np.flatnonzero(_outside(linear, low, high))
        if len(outside):
            steps = BYTE_STEPS if to_bytes else GAMUT_STEPS
            reduced = _reduced(*(plane.reshape(-1)[outside] for plane in (f, a, b)), steps=steps)
            for plane, values in zip(linear, _linear(*reduced, top, half), strict=True):
                plane.reshape(-1)[outside] = values[0]
    if to_bytes:
        table = _byte_of_linear()
        return [_looked_up(plane.astype(np.uint16), table) for plane in linear]
    return [_quantised(encode(plane), dtype) for plane in linear]


def linearise(encoded: FloatArray) -> FloatArray:
    """Undo the transfer curve of IEC 61966-2-1."""
    shifted = (encoded + np.float32(0.055)) / np.float32(1.055)
    linear = _power(shifted, 2.4)
    np.copyto(linear, encoded / np.float32(12.92), where=encoded <= 0.04045)
    return linear


def encode(linear: FloatArray) -> FloatArray:
    """Apply the transfer curve of IEC 61966-2-1."""
    encoded = _power(linear, 1 / 2.4)
    encoded *= np.float32(1.055)
    encoded -= np.float32(0.055)
    np.copyto(encoded, linear * np.float32(12.92), where=linear <= 0.0031308)
    return encoded


def _linear(
    f: FloatArray, a: FloatArray, b: FloatArray, top: float = 1.0, offset: float = 0.0
) -> list[FloatArray]:
    """Return linear red, green and blue, times ``top``, plus ``offset``; not clipped."""
    xyz = [_cubed(f + a), _cubed(f.copy()), _cubed(f - b)]
    return [_mixed(xyz, row, offset) for row in TO_RGB * top]


def _mixed(planes: Sequence[FloatArray], row: NDArray[Any], offset: float = 0.0) -> FloatArray:
    """Add three planes, each times its share in a row of a matrix."""
    first, second, third = planes
    mixed = cv2.addWeighted(first, row[0], second, row[1], offset)
    return cast(FloatArray, cv2.scaleAdd(third, row[2], mixed, dst=mixed))


def _f(t: FloatArray) -> FloatArray:
    """Turn X, Y or Z over white into f; works in place. The knee is smooth."""
    above = np.maximum(t, _CUBE)
    t -= above  # negative near black, where f is a straight line, else zero
    root = _power(above, 1 / 3)
    return cast(FloatArray, cv2.scaleAdd(t, _STEEP, root, dst=root))


def _cubed(f: FloatArray) -> FloatArray:
    """Turn f back into X, Y or Z over white; works in place."""
    above = np.maximum(f, _KNEE)
    f -= above
    cube = above * above
    cube *= above
    return cast(FloatArray, cv2.scaleAdd(f, _FLAT, cube, dst=cube))


def _l_of(f: FloatArray) -> FloatArray:
    return f * np.float32(116) - np.float32(16)


def _f_y_of(lightness: FloatArray) -> FloatArray:
    return (lightness + np.float32(16)) / np.float32(116)


def _outside(linear: Sequence[FloatArray], low: float, high: float) -> NDArray[np.bool_]:
    """Tell where any of three planes leaves the range."""
    red, green, blue = linear
    least = np.minimum(np.minimum(red, green), blue)
    most = np.maximum(np.maximum(red, green), blue)
    return np.asarray((least < low) | (most > high))


def _reduced(
    f: FloatArray, a: FloatArray, b: FloatArray, *, steps: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Lower the chroma of (n,) colours outside sRGB until they fit: f, a and b as (1, n).

    Halving finds the share of the chroma that still fits. Grey always does, so the lower end is
    inside at every step and the answer needs no clipping, which would shift L.
    """
    chroma = np.hypot(a / A_SCALE, b / B_SCALE)
    bounded = np.float32(MAX_CHROMA) / np.maximum(chroma, np.float32(MAX_CHROMA))
    f, a, b = f[None], (a * bounded)[None], (b * bounded)[None]
    fits = np.zeros_like(f)
    for step in range(1, steps + 1):
        half = np.float32(0.5**step)
        share = fits + half
        outside = _outside(_linear(f, a * share, b * share), -GAMUT_SLACK, 1 + GAMUT_SLACK)
        fits += ~outside * half
    return f, a * fits, b * fits


def _quantised(plane: FloatArray, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Turn encoded values into `dtype`, clipped and rounded; works in place."""
    np.clip(plane, 0, 1, out=plane)
    if dtype == np.float32:
        return plane
    plane *= np.float32(np.iinfo(dtype).max)
    plane += np.float32(0.5)  # and cut, which is to round: nothing is negative
    return plane.astype(dtype)


def _looked_up(plane: NDArray[Any], table: NDArray[Any]) -> NDArray[Any]:
    """Take every value of a uint8 or uint16 plane from a table of as many values."""
    return np.asarray(cv2.LUT(plane, table)).reshape(plane.shape)


@functools.cache
def _f_of_greys(dtype: np.dtype[Any]) -> FloatArray:
    """Return f_y of every grey of this dtype."""
    return _f(_linear_of(dtype).copy())


@functools.cache
def _linear_of(dtype: np.dtype[Any]) -> FloatArray:
    """Return the linear light of every value of this dtype."""
    top = np.iinfo(dtype).max
    return linearise((np.arange(top + 1) / top).astype(np.float32))


@functools.cache
def _byte_of_linear() -> NDArray[np.uint8]:
    """Return the 8-bit value of every sixteen-bit amount of linear light."""
    encoded = encode(np.linspace(0, 1, FINE + 1, dtype=np.float32))
    return np.asarray(np.rint(encoded * np.float32(255)), np.uint8)


def _power(block: FloatArray, exponent: float) -> FloatArray:
    """Raise to a power; OpenCV is fast on every processor, NumPy only on the newest."""
    return cast(FloatArray, cv2.pow(block, exponent)).reshape(block.shape)


def _three(pixels: NDArray[Any]) -> FloatArray:
    """Return `pixels` as float32 after checking that its last axis is three."""
    pixels = np.asarray(pixels, np.float32)
    if not pixels.ndim or pixels.shape[-1] != 3:
        raise ValueError(f"the shape {pixels.shape} must end in 3 (three channels)")
    return pixels


def _blockwise(
    convert: Callable[[list[FloatArray]], Sequence[FloatArray]],
    pixels: FloatArray,
    *,
    channels: int,
) -> FloatArray:
    """Turn (..., C) into (..., channels) by `convert`, from C to `channels` planes of (1, n)."""
    out = np.empty((*pixels.shape[:-1], channels), np.float32)
    flat_in, flat_out = pixels.reshape(1, -1, pixels.shape[-1]), out.reshape(1, -1, channels)
    for part in _blocks(flat_in.shape[1]):
        planes = cast(list[FloatArray], cv2.split(flat_in[:, part]))
        cv2.merge(convert([plane.reshape(1, -1) for plane in planes]), flat_out[:, part])
    return out


def _blocks(count: int) -> Iterator[slice]:
    """Cut `count` pixels into slices of at most BLOCK."""
    for start in range(0, count, BLOCK):
        yield slice(start, min(start + BLOCK, count))
