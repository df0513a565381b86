"""A short run of the fuzzer, always the same."""

from __future__ import annotations

import random

import pytest

from tests.fuzz.__main__ import fuzz_readers, fuzz_requests, problem_with
from tests.fuzz.corpus import CORPUS, MOST
from tests.fuzz.readers import readers


def test_what_was_kept_ends_in_time() -> None:
    table, kept = readers(), sorted(CORPUS.glob("*.bin"))
    assert {file.name.split("-")[0] for file in kept} == set(table)
    assert len(kept) > 40
    for file in kept:
        data, (read, _) = file.read_bytes(), table[file.name.split("-")[0]]
        assert len(data) <= MOST
        read(data)  # what it loads for itself once is not this file's
        assert problem_with(read, data) == "", file.name


def test_damaged_files_end_in_time() -> None:
    assert fuzz_readers(random.Random(16), seconds=3) == 0


@pytest.mark.slow
def test_damaged_requests_are_answered_in_time() -> None:
    assert fuzz_requests(random.Random(16), 300) == 0


@pytest.mark.slow
def test_nothing_breaks_what_says_where() -> None:
    assert fuzz_requests(random.Random(14), 200, places=True) == 0
