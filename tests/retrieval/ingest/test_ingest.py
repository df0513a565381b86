"""Adding photos: what becomes of each, and what interrupts it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from models.color.lab import lab_to_srgb, srgb_to_lab
from retrieval.errors import BadPath
from retrieval.ingest.ingest import BATCH
from retrieval.ingest.photos import PhotoLimits
from retrieval.ingest.report import AddReport, Progress
from retrieval.library import ExemplarLibrary
from tests.support.albums import OtherClip, color_photo, jpeg, write_album
from tests.support.fakes import FakeClip


@pytest.fixture
def library(tmp_path: Path) -> ExemplarLibrary:
    return ExemplarLibrary.open(tmp_path / "library", clip=FakeClip())


def reasons(report: AddReport) -> dict[str, str]:
    return {refusal.source: refusal.reason for refusal in report.refused}


def sources(library: ExemplarLibrary) -> list[str]:
    return [exemplar.source for exemplar in library.list(limit=10_000)]


def test_a_folder_is_walked_in_order_and_sources_are_relative(
    library: ExemplarLibrary, tmp_path: Path
) -> None:
    album = tmp_path / "album"
    write_album(album / "b", 2, start=10)
    write_album(album / "a" / "deep", 1, start=20)
    write_album(album, 1)
    (album / "notes.txt").write_text("no photo")
    (album / ".hidden").mkdir()
    write_album(album / ".hidden", 1, start=30)
    report = library.add([album])
    expected = ["a/deep/photo-0020.jpg", "b/photo-0010.jpg", "b/photo-0011.jpg", "photo-0000.jpg"]
    assert sources(library) == expected
    assert [exemplar.source for exemplar in report.added] == expected
    assert report.refused == ()


def test_what_is_known_is_passed_over(library: ExemplarLibrary, tmp_path: Path) -> None:
    paths = write_album(tmp_path / "album", 5)
    (tmp_path / "album" / "broken.jpg").write_bytes(b"\xff\xd8 broken")
    library.add([tmp_path / "album"])
    revision = library.revision
    again = library.add([tmp_path / "album"])
    assert (again.added, again.unchanged, again.photos) == ((), 6, 0)
    assert list(reasons(again)) == ["broken.jpg"]  # said every time, though not read again
    assert library.revision == revision
    one = library.add(paths[:1])  # through another path
    assert one.unchanged == 1


def test_a_file_with_a_new_date_is_the_same_exemplar(
    library: ExemplarLibrary, tmp_path: Path
) -> None:
    (path,) = write_album(tmp_path / "album", 1)
    before = library.add([path]).added
    os.utime(path, ns=(1, 1))
    report = library.add([path])
    assert (report.added, report.unchanged, report.photos) == ((), 1, 1)
    assert library.list() == list(before)
    assert library.add([path]).photos == 0


def test_a_file_with_new_content_takes_the_place_of_the_old(
    library: ExemplarLibrary, tmp_path: Path
) -> None:
    (path,) = write_album(tmp_path / "album", 1)
    (old,) = library.add([path]).added
    path.write_bytes(jpeg(color_photo(99)))
    (new,) = library.add([path]).added
    assert library.list() == [new]
    assert new.id != old.id
    path.write_bytes(b"broken now")
    assert list(reasons(library.add([path]))) == ["photo-0000.jpg"]
    assert len(library) == 0


def test_the_same_bytes_are_added_once(library: ExemplarLibrary, tmp_path: Path) -> None:
    write_album(tmp_path / "a", 3)
    write_album(tmp_path / "b", 4)
    first = library.add([tmp_path / "a", tmp_path / "b"])
    assert (len(first.added), len(first.duplicates), len(library)) == (4, 3, 4)
    assert first.duplicates[0].reason == "the same bytes as photo-0000.jpg"
    assert library.add([tmp_path / "b"]).unchanged == 4
    # The copy stands in for an original that was deleted.
    exemplar = library.list()[0]
    (tmp_path / "a" / "photo-0000.jpg").unlink()
    assert library.image(exemplar.id) == (tmp_path / "b" / "photo-0000.jpg").read_bytes()


def test_a_photo_that_was_renamed_is_known_by_its_new_place(
    library: ExemplarLibrary, tmp_path: Path
) -> None:
    album = tmp_path / "album"
    first, second = write_album(album, 2)
    library.add([album])
    ids = {one.source: one.id for one in library.list()}
    first.rename(album / "renamed.jpg")
    (album / "copy.jpg").write_bytes(second.read_bytes())
    report = library.add([album])
    assert [(one.source, one.reason) for one in report.moved] == [
        ("renamed.jpg", f"it was {first.name}")
    ]
    assert [one.source for one in report.duplicates] == ["copy.jpg"]
    assert {one.source: one.id for one in library.list()} == {
        "renamed.jpg": ids[first.name],
        second.name: ids[second.name],
    }
    assert library.check().is_clean
    second.unlink()  # a copy that was looked at before takes its place
    assert [one.source for one in library.add([album]).moved] == ["copy.jpg"]
    assert library.check().is_clean
    assert library.add([album]).photos == 0


def test_the_same_picture_is_added_once_in_each_colouring(
    library: ExemplarLibrary, tmp_path: Path
) -> None:
    coffee = Image.fromarray(data.coffee())
    album = tmp_path / "album"
    album.mkdir()
    coffee.save(album / "1.png")
    coffee.resize((300, 200)).save(album / "2.jpg", quality=60)
    lab = srgb_to_lab(np.asarray(coffee, np.float32) / 255)
    lab[..., 1:] = lab[..., [2, 1]] * np.array([-1, 1], np.float32)
    other = np.clip(lab_to_srgb(lab), 0, 1)
    Image.fromarray((other * 255).astype(np.uint8)).save(album / "3.png")
    Image.fromarray(data.chelsea()).save(album / "4.png")
    report = library.add([album])
    assert [exemplar.source for exemplar in report.added] == ["1.png", "3.png", "4.png"]
    (near,) = report.near_duplicates
    assert (near.source, near.reason) == ("2.jpg", "the same picture as 1.png")
    assert library.add([album]).unchanged == 4


def test_near_duplicates_are_found_across_runs_and_processes(
    library: ExemplarLibrary, tmp_path: Path
) -> None:
    other = ExemplarLibrary.open(library.folder, clip=FakeClip())
    write_album(tmp_path / "a", 3)
    library.add([tmp_path / "a"])
    for folder, adder in (("b", other), ("c", library)):
        (tmp_path / folder).mkdir()
        name = f"{folder}.jpg"
        (tmp_path / folder / name).write_bytes(jpeg(color_photo(1), quality=70 + ord(folder) % 9))
        assert [one.source for one in adder.add([tmp_path / folder]).near_duplicates] == [name]


def test_what_cannot_be_used_is_refused_with_its_reason(
    library: ExemplarLibrary, tmp_path: Path
) -> None:
    album = tmp_path / "album"
    write_album(album, 1)
    Image.fromarray(data.camera()).save(album / "grey.png")
    (album / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    (album / "empty.png").touch()
    (album / "phone.heic").write_bytes(b"x")
    with (album / "huge.jpg").open("wb") as file:
        file.truncate(2 << 30)  # sparse: two gigabytes that take no room
    report = library.add([album])
    assert reasons(report) == {
        "broken.jpg": "broken: no JPEG, PNG, WebP or TIFF picture",
        "empty.png": "broken: the file is empty",
        "grey.png": "grey: it has no colours to lend",
        "huge.jpg": "too large: 2,147 MB, and the limit is 537 MB",
        "phone.heic": "HEIC is not read: convert it to JPEG or PNG",
    }
    assert len(library) == 1


def test_loops_of_links_end_and_linked_folders_are_entered_once(
    library: ExemplarLibrary, tmp_path: Path
) -> None:
    album = tmp_path / "album"
    write_album(album / "deep", 2)
    write_album(tmp_path / "elsewhere", 1, start=5)
    (album / "deep" / "up").symlink_to(album, target_is_directory=True)
    (album / "again").symlink_to(album / "deep", target_is_directory=True)
    (album / "out").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (album / "self.jpg").symlink_to(album / "self.jpg")
    (album / "gone.jpg").symlink_to(tmp_path / "nothing.jpg")
    report = library.add([album])
    assert sources(library) == [
        "again/photo-0000.jpg",
        "again/photo-0001.jpg",
        "out/photo-0005.jpg",
    ]
    assert list(reasons(report)) == ["self.jpg"]


def test_the_librarys_own_folder_is_passed_over(library: ExemplarLibrary, tmp_path: Path) -> None:
    library.add_photo(jpeg(color_photo(1)), name="kept.jpg")
    write_album(tmp_path, 1, start=2)
    report = library.add([tmp_path])
    assert [one.source for one in report.added] == ["photo-0002.jpg"]
    assert report.unchanged == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permission_is_said(library: ExemplarLibrary, tmp_path: Path) -> None:
    album = tmp_path / "album"
    write_album(album / "closed", 1)
    write_album(album, 1, start=3)
    (album / "closed").chmod(0)
    report = library.add([album])
    (album / "closed").chmod(0o755)
    assert reasons(report) == {"closed": "the folder cannot be read: Permission denied"}
    assert len(library.add([album]).added) == 1


def test_a_photo_that_vanishes_after_the_walk_is_said_and_not_remembered(
    library: ExemplarLibrary, tmp_path: Path
) -> None:
    paths = write_album(tmp_path / "album", 3)
    content = paths[-1].read_bytes()

    def delete(_at: Progress) -> None:
        paths[-1].unlink(missing_ok=True)  # before the first photo is read, after the walk

    report = library.add([tmp_path / "album"], on_progress=delete)
    assert reasons(report) == {paths[-1].name: "cannot be read: No such file or directory"}
    paths[-1].write_bytes(content)
    assert len(library.add([tmp_path / "album"]).added) == 1


def test_a_wrong_path_adds_nothing(library: ExemplarLibrary, tmp_path: Path) -> None:
    write_album(tmp_path / "album", 1)
    with pytest.raises(BadPath, match=r"nowhere: No such file.*name folders, photos or \.tar"):
        library.add([tmp_path / "album", tmp_path / "nowhere"])
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadPath, match="is no file and no folder"):
        library.add([tmp_path / "pipe"])
    assert len(library) == 0


def test_a_named_file_that_is_no_photo_is_refused(library: ExemplarLibrary, tmp_path: Path) -> None:
    for name in ("notes.txt", "photos.tar.gz"):
        (tmp_path / name).write_bytes(b"x")
    report = library.add([tmp_path / "notes.txt", tmp_path / "photos.tar.gz"])
    assert reasons(report) == {
        "notes.txt": "no photo: JPEG, PNG, WebP and TIFF are read, and .tar shards",
        "photos.tar.gz": "packed: unpack it first, or make a plain .tar",
    }


def test_a_name_that_is_no_text_is_added_and_read_again(
    library: ExemplarLibrary, tmp_path: Path
) -> None:
    album = tmp_path / "album"
    album.mkdir()
    name = os.fsencode(album) + b"/caf\xe9.jpg"
    with open(name, "wb") as file:
        file.write(jpeg(color_photo(1)))
    (exemplar,) = library.add([album]).added
    assert exemplar.source == "caf\N{REPLACEMENT CHARACTER}.jpg"
    assert library.image(exemplar.id) == jpeg(color_photo(1))
    assert library.add([album]).unchanged == 1
    assert library.check().is_clean


def test_captions_are_renewed_when_asked(library: ExemplarLibrary, tmp_path: Path) -> None:
    album = tmp_path / "album"
    write_album(album, 2)
    library.add([album])
    (album / "photo-0001.txt").write_text("now with words")
    assert library.add([album]).recaptioned == 0
    assert library.add([album], recaption=True).recaptioned == 1
    assert [one.caption for one in library.list()] == ["", "now with words"]
    assert library.add([album], recaption=True).recaptioned == 0


def test_it_stops_when_asked_and_goes_on_later(library: ExemplarLibrary, tmp_path: Path) -> None:
    write_album(tmp_path / "album", BATCH * 3 + 5)
    seen: list[Progress] = []
    report = library.add(
        [tmp_path / "album"], on_progress=seen.append, should_stop=lambda: len(seen) == 3
    )
    assert report.stopped
    total = BATCH * 3 + 5
    assert seen == [Progress(n * BATCH, total, n * BATCH) for n in range(3)]
    assert len(library) == BATCH * 2
    rest = library.add([tmp_path / "album"])
    assert (rest.unchanged, len(rest.added), rest.stopped) == (BATCH * 2, BATCH + 5, False)
    assert library.check().is_clean


def test_it_stops_while_it_still_looks_for_photos(library: ExemplarLibrary, tmp_path: Path) -> None:
    write_album(tmp_path / "album", 3)
    report = library.add([tmp_path / "album"], should_stop=lambda: True)
    assert report == AddReport(stopped=True)
    assert len(library) == 0


def test_a_failing_model_keeps_the_batches_before(tmp_path: Path) -> None:
    class Failing(FakeClip):
        calls = 0

        def embed_image(self, rgb: np.ndarray) -> np.ndarray:
            self.calls += 1
            if self.calls > BATCH + 10:
                raise MemoryError("on purpose")
            return super().embed_image(rgb)

    library = ExemplarLibrary.open(tmp_path / "library", clip=Failing())
    write_album(tmp_path / "album", BATCH * 2)
    with pytest.raises(MemoryError):
        library.add([tmp_path / "album"])
    assert len(library) == BATCH
    assert library.check().is_clean


def test_samples_are_photos_with_captions(library: ExemplarLibrary) -> None:
    report = library.add([], samples=True)
    assert report.refused == ()
    exemplars = library.list()
    assert {"scikit-image/coffee.png", "scikit-image/rocket.jpg"} <= {
        one.source for one in exemplars
    }
    assert all(one.caption for one in exemplars)
    assert all(library.image(one.id) for one in exemplars)


def test_limits_are_the_callers(tmp_path: Path) -> None:
    limits = PhotoLimits(max_bytes=10**6, max_pixels=48 * 40 - 1)
    library = ExemplarLibrary.open(tmp_path / "library", clip=OtherClip(), limits=limits)
    write_album(tmp_path / "album", 1)
    (refusal,) = library.add([tmp_path / "album"]).refused
    assert refusal.reason.startswith("too large: 48 x 40 pixels")
