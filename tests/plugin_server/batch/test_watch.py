"""A watched folder: a photo is taken once it has stopped growing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from plugin_server.batch.sources import SkippedPhoto, SourcePhoto, Sources
from plugin_server.batch.watch import watch

START = 1_000_000.0


class Scanner:
    """Plays a scanner: each pause of the watcher does the next thing; a second passes."""

    def __init__(self, folder: Path, *steps: Callable[[], object]) -> None:
        self.folder = folder
        self.steps = list(steps)
        self.now = START

    def put(self, name: str, data: bytes) -> Callable[[], object]:
        def write() -> None:
            with open(self.folder / name, "ab") as file:
                file.write(data)
            os.utime(self.folder / name, (self.now, self.now))

        return write

    def wait(self) -> bool:
        self.now += 1
        if not self.steps:
            return False
        self.steps.pop(0)()
        return True

    def watched(self) -> list[tuple[str, float]]:
        """Run to the end; say what was taken, and when."""
        sources = Sources.parse([self.folder], self.folder.parent / "out", recursive=True)
        taken = watch(sources, wait=self.wait, quiet=2, clock=lambda: self.now)
        return [(one.name, self.now - START) for one in taken if one is not None]


def nothing() -> None:
    pass


def test_a_photo_is_taken_when_it_has_stopped_growing(tmp_path: Path) -> None:
    scanner = Scanner(tmp_path / "in")
    scanner.folder.mkdir()
    grow = scanner.put("a.tif", b"1234")
    scanner.steps = [grow, grow, grow, nothing, nothing, nothing, nothing]
    assert scanner.watched() == [("a.tif", 5.0)]  # written last at 3


def test_a_photo_that_changes_later_is_taken_again(tmp_path: Path) -> None:
    scanner = Scanner(tmp_path / "in")
    scanner.folder.mkdir()
    put = scanner.put("a.tif", b"1")
    scanner.steps = [put, *3 * [nothing], put, *3 * [nothing]]
    assert [name for name, _ in scanner.watched()] == ["a.tif", "a.tif"]


def test_empty_vanished_and_unreadable_files(tmp_path: Path) -> None:
    scanner = Scanner(tmp_path / "in")
    scanner.folder.mkdir()
    scanner.steps = [
        scanner.put("empty.tif", b""),
        scanner.put("gone.tif", b"1"),
        scanner.put("raw.heic", b"1"),
        (scanner.folder / "gone.tif").unlink,
        *5 * [nothing],
    ]
    assert [name for name, _ in scanner.watched()] == ["raw.heic"]


def test_what_lies_there_already_is_taken_too_even_from_the_future(tmp_path: Path) -> None:
    scanner = Scanner(tmp_path / "in")
    scanner.folder.mkdir()
    for name, age in (("old.png", -500), ("ahead.png", 500)):
        (scanner.folder / name).write_bytes(b"1")
        os.utime(scanner.folder / name, (START + age, START + age))
    scanner.steps = [nothing, nothing]
    assert sorted(name for name, _ in scanner.watched()) == ["ahead.png", "old.png"]


def test_there_is_a_pause_after_each_look() -> None:
    looks = iter([True, True, False])
    one = SkippedPhoto("x.heic", "why")
    assert list(watch([one], wait=lambda: next(looks))) == [one, None, None, None]
    assert list(watch([SourcePhoto(Path("none"), "none")], wait=lambda: False)) == [None]
