"""Measures of a coloured photo against its original; 8-bit sRGB unless said otherwise."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.color.lab import srgb_to_lab

FloatArray = NDArray[np.float32]
UInt8Array = NDArray[np.uint8]

SHORT_SIDE = 224  # bleeding is measured on a picture of this size, whatever the photo's
EDGE = 4.0  # L a pixel: a gradient from here on is an edge
REACH = 2  # pixels from an edge that still belong to it: chroma is coded at half the size
FAINT = 0.02  # ab a pixel, on average: below it there is no chroma to speak of


@dataclass(frozen=True, slots=True)
class Bleeding:
    """Where a picture's chroma changes.

    ``share`` of the gradient of chroma lies where lightness has no edge, None where there is no
    chroma to speak of; ``chance`` is that area's share of the picture.
    """

    share: float | None
    chance: float


def psnr(original: UInt8Array, result: UInt8Array) -> float:
    """Peak signal-to-noise ratio in dB, over all pixels and channels of 8-bit sRGB."""
    error = np.square(original.astype(np.float64) - result).mean()
    return float("inf") if error == 0 else float(10 * np.log10(255.0**2 / error))


def colourfulness(rgb: UInt8Array) -> float:
    """Hasler and Suesstrunk 2003's M3, with signed opponent channels."""
    return _colourfulness(rgb, signed=True)


def colourfulness_absolute(rgb: UInt8Array) -> float:
    """Return M3 with absolute opponent channels, the variant of DDColor's code."""
    return _colourfulness(rgb, signed=False)


def _colourfulness(rgb: UInt8Array, *, signed: bool) -> float:
    red, green, blue = np.moveaxis(rgb.astype(np.float64), -1, 0)
    rg, yb = red - green, (red + green) / 2 - blue
    if not signed:
        rg, yb = np.abs(rg), np.abs(yb)
    spread = np.hypot(rg.std(), yb.std())
    return float(spread + 0.3 * np.hypot(rg.mean(), yb.mean()))


def ciede2000(original: UInt8Array, result: UInt8Array) -> float:
    """Mean CIEDE2000 colour difference (CIE 142-2001)."""
    return float(np.mean(differences(original, result)))


def differences(original: UInt8Array, result: UInt8Array) -> NDArray[np.float64]:
    """Return the CIEDE2000 of every pixel of (H, W, 3), through scikit-image: (H, W)."""
    from skimage.color import deltaE_ciede2000

    first = srgb_to_lab(original.astype(np.float32) / 255)
    second = srgb_to_lab(result.astype(np.float32) / 255)
    return np.asarray(deltaE_ciede2000(first, second), np.float64)


def ssim(original: UInt8Array, result: UInt8Array) -> float:
    """Structural similarity in sRGB, 11x11 Gaussian window of sigma 1.5, through scikit-image."""
    from skimage.metrics import structural_similarity

    return float(
        structural_similarity(
            original,
            result,
            channel_axis=2,
            data_range=255,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    )


def bleeding(original: UInt8Array, result: UInt8Array) -> Bleeding:
    """Measure how far colour runs over edges and blotches plain areas; (H, W, 3) 8-bit sRGB.

    Both pictures are brought to a short side of 224 px. The gradient of a plane is that of Scharr
    after a Gaussian of sigma 1 px; its size is in units a pixel. The edges of the original's L are
    where that is 4 or more, and 2 px around. The share is the sum of the size of the gradient of
    (a, b) outside the edges over its sum in the whole picture, so that it does not depend on how
    vivid the colours are.

    Photos have edges of colour without one of lightness too, and the noise of their JPEG: what
    counts is the share beside the original's own, ``bleeding(original, original)``. Chroma that
    knows nothing of the picture comes to ``chance``.
    """
    first, second = (srgb_to_lab(_small(picture)) for picture in (original, result))
    edges = _gradient(first[..., 0]) >= EDGE
    size = 2 * REACH + 1
    near = cv2.dilate(edges.astype(np.uint8), np.ones((size, size), np.uint8)) > 0
    change = np.hypot(_gradient(second[..., 1]), _gradient(second[..., 2]))
    faint = float(change.mean()) < FAINT
    share = None if faint else float(change[~near].sum() / change.sum())
    return Bleeding(share, float(1 - near.mean()))


def _gradient(plane: FloatArray) -> FloatArray:
    """Return the size of the gradient of (H, W), a pixel."""
    smooth = cv2.GaussianBlur(plane, (0, 0), 1.0, borderType=cv2.BORDER_REFLECT)
    across = cv2.Scharr(smooth, cv2.CV_32F, 1, 0, scale=1 / 32)
    down = cv2.Scharr(smooth, cv2.CV_32F, 0, 1, scale=1 / 32)
    return np.asarray(np.hypot(across, down), np.float32)


def _small(picture: UInt8Array) -> FloatArray:
    """Shrink to the short side, (h, w, 3) float32 in [0, 1]."""
    scale = min(SHORT_SIDE / min(picture.shape[:2]), 1.0)
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(255)
