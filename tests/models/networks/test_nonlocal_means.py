"""One thing, one colour: means over what looks alike."""

from __future__ import annotations

import numpy as np
import torch

from models.networks.grounding import ALIKE
from models.networks.nonlocal_means import likeness, nonlocal_mean


def halves(height: int = 18, width: int = 24) -> torch.Tensor:
    """Describe the left and the right half of a picture by unlike vectors: (2, h, w)."""
    cells = torch.zeros(2, height, width)
    cells[0, :, : width // 2] = 1
    cells[1, :, width // 2 :] = 1
    return cells / ALIKE**0.5


def test_patches_are_evened_within_a_thing_and_not_across() -> None:
    cells = halves()
    torch.manual_seed(0)
    patchy = torch.randn(2, 18, 24) * 5 + 9 * cells
    alike = likeness(cells, torch.full((18, 24), 50.0))
    even = nonlocal_mean(patchy, alike, 0.8)
    for half in (slice(0, 12), slice(12, 24)):
        assert even[..., half].std((1, 2)).max() < 0.6 * patchy[..., half].std((1, 2)).min()
        np.testing.assert_allclose(
            even[..., half].mean((1, 2)), patchy[..., half].mean((1, 2)), atol=1
        )


def test_what_is_lighter_keeps_its_own_value() -> None:
    lightness = torch.full((16, 16), 20.0)
    lightness[:, 8:] = 90
    values = (lightness / 100)[None]
    even = nonlocal_mean(values, likeness(torch.ones(1, 16, 16), lightness))
    np.testing.assert_allclose(even, values, atol=0.01)


def test_an_even_plane_stays_and_the_share_is_that_of_the_mean() -> None:
    alike = likeness(halves(), torch.full((18, 24), 50.0))
    flat = torch.full((1, 18, 24), 7.0)
    np.testing.assert_allclose(nonlocal_mean(flat, alike), flat, atol=1e-5)
    spot = torch.zeros(1, 18, 24)
    spot[0, 9, 5] = 1
    kept = float(nonlocal_mean(spot, alike, 0.8)[0, 9, 5])
    assert 0.2 <= kept < 0.25
