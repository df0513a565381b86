"""How sure it is that a thing was found."""

from __future__ import annotations

import numpy as np

from models.guidance.things import how_found


def test_how_found_is_the_mean_of_the_likeliest_cells() -> None:
    place = np.zeros((2, 10, 10), np.float32)
    place[0, 3, :8] = 0.9
    np.testing.assert_allclose(how_found(place), [0.9, 0.0], atol=1e-6)
    assert how_found(np.ones((1, 2, 2), np.float32)).tolist() == [1.0]
