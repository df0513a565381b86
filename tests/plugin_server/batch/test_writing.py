"""Files that come to stand whole."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import FrameType

import pytest

from plugin_server.batch.runner import CannotGoOn, Runner
from plugin_server.batch.writing import partial_of, replace_file


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    victim, target = tmp_path / "victim", tmp_path / "a.png"
    victim.write_bytes(b"precious")
    partial_of(target).symlink_to(victim)
    replace_file(target, b"new")
    assert (victim.read_bytes(), target.read_bytes()) == (b"precious", b"new")


def test_the_longest_name_has_a_partial_file(tmp_path: Path) -> None:
    target = tmp_path / ("x" * 255)
    replace_file(target, b"new")
    assert target.read_bytes() == b"new"
    assert os.listdir(tmp_path) == [target.name]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc for what is open")
def test_the_folder_is_on_the_disk_after_the_file_has_its_name(tmp_path: Path) -> None:
    """Else a power cut may leave the manifest's "done" and no result."""
    target = tmp_path / "new" / "a.png"
    seen: list[tuple[str, bool, set[str]]] = []

    def watch(frame: FrameType, event: str, called: object) -> None:
        if event == "c_call" and called in (os.replace, os.fsync):
            links = (f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd"))
            names = {os.readlink(link) for link in links if os.path.exists(link)}
            here = {Path(name).name for name in names if name.startswith(str(tmp_path))}
            seen.append((called.__name__, target.exists(), here))

    sys.setprofile(watch)
    try:
        replace_file(target, b"new")
    finally:
        sys.setprofile(None)
    assert seen == [
        ("fsync", False, {partial_of(target).name}),
        ("replace", False, set()),
        ("fsync", True, {"new"}),
    ]


def test_results_come_one_at_a_time_and_what_ends_a_run_is_said() -> None:
    def work(number: int) -> int | None:
        if number == 7:
            raise CannotGoOn("the disk is full")
        return None if number % 2 else number

    for in_flight in (1, 3):
        seen: list[int] = []
        runner: Runner[int, int] = Runner(work, seen.append, in_flight)
        assert runner.run([0, 1, None, 2, 3, 4]) == ""
        assert sorted(seen) == [0, 2, 4]
        assert runner.run(range(5, 1000)) == "the disk is full"
        assert len(seen) < 30


def test_a_mistake_is_not_swallowed() -> None:
    def work(number: int) -> int:
        raise ZeroDivisionError(number)

    with pytest.raises(ZeroDivisionError):
        Runner(work, print).run([1])
    assert "ZeroDivisionError" in Runner(work, print, 2).run([1])
