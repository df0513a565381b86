"""The library as a whole: what it keeps, gives, checks and repairs; alone and among others."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from retrieval.database.exemplar import Exemplar
from retrieval.database.folder import DATABASE
from retrieval.errors import (
    LibraryUnusable,
    MissingPhoto,
    NoAccess,
    PhotoRefused,
    StorageFull,
    UnknownExemplar,
    WrongClip,
)
from retrieval.ingest.ingest import BATCH
from retrieval.library import ExemplarLibrary
from tests.support.albums import OtherClip, color_photo, jpeg, write_album, write_shard
from tests.support.fakes import FakeClip
from tests.support.repository import ROOT

WRITER = ROOT / "tests" / "support" / "library_writer.py"


@pytest.fixture
def library(tmp_path: Path) -> ExemplarLibrary:
    return ExemplarLibrary.open(tmp_path / "library", clip=FakeClip())


def change(library: ExemplarLibrary, statement: str) -> None:
    """Do to the database what only damage or another program would."""
    connection = sqlite3.connect(library.folder / DATABASE)
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_an_exemplar_is_what_the_photo_is(library: ExemplarLibrary, tmp_path: Path) -> None:
    (path,) = write_album(tmp_path / "album", 1)
    path.with_suffix(".txt").write_text("a caption")
    (added,) = library.add([tmp_path / "album"]).added
    assert library.get(added.id) == added
    assert (added.source, added.caption) == ("photo-0000.jpg", "a caption")
    assert (added.width, added.height) == (48, 40)
    assert library.image(added.id) == path.read_bytes()
    assert library.thumbnail(added.id)[:2] == b"\xff\xd8"
    keys, vectors = library.vectors()
    assert library.by_keys(keys.tolist()) == {added.key: added}
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_the_same_photo_has_the_same_id_in_every_library(tmp_path: Path) -> None:
    write_album(tmp_path / "album", 3)
    ids = []
    for name in ("one", "two"):
        library = ExemplarLibrary.open(tmp_path / name, clip=FakeClip())
        ids.append([one.id for one in library.add([tmp_path / "album"]).added])
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 3
    assert all(len(one) == 12 and one.isalnum() for one in ids[0])


@pytest.mark.parametrize("bad", ["", "nothere", "../../etc/passwd", "a" * 1000, "%", "a\0b", "'--"])
def test_unknown_ids_are_refused(library: ExemplarLibrary, bad: str) -> None:
    library.add_photo(jpeg(color_photo(1)), name="a.jpg")
    for call in (library.get, library.image, library.thumbnail, library.captions):
        with pytest.raises(UnknownExemplar, match="the library has no exemplar"):
            call(bad)
    with pytest.raises(UnknownExemplar):
        library.remove([library.list()[0].id, bad])
    assert len(library) == 1


def test_lists_are_pages_in_order_and_can_be_filtered(
    library: ExemplarLibrary, tmp_path: Path
) -> None:
    album = tmp_path / "album"
    write_album(album, 10)
    (album / "photo-0003.txt").write_text("100% wool_and \\ silk")
    library.add([album])
    every = library.list()
    assert [one.source for one in every] == [f"photo-{n:04}.jpg" for n in range(10)]
    assert library.list(offset=4, limit=3) == every[4:7]
    assert library.list(offset=20) == []
    for text in ("0% WOOL", "l_a", "\\ s", "photo-0003"):
        assert [one.source for one in library.list(containing=text)] == ["photo-0003.jpg"], text
    assert library.list(containing="%%") == []


def test_a_photo_that_is_deleted_is_missed_not_hidden(
    library: ExemplarLibrary, tmp_path: Path
) -> None:
    (path,) = write_album(tmp_path / "album", 1)
    (added,) = library.add([path]).added
    path.unlink()
    with pytest.raises(MissingPhoto, match=r"photo-0000\.jpg.*no such file.*check --repair"):
        library.image(added.id)
    assert library.thumbnail(added.id)


def test_only_the_photo_that_was_added_is_ever_given_away(
    library: ExemplarLibrary, tmp_path: Path
) -> None:
    (path,) = write_album(tmp_path / "album", 1)
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (added,) = library.add([path]).added
    path.unlink()
    path.symlink_to(secret)
    with pytest.raises(MissingPhoto, match="has changed since it was added"):
        library.image(added.id)
    change(library, "UPDATE files SET path = CAST('../secret.txt' AS BLOB)")
    with pytest.raises(MissingPhoto):
        library.image(added.id)


def test_an_uploaded_photo_is_kept_inside_the_library(library: ExemplarLibrary) -> None:
    data = jpeg(color_photo(1))
    added = library.add_photo(data, name="../../../etc/cron.d/tram.jpg", caption=" a  tram\n")
    assert (added.source, added.caption) == ("tram.jpg", "a tram")
    assert library.image(added.id) == data
    (kept,) = (library.folder / "photos").iterdir()
    assert kept.read_bytes() == data
    assert library.add_photo(data, name="again.jpg") == added
    assert library.add_photo(jpeg(color_photo(1), quality=70), name="near.jpg") == added
    assert list((library.folder / "photos").iterdir()) == [kept]
    assert library.check().is_clean


def test_a_library_that_was_moved_still_has_its_own_photos(
    library: ExemplarLibrary, tmp_path: Path
) -> None:
    added = library.add_photo(jpeg(color_photo(1)), name="a.jpg")
    library.close()
    shutil.move(library.folder, tmp_path / "moved")
    moved = ExemplarLibrary.open(tmp_path / "moved", clip=FakeClip())
    assert moved.image(added.id) == jpeg(color_photo(1))
    assert moved.check().is_clean


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", "empty"), (b"GIF89a", "no JPEG"), (jpeg(np.full((40, 40, 3), 99, np.uint8)), "grey")],
)
def test_a_bad_upload_leaves_no_trace(library: ExemplarLibrary, data: bytes, reason: str) -> None:
    with pytest.raises(PhotoRefused, match=reason):
        library.add_photo(data, name="bad.jpg")
    assert len(library) == 0
    assert not (library.folder / "photos").exists()


def test_removed_exemplars_go_and_only_kept_photos_with_them(
    library: ExemplarLibrary, tmp_path: Path
) -> None:
    paths = write_album(tmp_path / "album", 3)
    library.add([tmp_path / "album"])
    upload = library.add_photo(jpeg(color_photo(50)), name="a.jpg")
    first = library.list()[0]
    keys = set(library.keys().tolist())
    assert library.remove([upload.id, first.id, first.id]) == 2
    assert all(path.exists() for path in paths)
    assert list((library.folder / "photos").iterdir()) == []
    assert len(library) == len(library.vectors()[0]) == 2
    with pytest.raises(UnknownExemplar):
        library.get(first.id)
    (again,) = library.add([tmp_path / "album"]).added  # it may come back, under a new key
    assert again == first
    assert again.key not in keys
    assert library.check().is_clean


def test_what_came_from_a_folder_or_a_shard_can_be_named(
    library: ExemplarLibrary, tmp_path: Path
) -> None:
    write_album(tmp_path / "a", 2)
    write_album(tmp_path / "a b", 1, start=5)
    write_shard(tmp_path / "a" / "s.tar", 2, start=10)
    library.add([tmp_path])
    sources = lambda path: [one.source for one in library.under(path)]  # noqa: E731
    assert sources(tmp_path / "a b") == ["a b/photo-0005.jpg"]
    assert len(sources(tmp_path / "a")) == 4
    assert sources(tmp_path / "a" / "s.tar") == ["a/s.tar/key-10.jpg", "a/s.tar/key-11.jpg"]
    assert sources(tmp_path / "a" / "photo-0001.jpg") == ["a/photo-0001.jpg"]
    assert sources(tmp_path / "nowhere") == []


# Other models


def test_a_library_of_another_model_is_refused_until_embedded_again(
    library: ExemplarLibrary, tmp_path: Path
) -> None:
    paths = write_album(tmp_path / "album", BATCH + 3)
    paths[0].with_suffix(".txt").write_text("with words")
    library.add([tmp_path / "album"])
    before = library.list(limit=1000)
    remedy = r"model fake-clip, and this is other-clip.*photochrom library check --re-embed"
    with pytest.raises(WrongClip, match=remedy):
        ExemplarLibrary.open(library.folder, clip=OtherClip())
    paths[1].unlink()  # embedded from its thumbnail then
    other = ExemplarLibrary.open(library.folder, clip=OtherClip(), any_model=True)
    with pytest.raises(WrongClip):
        other.add_photo(jpeg(color_photo(99)), name="mixed.jpg")
    assert other.check().strays == ()
    # Stopped in the middle, it fits neither model; the same call goes on.
    assert other.re_embed(should_stop=iter([False, True, True]).__next__) == BATCH
    for clip in (FakeClip(), OtherClip()):
        with pytest.raises(WrongClip):
            ExemplarLibrary.open(library.folder, clip=clip)
    assert other.re_embed() == 3
    opened = ExemplarLibrary.open(library.folder, clip=OtherClip())
    assert opened.list(limit=1000) == before
    expected = OtherClip().embed_image(color_photo(2).astype(np.float32) / 255)
    assert opened.vectors()[1][2] @ expected > 0.999
    with pytest.raises(WrongClip):
        ExemplarLibrary.open(library.folder, clip=FakeClip())


def test_new_weights_under_the_old_name_are_another_model(library: ExemplarLibrary) -> None:
    class Retrained(OtherClip):
        name = FakeClip.name

    library.add_photo(jpeg(color_photo(1)), name="a.jpg")
    with pytest.raises(WrongClip, match="other weights of fake-clip"):
        ExemplarLibrary.open(library.folder, clip=Retrained())


def test_an_empty_library_takes_any_model(library: ExemplarLibrary) -> None:
    library.add_photo(jpeg(color_photo(1)), name="a.jpg")
    library.remove([library.list()[0].id])
    other = ExemplarLibrary.open(library.folder, clip=OtherClip())
    other.add_photo(jpeg(color_photo(1)), name="a.jpg")
    with pytest.raises(WrongClip):
        library.add_photo(jpeg(color_photo(2)), name="b.jpg")
    assert len(other) == 1


def test_without_a_model_the_library_can_be_read_and_pruned(
    library: ExemplarLibrary, tmp_path: Path
) -> None:
    write_album(tmp_path / "album", 2)
    library.add([tmp_path / "album"])
    plain = ExemplarLibrary.open(library.folder, clip=None)
    assert len(plain.list()) == 2
    assert plain.check().is_clean
    assert plain.remove([plain.list()[0].id]) == 1


# Checks


def test_deleted_and_changed_photos_are_reported_and_repaired(
    library: ExemplarLibrary, tmp_path: Path
) -> None:
    album = tmp_path / "album"
    paths = write_album(album, 5)
    library.add([album])
    paths[0].unlink()
    paths[1].write_bytes(jpeg(color_photo(77)))
    os.utime(paths[2], ns=(5, 5))
    report = library.check()
    assert [fault.exemplar.source for fault in report.missing] == [paths[0].name]
    assert [fault.exemplar.source for fault in report.changed] == [paths[1].name]
    assert [fault.exemplar.source for fault in report.touched] == [paths[2].name]
    assert not report.is_clean
    assert len(library) == 5
    assert library.check(repair=True).repaired
    after = library.check()
    assert after.is_clean
    assert after.touched == ()
    assert len(library) == 4
    new = next(one for one in library.list() if one.source == paths[1].name)
    assert library.image(new.id) == paths[1].read_bytes()
    assert library.add([album]).photos == 0


def test_a_photo_that_was_renamed_or_moved_in_its_folder_is_found_again(
    library: ExemplarLibrary, tmp_path: Path
) -> None:
    album = tmp_path / "album"
    paths = write_album(album, 4)
    (album / "trip").mkdir()
    inside = album / "trip" / "p.jpg"
    inside.write_bytes(jpeg(color_photo(78)))
    library.add([album])
    ids = {one.source: one.id for one in library.list()}
    paths[0].rename(album / "renamed.jpg")
    (album / "trip").rename(album / "journey")
    paths[1].rename(tmp_path / "elsewhere.jpg")  # outside what was added: gone
    report = library.check()
    moved = {fault.exemplar.source: fault.problem for fault in report.moved}
    assert moved == {
        paths[0].name: "it is renamed.jpg now",
        "trip/p.jpg": "it is journey/p.jpg now",
    }
    assert [fault.exemplar.source for fault in report.missing] == [paths[1].name]
    assert not report.is_clean
    library.check(repair=True)
    assert library.check().is_clean
    now = {one.source: one.id for one in library.list()}
    assert now["renamed.jpg"] == ids[paths[0].name]
    assert now["journey/p.jpg"] == ids["trip/p.jpg"]
    assert len(now) == 4
    assert library.image(now["renamed.jpg"]) == (album / "renamed.jpg").read_bytes()
    assert library.add([album]).photos == 0  # known by its new name


def test_photos_of_a_folder_that_is_not_there_stay(
    library: ExemplarLibrary, tmp_path: Path
) -> None:
    write_album(tmp_path / "disk" / "album", 2)
    library.add([tmp_path / "disk"])
    (tmp_path / "disk").rename(tmp_path / "unplugged")
    report = library.check(repair=True)
    assert len(report.absent) == 2
    assert "is not there" in report.absent[0].problem
    assert len(library) == 2
    (tmp_path / "unplugged").rename(tmp_path / "disk")
    assert library.check().is_clean


def test_a_changed_shard_is_read_again(library: ExemplarLibrary, tmp_path: Path) -> None:
    shard = tmp_path / "s.tar"
    write_shard(shard, 4)
    library.add([shard])
    write_shard(shard, 4, start=2)  # key-2 and key-3 lie elsewhere now, 0 and 1 are gone
    report = library.check(repair=True)
    assert len(report.changed) == 4
    sources = sorted(one.source for one in library.list())
    assert sources == [f"s.tar/key-{n}.jpg" for n in range(2, 6)]
    assert all(library.image(one.id) for one in library.list())
    assert library.check().is_clean


def test_rows_that_do_not_belong_together_are_reported_and_repaired(
    library: ExemplarLibrary, tmp_path: Path
) -> None:
    write_album(tmp_path / "album", 4)
    library.add([tmp_path / "album"])
    first, second, third, _ = library.list()
    vectors = library.vectors()
    change(library, f"DELETE FROM vectors WHERE key = {first.key}")
    change(library, f"DELETE FROM thumbnails WHERE key = {second.key}")
    change(library, f"DELETE FROM exemplars WHERE key = {third.key}")  # foreign keys are off here
    (library.folder / "photos").mkdir()
    (library.folder / "photos" / "stray.jpg").write_bytes(b"x")
    with pytest.raises(MissingPhoto, match=r"thumbnail.*check --repair"):
        library.thumbnail(second.id)
    report = library.check()
    assert (report.without_vector, report.without_thumbnail, report.orphans) == (1, 1, 3)
    assert [stray.name for stray in report.strays] == ["stray.jpg"]
    library.check(repair=True)
    assert library.check().is_clean
    assert library.thumbnail(second.id)
    library.add([tmp_path / "album"])
    assert len(library) == 4
    np.testing.assert_allclose(library.vectors()[1][0], vectors[1][0], atol=2e-3)


# Others, interruptions, full disks


@pytest.mark.slow
def test_a_full_disk_stops_an_add_and_the_next_one_goes_on(
    library: ExemplarLibrary, tmp_path: Path
) -> None:
    write_album(tmp_path / "album", BATCH * 3)
    program = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)\n"
        "from tests.support.library_writer import main; main()"
    )
    for limit in (100_000, 250_000):  # a file may grow so far, as on a disk without room
        run = subprocess.run(
            [sys.executable, "-c", program, str(limit),
             library.folder, tmp_path / "album"],
            capture_output=True, text=True, check=False, cwd=ROOT,
        )  # fmt: skip
        assert run.returncode == 1
        assert "StorageFull" in run.stderr
        assert "make room and run the same command again; what was indexed is kept" in run.stderr
        assert library.check().is_clean
    library.add([tmp_path / "album"])
    assert len(library) == BATCH * 3
    assert library.check().is_clean


def test_a_full_disk_loses_no_upload(library: ExemplarLibrary, tmp_path: Path) -> None:
    kept = library.add_photo(jpeg(color_photo(1)), name="a.jpg")
    shutil.rmtree(library.folder / "photos")
    (library.folder / "photos").write_text("in the way")
    with pytest.raises((StorageFull, NoAccess)):
        library.add_photo(jpeg(color_photo(2)), name="b.jpg")
    assert library.list() == [kept]


def start(library: Path, *folders: Path) -> subprocess.Popen[str]:
    """Start to add in a process of its own, and wait until it is at work."""
    process = subprocess.Popen(
        [sys.executable, str(WRITER), str(library), *map(str, folders)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def finish(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return output


def kill_and_finish(tmp_path: Path, *, photos: int, kills: int, seed: int) -> None:
    """Kill an ``add`` at random moments, then check that nothing is lost, doubled or wrong."""
    album, folder = tmp_path / "album", tmp_path / "library"
    write_album(album, photos)
    for copy in range(5):
        shutil.copy(album / f"photo-{copy:04}.jpg", album / f"same-{copy}.jpg")
    finish(start(tmp_path / "undisturbed", album))
    undisturbed = ExemplarLibrary.open(tmp_path / "undisturbed", clip=FakeClip())
    rng = np.random.default_rng(seed)
    counts = []
    for _ in range(kills):
        process = start(folder, album)
        assert process.stdout is not None
        some = rng.integers(1, photos // 2)
        while int(process.stdout.readline()) < some:
            pass  # so many photos are through; then at any moment of the next batches
        time.sleep(float(rng.uniform(0, 0.1)))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        library = ExemplarLibrary.open(folder, clip=FakeClip())
        assert library.check().is_clean
        keys, vectors = library.vectors()
        assert len(library) == len(keys) == len(vectors)
        counts.append(len(library))
        library.close()
        if counts[-1] == photos:
            shutil.rmtree(folder)  # it was through before the kill: begin again
    finish(start(folder, album))
    library = ExemplarLibrary.open(folder, clip=FakeClip())
    assert library.check().is_clean
    assert library.list(limit=10_000) == undisturbed.list(limit=10_000)
    np.testing.assert_array_equal(library.vectors()[1], undisturbed.vectors()[1])
    report = library.add([album])
    assert (report.added, report.photos, report.unchanged) == ((), 0, photos + 5)
    assert any(0 < count < photos for count in counts), counts  # some kills were in the middle


@pytest.mark.slow
def test_twenty_killed_adds_lose_and_double_nothing(tmp_path: Path) -> None:
    kill_and_finish(tmp_path, photos=BATCH * 12, kills=20, seed=2)


@pytest.mark.slow
def test_two_processes_add_at_once(tmp_path: Path) -> None:
    write_album(tmp_path / "a", BATCH * 3)
    write_album(tmp_path / "b", BATCH * 3, start=BATCH * 2)
    both = [start(tmp_path / "library", tmp_path / name) for name in ("a", "b")]
    for process in both:
        finish(process)
    library = ExemplarLibrary.open(tmp_path / "library", clip=FakeClip())
    assert len(library) == BATCH * 5
    assert library.check().is_clean


@pytest.mark.slow
def test_eight_readers_see_no_error_and_no_wrong_row_while_one_process_adds(tmp_path: Path) -> None:
    photos = BATCH * 4
    album = tmp_path / "album"
    paths = {path.name: path for path in write_album(album, photos)}
    ExemplarLibrary.open(tmp_path / "library", clip=FakeClip()).close()
    shared = ExemplarLibrary.open(tmp_path / "library", clip=FakeClip())
    done = threading.Event()
    errors: list[BaseException] = []
    rounds = [0] * 8

    def check(one: Exemplar, library: ExemplarLibrary) -> None:
        data = paths[one.source].read_bytes()
        assert library.image(one.id) == data
        assert library.get(one.id) == one
        assert library.thumbnail(one.id).startswith(b"\xff\xd8")

    def read(number: int) -> None:
        own = number % 2 == 0  # half of them share a library, half have their own
        library = shared
        if own:
            library = ExemplarLibrary.open(tmp_path / "library", clip=FakeClip())
        rng = np.random.default_rng(number)
        seen = 0
        try:
            while not done.is_set() or rounds[number] == 0:
                rows = library.list(limit=photos)
                assert len(rows) >= seen, "rows went away"
                assert len({one.id for one in rows}) == len(rows)
                seen = len(rows)
                keys, vectors = library.vectors()
                assert len(keys) == len(vectors) >= seen
                assert library.by_keys(keys.tolist()).keys() == set(keys.tolist())
                for index in rng.integers(0, seen, 3) if seen else ():
                    check(rows[index], library)
                rounds[number] += 1
        except BaseException as error:
            errors.append(error)
        finally:
            if own:
                library.close()

    process = start(tmp_path / "library", album)
    readers = [threading.Thread(target=read, args=(number,)) for number in range(8)]
    for reader in readers:
        reader.start()
    output = finish(process)
    done.set()
    for reader in readers:
        reader.join()
    assert errors == []
    assert all(rounds)
    assert f"added {photos}" in output
    assert len(shared) == photos


def test_every_refusal_of_the_library_is_one_kind_of_error() -> None:
    assert issubclass(WrongClip, LibraryUnusable)
    assert issubclass(StorageFull, LibraryUnusable)
