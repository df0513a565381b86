"""sRGB, CIELAB and the sRGB gamut, for float32 arrays of any size.

sRGB is IEC 61966-2-1, encoded, in [0, 1]. CIELAB is CIE 15:2004 for D65 and the 2 degree
observer: L in [0, 100], a and b about -128..128. OpenCV's own Lab conversion is not used:
its float path interpolates a table and is up to 0.25 off in L and 0.7 in a. Everything here
runs through a few cache-sized blocks, so a large picture needs no memory beyond its result.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
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
GAMUT_SLACK = 4e-6  # linear light; float32 puts white itself this far outside


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
# (f_x, f_y, f_z) = [L a b 1]: CIE 15:2004, equations 8.3 to 8.5, and back.
_LAB_TO_F = np.array([[1 / 116, 1 / 500, 0, 16 / 116], [1 / 116, 0, 0, 16 / 116],
                      [1 / 116, 0, -1 / 200, 16 / 116]])  # fmt: skip
_F_TO_LAB = np.array([[0, 116, 0, -16], [500, -500, 0, 0], [0, 200, -200, 0]])
F_KNEE = 6 / 29  # below it f is a straight line
F_SLOPE = 841 / 108
_F_OFFSET = 4 / 29


def srgb_to_lab(rgb: NDArray[Any]) -> FloatArray:
    """Convert (..., 3) sRGB in [0, 1] to (..., 3) CIELAB, float32."""
    return _blockwise(_block_to_lab, _three(rgb), channels=3)


def lab_to_srgb(lab: NDArray[Any]) -> FloatArray:
    """Convert (..., 3) CIELAB to (..., 3) sRGB, float32, not clipped to [0, 1]."""
    return _blockwise(lambda block: encode(_block_to_linear(block)), _three(lab), channels=3)


def lightness(pixels: NDArray[Any]) -> FloatArray:
    """Return the CIELAB L in [0, 100] of sRGB in [0, 1], float32.

    A (H, W) array is grey and gives (H, W); any other must be (..., 3) and gives (...).
    """
    pixels = np.asarray(pixels)
    if pixels.ndim == 2:
        grey = np.ascontiguousarray(pixels, np.float32)[..., None]
        return _blockwise(lambda block: _lightness_of(linearise(block)), grey, channels=1)[..., 0]
    return _blockwise(
        lambda block: _lightness_of(_apply(TO_XYZ[1:2], linearise(block))),
        _three(pixels),
        channels=1,
    )[..., 0]


def lab_to_srgb_in_gamut(lightness: NDArray[Any], ab: NDArray[Any]) -> FloatArray:
    """Return the sRGB in [0, 1] of this lightness and, as far as it fits, this chroma.

    lightness: (...), 0..100 (clipped to it). ab: (..., 2), any finite size. A colour outside
    sRGB keeps its L and its Lab hue and loses chroma until it fits: (..., 3) float32.
    """
    l_plane = np.asarray(lightness, np.float32)
    ab = np.asarray(ab, np.float32)
    if ab.shape != (*l_plane.shape, 2):
        raise ValueError(f"ab has the shape {ab.shape}; lightness {l_plane.shape} needs one more 2")
    out = np.empty((*l_plane.shape, 3), np.float32)
    flat_l, flat_ab, flat_out = l_plane.reshape(-1), ab.reshape(-1, 2), out.reshape(-1, 3)
    for part in _blocks(len(flat_l)):
        lab = np.empty((part.stop - part.start, 1, 3), np.float32)
        np.clip(flat_l[part], 0, 100, out=lab[:, 0, 0])
        np.clip(flat_ab[part], -ABSURD, ABSURD, out=lab[:, 0, 1:])
        linear = _block_to_linear(lab)
        _reduce_chroma(lab, linear)
        flat_out[part] = np.clip(encode(linear), 0, 1)[:, 0]
    return out


def parse_hex(color: str) -> FloatArray:
    """Read "#rrggbb" as (3,) float32 sRGB in [0, 1]; ValueError for anything else."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", color):
        raise ValueError(f"{color!r} is no colour: write it as #rrggbb, such as #c0392b")
    return np.frombuffer(bytes.fromhex(color[1:]), np.uint8).astype(np.float32) / np.float32(255)


def to_hex(rgb: NDArray[Any]) -> str:
    """Write (3,) sRGB as "#rrggbb", rounded, clipped to [0, 1]."""
    red, green, blue = np.rint(np.clip(rgb, 0, 1) * 255).astype(int).tolist()
    return f"#{red:02x}{green:02x}{blue:02x}"


def _reduce_chroma(lab: FloatArray, linear: FloatArray) -> None:
    """Lower the chroma of the colours outside sRGB; `linear` is theirs, both (n, 1, 3).

    Halving finds the share of the chroma that still fits. Grey always does, so the lower end
    is inside at every step and the answer needs no clipping, which would shift L.
    """
    outside = np.flatnonzero(_outside(linear))
    if not len(outside):
        return
    tried = lab[outside]
    chroma = np.hypot(tried[..., 1], tried[..., 2])
    ab = tried[..., 1:] * (MAX_CHROMA / np.maximum(chroma, MAX_CHROMA))[..., None]
    fits = np.zeros(chroma.shape, np.float32)
    for step in range(1, GAMUT_STEPS + 1):
        share = fits + np.float32(0.5**step)
        tried[..., 1:] = ab * share[..., None]
        np.copyto(fits, share, where=~_outside(_block_to_linear(tried)))
    tried[..., 1:] = ab * fits[..., None]
    linear[outside] = _block_to_linear(tried)


def _outside(linear: FloatArray) -> NDArray[np.bool_]:
    """Tell which of (n, 1, 3) linear colours leave [0, 1]: (n, 1)."""
    inside = cv2.inRange(linear, (-GAMUT_SLACK,) * 3, (1 + GAMUT_SLACK,) * 3)
    return np.asarray(inside == 0)


def _block_to_lab(rgb: FloatArray) -> FloatArray:
    """Convert (n, 1, 3) sRGB to Lab."""
    return _apply(_F_TO_LAB, _f(_apply(TO_XYZ, linearise(rgb))))


def _block_to_linear(lab: FloatArray) -> FloatArray:
    """Convert (n, 1, 3) Lab to linear sRGB, not clipped."""
    f = _apply(_LAB_TO_F, lab)
    xyz = f * f
    xyz *= f
    np.copyto(xyz, (f - np.float32(_F_OFFSET)) / np.float32(F_SLOPE), where=f <= F_KNEE)
    return _apply(TO_RGB, xyz)


def _lightness_of(luminance: FloatArray) -> FloatArray:
    """Turn relative luminance Y in [0, 1] into L."""
    return _f(luminance) * np.float32(116) - np.float32(16)


def _f(t: FloatArray) -> FloatArray:
    """CIE 15:2004, equation 8.6: a cube root, straight near black."""
    root = _power(t, 1 / 3)
    straight = t * np.float32(F_SLOPE) + np.float32(_F_OFFSET)
    np.copyto(root, straight, where=t <= F_KNEE**3)
    return root


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


def _apply(matrix: NDArray[Any], block: FloatArray) -> FloatArray:
    """Multiply every pixel of (n, 1, C) by a matrix (D, C), or (D, C + 1) with an offset."""
    out = cv2.transform(block, matrix.astype(np.float32))
    return cast(FloatArray, out).reshape(len(block), 1, -1)


def _power(block: FloatArray, exponent: float) -> FloatArray:
    """Raise to a power; OpenCV is fast on every processor, NumPy only on the newest."""
    return cast(FloatArray, cv2.pow(block, exponent)).reshape(block.shape)


def _three(pixels: NDArray[Any]) -> FloatArray:
    """Return `pixels` as contiguous float32 after checking that its last axis is three."""
    pixels = np.asarray(pixels)
    if not pixels.ndim or pixels.shape[-1] != 3:
        raise ValueError(f"the shape {pixels.shape} must end in 3 (three channels)")
    return np.ascontiguousarray(pixels, np.float32)


def _blockwise(
    convert: Callable[[FloatArray], FloatArray], pixels: FloatArray, *, channels: int
) -> FloatArray:
    """Apply `convert`, (n, 1, C) -> (n, 1, channels), to (..., C) in blocks."""
    out = np.empty((*pixels.shape[:-1], channels), np.float32)
    flat_in, flat_out = pixels.reshape(-1, 1, pixels.shape[-1]), out.reshape(-1, 1, channels)
    for part in _blocks(len(flat_in)):
        flat_out[part] = convert(flat_in[part]).reshape(-1, 1, channels)
    return out


def _blocks(count: int) -> Iterator[slice]:
    """Cut `count` pixels into slices of at most BLOCK."""
    for start in range(0, count, BLOCK):
        yield slice(start, min(start + BLOCK, count))
