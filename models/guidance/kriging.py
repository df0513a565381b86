"""Kriging: what a few known colours say of all the others, near and far.

The guess is taken to be wrong by a random field whose covariance the descriptors give (see
``models.networks.affinity``): places that look alike are likely to be wrong alike. Where the true
colour is known, so is the error; the mean of the field given these errors is added to the guess.
That is the best linear prediction, known as kriging or as a Gaussian process (Rasmussen and
Williams 2006, chapter 2): one small dense system, as large as there are known places.

    covariance(i, j) = shared_i . shared_j + size_i size_j exp(-|near_i - near_j|^2 / 2)

A colour that the network holds likely where it is known is news of the whole scene; one that it
does not, or that is vivid and far off the guess, is a person's wish for one thing. So the larger
the error, the more vivid and the less likely the colour, the less it counts.

A colour of confidence p is right with that probability, and else the guess is. So the error to be
expected is p times the one that it says, and it counts p as much as a certain one would.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.guidance.condition import Related

FloatArray = NDArray[np.float32]
Float64Array = NDArray[np.float64]
Planes = TypeVar("Planes", FloatArray, Tensor)

UNIT = 15.0  # ab; errors are counted in it
OWN, JOINT, NEAR, SCALES = 16, 6, 12, 6  # how a descriptor is made up, see ``take_apart``
PARTS = [OWN, OWN, 2 * JOINT, NEAR, SCALES]
WIDTH = sum(PARTS)
MOST = 192  # known places; more are joined with their neighbours
TOGETHER = 5  # cells; known ones that lie so near say much the same
LEAST_NOISE = 1e-3
SAME = 8.0  # ab; a standard deviation of what counts as one colour
LEAST_LIKELY = 1e-3  # of a colour; less says nothing more
FAINTEST = 1e-9  # of confidence; less counts as none beside it
MOST_DOUBT = 12.0  # beyond it a known colour says nothing of the others anyway


class CellParts(NamedTuple):
    """What the covariance of n places is made of.

    ``shared`` (n, 2, P): what the errors in a and in b are linear in; ``near`` (n, NEAR): places
    where it is alike are wrong alike, by ``size`` (n,); ``trust`` (n,): the precision of a colour
    known there; ``doubt`` (n, 3): how soon the square of its error, its own, and how unlikely it
    is lower that; ``guess`` (n, 2), in units.
    """

    shared: Tensor
    near: Tensor
    size: Tensor
    trust: Tensor
    doubt: Tensor
    guess: Tensor


def correct(
    guess: FloatArray, ab: FloatArray, confidence: FloatArray, related: Related
) -> FloatArray:
    """Return the guess corrected by what is known of it, everywhere: (h, w, 2) float32 ab.

    ``guess`` and ``ab`` are (h, w, 2) float32; ``confidence`` (h, w) float32 in [0, 1] says how
    sure it is that ``ab`` are the true colours, 0 where nothing is known. The result comes near
    the certain colours, and no place moves farther than the known ones are expected to.
    """
    known = confidence > 0
    if not known.any():
        return guess
    wrong = (ab - guess) / np.float32(UNIT)
    crowd = _crowd(confidence.astype(np.float64))
    weights, bins, colors = map(torch.from_numpy, (related.weights[known], related.bins, ab[known]))
    unexpected = np.zeros(known.shape)
    unexpected[known] = unlikely(weights, bins, colors).numpy()
    columns = np.dstack(
        [related.descriptors, guess / np.float32(UNIT), wrong, unexpected, confidence, crowd]
    )
    places = torch.from_numpy(_at_most(columns.astype(np.float64), known, MOST))
    descriptor, mean, error, odd, sure, crowded = places.split([WIDTH, 2, 2, 1, 1, 1], dim=1)
    everywhere = torch.from_numpy(columns.reshape(-1, columns.shape[2])).double()
    with torch.inference_mode():
        found = UNIT * expected_errors(
            take_apart(descriptor, mean),
            error,
            odd[:, 0],
            take_apart(everywhere[:, :WIDTH], everywhere[:, WIDTH : WIDTH + 2]),
            crowded[:, 0].clamp_min(1),
            sure[:, 0],
        )
        limit = UNIT * (sure * error).norm(dim=1).max()
        found *= (limit / found.norm(dim=1, keepdim=True).clamp_min(1e-9)).clamp_max(1)
    return np.asarray(guess + found.numpy().reshape(guess.shape), np.float32)


def near_of(descriptors: Planes) -> Planes:
    """Return the part of (..., WIDTH) descriptors that says what is near: (..., NEAR)."""
    return descriptors[..., sum(PARTS[:3]) : sum(PARTS[:4])]


def take_apart(descriptors: Tensor, guess: Tensor) -> CellParts:
    """Take (n, WIDTH) descriptors apart; ``guess`` is (n, 2) in units.

    They hold OWN numbers for a, as many for b, JOINT for each of both together; the guess itself is
    one more for both, because it may be too vivid or too pale everywhere.
    """
    own_a, own_b, joint, near, scales = descriptors.split(PARTS, dim=1)
    nothing = torch.zeros_like(own_a)
    shared = torch.stack(
        [torch.cat([own_a, nothing], dim=1), torch.cat([nothing, own_b], dim=1)], dim=1
    )
    vivid = torch.exp(scales[:, 2] - 1)[:, None, None] * guess[:, :, None]
    shared = torch.cat([shared, joint.unflatten(1, (2, JOINT)), vivid], dim=2)
    size, trust, doubt = scales[:, 0] - 1, scales[:, 1], scales[:, 3:] - 2
    return CellParts(shared, near, size.exp(), trust.exp(), doubt.exp(), guess)


def expected_errors(
    here: CellParts,
    wrong: Tensor,
    odd: Tensor,
    there: CellParts,
    crowded: Tensor | None = None,
    confidence: Tensor | None = None,
) -> Tensor:
    """Mean of the errors (m, 2) ``there``, given the errors ``wrong`` (n, 2) ``here``.

    ``odd`` (n,) is how ``unlikely`` the colours are that are known. ``crowded`` (n,) is how many
    known places lie about each, itself among them: together they count as one; None where they lie
    alone. ``confidence`` (n,) in (0, 1] is how sure it is that each is known; None: all are.
    """
    count = len(wrong)
    squares = wrong.square().sum(1), (here.guess + wrong).square().sum(1)
    doubts = here.doubt * torch.stack([*squares, odd], dim=1)
    trust = here.trust * torch.exp(-doubts.sum(1).clamp_max(MOST_DOUBT))
    if crowded is not None:
        trust = trust / crowded
    if confidence is not None:
        trust, wrong = trust * confidence, wrong * confidence[:, None]
    ours = here.shared.flatten(0, 1)  # a and b of the first place, of the second, ...
    both = torch.eye(2, dtype=wrong.dtype)
    covariance = ours @ ours.T + torch.kron(_alike(here, here), both)
    noise = (1 / trust + LEAST_NOISE).repeat_interleave(2)
    weight = torch.linalg.solve(covariance + torch.diag(noise), wrong.flatten())
    linear = there.shared @ (ours.T @ weight)
    near = _alike(there, here) @ weight.reshape(count, 2)
    return torch.add(linear, near)


def unlikely(weights: Tensor, bins: Tensor, ab: Tensor) -> Tensor:
    """Say how unlikely (n, 2) ab are by (n, Q) weights of (Q, 2) bins: (n,) in nats, from 0 on."""
    apart = (ab[:, None] - bins).square().sum(2)
    mass = (weights * torch.exp(-apart / (2 * SAME**2))).sum(1)
    return -(mass + LEAST_LIKELY).clamp_max(1).log()


def _alike(first: CellParts, second: CellParts) -> Tensor:
    """Covariance of the places for being near each other: (n, m)."""
    apart = torch.cdist(first.near, second.near).square()
    return first.size[:, None] * second.size * torch.exp(-apart / 2)


def _crowd(confidence: Float64Array) -> Float64Array:
    """Say how many known places lie about each of (h, w), the surest of them counted as one.

    Faint paint about a certain dab is hardly a crowd: else it would lower what the dab says.
    """
    total = cv2.boxFilter(
        confidence, -1, (TOGETHER, TOGETHER), normalize=False, borderType=cv2.BORDER_CONSTANT
    )
    surest = cv2.dilate(confidence, np.ones((TOGETHER, TOGETHER), np.uint8))
    return np.asarray(total / np.maximum(surest, FAINTEST), np.float64)


def _at_most(columns: Float64Array, known: NDArray[np.bool_], most: int) -> Float64Array:
    """List the known places of (h, w, C): (n, C). Too many are averaged, block by larger block.

    The last columns are the confidence and the crowd. Places are averaged by their confidence; the
    mean is as sure as the surest of them, and stands for as much of the crowd as they are of it.
    """
    y, x = np.nonzero(known)
    values, side = columns[y, x], 1
    listed, confidence = values, values[:, -2]
    while len(listed) > most:
        side *= 2
        block = (y // side) * known.shape[1] + x // side
        blocks, group = np.unique(block, return_inverse=True)
        total, surest = np.zeros(len(blocks)), np.zeros(len(blocks))
        np.add.at(total, group, confidence)
        np.maximum.at(surest, group, confidence)
        listed = np.zeros((len(blocks), values.shape[1]))
        np.add.at(listed, group, confidence[:, None] * values)
        listed /= total[:, None]
        listed[:, -2] = surest
        listed[:, -1] = listed[:, -1] * surest / total
    return listed
