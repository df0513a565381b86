"""A batch: nothing lost, nothing done twice, whatever stops it. What colours is a stand-in."""

from __future__ import annotations

import errno
import os
import resource
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models.job import ColorizeJob
from models.progress import Stopped
from plugin_server.batch.batch import Batch, Outcome, Tally
from plugin_server.batch.batch_settings import BatchSettings
from plugin_server.batch.descriptions import Descriptions
from plugin_server.batch.manifest import NAME, Manifest, Record
from plugin_server.batch.output import Output
from plugin_server.batch.runner import CannotGoOn
from plugin_server.batch.sources import SkippedPhoto, SourcePhoto, Sources
from plugin_server.batch.writing import Times, partial_of, replace_file
from plugin_server.engine.requests import Answer, ColorizeRequest
from plugin_server.images.codec import BrokenImage, Limits

GOOD = {"coloured": 0, "unchanged": 0, "failed": 0, "failed before": 0}


class Painter:
    """Colours by writing so, refuses what is ``bad``, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.descriptions: dict[bytes, str] = {}

    def __call__(self, request: ColorizeRequest) -> Answer:
        assert isinstance(request.image, bytes)
        self.asked.append(request.image)
        self.descriptions[request.image] = request.job.description
        if request.image.startswith(b"bad"):
            raise BrokenImage("it is bad\nand ugly")
        return Answer(b"colour of " + request.image, "image/png", ("a note",), {}, "x; score=0.50")


class Scans:
    """Photos and an output folder, and runs from the one to the other."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder / "scans", folder / "out"
        self.painter = Painter()
        self.outcomes: list[Outcome] = []

    def put(self, **photos: bytes) -> None:
        """Write NAME.png for each; two underscores part folders."""
        for name, data in photos.items():
            path = self.folder / (name.replace("__", "/") + ".png")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def run(
        self, *, batch_settings: BatchSettings | None = None, found: Any = None, **options: Any
    ) -> Tally:
        self.outcomes.clear()
        options = {"in_flight": 2, "on_outcome": self.outcomes.append} | options
        kind = options.pop("manifest", Manifest)
        colour = options.pop("colour", self.painter)
        output = options.pop("output", Output(self.out))
        with kind(self.out) as manifest:
            batch = Batch(
                colour,
                batch_settings or BatchSettings(),
                manifest=manifest,
                output=output,
                **options,
            )
            return batch.run(found or Sources.parse([self.folder], self.out, recursive=True))

    def counts(self, **options: Any) -> dict[str, int]:
        return {name: count for name, count in self.run(**options).counts.items() if count}

    def results(self) -> dict[str, bytes]:
        """Read all files of the output folder but the manifest."""
        files = (path for path in self.out.rglob("*") if path.is_file() and path.name != NAME)
        return {path.relative_to(self.out).as_posix(): path.read_bytes() for path in files}

    def records(self) -> dict[str, Record]:
        with Manifest(self.out) as manifest:
            return {record.name: record for record in manifest}


@pytest.fixture
def scans(tmp_path: Path) -> Scans:
    return Scans(tmp_path)


def test_the_tree_and_the_names_stay(scans: Scans) -> None:
    scans.put(a=b"1", sub__a=b"2", sub__deep__b=b"3")
    assert scans.counts() == {"coloured": 3}
    assert scans.results() == {
        "a.png": b"colour of 1",
        "sub/a.png": b"colour of 2",
        "sub/deep/b.png": b"colour of 3",
    }


def test_a_second_run_does_nothing_but_say_so(scans: Scans) -> None:
    scans.put(a=b"1", b=b"2")
    scans.run()
    scans.put(c=b"3")
    size = (scans.out / NAME).stat().st_size
    assert scans.counts(found=[SourcePhoto(scans.folder / "a.png", "a.png")]) == {"unchanged": 1}
    assert (scans.out / NAME).stat().st_size == size
    assert scans.counts() == {"unchanged": 2, "coloured": 1}
    assert sorted(scans.painter.asked) == [b"1", b"2", b"3"]


def test_a_watched_photo_that_was_half_written_counts_as_done_alone(scans: Scans) -> None:
    scans.put(slow=b"bad: half of it")
    photo = SourcePhoto(scans.folder / "slow.png", "slow.png")

    def coming() -> Iterator[SourcePhoto | None]:
        yield photo  # a scanner that paused for long looks as if it had ended
        yield None
        while not scans.outcomes:
            time.sleep(0.01)
        scans.put(slow=b"all of it")
        yield photo

    assert scans.counts(found=coming(), comes_again=True, in_flight=1) == {"coloured": 1}
    assert [outcome.ending for outcome in scans.outcomes] == ["failed", "coloured"]
    assert scans.results() == {"slow.png": b"colour of all of it"}
    assert [record.state for record in scans.records().values()] == ["done"]


def test_a_watched_photo_that_grows_while_it_is_read_is_no_failure(scans: Scans) -> None:
    scans.put(slow=b"bad: half of it")
    photo = SourcePhoto(scans.folder / "slow.png", "slow.png")

    def colour(request: ColorizeRequest) -> Answer:
        scans.put(slow=b"bad: a little more of it")
        return scans.painter(request)

    options: dict[str, Any] = {"found": [photo], "colour": colour}
    assert scans.counts(**options, comes_again=True) == {}
    assert scans.counts(**options) == {"failed": 1}


def test_the_manifest_says_what_was_done(scans: Scans) -> None:
    import hashlib

    scans.put(a=b"12345")
    scans.run(batch_settings=BatchSettings(descriptions=Descriptions(default="a red tram")))
    record = scans.records()["a.png"]
    photo = scans.folder / "a.png"
    assert (record.state, record.output, record.output_size) == ("done", "a.png", 15)
    assert (record.path, record.size) == (str(photo), 5)
    assert record.mtime_ns == photo.stat().st_mtime_ns
    assert record.sha256 == hashlib.sha256(b"12345").hexdigest()
    assert (record.description, record.described_by) == ("a red tram", "option")
    assert (record.notices, record.exemplar) == (("a note",), "x; score=0.50")


def test_a_changed_photo_is_done_again_a_touched_one_is_not(scans: Scans) -> None:
    scans.put(a=b"1", b=b"2")
    scans.run()
    os.utime(scans.folder / "a.png", (1, 1))
    scans.put(b=b"3")
    os.utime(scans.folder / "b.png", (1, 1))
    assert scans.counts() == {"unchanged": 1, "coloured": 1}
    assert scans.results()["b.png"] == b"colour of 3"
    before = (scans.out / NAME).read_bytes()
    assert scans.counts() == {"unchanged": 2}  # and the new time is known without another look
    assert (scans.out / NAME).read_bytes() == before


@pytest.mark.parametrize(
    "batch_settings",
    [
        BatchSettings(ColorizeJob(saturation=0.5)),
        BatchSettings(descriptions=Descriptions(default="a red tram")),
        BatchSettings(mask=b"m"),
        BatchSettings(reference=b"m"),
        BatchSettings(model="another"),
    ],
)
def test_other_settings_are_done_again_in_place(
    scans: Scans, batch_settings: BatchSettings
) -> None:
    scans.put(a=b"1")
    scans.run()
    assert scans.counts(batch_settings=batch_settings) == {"coloured": 1}
    assert scans.counts(batch_settings=batch_settings) == {"unchanged": 1}
    assert scans.counts() == {"coloured": 1}
    assert len(scans.results()) == 1


def test_a_sidecar_that_is_written_later_counts(scans: Scans) -> None:
    scans.put(a=b"1", b=b"2")
    scans.run()
    (scans.folder / "b.txt").write_text("a red tram")
    assert scans.counts() == {"unchanged": 1, "coloured": 1}
    assert scans.painter.descriptions[b"2"] == "a red tram"


def test_a_result_that_is_gone_or_cut_is_made_again(scans: Scans) -> None:
    scans.put(a=b"1", b=b"2", c=b"3")
    scans.run()
    (scans.out / "a.png").unlink()
    (scans.out / "b.png").write_bytes(b"")
    assert scans.counts() == {"coloured": 2, "unchanged": 1}
    assert scans.results()["b.png"] == b"colour of 2"


def test_failures_wait_for_retry_failed(scans: Scans) -> None:
    scans.put(a=b"1", b=b"bad")
    assert scans.counts() == {"coloured": 1, "failed": 1}
    assert scans.records()["b.png"].error == "it is bad and ugly"
    assert scans.counts() == {"unchanged": 1, "failed before": 1}
    assert scans.counts(retry_failed=True) == {"unchanged": 1, "failed": 1}
    scans.put(b=b"mended")
    assert scans.counts() == {"unchanged": 1, "coloured": 1}
    assert scans.painter.asked.count(b"bad") == 2


def test_a_photo_over_the_limit_and_one_that_vanished(scans: Scans) -> None:
    scans.put(large=b"1" * 11, small=b"1")
    is_disconnected = SourcePhoto(scans.folder / "gone.png", "gone.png")
    found = [*Sources.parse([scans.folder], scans.out, recursive=True), is_disconnected]
    assert scans.counts(limits=Limits(max_bytes=10), found=found) == {"coloured": 1, "failed": 2}
    assert "11 bytes and the limit is 10" in scans.records()["large.png"].error
    assert scans.records()["gone.png"].error == "No such file or directory"


def test_what_is_passed_over_fails_each_time_and_is_written_once(scans: Scans) -> None:
    found = [SkippedPhoto("x.heic", "convert it")]
    for _ in range(2):
        assert scans.counts(found=found) == {"failed": 1}
    assert len((scans.out / NAME).read_bytes().splitlines()) == 1


def test_files_of_others_are_never_replaced_unless_asked(scans: Scans) -> None:
    scans.put(a=b"1", b=b"2")
    scans.out.mkdir()
    (scans.out / "a.png").write_bytes(b"precious")
    (scans.out / "b.png").mkdir()
    assert scans.counts() == {"failed": 2}
    assert "--overwrite" in scans.records()["a.png"].error
    assert (scans.out / "a.png").read_bytes() == b"precious"
    assert scans.painter.asked == []
    assert scans.counts(overwrite=True, retry_failed=True) == {"coloured": 1, "failed": 1}
    assert (scans.out / "a.png").read_bytes() == b"colour of 1"


def test_not_even_overwrite_replaces_the_photo_itself(scans: Scans) -> None:
    scans.put(a=b"1")
    scans.out.mkdir()
    os.link(scans.folder / "a.png", scans.out / "a.png")
    assert scans.counts(overwrite=True) == {"failed": 1}
    assert (scans.folder / "a.png").read_bytes() == b"1"


def test_equal_stems_do_not_meet(scans: Scans) -> None:
    scans.put(a=b"1")
    (scans.folder / "a.jpg").write_bytes(b"2")
    (scans.folder / "a.tif").write_bytes(b"3")
    assert scans.counts() == {"coloured": 3}
    assert scans.counts(output=Output(scans.out, "png")) == {"coloured": 2, "unchanged": 1}
    assert scans.results() == {
        "a.jpg": b"colour of 2",
        "a.tif": b"colour of 3",
        "a.png": b"colour of 1",
        "a.jpg.png": b"colour of 2",
        "a.tif.png": b"colour of 3",
    }


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse some of these names")
@pytest.mark.parametrize(
    "name", [b"gr\xc3\xbcn.png", b"caf\xe9.png", b"a\nb\t.png", 251 * b"n" + b".png"]
)
def test_strange_names(scans: Scans, name: bytes) -> None:
    scans.folder.mkdir()
    path = os.path.join(os.fsencode(scans.folder), name)
    with open(path, "wb") as file:
        file.write(b"1")
    assert scans.counts() == {"coloured": 1}
    assert scans.counts() == {"unchanged": 1}
    assert list(scans.results()) == [os.fsdecode(name)]


def test_a_name_that_becomes_too_long_fails_alone(scans: Scans) -> None:
    scans.put(a=b"1")
    (scans.folder / (250 * "n" + ".jpg")).write_bytes(b"2")
    assert scans.counts(output=Output(scans.out, "png")) == {"coloured": 1, "failed": 1}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_full_disk_stops_everything_and_the_next_run_goes_on(scans: Scans, number: int) -> None:
    scans.put(**{f"p{n:02}": b"%d" % n for n in range(20)})
    written = 0

    def write(target: Path, data: bytes, times: Times | None) -> None:
        nonlocal written
        if written == 5:
            raise OSError(number, os.strerror(number), str(partial_of(target)))
        written += 1
        replace_file(target, data, times)

    tally = scans.run(write=write, in_flight=1)
    assert tally.counts == GOOD | {"coloured": 5}
    assert "the disk" in tally.stopped
    assert len(scans.painter.asked) == 6  # nothing more was begun
    assert scans.counts() == {"unchanged": 5, "coloured": 15}
    assert len(scans.results()) == 20


def test_a_manifest_that_cannot_grow_stops_before_a_file_is_touched(scans: Scans) -> None:
    scans.put(a=b"1")
    with Manifest(scans.out) as manifest:

        class Full(Manifest):
            def __init__(self) -> None:
                pass

            interrupted = ()  # type: ignore[assignment]

            def get(self, name: str) -> Record | None:
                return manifest.get(name)

            def add(self, record: Record) -> None:
                raise OSError(errno.ENOSPC, "no space")

        tally = Batch(
            scans.painter, BatchSettings(), manifest=Full(), output=Output(scans.out), in_flight=1
        ).run([SourcePhoto(scans.folder / "a.png", "a.png")])
    assert "the disk is full" in tally.stopped
    assert scans.results() == {}


def test_a_folder_that_refuses_a_file_fails_it_alone(scans: Scans) -> None:
    scans.put(sub__a=b"1", b=b"2")
    scans.out.mkdir()
    (scans.out / "sub").write_bytes(b"a file where a folder should be")
    assert scans.counts() == {"coloured": 1, "failed": 1}
    assert (scans.out / "sub").read_bytes() == b"a file where a folder should be"


def test_what_a_killed_run_left_behind_is_cleared_and_done_again(scans: Scans) -> None:
    scans.put(a=b"1", sub__b=b"2", c=b"3")
    output = Output(scans.out)
    for name in ("sub/b.png", "c.png"):  # killed while writing, and after, before saying so
        with Manifest(scans.out) as manifest:
            manifest.add(Record(name=name, state="begun", output=name))
    (scans.out / "sub").mkdir()
    output.partial("sub/b.png").write_bytes(b"half")
    (scans.out / "c.png").write_bytes(b"colour of 3")
    assert scans.counts() == {"coloured": 3}
    assert scans.results() == {
        "a.png": b"colour of 1", "sub/b.png": b"colour of 2", "c.png": b"colour of 3"
    }  # fmt: skip


def test_no_half_file_ever_has_the_results_name(scans: Scans) -> None:
    scans.put(a=b"1")
    target, partial = scans.out / "a.png", Output(scans.out).partial("a.png")
    assert partial.parent == target.parent
    scans.out.mkdir()
    target.write_bytes(b"old")
    with pytest.raises(TypeError):
        replace_file(target, "no bytes")  # type: ignore[arg-type]
    assert (target.read_bytes(), partial.exists()) == (b"old", False)


def test_a_stop_finishes_what_is_in_hand_and_the_next_run_goes_on(scans: Scans) -> None:
    scans.put(**{f"p{n:02}": b"%d" % n for n in range(20)})
    stop = threading.Event()

    def colour(request: ColorizeRequest) -> Answer:
        if len(scans.painter.asked) == 3:
            stop.set()
        return scans.painter(request)

    tally = scans.run(colour=colour, should_stop=stop.is_set, in_flight=1)
    assert tally.stopped == "stopped"
    assert tally.counts == GOOD | {"coloured": 4}
    assert scans.counts() == {"unchanged": 4, "coloured": 16}


def test_work_that_was_stopped_is_no_failure(scans: Scans) -> None:
    scans.put(a=b"1")

    def colour(request: ColorizeRequest) -> Answer:
        raise Stopped

    assert scans.counts(colour=colour) == {}
    assert scans.counts() == {"coloured": 1}


def test_when_nothing_can_colour_any_more_the_rest_waits(scans: Scans) -> None:
    scans.put(**{f"p{n:02}": b"%d" % n for n in range(50)})

    def colour(request: ColorizeRequest) -> Answer:
        if len(scans.painter.asked) == 10:
            raise CannotGoOn("the server is gone")
        return scans.painter(request)

    tally = scans.run(colour=colour, in_flight=1)
    assert (tally.stopped, tally.counts) == ("the server is gone", GOOD | {"coloured": 10})
    assert scans.counts() == {"unchanged": 10, "coloured": 40}


def test_an_error_in_finding_photos_is_not_swallowed(scans: Scans) -> None:
    scans.put(a=b"1")

    def found() -> Iterator[SourcePhoto]:
        yield SourcePhoto(scans.folder / "a.png", "a.png")
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        scans.run(found=found())


def test_photos_are_coloured_side_by_side(scans: Scans) -> None:
    scans.put(**{f"p{n}": b"%d" % n for n in range(3)})
    together = threading.Barrier(3, timeout=20)

    def colour(request: ColorizeRequest) -> Answer:
        together.wait()
        return scans.painter(request)

    assert scans.counts(colour=colour, in_flight=3) == {"coloured": 3}


def test_no_more_is_looked_for_than_is_worked_on(scans: Scans) -> None:
    scans.put(a=b"1")
    held, given = threading.Event(), 0

    def found() -> Iterator[SourcePhoto]:
        nonlocal given
        for _ in range(100):
            given += 1
            if given == 8:  # 6 wait or are worked on, the seventh waits for a place
                held.set()
            yield SourcePhoto(scans.folder / "a.png", "a.png")

    def colour(request: ColorizeRequest) -> Answer:
        assert given <= 7
        stop.set()
        return scans.painter(request)

    stop = threading.Event()
    scans.run(found=found(), colour=colour, in_flight=3, should_stop=stop.is_set)
    assert given < 100


@pytest.mark.slow
def test_memory_stays_flat_over_ten_thousand_photos(scans: Scans) -> None:
    """Ten thousand files of 20 kB: neither they nor their results are kept."""
    scans.put(a=20_000 * b"1")
    photo = scans.folder / "a.png"

    def found(first: int, last: int) -> Iterator[SourcePhoto]:
        for number in range(first, last):
            yield SourcePhoto(photo, f"{number // 100}/photo-{number}.png")

    def colour(request: ColorizeRequest) -> Answer:
        return Answer(bytes(request.image), "image/png")  # type: ignore[arg-type]

    def write(target: Path, data: bytes, times: Times | None) -> None:
        assert len(data) == 20_000

    class Unsynced(Manifest):
        """Waits for no disk, ten thousand times."""

        def sync(self) -> None:
            pass

    options = {"colour": colour, "write": write, "on_outcome": id, "manifest": Unsynced}
    assert scans.run(found=found(0, 1000), **options).counts == GOOD | {"coloured": 1000}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert scans.run(found=found(1000, 10_000), **options).counts == GOOD | {"coloured": 9000}
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 20_000  # kB; the photos alone would be 180,000, and names are 3,000
