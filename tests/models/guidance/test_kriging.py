"""Known colours correct the others: against conditioning written out, and what one expects."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.guidance import kriging
from models.guidance.condition import Related
from models.guidance.kriging import (
    JOINT,
    LEAST_LIKELY,
    LEAST_NOISE,
    MOST,
    NEAR,
    OWN,
    SCALES,
    WIDTH,
    expected_errors,
    take_apart,
    unlikely,
)

Array = NDArray[np.float32]
SHAPE = (24, 20)
SURE = 6.0  # a logarithm of a precision


def described(shape: tuple[int, int], *, sure: float = SURE) -> Array:
    """Descriptors by which no place is wrong as any other is, all known colours sure."""
    descriptors = np.zeros((*shape, WIDTH), np.float32)
    scales = descriptors[..., -SCALES:]
    scales[..., 0] = -20  # no size
    scales[..., 1] = sure
    scales[..., 2] = -20  # never too vivid
    scales[..., 3:] = -20  # nothing is doubted
    return descriptors


def correct(guess: Array, ab: Array, known: NDArray[np.bool_] | Array, descriptors: Array) -> Array:
    """Correct where the network holds what is nearly grey likely, and nothing else."""
    bins = np.float32([(0, 0), (0, 90)])
    weights = np.broadcast_to(np.float32((1, 0)), (*known.shape, 2))
    return kriging.correct(guess, ab, np.float32(known), Related(descriptors, weights, bins))


def halves() -> Array:
    """Descriptors of a picture whose left half is one thing and the right half another."""
    descriptors = described(SHAPE)
    descriptors[:, : SHAPE[1] // 2, 2 * OWN + 2 * JOINT] = 5.0
    descriptors[..., -SCALES] = 1  # size 1
    return descriptors


def plain(ab: tuple[float, float] = (5, -3)) -> Array:
    return np.broadcast_to(np.float32(ab), (*SHAPE, 2)).copy()


def at(*places: tuple[int, int]) -> NDArray[np.bool_]:
    known = np.zeros(SHAPE, bool)
    for place in places:
        known[place] = True
    return known


def covariance(first: Array, second: Array, guess: Array, other: Array) -> NDArray[np.float64]:
    """Of the errors (a, b) of two places, from their descriptors: (2, 2), term by term."""
    a, b = ((d[:OWN], d[OWN : 2 * OWN]) for d in (first, second))
    ja, jb = ((d[2 * OWN :][:JOINT], d[2 * OWN + JOINT :][:JOINT]) for d in (first, second))
    near = first[-SCALES - NEAR : -SCALES], second[-SCALES - NEAR : -SCALES]
    alike = np.exp(first[-SCALES] - 1 + second[-SCALES] - 1)
    alike *= np.exp(-((near[0] - near[1]) ** 2).sum() / 2)
    vivid = np.exp(first[-SCALES + 2] - 1 + second[-SCALES + 2] - 1)
    result = np.zeros((2, 2))
    for i in range(2):
        for j in range(2):
            result[i, j] = ja[i] @ jb[j] + vivid * guess[i] * other[j]
            if i == j:
                result[i, j] += a[i] @ b[j] + alike
    return result


def test_the_correction_is_that_of_a_gaussian_given_what_is_known() -> None:
    generator = np.random.default_rng(0)
    descriptors = 0.4 * generator.standard_normal((9, WIDTH))
    guess, wrong = generator.standard_normal((9, 2)), generator.standard_normal((5, 2))
    crowded, odd = np.array([1.0, 2, 1, 3, 1]), np.array([0.0, 1, 2, 5, 3])
    sure = np.array([1.0, 0.5, 0.9, 1, 0.1])
    joint = np.block(
        [
            [covariance(descriptors[i], descriptors[j], guess[i], guess[j]) for j in range(9)]
            for i in range(9)
        ]
    )
    noise = []
    for i in range(5):
        doubt = np.exp(descriptors[i, -3:] - 2)
        reasons = (wrong[i] ** 2).sum(), ((guess[i] + wrong[i]) ** 2).sum(), odd[i]
        trust = np.exp(descriptors[i, -SCALES + 1] - doubt @ reasons) / crowded[i]
        noise += [1 / (trust * sure[i]) + LEAST_NOISE] * 2
    known = joint[:10, :10] + np.diag(noise)
    expected = joint[10:, :10] @ np.linalg.solve(known, (sure[:, None] * wrong).reshape(-1))
    found = expected_errors(
        take_apart(torch.from_numpy(descriptors[:5]), torch.from_numpy(guess[:5])),
        torch.from_numpy(wrong),
        torch.from_numpy(odd),
        take_apart(torch.from_numpy(descriptors[5:]), torch.from_numpy(guess[5:])),
        torch.from_numpy(crowded),
        torch.from_numpy(sure),
    )
    np.testing.assert_allclose(found.numpy(), expected.reshape(-1, 2), rtol=1e-9, atol=1e-12)


def test_nothing_known_changes_nothing() -> None:
    np.testing.assert_array_equal(correct(plain(), plain((9, 9)), at(), halves()), plain())


def test_what_looks_alike_is_corrected_alike_and_the_rest_is_left_alone() -> None:
    found = correct(plain(), plain((15, -3)), at((2, 3)), halves())
    left, right = found[:, : SHAPE[1] // 2], found[:, SHAPE[1] // 2 :]
    np.testing.assert_allclose(left, plain((15, -3))[:, : left.shape[1]], atol=0.2)
    np.testing.assert_allclose(right, plain()[:, : right.shape[1]], atol=0.1)


def test_what_is_unlike_all_others_tells_nothing() -> None:
    found = correct(plain(), plain((60, 60)), at((2, 3)), described(SHAPE))
    np.testing.assert_allclose(found, plain(), atol=1e-3)


def test_a_guess_that_is_too_vivid_here_is_so_everywhere() -> None:
    descriptors = described(SHAPE)
    descriptors[..., -SCALES + 2] = 2
    guess = plain((20, 0))
    guess[10:] = (0, -18)
    found = correct(guess, guess / 2, at((2, 3)), descriptors)
    np.testing.assert_allclose(found, guess / 2, atol=0.5)


def test_several_witnesses_are_averaged() -> None:
    known = at((2, 3), (12, 5), (20, 8))
    true = plain()
    true[2, 3], true[12, 5], true[20, 8] = (11, -3), (14, -3), (17, -3)
    found = correct(plain(), true, known, halves())
    np.testing.assert_allclose(found[0, 0], (14, -3), atol=0.3)


def test_known_places_side_by_side_count_as_one() -> None:
    descriptors = halves()
    descriptors[..., -SCALES + 1] = 0  # unsure, so that their number matters
    true = plain((15, -3))
    apart = correct(plain(), true, at((2, 1), (12, 5), (20, 8)), descriptors)
    together = correct(plain(), true, at((2, 1), (2, 2), (2, 3)), descriptors)
    alone = correct(plain(), true, at((2, 2)), descriptors)
    assert apart[8, 2, 0] > together[8, 2, 0] + 0.5
    assert together[8, 2, 0] == pytest.approx(alone[8, 2, 0], abs=0.05)


@pytest.mark.parametrize("sure", [1.0, 0.5, 0.1, 1e-6])
def test_a_known_colour_tells_of_the_others_as_far_as_it_is_sure(sure: float) -> None:
    confidence = np.float32(sure * at((2, 3)))
    moved = correct(plain(), plain((45, -3)), confidence, halves()) - plain()
    assert moved[12, 5] == pytest.approx((sure * 40, 0), rel=0.05, abs=1e-4)


@pytest.mark.parametrize("beside", [np.s_[1:4, 2:5], np.s_[:, : SHAPE[1] // 2]])
def test_faint_paint_does_not_lower_what_a_certain_dab_says(beside: tuple[slice, slice]) -> None:
    descriptors = halves()
    descriptors[..., -SCALES + 1] = 2
    sure, true = np.zeros(SHAPE, np.float32), plain((5, 40))
    sure[beside] = 1e-3
    sure[2, 3], true[2, 3] = 1, (15, -3)
    alone = correct(plain(), true, at((2, 3)), descriptors)
    np.testing.assert_allclose(correct(plain(), true, sure, descriptors), alone, atol=0.6)


@pytest.mark.parametrize("doubted", [(3,), (4,), (5,), (3, 4)])
def test_a_wish_for_one_thing_is_no_news_of_the_others(doubted: tuple[int, ...]) -> None:
    descriptors = halves()
    for scale in doubted:
        descriptors[..., -SCALES + scale] = 4 if scale == 5 else 2
    little, much = (
        correct(plain((0, 0)), plain((0, b)), at((2, 3)), descriptors)[12, 5, 1] for b in (5, 70)
    )
    assert little > 0.8 * 5
    assert abs(much) < 0.05 * 70


def test_a_colour_is_the_less_likely_the_farther_it_is_from_the_likely_ones() -> None:
    weights, bins = torch.tensor([[0.75, 0.25]]), torch.tensor([(0.0, 0.0), (60.0, 0.0)])
    ab = torch.tensor([(0.0, 0.0), (8.0, 0.0), (60.0, 0.0), (30.0, 80.0)])
    likely, near, second, never = unlikely(weights.expand(4, 2), bins, ab).tolist()
    assert likely == pytest.approx(-np.log(0.75 + LEAST_LIKELY), abs=1e-5)
    assert near == pytest.approx(-np.log(0.75 * np.exp(-0.5) + LEAST_LIKELY), abs=1e-5)
    assert second == pytest.approx(-np.log(0.25 + LEAST_LIKELY), abs=1e-5)
    assert never == pytest.approx(-np.log(LEAST_LIKELY), abs=1e-2)


def test_no_place_moves_farther_than_the_known_ones() -> None:
    descriptors = described(SHAPE)
    descriptors[..., 0] = 1
    descriptors[10:, :, 0] = 30  # by its descriptor it would move thirty times as far
    found = correct(plain(), plain((13, -3)), at((2, 3)), descriptors)
    assert np.linalg.norm(found - plain(), axis=2).max() <= 8 * (1 + 1e-5)


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_any_number_of_known_places_is_taken(share: float) -> None:
    known = np.random.default_rng(1).random(SHAPE) < share
    known[:, SHAPE[1] // 2 :] = False
    if share == 1.0:
        assert known.sum() > MOST
    found = correct(plain(), plain((15, -3)), known, halves())
    np.testing.assert_allclose(found[:, :10], plain((15, -3))[:, :10], atol=0.2)


def test_a_blank_picture_stays_finite_and_plain() -> None:
    descriptors = np.random.default_rng(2).standard_normal(WIDTH).astype(np.float32)
    everywhere = np.broadcast_to(descriptors, (*SHAPE, WIDTH))
    known = np.ones(SHAPE, bool)
    found = correct(plain((0, 0)), plain((90, -90)), known, everywhere)
    assert np.isfinite(found).all()
    assert np.ptp(found.reshape(-1, 2), axis=0).max() < 1e-3


def test_the_same_known_colours_give_the_same_bits() -> None:
    generator = np.random.default_rng(3)
    descriptors = generator.standard_normal((*SHAPE, WIDTH)).astype(np.float32)
    true, known = generator.normal(0, 20, (*SHAPE, 2)).astype("f4"), generator.random(SHAPE) < 0.1
    first: Any = correct(plain(), true, known, descriptors)
    assert first.tobytes() == correct(plain(), true, known, descriptors).tobytes()
