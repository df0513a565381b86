"""Searches and the truth of scores, in cases with a known answer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from retrieval.search.calibration import check_scores, fit, fit_logistic, reliability
from retrieval.search.evaluation import Embedded, embed, evaluate
from retrieval.search.scoring import EMBEDDED
from tests.support.albums import color_photo, jpeg
from tests.support.command import run
from tests.support.fakes import FakeClip

FloatArray = NDArray[np.float32]
D = 24


class Photo:
    def __init__(self, seed: int, *captions: str) -> None:
        self.pixels = color_photo(seed)
        self.captions = captions


def units(count: int, *, seed: int) -> FloatArray:
    vectors = np.random.default_rng(seed).standard_normal((count, D)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def near(vectors: FloatArray, noise: float, *, seed: int) -> FloatArray:
    moved = vectors + noise * units(len(vectors), seed=seed)
    return moved / np.linalg.norm(moved, axis=1, keepdims=True)


def world(count: int = 120, *, noise: float = 0.7, captions: int = 4) -> Embedded:
    """Scenes with three photos each, and captions that tell of the scene."""
    scenes = np.repeat(units(count // 3, seed=1), 3, axis=0)
    photos = near(scenes, noise, seed=2)
    rows = np.repeat(np.arange(count), captions)
    texts = near(scenes[rows], noise, seed=3)
    return Embedded(photos, near(photos, 0.2, seed=4), texts, rows)


def test_perfect_embeddings_find_everything_and_random_ones_chance() -> None:
    photos = units(200, seed=1)
    perfect = Embedded(photos, photos, photos, np.arange(200))
    random = Embedded(photos, units(200, seed=2), units(200, seed=3), np.arange(200))
    for found, low, high in ((perfect, 1.0, 1.0), (random, 0.0, 0.12)):
        searches = evaluate(found, calibration=EMBEDDED)["searches"]
        for name in ("caption -> photo", "grey -> photo"):
            (entry,) = searches[name]
            assert entry["among"] == entry["count"] == 200
            assert low <= entry["recall@10"] <= high
            assert entry["chance@10"] == 0.05
        assert "another caption -> photo" not in searches, "each photo has one caption only"


def test_fewer_photos_are_easier_to_search() -> None:
    figures = evaluate(world(), calibration=EMBEDDED, sizes=(30, 500))
    for entries in figures["searches"].values():
        small, large = entries
        assert (small["among"], large["among"]) == (30, 120)
        assert small["recall@1"] > large["recall@1"] or large["recall@1"] > 0.99


def test_a_known_caption_helps_to_find_a_photo() -> None:
    searches = evaluate(world(noise=1.2), calibration=EMBEDDED)["searches"]
    (alone,), (another,) = searches["caption -> photo"], searches["another caption -> photo"]
    assert another["count"] == 120 * 3
    assert another["recall@10"] > alone["recall@10"]


def test_the_same_seed_gives_the_same_figures() -> None:
    figures = [evaluate(world(), calibration=EMBEDDED, sizes=(50,)) for _ in range(2)]
    assert figures[0] == figures[1]


def test_reliability_compares_scores_with_what_came_true() -> None:
    scores = np.array([0.05, 0.05, 0.05, 0.05, 0.95, 1.0], np.float32)
    checked = reliability(scores, np.array([True, False, False, False, True, True]))
    assert checked["tenths"] == [
        {"score": 0.05, "true": 0.25, "n": 4},
        {"score": 0.975, "true": 1.0, "n": 2},
    ]
    assert checked["error"] == pytest.approx(4 / 6 * 0.2 + 2 / 6 * 0.025, abs=1e-4)


def test_a_logistic_curve_is_recovered() -> None:
    rng = np.random.default_rng(0)
    features = rng.uniform(-1, 1, (60_000, 2)).astype(np.float32)
    log_odds = 4 * features[:, 0] - 2 * features[:, 1] - 1
    true = rng.random(60_000) < 1 / (1 + np.exp(-log_odds))
    np.testing.assert_allclose(fit_logistic(features, true), [4, -2, -1], atol=0.12)


def test_a_curve_stays_finite_where_everything_can_be_told_apart() -> None:
    features = np.array([[0.0], [0.1], [0.9], [1.0]], np.float32)
    slope, offset = fit_logistic(features, features[:, 0] > 0.5)
    assert np.isfinite([slope, offset]).all()
    assert slope * 0.1 + offset < 0 < slope * 0.9 + offset


def test_fitted_scores_come_true_on_searches_that_were_not_fitted_to() -> None:
    found = world(300)
    before, after = check_scores(found, EMBEDDED), check_scores(found, fit(found))
    assert set(after) == {"words", "words and caption", "picture"}
    for name, checked in after.items():
        assert checked["error"] < 0.05, name
        assert checked["error"] <= before[name]["error"] + 0.01


def test_too_few_photos_to_check_scores_are_not_checked() -> None:
    assert check_scores(world(30), EMBEDDED) == {}
    with pytest.raises(ValueError, match="at least 40"):
        fit(world(30))


def test_photos_are_embedded_with_their_captions() -> None:
    clip = FakeClip()
    photos = [Photo(n, *(f"text {n} {i}" for i in range(n % 3))) for n in range(40)]
    seen: list[int] = []
    found = embed(photos, clip, on_progress=seen.append)
    assert seen == list(range(1, 41))
    assert found.photos.shape == found.grey.shape == (40, 8)
    assert found.rows.tolist() == [n for n in range(40) for _ in range(n % 3)]
    np.testing.assert_allclose(found.captions[0], clip.embed_text("text 1 0").vector)
    np.testing.assert_allclose(found.grey[:, 0], found.grey[:, 1], atol=0.01)
    is_first, first = found.first_captions()
    assert is_first.sum() == (first >= 0).sum() == 26
    assert first[:5].tolist() == [-1, 0, 1, -1, 3]


@pytest.mark.parametrize("fitting", [[], ["--fit"]])
def test_the_command_prints_and_writes_the_figures(tmp_path: Path, fitting: list[str]) -> None:
    for seed in range(45):
        path = tmp_path / "photos" / f"{seed}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(jpeg(color_photo(seed)))
        path.with_suffix(".txt").write_text("\n".join(f"words {seed} {i}" for i in range(3)))
    report = tmp_path / "out" / "figures.json"
    result = run(
        "library", "evaluate", tmp_path / "photos", "--among", 20, "--json", report, *fitting
    )
    assert result.exit_code == 0, result.output
    assert "another caption" in result.output
    figures = json.loads(report.read_text())
    assert (figures["photos"], figures["captions"]) == (45, 135)
    small, large = figures["searches"]["grey -> photo"]
    assert (small["among"], large["among"]) == (20, 45)
    assert set(figures["scores"]) == {"words", "words and caption", "picture"}


def test_the_command_says_what_it_cannot_read(tmp_path: Path) -> None:
    result = run("library", "evaluate", tmp_path / "nothere.tar")
    assert result.exit_code == 2
    assert "does not exist" in result.stderr
