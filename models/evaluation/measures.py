"""Measures of a coloured photo against its original; 8-bit sRGB unless said otherwise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.color import srgb_to_lab

UInt8Array = NDArray[np.uint8]


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
    """Mean CIEDE2000 colour difference (CIE 142-2001), through scikit-image."""
    from skimage.color import deltaE_ciede2000

    first = srgb_to_lab(original.astype(np.float32) / 255)
    second = srgb_to_lab(result.astype(np.float32) / 255)
    return float(np.mean(deltaE_ciede2000(first, second)))


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
