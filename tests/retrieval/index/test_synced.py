"""The indexes beside the database: in step with it, whoever changes it, and never in the way."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from retrieval.database import queries
from retrieval.database.store import Store
from retrieval.errors import WrongClip
from retrieval.index.synced import LibraryIndexes
from retrieval.search.search import Query
from tests.support.vector_library import (
    D,
    Entry,
    MappedClip,
    indexes_of,
    put,
    random_units,
    search_of,
    unit,
)

FEW = 100  # what these tests call a small library


def entries(count: int, *, start: int = 0, captions: bool = False) -> list[Entry]:
    vectors = random_units(count, seed=start)
    return [
        Entry(f"n{start + n}", vector, caption_vector=vector if captions else None)
        for n, vector in enumerate(vectors)
    ]


def remove(store: Store, *keys: int) -> None:
    with store.writing() as connection:
        for key in keys:
            queries.delete(connection, key)


def finds(indexes: LibraryIndexes, entry: Entry) -> set[int]:
    indexes.refresh()
    return indexes.images.nearest(entry.vector, 1)


def test_a_search_sees_what_another_process_did(tmp_path: Path) -> None:
    ours, theirs = Store(tmp_path), Store(tmp_path)
    indexes = indexes_of(ours)
    some = entries(30)
    keys = put(theirs, *some[:20])
    assert finds(indexes, some[3]) == {keys[3]}
    keys += put(theirs, *some[20:])
    assert finds(indexes, some[25]) == {keys[25]}
    remove(theirs, keys[3], keys[25])
    assert len(indexes.images) == 30
    assert finds(indexes, some[3]) != {keys[3]}
    assert len(indexes.images) == 28
    with theirs.writing() as connection:  # as many as before, but others
        connection.execute("DELETE FROM vectors WHERE key = ?", (keys[0],))
        model = queries.newest_model(connection)
        queries.put_vector(
            connection, put_back(connection, keys[3]), model=model, vector=unit(1, 2)
        )
    assert finds(indexes, Entry("", unit(1, 2))) == {keys[3]}
    assert finds(indexes, some[0]) != {keys[0]}
    assert len(indexes.images) == 28


def put_back(connection: sqlite3.Connection, key: int) -> int:
    connection.execute(
        "INSERT INTO exemplars VALUES (?, 'again', 'again', 'again', '', 1, 1, '', 0)", (key,)
    )
    return key


def test_captions_come_and_go_with_their_photos(tmp_path: Path) -> None:
    store = Store(tmp_path)
    indexes = indexes_of(store)
    keys = put(store, *entries(5, captions=True), *entries(5, start=10))
    indexes.refresh()
    assert (len(indexes.images), len(indexes.captions)) == (10, 5)
    with store.writing() as connection:
        queries.set_captions(connection, keys[1], ("new words",))
    remove(store, keys[2])
    indexes.refresh()
    assert (len(indexes.images), len(indexes.captions)) == (9, 3)


def test_a_large_library_is_trained_and_the_next_program_loads_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    some = entries(400, captions=True)
    keys = put(store, *some)
    indexes = indexes_of(store, exact_up_to=FEW)
    indexes.settle()
    assert indexes.images.is_trained
    assert indexes.captions.is_trained
    assert finds(indexes, some[7]) == {keys[7]}
    files = {path.name for path in tmp_path.glob("*.index")}
    assert files == {"vectors.index", "caption_vectors.index"}
    new = entries(1, start=900)
    (key,) = put(store, *new)
    remove(store, keys[7])
    other = indexes_of(Store(tmp_path), exact_up_to=FEW)
    other.refresh()
    assert other.images.is_trained, "loaded, not trained again"
    assert len(other.images) == 400
    assert finds(other, new[0]) == {key}
    assert finds(other, some[7]) != {keys[7]}


@pytest.mark.parametrize("damage", [b"", b"no index", None])
def test_index_files_may_be_damaged_or_deleted(tmp_path: Path, damage: bytes | None) -> None:
    store = Store(tmp_path)
    some = entries(300)
    keys = put(store, *some)
    indexes_of(store, exact_up_to=FEW).settle()
    path = tmp_path / "vectors.index"
    path.unlink() if damage is None else path.write_bytes(damage)
    indexes = indexes_of(Store(tmp_path), exact_up_to=FEW)
    assert finds(indexes, some[5]) == {keys[5]}
    indexes.settle()
    assert indexes.images.is_trained
    assert path.stat().st_size > 1000
    assert finds(indexes, some[5]) == {keys[5]}


def test_another_librarys_index_is_not_used(tmp_path: Path) -> None:
    one, other = Store(tmp_path / "one"), Store(tmp_path / "other")
    put(one, *entries(300))
    put(other, *entries(300, start=5000))
    indexes_of(one, exact_up_to=FEW).settle()
    (tmp_path / "one" / "vectors.index").rename(tmp_path / "other" / "vectors.index")
    indexes = indexes_of(other, exact_up_to=1000)
    assert finds(indexes, entries(300, start=5000)[9]) == {10}
    assert not indexes.images.is_trained


def test_an_index_that_cannot_be_saved_is_used_all_the_same(tmp_path: Path) -> None:
    store = Store(tmp_path)
    some = entries(300)
    keys = put(store, *some)
    (tmp_path / "vectors.index").mkdir()  # nothing can be written there
    indexes = indexes_of(store, exact_up_to=FEW)
    indexes.settle()
    assert indexes.images.is_trained
    assert finds(indexes, some[5]) == {keys[5]}


def test_vectors_of_another_model_are_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    put(store, *entries(3))
    wrong = False

    def check(_connection: sqlite3.Connection) -> None:
        if wrong:
            raise WrongClip("made again with another model")

    indexes = LibraryIndexes(store, dimension=D, check=check)
    indexes.refresh()
    wrong = True
    indexes.refresh()  # nothing has changed, so nobody looked
    put(store, *entries(1, start=50))
    for _ in range(2):
        with pytest.raises(WrongClip):
            indexes.refresh()


def test_searches_go_on_while_others_add_and_the_index_is_trained(tmp_path: Path) -> None:
    store = Store(tmp_path)
    fixed = entries(150)
    put(store, *fixed)
    clip = MappedClip({entry.name: entry.vector for entry in fixed})
    search = search_of(store, clip, exact_up_to=FEW)
    done = threading.Event()
    wrong: list[str] = []

    def look(number: int) -> None:
        rng = np.random.default_rng(number)
        while not done.is_set():
            name = f"n{rng.integers(150)}"
            found = [match.exemplar.source for match in search.find(Query(name), k=3)]
            if found[:1] != [name] or len(set(found)) != 3:
                wrong.append(f"{name}: {found}")

    run_beside([lambda n=n: look(n) for n in range(4)], done, lambda: add_many(tmp_path))
    assert wrong == []
    with store.reading() as connection:
        assert queries.count(connection) == 150 + 10 * 60


def add_many(folder: Path) -> None:
    other = Store(folder)
    for turn in range(10):
        put(other, *entries(60, start=10_000 + 60 * turn))


def run_beside(
    beside: list[Callable[[], None]], done: threading.Event, work: Callable[[], None]
) -> None:
    """Run some functions in threads while the work is done; their failures are ours."""
    failures: list[BaseException] = []

    def guarded(function: Callable[[], None]) -> None:
        try:
            function()
        except BaseException as problem:
            failures.append(problem)

    threads = [threading.Thread(target=guarded, args=(function,)) for function in beside]
    for thread in threads:
        thread.start()
    try:
        work()
    finally:
        done.set()
        for thread in threads:
            thread.join(timeout=60)
    assert failures == []
