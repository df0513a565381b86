"""Searching: what is found, in which order, with which score; filters and variety."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from retrieval.database.store import Store
from retrieval.errors import BadQuery
from retrieval.search.color_filter import has_color, has_tone
from retrieval.search.diversity import NEAR_IDENTICAL, choose_diverse
from retrieval.search.scoring import (
    CAPTION_DOUBT,
    EMBEDDED,
    picture_logit,
    probability,
    words_logit,
)
from retrieval.search.search import Match, Query, grey_picture
from tests.support.vector_library import Entry, MappedClip, put, random_units, search_of, unit

FloatArray = NDArray[np.float32]
GREY = np.full((6, 8), 128, np.uint8)


def names(matches: list[Match]) -> list[str]:
    return [match.exemplar.source for match in matches]


def logistic(log_odds: float) -> float:
    return 1 / (1 + 2.718281828459045**-log_odds)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_words_find_the_nearest_photo_first(store: Store) -> None:
    put(
        store,
        Entry("far", unit(0, 1)),
        Entry("near", unit(1, 0.2)),
        Entry("middle", unit(1, 1)),
    )
    found = search_of(store, MappedClip({"a tram": unit(1)})).find(Query("a tram"), k=8)
    assert names(found) == ["near", "middle", "far"]
    slope, offset = EMBEDDED.words
    for match, cosine in zip(found, (1 / 1.04**0.5, 0.5**0.5, 0), strict=True):
        assert match.score == pytest.approx(logistic(slope * cosine + offset), abs=1e-3)


def test_a_picture_finds_by_its_own_curve(store: Store) -> None:
    put(store, Entry("same", unit(1)), Entry("other", unit(1, 1)))
    found = search_of(store, MappedClip({}, unit(1))).find(Query(image=GREY), k=8)
    assert names(found) == ["same", "other"]
    slope, offset = EMBEDDED.picture
    assert found[0].score == pytest.approx(logistic(slope + offset), abs=1e-3)
    assert found[1].score == pytest.approx(logistic(slope * 0.5**0.5 + offset), abs=1e-3)


@pytest.mark.parametrize(
    ("weight", "first"), [(0.0, "word"), (0.1, "word"), (0.9, "look"), (1.0, "look")]
)
def test_the_weight_is_the_pictures_share(store: Store, weight: float, first: str) -> None:
    put(store, Entry("word", unit(1, 0)), Entry("look", unit(0, 1)))
    search = search_of(store, MappedClip({"x": unit(1)}, unit(0, 1)))
    assert names(search.find(Query("x", GREY, weight=weight), k=2))[0] == first


def test_a_weight_at_an_end_is_the_same_as_one_alone(store: Store) -> None:
    put(store, *(Entry(str(n), v) for n, v in enumerate(random_units(40))))
    search = search_of(store, MappedClip({"x": unit(1)}, unit(0, 1)))
    for alone, both in (
        (Query("x"), Query("x", GREY, weight=0)),
        (Query(image=GREY), Query("x", GREY, weight=1)),
        (Query(image=GREY), Query("  ", GREY, weight=0.5)),
    ):
        assert search.find(both, k=10) == search.find(alone, k=10)


def test_a_caption_that_fits_lifts_its_photo(store: Store) -> None:
    put(
        store,
        Entry("silent", unit(1, 1)),
        Entry("told", unit(1, 1.2), caption_vector=unit(1, 0.1)),
    )
    found = search_of(store, MappedClip({"x": unit(1)})).find(Query("x", diversity=0), k=2)
    assert names(found) == ["told", "silent"]
    of_image, of_caption, offset = EMBEDDED.words_and_caption
    log_odds = of_image / 2.44**0.5 + of_caption / 1.01**0.5 + offset
    assert found[0].score == pytest.approx(logistic(log_odds), abs=1e-3)


def test_a_photo_is_found_by_its_caption_alone(store: Store) -> None:
    """Among many whose pictures are all nearer, though the index is asked for few."""
    others = [Entry(str(n), unit(0.1, 1 + 0.001 * n)) for n in range(300)]
    put(store, Entry("told", unit(-0.1, 0, 1), caption_vector=unit(1)), *others)
    found = search_of(store, MappedClip({"x": unit(1)})).find(Query("x"), k=1)
    assert names(found) == ["told"]


def test_a_caption_of_something_else_costs_a_limited_share() -> None:
    image = unit(1)[None]
    none, wrong = (
        float(words_logit(unit(1), image, unit(-1)[None], np.array([told]))[0])
        for told in (False, True)
    )
    assert wrong == pytest.approx(none - CAPTION_DOUBT, abs=1e-4)


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_scores_are_probabilities_that_grow_with_the_cosine(one: float, other: float) -> None:
    low, high = sorted((one, other))
    images = np.array([[low, (1 - low**2) ** 0.5], [high, (1 - high**2) ** 0.5]], np.float32)
    query = np.array([1, 0], np.float32)
    for log_odds in (
        picture_logit(query, images),
        words_logit(query, images, images, np.array([False, False])),
        words_logit(query, images, images, np.array([True, True])),
    ):
        scores = probability(log_odds)
        assert 0 <= scores[0] <= scores[1] <= 1


def test_the_search_agrees_with_scoring_every_exemplar(store: Store) -> None:
    """Whatever the index names as candidates, the best ten of all are found."""
    vectors, words = random_units(400, seed=1), random_units(400, seed=2)
    put(
        store,
        *(
            Entry(str(n), vectors[n], caption_vector=words[n] if n % 3 == 0 else None)
            for n in range(400)
        ),
    )
    text, picture = random_units(2, seed=3)
    search = search_of(store, MappedClip({"x": text}, picture))
    told = np.arange(400) % 3 == 0
    by_words = words_logit(text, vectors, words, told)
    by_look = picture_logit(picture, vectors)
    for query, log_odds in (
        (Query("x", diversity=0), by_words),
        (Query(image=GREY, diversity=0), by_look),
        (Query("x", GREY, weight=0.3, diversity=0), 0.7 * by_words + 0.3 * by_look),
    ):
        found = search.find(query, k=5)
        assert names(found) == [str(n) for n in np.argsort(-log_odds)[:5]]
        wanted = 1 / (1 + np.exp(-np.sort(-log_odds)[:5] * -1))
        np.testing.assert_allclose([match.score for match in found], wanted, atol=0.01)


def test_an_empty_library_and_a_small_one(store: Store) -> None:
    search = search_of(store, MappedClip({"x": unit(1)}))
    assert search.find(Query("x"), k=3) == []
    put(store, Entry("one", unit(1)))
    assert names(search.find(Query("x"), k=100)) == ["one"]


def test_a_rare_colour_is_found_among_many(store: Store) -> None:
    """The only orange photo is the least alike of a thousand."""
    many = [Entry(str(n), unit(1, 0.001 * n), ("#3060a0", "#808080")) for n in range(1000)]
    put(store, *many, Entry("orange", unit(-1, 1), ("#404040", "#c88444")))
    search = search_of(store, MappedClip({"x": unit(1)}))
    assert names(search.find(Query("x", colors=("#c08040",)), k=4)) == ["orange"]
    assert search.find(Query("x", colors=("#c08040", "#3060a0")), k=4) == []
    assert names(search.find(Query("x", tone="warm"), k=4)) == ["orange"]
    blue = search.find(Query("x", tone="cool", colors=("#3465a8",)), k=4)
    assert len(blue) == 4
    assert "orange" not in names(blue)


@pytest.mark.parametrize(
    ("wanted", "color", "has"),
    [
        ("#c08040", "#c08040", True),
        ("#c08040", "#8a5a2c", True),  # darker
        ("#c08040", "#a08468", True),  # duller
        ("#c08040", "#4080c0", False),
        ("#c08040", "#40c080", False),
        ("#c08040", "#808080", False),
        ("#ff0000", "#a03028", True),  # a mean is duller than its best pixel
        ("#ff0000", "#a08028", False),
        ("#808080", "#8a8a86", True),
        ("#808080", "#c08040", False),
        ("#ffffff", "#e8e8e4", True),
        ("#ffffff", "#303030", False),
        ("#000000", "#ffffff", False),
        ("#403830", "#ff8000", False),  # nearly grey is not vivid
    ],
)
def test_colours_match_by_hue_vividness_and_lightness(wanted: str, color: str, has: bool) -> None:
    assert has_color((color,), wanted) == has
    assert has_color(("#00ff00", color), wanted) == has
    assert not has_color((), wanted)


@given(st.integers(0, 0xFFFFFF))
def test_every_colour_matches_itself(number: int) -> None:
    color = f"#{number:06x}"
    assert has_color((color,), color)


def test_tone_is_that_of_most_of_the_picture() -> None:
    assert has_tone(("#c07030", "#a08060", "#3050a0"), "warm")
    assert has_tone(("#3050a0", "#6080a0", "#c07030"), "cool")
    for tone in ("warm", "cool"):
        assert not has_tone((), tone)  # type: ignore[arg-type]
    assert not has_tone(("#c07030",), "cool")
    assert not has_tone(("#3050a0",), "warm")


def test_no_five_shots_of_one_moment(store: Store) -> None:
    burst = [Entry(f"shot {n}", unit(1, 0.01 * n)) for n in range(5)]
    others = [Entry(f"other {n}", unit(1, *(0.0,) * n, 1.2)) for n in range(1, 5)]
    put(store, *burst, *others)
    search = search_of(store, MappedClip({"x": unit(1)}))
    diverse = names(search.find(Query("x"), k=5))
    assert sum(name.startswith("shot") for name in diverse) == 1
    assert diverse[0] == "shot 0"
    assert names(search.find(Query("x", diversity=0), k=5)) == [f"shot {n}" for n in range(5)]
    assert len(search.find(Query("x"), k=9)) == 9, "near-identical ones fill the rest"


@given(st.integers(0, 2**31), st.integers(1, 12), st.sampled_from([0.1, 0.3, 0.7, 1.0]))
def test_variety_is_maximal_marginal_relevance(seed: int, k: int, diversity: float) -> None:
    rng = np.random.default_rng(seed)
    vectors = random_units(10, seed=seed)
    scores = rng.random(10).astype(np.float32)
    cosines = vectors @ vectors.T
    chosen: list[int] = []
    while len(chosen) < min(k, 10):
        gains = {}
        for row in set(range(10)) - set(chosen):
            near = max([0.0, *(float(cosines[row, other]) for other in chosen)])
            gain = (1 - diversity) * scores[row] - diversity * near
            gains[row] = (near < NEAR_IDENTICAL, gain, scores[row])
        chosen.append(max(gains, key=gains.__getitem__))
    found = choose_diverse(scores, vectors, k=k, diversity=diversity)
    assert sorted(found) == sorted(chosen)
    assert found == sorted(found, key=lambda row: -scores[row])


def test_more_diversity_makes_hits_less_alike() -> None:
    rng = np.random.default_rng(4)
    centres = random_units(6, seed=5)
    vectors = centres[rng.integers(6, size=80)] + 0.25 * random_units(80, seed=6)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = probability(12 * (vectors @ centres[0]) - 6)
    alike = []
    for diversity in (0.0, 0.3, 0.9):
        rows = choose_diverse(scores, vectors, k=6, diversity=diversity)
        cosines = vectors[rows] @ vectors[rows].T
        alike.append(float(cosines[np.triu_indices(6, 1)].mean()))
    assert alike[0] > 0.8
    assert max(alike[1:]) < 0.3


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "nothing to look for"),
        ({"description": " \n"}, "nothing to look for"),
        ({"description": "x", "weight": 1.1}, "weight is 1.1"),
        ({"description": "x", "weight": float("nan")}, "weight is nan"),
        ({"description": "x", "diversity": -0.1}, "diversity is -0.1"),
        ({"description": "x", "colors": ("red",)}, "'red' is no colour"),
        ({"description": "x", "colors": ("#ffffff",) * 7}, "at most 6"),
        ({"description": "x", "tone": "sepia"}, "'sepia': give warm or cool"),
        ({"image": np.zeros((3, 4, 5), np.uint8)}, r"\(3, 4, 5\)"),
        ({"image": np.zeros((0, 4), np.uint8)}, r"\(0, 4\)"),
        ({"image": np.zeros(4, np.uint8)}, r"\(4,\)"),
    ],
)
def test_queries_that_make_no_sense(values: dict[str, object], message: str) -> None:
    with pytest.raises(BadQuery, match=message):
        Query(**values)  # type: ignore[arg-type]


def test_less_than_one_hit_is_refused(store: Store) -> None:
    with pytest.raises(BadQuery, match="k is 0"):
        search_of(store, MappedClip({"x": unit(1)})).find(Query("x"), k=0)


def test_a_picture_is_read_for_its_lightness() -> None:
    rng = np.random.default_rng(0)
    plane = rng.integers(0, 256, (20, 30)).astype(np.uint8)
    wanted = np.repeat(plane[..., None] / np.float32(255), 3, axis=2)
    alpha = rng.integers(0, 256, (20, 30, 1)).astype(np.uint8)
    three = np.repeat(plane[..., None], 3, axis=2)
    for image in (
        plane,
        plane[..., None],
        three,
        np.concatenate([plane[..., None], alpha], axis=2),
        np.concatenate([three, alpha], axis=2),
        (plane.astype(np.uint16) * 257),
        plane / np.float32(255),
    ):
        np.testing.assert_allclose(grey_picture(image), wanted, atol=1e-6)
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 255
    np.testing.assert_allclose(grey_picture(red), 0.299, atol=1e-6)


@pytest.mark.parametrize("shape", [(2000, 10), (10, 3000, 4), (1500, 1000, 3), (1, 5000, 2)])
def test_a_large_picture_is_shrunk(shape: tuple[int, ...]) -> None:
    picture = grey_picture(np.full(shape, 51, np.uint8))
    assert max(picture.shape[:2]) <= 512
    assert picture.shape[2] == 3
    assert picture.dtype == np.float32
    np.testing.assert_allclose(picture, 0.2, atol=1e-6)
