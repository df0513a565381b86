"""A photo's dominant colours, found by clustering in CIELAB."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.color.lab import lab_to_srgb, to_hex

FloatArray = NDArray[np.float32]

COLORS: Final = 6  # at most
SAME_COLOR: Final = 10.0  # clusters nearer than this (CIE76) are one colour to the eye
LEAST_SHARE: Final = 0.02  # of the picture; what is smaller is a speck
ROUNDS: Final = 8
SIDE: Final = 32  # so many pixels across and down say enough


def dominant_colors(lab: FloatArray) -> tuple[str, ...]:
    """Return up to six colours of (H, W, 3) CIELAB as "#rrggbb", the most frequent first.

    K-means in Lab. It starts at the pixels farthest from one another, so that a small vivid thing
    gets a cluster of its own, and draws no random numbers.
    """
    step = max(1, min(lab.shape[:2]) // SIDE)
    pixels = np.ascontiguousarray(lab[::step, ::step], np.float32).reshape(-1, 3)
    centres, shares = _merge(*_cluster(pixels, _spread(pixels)))
    kept = [i for i in np.argsort(-shares, kind="stable") if shares[i] >= LEAST_SHARE] or [0]
    return tuple(dict.fromkeys(to_hex(lab_to_srgb(centres[i])) for i in kept))


def _spread(pixels: FloatArray) -> FloatArray:
    """Choose (k, 3) starting colours: the mean first, then always the farthest (Gonzalez 1985)."""
    centres = [pixels.mean(axis=0)]
    distance = np.linalg.norm(pixels - centres[0], axis=1)
    while len(centres) < COLORS and distance.max() > SAME_COLOR:
        centres.append(pixels[int(distance.argmax())])
        distance = np.minimum(distance, np.linalg.norm(pixels - centres[-1], axis=1))
    return np.stack(centres)


def _cluster(pixels: FloatArray, centres: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Run k-means (Lloyd 1982); return the centres (k, 3) and their shares of the pixels (k,)."""
    for _ in range(ROUNDS):
        # |p - c|^2 without |p|^2, which is the same for every centre
        nearest = (np.square(centres).sum(axis=1) - 2 * pixels @ centres.T).argmin(axis=1)
        member = (nearest[:, None] == np.arange(len(centres))).astype(np.float32)
        counts = member.sum(axis=0)
        means = member.T @ pixels / np.maximum(counts, 1)[:, None]
        centres = np.where(counts[:, None] > 0, means, centres)
    return centres, counts / np.float32(len(pixels))


def _merge(centres: FloatArray, shares: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Join the nearest two clusters, again and again, while they look the same."""
    while len(centres) > 1:
        gaps = np.linalg.norm(centres[:, None] - centres[None], axis=2)
        np.fill_diagonal(gaps, np.inf)
        i, j = np.unravel_index(int(gaps.argmin()), gaps.shape)
        if gaps[i, j] >= SAME_COLOR:
            break
        total = max(float(shares[i] + shares[j]), 1e-9)
        centres[i] = (centres[i] * shares[i] + centres[j] * shares[j]) / total
        shares[i] = total
        centres, shares = np.delete(centres, j, axis=0), np.delete(shares, j)
    return centres, shares
