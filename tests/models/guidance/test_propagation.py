"""Hints spread over a guess: against a dense solution, and what a person expects of a dab."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.guidance.condition import HintMap, Related
from models.guidance.kriging import PARTS, SCALES, WIDTH
from models.guidance.propagation import (
    CHROMA_STEP,
    DABS,
    DESCRIBED_STEP,
    LEAST,
    likeness,
    settle_carried,
    spread,
    spread_hints,
)

STEP = 7.0  # of L
STEPS = ((0, 1, 1.0), (1, 0, 1.0), (1, 1, 0.5), (1, -1, 0.5))


def scene(rows: int, columns: int, *, seed: int = 0) -> tuple[NDArray[Any], NDArray[Any]]:
    """Make a lightness (h, w) and a guess (h, w, 2) that go up and down."""
    generator = np.random.default_rng(seed)
    lightness = 50 + 8 * generator.standard_normal((rows, columns))
    return lightness.astype(np.float32), generator.normal(0, 15, (rows, columns, 2)).astype("f4")


def dab(shape: tuple[int, int], where: Any, ab: tuple[float, float], sure: float = 1) -> HintMap:
    confidence = np.zeros(shape, np.float32)
    confidence[where] = sure
    return HintMap(np.broadcast_to(np.float32(ab), (*shape, 2)) * (confidence > 0)[..., None],
                   confidence)  # fmt: skip


def solved_densely(
    values: NDArray[Any],
    weight: NDArray[Any],
    pull: NDArray[Any],
    lightness: Any,
    guess: Any,
    described: Any,
) -> NDArray[np.float64]:
    """Set the energy's gradient to zero cell by cell, and solve the full matrix."""
    rows, columns = weight.shape
    matrix = np.zeros((rows * columns, rows * columns))
    for y in range(rows):
        for x in range(columns):
            here = y * columns + x
            matrix[here, here] += weight[y, x] + pull[y, x]
            for down, across, share in STEPS:
                v, u = y + down, x + across
                if not (v < rows and 0 <= u < columns):
                    continue
                there = v * columns + u
                apart = ((float(lightness[y, x]) - float(lightness[v, u])) / STEP) ** 2
                apart += sum((guess[y, x].astype(float) - guess[v, u]) ** 2) / CHROMA_STEP**2
                apart += sum((described[y, x] - described[v, u]) ** 2) / DESCRIBED_STEP**2
                like = share * (np.exp(-apart / 2) + LEAST)
                matrix[here, here] += like
                matrix[there, there] += like
                matrix[here, there] -= like
                matrix[there, here] -= like
    right = (weight[..., None] * values).reshape(rows * columns, -1)
    return np.linalg.solve(matrix, right).reshape(rows, columns, -1)


@pytest.mark.parametrize("shape", [(9, 6), (6, 9), (1, 7), (7, 1), (2, 5), (5, 2), (1, 1), (8, 8)])
def test_the_banded_solution_is_that_of_the_full_system(shape: tuple[int, int]) -> None:
    generator = np.random.default_rng(shape[0])
    lightness, guess = scene(*shape)
    weight = generator.random(shape) * (generator.random(shape) < 0.4)
    pull = 0.01 + generator.random(shape)
    values = generator.normal(0, 30, (*shape, 3))
    described = generator.normal(0, 0.3, (*shape, 4))
    alike = likeness(lightness, guess, described, lightness_step=STEP)
    found = spread(values, weight, pull, alike)
    np.testing.assert_allclose(
        found, solved_densely(values, weight, pull, lightness, guess, described), atol=1e-9
    )


def test_without_hints_the_guess_stays() -> None:
    lightness, guess = scene(12, 9)
    empty = dab((12, 9), (0, 0), (40, 0), sure=0)
    np.testing.assert_array_equal(spread_hints(guess, empty, lightness), guess)


def test_certain_hints_are_met() -> None:
    lightness, guess = scene(20, 20)
    hints = dab((20, 20), (3, 4), (60, -50))
    hints.ab[15, 6], hints.confidence[15, 6] = (-40, 30), 1
    found = spread_hints(guess, hints, lightness)
    np.testing.assert_allclose(found[3, 4], (60, -50), atol=0.5)
    np.testing.assert_allclose(found[15, 6], (-40, 30), atol=0.5)


def test_a_hint_that_agrees_with_a_plain_guess_changes_nothing() -> None:
    lightness = np.full((16, 16), 50, np.float32)
    guess = np.full((16, 16, 2), (12, -7), np.float32)
    found = spread_hints(guess, dab((16, 16), (5, 5), (12, -7)), lightness)
    np.testing.assert_allclose(found, guess, atol=1e-3)


def test_a_dab_fills_its_object_and_stops_at_the_edge() -> None:
    lightness = np.full((40, 40), 70, np.float32)
    lightness[10:25, 8:28] = 40
    guess = np.zeros((40, 40, 2), np.float32)
    inside = lightness == 40
    change = np.linalg.norm(
        spread_hints(guess, dab((40, 40), (15, 12), (0, 60)), lightness), axis=-1
    )
    assert change[inside].min() > 0.8 * 60
    assert change[~inside].max() < 0.02 * 60


def test_two_dabs_share_a_picture_at_the_edge_between_them() -> None:
    lightness = np.full((30, 30), 60, np.float32)
    lightness[:, 15:] = 30
    hints = dab((30, 30), (10, 4), (50, 0))
    hints.ab[20, 25], hints.confidence[20, 25] = (-50, 0), 1
    a = spread_hints(np.zeros((30, 30, 2), np.float32), hints, lightness)[..., 0]
    assert a[:, :15].min() > 40
    assert a[:, 15:].max() < -40


def test_an_edge_that_only_the_descriptions_show_stops_a_hint() -> None:
    lightness, guess = np.full((20, 30), 50, np.float32), np.zeros((20, 30, 2), np.float32)
    descriptors = np.zeros((20, 30, WIDTH), np.float32)
    descriptors[..., -SCALES] = -20  # kriging itself says nothing
    hints = dab((20, 30), (10, 8), (40, 0))

    def spread_over() -> NDArray[np.float32]:
        weights = np.ones((20, 30, 1), np.float32)
        related = Related(descriptors, weights, np.zeros((1, 2), np.float32))
        return spread_hints(guess, hints, lightness, related)[..., 0]

    assert spread_over()[:, 16:].max() > 20
    descriptors[:, 15:, sum(PARTS[:3])] = 3
    assert spread_over()[:, 16:].max() < 1
    assert spread_over()[:, :14].max() > 39


def test_paint_tells_of_far_places_that_look_alike_by_its_alpha() -> None:
    lightness, guess = np.full((20, 30), 50, np.float32), np.zeros((20, 30, 2), np.float32)
    lightness[:, 13:16] = 90  # an edge between two places that look alike
    descriptors = np.zeros((20, 30, WIDTH), np.float32)
    descriptors[..., -SCALES + 2 :] = -20  # never too vivid, nothing is doubted
    related = Related(descriptors, np.ones((20, 30, 1), np.float32), np.zeros((1, 2), np.float32))

    def far(alpha: float) -> float:
        paint = dab((20, 30), (10, 8), (30, 0), sure=alpha)
        return float(spread_hints(guess, paint, lightness, related)[10, 25, 0])

    assert 0 < far(0.01) < 0.02 * far(1)
    assert 0.2 * far(1) < far(0.5) < 0.6 * far(1)


def test_a_hint_fades_with_distance_where_no_edge_stops_it() -> None:
    lightness = np.full((1, 400), 50, np.float32)
    found = spread_hints(
        np.zeros((1, 400, 2), np.float32), dab((1, 400), (0, 200), (50, 0)), lightness
    )
    along = found[0, 200:, 0]
    assert (np.diff(along) < 1e-4).all()
    assert along[-1] < 0.05 * 50


def test_only_a_share_of_the_guess_is_seen_under_the_hints() -> None:
    lightness = np.full((24, 24), 50, np.float32)
    guess = np.zeros((24, 24, 2), np.float32)
    guess[12, 12] = (4, 0)
    hints = dab((24, 24), (slice(None), slice(0, 3)), (30, 0))
    hints.ab[:, 21:], hints.confidence[:, 21:] = (30, 0), 1
    found = spread_hints(guess, hints, lightness)[..., 0]
    bump = found[12, 12] - found[4, 12]
    assert bump == pytest.approx(DABS.kept * 4, abs=0.4)


def test_confidence_is_how_far_a_hint_pulls() -> None:
    lightness = np.full((10, 10), 50, np.float32)
    guess = np.full((10, 10, 2), (10, 0), np.float32)
    everywhere = (slice(None), slice(None))
    for sure in (0.2, 0.5, 0.9):
        found = settle_carried(guess, dab((10, 10), everywhere, (50, 0), sure), lightness)
        np.testing.assert_allclose(found[..., 0], 10 + sure * 40, atol=1.0)


@pytest.mark.parametrize("turn", ["transpose", "rows", "columns"])
def test_a_turned_picture_is_spread_the_same_way(turn: str) -> None:
    def turned(plane: NDArray[Any]) -> NDArray[Any]:
        if turn == "transpose":
            return np.ascontiguousarray(plane.swapaxes(0, 1))
        return np.ascontiguousarray(plane[::-1] if turn == "rows" else plane[:, ::-1])

    lightness, guess = scene(14, 9)
    hints = dab((14, 9), (4, 2), (33, 9))
    expected = turned(spread_hints(guess, hints, lightness))
    hints = HintMap(turned(hints.ab), turned(hints.confidence))
    found = spread_hints(turned(guess), hints, turned(lightness))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_hints_come_on_a_finer_grid() -> None:
    lightness, guess = scene(6, 8)
    coarse = dab((6, 8), (2, 3), (25, 40))
    fine = dab((24, 32), (slice(9, 10), slice(14, 16)), (25, 40))
    np.testing.assert_array_equal(
        spread_hints(guess, coarse, lightness), spread_hints(guess, fine, lightness)
    )


def test_the_same_hints_give_the_same_bits() -> None:
    lightness, guess = scene(56, 56)
    hints = dab((56, 56), (10, 10), (25, 40))
    first = spread_hints(guess, hints, lightness)
    assert first.tobytes() == spread_hints(guess, hints, lightness).tobytes()


def test_paint_that_is_nearly_opaque_reaches_nearly_as_far() -> None:
    lightness = np.random.default_rng(0).normal(50, 8, (24, 24)).astype(np.float32)
    guess, moved = np.zeros((24, 24, 2), np.float32), []
    for alpha in (250, 254, 255):
        ab, confidence = guess.copy(), np.zeros((24, 24), np.float32)
        ab[12, 12], confidence[12, 12] = (40, 20), alpha / 255
        moved.append(np.linalg.norm(spread_hints(guess, HintMap(ab, confidence), lightness)))
    assert moved[0] < moved[1] < moved[2]
    assert moved[1] > 0.9 * moved[2]


def test_a_dab_outweighs_carried_colours_as_far_as_it_reaches() -> None:
    lightness = np.full((24, 24), 60, np.float32)
    lightness[:, 12:] = 20
    guess = np.zeros((24, 24, 2), np.float32)
    carried = dab((24, 24), (slice(None), slice(None)), (0, 50), sure=0.8)
    settled = settle_carried(guess, carried, lightness)
    found = spread_hints(settled, dab((24, 24), (8, 5), (50, 0)), lightness)
    assert found[8, 5] == pytest.approx((50, 0), abs=0.5)
    assert found[:, :12, 0].min() > 35  # the dab's own side of the edge
    assert found[:, :12, 1].max() < 15
    assert found[:, 13:, 1].min() > 35  # beyond it the reference keeps its say
    assert abs(found[:, 13:, 0]).max() < 3
