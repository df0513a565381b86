"""The vector index against brute force, and what happens to it during a rebuild and on the disk."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from retrieval.index.ivf import TRAILER, Batch, Read, cells_for, probed_of
from retrieval.index.vector_index import NOTHING, VectorIndex

D = 16
STAMP = "library 1, model 1"


def unit_vectors(count: int, *, seed: int = 0) -> NDArray[np.float32]:
    """Make unit vectors in 30 clusters."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((30, D))
    vectors = centres[rng.integers(30, size=count)] + 0.4 * rng.standard_normal((count, D))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def brute_force(
    known: dict[int, NDArray[np.float32]], query: NDArray[np.float32], k: int
) -> list[int]:
    """Name the k nearest keys, slowly and plainly."""
    by_similarity = sorted(known, key=lambda key: -float(known[key] @ query))
    return by_similarity[:k]


def reading(keys: NDArray[np.int64], vectors: NDArray[np.float32], step: int = 700) -> Read:
    """Read vectors in pieces, as from a database."""

    def read() -> Iterator[Batch]:
        for start in range(0, len(keys), step):
            yield keys[start : start + step], vectors[start : start + step]

    return read


def trained_index(count: int = 3000, *, exact_up_to: int = 100) -> VectorIndex:
    vectors = unit_vectors(count)
    keys = np.arange(1, count + 1)
    index = VectorIndex(D, exact_up_to=exact_up_to)
    index.add(keys, vectors)
    assert index.rebuild(reading(keys, vectors))
    assert index.is_trained
    return index


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 60), st.integers(1, 12))
def test_a_small_index_finds_what_brute_force_finds(seed: int, count: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    index, known = VectorIndex(D), {}
    for _ in range(4):
        keys = rng.integers(0, 100, size=count)
        vectors = unit_vectors(count, seed=int(rng.integers(2**31)))
        index.add(keys, vectors)
        known |= dict(zip(keys.tolist(), vectors, strict=True))
        gone = rng.integers(0, 100, size=7)
        index.remove(gone)
        known = {key: vector for key, vector in known.items() if key not in gone}
    assert len(index) == len(known)
    assert index.keys.tolist() == sorted(known)
    query = unit_vectors(1, seed=seed + 1)
    similarities, keys = index.search(query, k)
    assert similarities.shape == keys.shape == (1, k)
    wanted = brute_force(known, query[0], k)
    found = keys[0].tolist()
    assert found == wanted + [NOTHING] * (k - len(wanted))
    for key, similarity in zip(found, similarities[0].tolist(), strict=True):
        truth = float(known[key] @ query[0]) if key != NOTHING else -np.inf
        assert similarity == pytest.approx(truth, abs=1e-5)


def test_room_that_was_made_changes_nothing() -> None:
    vectors = unit_vectors(300)
    index = VectorIndex(D)
    for start in (0, 100, 200):
        index.reserve(50 if start else 250)
        index.add(np.arange(start, start + 100), vectors[start : start + 100])
        index.remove(np.array([start]))
    assert len(index) == 297
    known = {n: vector for n, vector in enumerate(vectors) if n % 100}
    for query in unit_vectors(5, seed=1):
        assert index.search(query[None], 5)[1][0].tolist() == brute_force(known, query, 5)


def test_an_empty_index_finds_nothing() -> None:
    similarities, keys = VectorIndex(D).search(unit_vectors(2), 3)
    assert (keys == NOTHING).all()
    assert np.isneginf(similarities).all()


def test_a_trained_index_is_near_to_brute_force() -> None:
    index = trained_index()
    known = dict(enumerate(unit_vectors(3000), 1))
    queries = unit_vectors(60, seed=5)
    similarities, keys = index.search(queries, 10)
    hits = [len(set(row.tolist()) & set(brute_force(known, q, 10))) for row, q in zip(
        keys, queries, strict=True)]  # fmt: skip
    assert np.mean(hits) > 9.3
    assert (np.diff(similarities, axis=1) <= 0).all()
    for row, query, near in zip(keys, queries, similarities, strict=True):
        np.testing.assert_allclose(near, [known[key] @ query for key in row.tolist()], atol=0.02)


def test_what_is_added_to_a_trained_index_is_found_exactly() -> None:
    index = trained_index()
    new = unit_vectors(50, seed=9)
    index.add(np.arange(5001, 5051), new)
    similarities, keys = index.search(new, 1)
    assert keys[:, 0].tolist() == list(range(5001, 5051))
    np.testing.assert_allclose(similarities[:, 0], 1, atol=1e-5)
    assert len(index) == 3050


def test_what_is_removed_from_a_trained_index_never_comes_back() -> None:
    index = trained_index()
    vectors = unit_vectors(3000)
    gone = np.arange(1, 1001)
    index.remove(gone)
    _, keys = index.search(vectors[:200], 20)
    assert len(index) == 2000
    assert not set(keys.ravel().tolist()) & set(gone.tolist())
    assert (keys != NOTHING).all()
    assert index.keys.tolist() == list(range(1001, 3001))


def test_a_replaced_vector_is_found_at_its_new_place_only() -> None:
    index = trained_index()
    old, new = unit_vectors(3000)[6], unit_vectors(1, seed=77)[0]
    index.add(np.array([7]), new[None])
    assert index.search(new[None], 1)[1].tolist() == [[7]]
    assert 7 not in index.search(old[None], 1)[1]
    assert len(index) == 3000


def test_a_rebuild_is_wanted_when_much_is_compared_one_by_one_or_hidden() -> None:
    index = trained_index(exact_up_to=100)
    assert not index.wants_rebuild
    index.add(np.arange(5000, 5100), unit_vectors(100))
    assert not index.wants_rebuild
    index.add(np.array([5100]), unit_vectors(1))
    assert index.wants_rebuild
    other = trained_index(exact_up_to=100)
    other.remove(np.arange(1, 102))
    assert other.wants_rebuild


def test_changes_during_a_rebuild_are_kept() -> None:
    vectors, keys = unit_vectors(2000), np.arange(2000)
    index = VectorIndex(D, exact_up_to=100)
    index.add(keys, vectors)
    moved, new = unit_vectors(1, seed=50), unit_vectors(1, seed=51)
    reads = 0

    def read() -> Iterator[Batch]:
        nonlocal reads
        reads += 1
        yield keys[:1000], vectors[:1000]
        if reads == 2:  # the sample was taken, and the filling is under way
            index.add(np.array([3]), moved)
            index.add(np.array([9000]), new)
            index.remove(np.array([4, 1500]))
            assert not index.rebuild(read), "two rebuilds at a time"
        yield keys[1000:], vectors[1000:]

    assert index.rebuild(read)
    assert index.is_trained
    assert len(index) == 2000 + 1 - 2
    assert set(index.keys.tolist()) == (set(range(2000)) | {9000}) - {4, 1500}
    assert index.search(moved, 1)[1].tolist() == [[3]]
    assert index.search(new, 1)[1].tolist() == [[9000]]
    for key in (3, 4, 1500):
        assert key not in index.search(vectors[key][None], 5)[1] or key == 3
    assert 3 not in index.search(vectors[3][None], 1)[1]


def test_a_rebuild_follows_what_was_read() -> None:
    """What the truth no longer has goes, what it has more comes."""
    index = trained_index(1000)
    vectors = unit_vectors(1500)
    assert index.rebuild(reading(np.arange(501, 1501), vectors[500:]))
    assert index.keys.tolist() == list(range(501, 1501))


@pytest.mark.parametrize("stop_at", [1, 2, 3])
def test_a_rebuild_that_is_stopped_changes_nothing(stop_at: int) -> None:
    vectors, keys = unit_vectors(9000), np.arange(9000)
    index = VectorIndex(D, exact_up_to=10)
    index.add(keys, vectors)
    before = index.search(vectors[:5], 3)
    asked = 0

    def should_stop() -> bool:
        nonlocal asked
        asked += 1
        return asked >= stop_at

    assert not index.rebuild(reading(keys, vectors, step=4500), should_stop=should_stop)
    assert asked == stop_at
    assert not index.is_trained
    np.testing.assert_array_equal(index.search(vectors[:5], 3)[1], before[1])
    assert index.rebuild(reading(keys, vectors))


def test_nothing_to_read_is_no_rebuild() -> None:
    assert not VectorIndex(D).rebuild(lambda: iter(()))


def test_searches_go_on_during_changes_and_rebuilds() -> None:
    """Threads search all the time; what never changes is found in every state."""
    vectors = unit_vectors(4000)
    keys = np.arange(4000)
    index = VectorIndex(D, exact_up_to=10)
    index.add(keys, vectors)
    fixed = np.arange(50)  # of these keys nobody takes anything away
    index.remove(np.arange(3900, 4000))
    done = threading.Event()
    wrong: list[str] = []
    searched = [0] * 4

    def search(number: int) -> None:
        rng = np.random.default_rng(number)
        while not done.is_set() or searched[number] < 20:
            key = int(rng.choice(fixed))
            similarities, found = index.search(vectors[key][None], 5)
            searched[number] += 1
            row = found[0].tolist()
            if key not in row or len(set(row)) != 5 or NOTHING in row:
                wrong.append(f"{key}: {row}")
            if any(3900 <= one < 4000 for one in row):
                wrong.append(f"{key}: removed {row}")
            if not (np.diff(similarities[0]) <= 0).all():
                wrong.append(f"{key}: order {similarities}")

    threads = [threading.Thread(target=search, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for turn in range(4):
        index.add(np.arange(10_000 + 100 * turn, 10_100 + 100 * turn), unit_vectors(100, seed=turn))
        assert index.rebuild(reading(keys[:3900], vectors[:3900]))
        index.remove(np.arange(100 + 50 * turn, 150 + 50 * turn))
    done.set()
    for thread in threads:
        thread.join(timeout=60)
    assert wrong == []
    assert min(searched) >= 20


def test_a_saved_index_is_loaded_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "index"
    index = trained_index()
    queries = unit_vectors(20, seed=3)
    before = index.search(queries, 10)
    assert index.save(path, stamp=STAMP)
    other = VectorIndex(D, exact_up_to=100)
    assert other.load(path, stamp=STAMP)
    assert other.is_trained
    assert other.keys.tolist() == index.keys.tolist()
    for found in (index.search(queries, 10), other.search(queries, 10)):
        np.testing.assert_array_equal(found[1], before[1])
        np.testing.assert_array_equal(found[0], before[0])
    other.add(np.array([9999]), queries[:1])
    other.remove(before[1][1, :1])
    assert other.search(queries[:1], 1)[1].tolist() == [[9999]]
    assert before[1][1, 0] not in other.search(queries[1:2], 10)[1]


def test_saving_keeps_what_was_hidden_and_added(tmp_path: Path) -> None:
    index = trained_index()
    vectors = unit_vectors(3000)
    index.remove(np.array([1]))
    index.add(np.array([7000]), unit_vectors(1, seed=70))
    index.save(tmp_path / "index", stamp=STAMP)
    assert len(index) == 3000
    assert 1 not in index.search(vectors[:1], 5)[1]
    assert index.search(unit_vectors(1, seed=70), 1)[1].tolist() == [[7000]]


def test_a_file_that_is_replaced_does_not_disturb_who_has_it_open(tmp_path: Path) -> None:
    path = tmp_path / "index"
    index = trained_index()
    index.save(path, stamp=STAMP)
    queries = unit_vectors(20, seed=3)
    before = index.search(queries, 10)
    trained_index(500).save(path, stamp=STAMP)
    np.testing.assert_array_equal(index.search(queries, 10)[1], before[1])


def test_an_exact_index_needs_no_file(tmp_path: Path) -> None:
    path = tmp_path / "index"
    path.write_bytes(b"an old one")
    assert not VectorIndex(D).save(path, stamp=STAMP)
    assert not path.exists()


@pytest.mark.parametrize(
    "damage",
    [
        "missing", "empty", "cut", "cut in the trailer", "grown", "flipped", "flipped early",
        "no trailer", "text", "folder", "zeros",
    ],
)  # fmt: skip
def test_a_damaged_file_is_of_no_use_and_no_error(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "index"
    trained_index().save(path, stamp=STAMP)
    data = bytearray(path.read_bytes())
    path.unlink()
    match damage:
        case "missing":
            pass
        case "empty":
            path.write_bytes(b"")
        case "cut":
            path.write_bytes(data[: len(data) // 2])
        case "cut in the trailer":
            path.write_bytes(data[:-100])
        case "grown":
            path.write_bytes(data + b"more")
        case "flipped" | "flipped early":
            data[len(data) // 2 if damage == "flipped" else 8] ^= 0xFF
            path.write_bytes(data)
        case "no trailer":
            path.write_bytes(data[:-TRAILER])
        case "text":
            path.write_text("no index" * 200)
        case "folder":
            path.mkdir()
        case "zeros":
            path.write_bytes(bytes(len(data)))
    index = VectorIndex(D)
    assert not index.load(path, stamp=STAMP)
    assert len(index) == 0


def test_a_file_of_another_library_or_model_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "index"
    trained_index().save(path, stamp=STAMP)
    assert not VectorIndex(D).load(path, stamp="library 1, model 2")
    assert not VectorIndex(D + 1).load(path, stamp=STAMP)
    assert VectorIndex(D).load(path, stamp=STAMP)


def test_a_file_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="could not be written"):
        trained_index().save(tmp_path / "no such folder" / "index", stamp=STAMP)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("count", [1, 2, 100, 10_000, 1_000_000, 10_000_000])
def test_cells_grow_with_the_root(count: int) -> None:
    cells = cells_for(count)
    assert cells & (cells - 1) == 0
    assert 2 * count**0.5 <= cells <= 6 * count**0.5
    assert 1 <= probed_of(cells) <= cells


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_few_vectors_can_be_trained_too(count: int) -> None:
    vectors = unit_vectors(count)
    index = VectorIndex(D, exact_up_to=0)
    assert index.rebuild(reading(np.arange(count), vectors))
    assert index.search(vectors, 1)[1][:, 0].tolist() == list(range(count))
