"""The released models, loaded once for all tests that only look through them."""

from __future__ import annotations

import pytest

from models.networks.clip import Clip
from models.networks.loading import load_pair
from models.networks.predictor import Predictor


@pytest.fixture(scope="session")
def released() -> tuple[Predictor, Clip]:
    """Return the colorizer and the CLIP model that come with Photochrom."""
    return load_pair()
