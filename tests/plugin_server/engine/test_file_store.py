"""What the server keeps for a while, and how much of it."""

from __future__ import annotations

import gc
import stat
import threading
from pathlib import Path

import pytest

from plugin_server.engine.file_store import FileStore
from plugin_server.errors import NoSpace


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def file_store(
    *, seconds: float = 60, count: int = 10, size: int = 1000
) -> tuple[FileStore, Clock]:
    clock = Clock()
    return FileStore(seconds=seconds, count=count, size=size, clock=clock), clock


def folder_of(kept: FileStore) -> Path:
    assert kept._folder is not None
    return kept._folder.path


def test_bytes_come_back_under_an_id_nobody_can_guess() -> None:
    kept, _ = file_store()
    names = {kept.put(b"a photo") for _ in range(5)}
    assert len(names) == 5
    assert all(len(name) >= 20 for name in names)
    assert {kept.get(name) for name in names} == {b"a photo"}


def test_what_is_not_asked_for_goes_in_time_and_its_file_too() -> None:
    kept, clock = file_store(seconds=60)
    old, used = kept.put(b"old"), kept.put(b"used")
    clock.now = 50
    assert kept.touch(used)
    clock.now = 70
    assert kept.get(old) is None
    assert kept.get(used) == b"used"
    assert [file.name for file in folder_of(kept).iterdir()] == [used]
    clock.now = 131
    assert used not in kept
    assert not list(folder_of(kept).iterdir())


def test_the_longest_unused_goes_where_there_are_too_many() -> None:
    kept, _ = file_store(count=3)
    first, *others = [kept.put(bytes([n])) for n in range(3)]
    kept.touch(first)
    kept.put(b"one more")
    assert first in kept
    assert others[0] not in kept
    assert len(list(folder_of(kept).iterdir())) == 3


def test_the_space_is_bounded() -> None:
    kept, _ = file_store(size=1000)
    for _ in range(50):
        kept.put(bytes(300))
        assert sum(file.stat().st_size for file in folder_of(kept).iterdir()) <= 1000
    with pytest.raises(NoSpace, match="1,000"):
        kept.put(bytes(1001))
    assert len(kept) == 3


def test_whoever_remembers_an_entry_is_told_once_that_it_goes() -> None:
    kept, clock = file_store(seconds=60, count=3)
    told: list[str] = []

    def forget(name: str) -> None:
        assert name not in kept, "it is gone, and the store may be asked"
        told.append(name)

    kept.on_forget = forget
    aged, dropped, *others = [kept.put(bytes([n])) for n in range(3)]
    kept.drop(dropped)
    kept.drop(dropped)
    assert told == [dropped]
    clock.now = 30
    for name in others:
        kept.touch(name)
    clock.now = 70
    kept.sweep()
    assert told == [dropped, aged]
    others += [kept.put(bytes([n])) for n in range(3)]
    assert told == [dropped, aged, others[0]]
    kept.close()
    assert told == [dropped, aged, *others]


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "", ".", "..", "a\0b"])
def test_no_name_from_outside_reaches_a_file(name: str) -> None:
    kept, _ = file_store()
    kept.put(b"x")
    assert kept.get(name) is None
    assert not kept.touch(name)
    kept.drop(name)


def test_the_folder_is_for_its_owner_only_and_goes_with_the_shelf() -> None:
    kept, _ = file_store()
    kept.put(b"x")
    folder = folder_of(kept)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    kept.close()
    assert not folder.exists()
    lost, _ = file_store()
    lost.put(b"x")
    folder = folder_of(lost)
    del lost
    gc.collect()
    assert not folder.exists()


def test_a_file_that_somebody_removed_is_not_there() -> None:
    kept, _ = file_store()
    name = kept.put(b"x")
    (folder_of(kept) / name).unlink()
    assert kept.get(name) is None


def test_entries_go_in_time_on_a_server_that_nobody_uses() -> None:
    kept = FileStore(seconds=0.05, count=10, size=1000)
    kept.put(b"x")
    folder = folder_of(kept)
    timer = kept._timer
    assert timer is not None
    timer.join(timeout=10)
    while (timer := kept._timer) is not None:  # a clock that is coarse needs another round
        timer.join(timeout=10)
    assert not list(folder.iterdir())


def test_entries_are_looked_for_when_the_longest_unused_has_to_go() -> None:
    kept, clock = file_store(seconds=60)
    kept.put(b"old")
    timer = kept._timer
    assert timer is not None
    assert timer.interval == 60
    clock.now = 50
    kept.put(b"new")
    assert kept._timer is timer, "the old one goes first"
    timer.cancel()
    clock.now = 60
    timer.function()  # what it does when its time has come
    assert len(kept) == 1
    following = kept._timer
    assert following is not None
    assert following.interval == 50, "60 seconds after the new one was put there"
    kept.close()


def test_entries_go_in_time_from_a_store_that_was_closed_before() -> None:
    kept, _ = file_store()
    kept.put(b"x")
    closed = kept._timer
    kept.close()
    kept.put(b"another")
    assert kept._timer is not None
    assert kept._timer is not closed
    kept.close()
    assert kept._timer is None


def test_many_threads_may_use_it() -> None:
    kept, _ = file_store(count=20, size=100_000)
    wrong: list[object] = []

    def use(number: int) -> None:
        for turn in range(50):
            data = f"{number} {turn}".encode()
            found = kept.get(kept.put(data))
            if found not in (data, None):
                wrong.append(found)

    threads = [threading.Thread(target=use, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert not wrong
    assert len(kept) <= 20
