"""Models side by side: pairs of photos, their differences, and what cannot be compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import ttest_rel

from models.evaluation.comparison import (
    ComparedRow,
    Comparison,
    ComparisonError,
    compare,
    read_figures,
    table,
)


def figures(psnr: dict[str, float], *, lpips: float | None = None, vivid: float = 30) -> Any:
    """Return the figures of a model: each photo's PSNR without guidance, grey being 20 dB."""
    extra = {} if lpips is None else {"lpips": lpips}
    return {
        "photos": {
            key: {
                "guidance": {
                    "original": {"colourfulness": 40.0},
                    "grey": {"psnr": 20.0},
                    "none": {"psnr": value, "colourfulness": vivid} | extra,
                }
            }
            for key, value in psnr.items()
        }
    }


def row(made: Comparison, name: str) -> ComparedRow:
    return next(row for row in made.rows if row.measure.name == name)


def test_a_difference_is_the_mean_over_pairs_with_its_standard_error() -> None:
    rng = np.random.default_rng(0)
    keys = [f"photo {i}" for i in range(30)]
    first, gain = rng.normal(22, 4, 30), rng.normal(0.5, 0.3, 30)
    made = compare(
        {
            "old": figures(dict(zip(keys, first.tolist(), strict=True))),
            "new": figures(dict(zip(keys, (first + gain).tolist(), strict=True))),
        }
    )
    old, new = row(made, "PSNR against grey, no guidance").cells
    assert old is not None
    assert new is not None
    assert old.difference is None
    assert old.mean == pytest.approx(first.mean() - 20)
    assert new.difference == pytest.approx(gain.mean())
    # An independent oracle: t is the difference over its standard error.
    assert new.difference / new.error == pytest.approx(ttest_rel(first + gain, first).statistic)
    assert new.best
    assert not old.best
    assert "+0." in "".join(str(cell) for column in table(made).columns for cell in column.cells)


def test_only_photos_that_all_have_count() -> None:
    made = compare(
        {"a": figures({"x": 21, "y": 30}), "b": figures({"x": 22}), "c": figures({"x": 1, "z": 2})}
    )
    assert made.photos == 1
    assert [c.mean for c in row(made, "PSNR against grey, no guidance").cells if c] == [1, 2, -19]


def test_what_a_model_was_not_asked_is_left_open() -> None:
    made = compare({"a": figures({"x": 21}), "b": figures({"x": 22}, lpips=0.2)})
    first, second = row(made, "LPIPS-alex, no guidance").cells
    assert first is None
    assert second is not None
    assert second.mean == 0.2
    assert not second.best  # there is none to be better than
    assert all(shown.measure.name != "aim" for shown in made.rows)


def test_colourfulness_is_best_near_that_of_the_originals() -> None:
    made = compare({"pale": figures({"x": 21}, vivid=20), "loud": figures({"x": 21}, vivid=50)})
    pale, loud = row(made, "colourfulness ratio, no guidance").cells
    assert pale is not None
    assert loud is not None
    assert (pale.mean, loud.mean) == (0.5, 1.25)
    assert loud.best


def test_nothing_in_common_is_refused() -> None:
    with pytest.raises(ComparisonError, match="no photo in common"):
        compare({"a": figures({"x": 21}), "b": figures({"y": 21})})


@pytest.mark.parametrize("text", ["no json", "[]", json.dumps({"guidance": {}})])
def test_files_without_single_photos_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text, "utf-8")
    with pytest.raises(ComparisonError, match=r"a\.json"):
        read_figures(tmp_path / "a.json")
    with pytest.raises(ComparisonError, match="missing"):
        read_figures(tmp_path / "missing.json")
