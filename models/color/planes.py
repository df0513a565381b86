"""A block of pixels between sRGB and CIELAB, one plane a channel: the inside of the full-size step.

It works on f of CIE 15:2004 in place of L, a and b: f_y = (L + 16) / 116, which every pixel keeps,
f_x = f_y + a / 500 and f_z = f_y - b / 200. With whole planes every step is one pass of a
vectorised operation over a block that stays in a core's cache, and where pixels have 8 or 16 bits
a table stands for the transfer curve: exact where it reads; where it writes 8 bits it is entered
with 16 bits of linear light, which can move a value only where it lies within a fortieth of a
level of the middle between two.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from models.color.lab import (
    F_KNEE,
    F_SLOPE,
    GAMUT_SLACK,
    GAMUT_STEPS,
    MAX_CHROMA,
    TO_RGB,
    TO_XYZ,
    encode,
    lightness,
    linearise,
)

FloatArray = NDArray[np.float32]

A_SCALE, B_SCALE = np.float32(1 / 500), np.float32(1 / 200)
_KNEE, _CUBE = np.float32(F_KNEE), np.float32(F_KNEE**3)
_STEEP, _FLAT = float(F_SLOPE), float(1 / F_SLOPE)
BYTE_STEPS = 8  # halvings of the chroma of 8-bit colours: as near as rounding leaves them
FINE = 65535  # of linear light, where a table leads from it to 8 bits


def f_of(planes: Sequence[NDArray[Any]]) -> FloatArray:
    """Return f_y of one plane of grey or three of sRGB: uint8, uint16, or float32 in [0, 1]."""
    dtype = planes[0].dtype
    if len(planes) == 1:
        if dtype == np.float32:
            return (lightness(planes[0]) + np.float32(16)) / np.float32(116)
        return _looked_up(planes[0], _f_of_greys(dtype))
    red, green, blue = (
        linearise(np.ascontiguousarray(plane))
        if dtype == np.float32
        else _looked_up(plane, _linear_of(dtype))
        for plane in planes
    )
    luminance = cv2.addWeighted(red, TO_XYZ[1, 0], green, TO_XYZ[1, 1], 0)
    cv2.scaleAdd(blue, TO_XYZ[1, 2], luminance, dst=luminance)
    above = np.maximum(luminance, _CUBE)
    luminance -= above  # negative near black, where f is a straight line, else zero
    root = cv2.pow(above, 1 / 3)
    return cast(FloatArray, cv2.scaleAdd(luminance, _STEEP, root, dst=root))


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


def _linear(
    f: FloatArray, a: FloatArray, b: FloatArray, top: float, offset: float
) -> list[FloatArray]:
    """Return linear red, green and blue, times ``top``, plus ``offset``; not clipped."""
    x, y, z = _cubed(f + a), _cubed(f.copy()), _cubed(f - b)
    planes = []
    for row in TO_RGB * top:
        plane = cv2.addWeighted(x, row[0], y, row[1], offset)
        planes.append(cast(FloatArray, cv2.scaleAdd(z, row[2], plane, dst=plane)))
    return planes


def _cubed(f: FloatArray) -> FloatArray:
    """Turn f back into X, Y or Z over white; works in place. The knee is smooth."""
    above = np.maximum(f, _KNEE)
    f -= above
    cube = above * above
    cube *= above
    return cast(FloatArray, cv2.scaleAdd(f, _FLAT, cube, dst=cube))


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
        outside = _outside(_linear(f, a * share, b * share, 1, 0.0), -GAMUT_SLACK, 1 + GAMUT_SLACK)
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
    return np.asarray((lightness(_greys(dtype)[None])[0] + np.float32(16)) / np.float32(116))


@functools.cache
def _linear_of(dtype: np.dtype[Any]) -> FloatArray:
    """Return the linear light of every value of this dtype."""
    return linearise(_greys(dtype))


@functools.cache
def _byte_of_linear() -> NDArray[np.uint8]:
    """Return the 8-bit value of every sixteen-bit amount of linear light."""
    encoded = encode(np.linspace(0, 1, FINE + 1, dtype=np.float32))
    return np.asarray(np.rint(encoded * np.float32(255)), np.uint8)


def _greys(dtype: np.dtype[Any]) -> FloatArray:
    top = np.iinfo(dtype).max
    return (np.arange(top + 1) / top).astype(np.float32)
