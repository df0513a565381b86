"""Recall, against slow counting and cases with a known answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation.recall import ranks, recall, retrieval
from models.evaluation.results import Subject


@given(st.integers(0, 2**31))
def test_ranks_are_what_counting_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 4, (7, 9)).astype(np.float32)
    right = rng.integers(0, 9, size=7)
    for rank, row, own in zip(ranks(scores, right), scores, right, strict=True):
        assert rank == sum(score >= row[own] for i, score in enumerate(row) if i != own)


def test_recall_counts_who_is_among_the_first() -> None:
    assert recall(np.array([0, 0, 1, 4, 5, 9, 10, 500]), 8) == {
        "recall@1": 0.25,
        "recall@5": 0.5,
        "recall@10": 0.75,
        "chance@1": 0.125,
        "chance@5": 0.625,
        "chance@10": 1.0,
    }


def test_equal_scores_earn_nothing() -> None:
    assert recall(ranks(np.ones((5, 20), np.float32), np.arange(5)), 20)["recall@10"] == 0


def test_each_photo_is_sought_by_its_grey_copy_and_by_its_caption() -> None:
    axes = np.eye(3, dtype=np.float32)
    mixed = axes[[0, 0, 2]]  # the grey copy of the second looks like the first
    subjects = [
        Subject(str(i), "here", "people", axes[i], mixed[i], None if i == 0 else axes[i])
        for i in range(3)
    ]
    found = retrieval(subjects)
    by_copy, by_caption = found["grey copy to photo"], found["caption to grey photo"]
    assert (by_copy["searches"], by_copy["among"]) == (3, 3)
    assert by_copy["recall@1"] == pytest.approx(2 / 3)
    assert by_copy["chance@1"] == pytest.approx(1 / 3)
    assert (by_caption["searches"], by_caption["among"]) == (2, 3)
    assert by_caption["recall@1"] == 0.5  # nothing grey looks like the second: all are equal
    assert retrieval([]) == {}
