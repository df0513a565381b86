"""The library's database: transactions, versions, damage, a full disk."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from retrieval.database import queries
from retrieval.database.folder import DATABASE
from retrieval.database.store import SCHEMA, Store, explain_os_error
from retrieval.errors import CorruptLibrary, LibraryBusy, NewerLibrary, NoAccess, StorageFull


def put_model(store: Store, name: str) -> None:
    with store.writing() as connection:
        connection.execute("INSERT INTO models (name, probe) VALUES (?, x'00000000')", (name,))


def names(store: Store) -> list[str]:
    with store.reading() as connection:
        return [name for _, name, _ in queries.models(connection)]


def test_a_new_folder_becomes_a_library_that_opens_again(tmp_path: Path) -> None:
    put_model(Store(tmp_path / "new" / "library"), "one")
    assert names(Store(tmp_path / "new" / "library")) == ["one"]


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def fail_after_writing() -> None:
        with store.writing() as connection:
            connection.execute("INSERT INTO models (name, probe) VALUES ('half', x'00')")
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        fail_after_writing()
    assert names(store) == []
    put_model(store, "whole")
    assert names(store) == ["whole"]


def test_the_revision_grows_with_every_transaction(tmp_path: Path) -> None:
    store, other = Store(tmp_path), Store(tmp_path)
    seen = []
    for writer in (store, other, store):
        with store.reading() as connection:
            seen.append(queries.revision(connection))
        put_model(writer, "x")
    assert seen == [0, 1, 2]


def test_a_reader_sees_one_state_while_others_write(tmp_path: Path) -> None:
    reader, writer = Store(tmp_path), Store(tmp_path)
    put_model(writer, "before")
    with reader.reading() as connection:
        first = list(queries.models(connection))
        put_model(writer, "after")
        assert list(queries.models(connection)) == first
    assert names(reader) == ["before", "after"]


def test_threads_share_a_store(tmp_path: Path) -> None:
    store = Store(tmp_path)
    writers = [
        threading.Thread(target=lambda n=n: [put_model(store, f"{n}-{i}") for i in range(10)])
        for n in range(6)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(set(names(store))) == 60


def test_a_newer_library_is_refused_and_untouched(tmp_path: Path) -> None:
    Store(tmp_path).close()
    with sqlite3.connect(tmp_path / DATABASE) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    connection.close()
    before = (tmp_path / DATABASE).read_bytes()
    with pytest.raises(NewerLibrary, match=f"format {SCHEMA + 1}.*update Photochrom"):
        Store(tmp_path)
    assert (tmp_path / DATABASE).read_bytes() == before


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / DATABASE)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(CorruptLibrary, match="another program's database"):
        Store(tmp_path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / DATABASE).write_bytes(b"nothing like SQLite " * 100)
    with pytest.raises(CorruptLibrary, match=r"damaged.*photos themselves are not touched"):
        Store(tmp_path)


def test_damage_in_the_middle_is_reported_not_hidden(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for number in range(400):
        put_model(store, f"model {number}" * 20)
    store.close()
    file = tmp_path / DATABASE
    data = bytearray(file.read_bytes())
    data[8192 : len(data)] = b"\xff" * (len(data) - 8192)
    file.write_bytes(data)
    with pytest.raises(CorruptLibrary, match="damaged"):
        names(Store(tmp_path))


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "library").write_text("a file")
    with pytest.raises(NoAccess, match="is a file"):
        Store(tmp_path / "library")
    with pytest.raises(NoAccess):
        Store(tmp_path / "library" / "below")


def test_a_full_disk_is_said_and_loses_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    put_model(store, "kept")

    def fill() -> None:
        with store.writing() as connection:
            # SQLite's own limit on the file's size fails the same way as a disk without room.
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {pages + 2}")
            for number in range(50):
                connection.execute(
                    "INSERT INTO models (name, probe) VALUES (?, zeroblob(4000))", (str(number),)
                )

    with pytest.raises(StorageFull, match=r"is full.*make room.*what was indexed is kept"):
        fill()
    assert names(Store(tmp_path)) == ["kept"]


def test_a_writer_that_never_ends_is_named(tmp_path: Path) -> None:
    store = Store(tmp_path, retry_timeout=0.05)
    other = sqlite3.connect(tmp_path / DATABASE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LibraryBusy, match="another program has been writing"):
        put_model(store, "late")
    other.execute("ROLLBACK")
    other.close()
    put_model(store, "now")
    assert names(store) == ["now"]


def test_errors_of_the_file_system_are_explained(tmp_path: Path) -> None:
    assert isinstance(explain_os_error(OSError(28, "No space left"), tmp_path), StorageFull)
    assert "check its rights" in str(explain_os_error(OSError(13, "denied"), tmp_path))
