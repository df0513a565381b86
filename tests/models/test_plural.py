"""Numbers of things in words."""

from __future__ import annotations

import pytest

from models.plural import number_of


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 photos"), (1, "1 photo"), (2, "2 photos"), (2100, "2,100 photos")]
)
def test_one_is_in_the_singular(count: int, said: str) -> None:
    assert number_of(count, "photo") == said
