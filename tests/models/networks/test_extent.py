"""How strongly a thing's colour is laid on each cell."""

from __future__ import annotations

import numpy as np
import torch

from models.networks.claims import Claims
from models.networks.extent import (
    INPUTS,
    MOST,
    UNSURE,
    Extent,
    awarded,
    decided,
    extent_inputs,
    held_back,
    how_found,
    kept_where_expected,
    spared,
    trimmed,
)


def test_how_found_is_that_of_the_likeliest_cells() -> None:
    place = torch.zeros(2, 10, 10)
    place[0, 3, :8] = 0.9
    np.testing.assert_allclose(how_found(place), [0.9, 0.0], atol=1e-6)
    assert how_found(torch.ones(1, 2, 2)).tolist() == [1.0]


def test_inputs_are_finite_where_nothing_is_found() -> None:
    plane, pair = torch.zeros(1, 4, 5), torch.zeros(2, 4, 5)
    rivals = torch.full((1, 4, 5), -1e4)
    inputs = extent_inputs(
        Claims(plane, rivals, plane, mates=plane, boxed=plane, boxed_rivals=plane, body=plane),
        evened=plane, evidence=plane, colors=pair[None], guess=pair, lightness=plane[0],
        neutral=torch.zeros(1),
    )  # fmt: skip
    assert inputs.shape == (1, INPUTS, 4, 5)
    assert torch.isfinite(inputs).all()
    assert inputs.abs().max() <= 3


def test_a_thing_does_not_depend_on_the_things_beside_it() -> None:
    torch.manual_seed(0)
    model = Extent(16)
    torch.nn.init.normal_(model.write.weight)
    torch.nn.init.normal_(model.to_gamma_beta.weight)
    inputs, cells, phrases = torch.randn(3, INPUTS, 8, 9), torch.randn(16, 8, 9), torch.randn(3, 16)
    with torch.no_grad():
        together = model(inputs, cells, phrases)
        alone = model(inputs[1:2], cells, phrases[1:2])
    assert together.shape == (3, 8, 9)
    np.testing.assert_allclose(together[1:2], alone, rtol=1e-5)
    with torch.no_grad():
        renamed = model(inputs[1:2], cells, phrases[2:3])
    assert (renamed - alone).abs().max() > 0.01  # the name modulates what is read


def test_decided_shares_are_clear_and_greys_must_be_surer() -> None:
    shares = torch.tensor([[[0.0, 0.03, MOST, 0.7, 1.0]]]).expand(2, -1, -1)
    hue, grey = decided(shares, torch.tensor([0.0, 1.0]))
    np.testing.assert_allclose(hue[0, [0, 1, 4]], [0, 0, 1], atol=1e-6)
    assert 0.5 < hue[0, 2] < hue[0, 3] < 1  # most of the colour, and more where it is surer
    assert 0 < grey[0, 2] < hue[0, 2]
    assert 0.5 < grey[0, 3] < hue[0, 3]


def test_shares_are_held_back_where_the_box_head_is_less_sure() -> None:
    shares, boxed = torch.ones(2, 1, 3), torch.tensor([[[2.0, 0.0, -9.0]], [[-1.0, -1.0, -1.0]]])
    first, second = held_back(shares, boxed)
    assert first[0, 0] == 1  # the surest cell takes all
    assert 1 > first[0, 1] > first[0, 2] > 0
    np.testing.assert_allclose(first[0, 2], UNSURE, atol=1e-3)
    np.testing.assert_allclose(second, shares[1])  # it cannot tell: nothing is held back


def test_a_soft_rim_is_taken_from_large_things_alone() -> None:
    shares = torch.zeros(2, 10, 10)
    shares[0, :, :5], shares[0, :, 5], shares[1, 0, 0] = 1.0, 0.4, 0.9
    evened = shares.clone()
    evened[0, :, :5], evened[0, :, 5:], evened[1] = 0.95, 0.05, 0.02
    large, small = trimmed(shares, evened)
    np.testing.assert_allclose(large[:, :5], 1.0)
    assert large[:, 5].max() < 0.1 * 0.4  # the rim
    np.testing.assert_allclose(large[:, 6:], 0.0)  # nothing is added
    np.testing.assert_array_equal(small, shares[1])


def test_parts_that_are_unlikely_to_have_the_colour_are_spared_unless_they_are_colourful() -> None:
    shares = torch.tensor([[[0.9, 0.9, 0.8, 0.9]]]).expand(2, 1, 4)
    chroma = torch.tensor([[40.0, 40.0, 3.0, 40.0]])  # a car: the third cell is a wheel
    evidence = torch.tensor([[[0.8, 0.8, 0.02, 0.02]]]).expand(2, 1, 4)
    red, grey = spared(shares, evidence, chroma, torch.tensor([0.0, 1.0]))
    np.testing.assert_allclose(red[0, [0, 1, 3]], 0.9)  # the fourth was taken to be blue
    assert 0 < red[0, 2] < 0.15
    np.testing.assert_array_equal(grey, shares[1])
    nothing = torch.zeros(1, 1, 4)
    np.testing.assert_array_equal(spared(nothing, evidence[:1], chroma, torch.zeros(1)), nothing)


def test_what_two_things_claim_goes_to_the_one_whose_colour_is_expected_there() -> None:
    shares = torch.tensor([[[0.8, 0.8, 0.0]], [[0.8, 0.8, 0.0]], [[0.5, 0.5, 0.5]]])
    evidence = torch.tensor([[[0.9, 0.1, 0.0]], [[0.1, 0.9, 0.0]], [[0.9, 0.9, 0.9]]])
    blue, red, white = awarded(shares, evidence, torch.tensor([0.0, 0.0, 1.0]))
    assert blue[0, 0] == red[0, 1] == np.float32(0.8)
    assert 0 < blue[0, 1] < 0.12
    assert 0 < red[0, 0] < 0.12
    np.testing.assert_array_equal(blue[0, 2], 0)
    np.testing.assert_array_equal(white, shares[2])  # greys take no part
    alone = awarded(shares[:1], evidence[:1], torch.zeros(1))
    np.testing.assert_array_equal(alone, shares[:1])


def test_what_has_the_colour_anyway_keeps_it_and_greys_take_it_away() -> None:
    colors = torch.tensor([30.0, 0.0])[:, None, None].expand(2, 2, 1, 3)
    guess = torch.tensor([60.0, 10.0])[:, None, None].expand(2, 1, 3)
    evidence = torch.tensor([[[0.0, 0.5, 1.0]], [[0.0, 0.5, 1.0]]])
    hue, grey = kept_where_expected(colors, guess, evidence, torch.tensor([0.0, 1.0]))
    np.testing.assert_allclose(hue[:, 0, 0], [30, 0])
    assert 30 < hue[0, 0, 1] < 45
    np.testing.assert_allclose(hue[:, 0, 2], [60, 10])
    np.testing.assert_allclose(grey, colors[1])
