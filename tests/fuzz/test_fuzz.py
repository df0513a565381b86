"""A short run of the fuzzer, always the same."""

from __future__ import annotations

import random

import pytest

from tests.fuzz.__main__ import fuzz_readers, fuzz_requests


def test_damaged_files_end_in_time() -> None:
    assert fuzz_readers(random.Random(16), seconds=3) == 0


@pytest.mark.slow
def test_damaged_requests_are_answered_in_time() -> None:
    assert fuzz_requests(random.Random(16), 300) == 0


@pytest.mark.slow
def test_nothing_breaks_what_says_where() -> None:
    assert fuzz_requests(random.Random(14), 200, places=True) == 0
