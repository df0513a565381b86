"""Photos in tar shards: which there are, and what stands beside them."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from PIL import Image

from models.photos import read_photos
from retrieval.ingest.report import AddReport
from retrieval.ingest.walk import Found, SkippedFile, find_photos
from retrieval.library import ExemplarLibrary
from tests.support.albums import color_photo, jpeg, write_shard, write_tar
from tests.support.fakes import FakeClip


@pytest.fixture
def library(tmp_path: Path) -> ExemplarLibrary:
    return ExemplarLibrary.open(tmp_path / "library", clip=FakeClip())


def reasons(report: AddReport) -> dict[str, str]:
    return {refusal.source: refusal.reason for refusal in report.refused}


def png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("json_first", [False, True])
def test_a_shard_gives_photos_with_captions(
    library: ExemplarLibrary, tmp_path: Path, json_first: bool
) -> None:
    (tmp_path / "album").mkdir()
    write_shard(tmp_path / "album" / "some.tar", 4, json_first=json_first)
    library.add([tmp_path / "album"])
    exemplars = library.list()
    assert [one.source for one in exemplars] == [f"some.tar/key-{n}.jpg" for n in range(4)]
    assert [one.caption for one in exemplars] == [f"picture number {n}" for n in range(4)]
    assert library.captions(exemplars[1].id) == ("picture number 1", "more words")
    assert library.image(exemplars[2].id) == jpeg(color_photo(2))
    assert library.add([tmp_path / "album" / "some.tar"]).unchanged == 4


def test_a_sample_of_a_shard_has_texts_and_a_mask_beside_its_photo(
    library: ExemplarLibrary, tmp_path: Path
) -> None:
    mask = png(Image.new("L", (64, 48), 255))
    painted = png(Image.fromarray(color_photo(3)))
    members = {
        "a.jpg": jpeg(color_photo(0)), "a.json": b'{"source": "it"}', "a.png": mask,
        "a.txt": b"a red barn",
        "b.txt": b"two boats", "b.jpg": jpeg(color_photo(1)),
        "c.jpg": jpeg(color_photo(2)), "c.jpg.json": b'{"caption": "a lake"}',
        "d.png": painted,
    }  # fmt: skip
    write_tar(tmp_path / "some.tar", members)
    report = library.add([tmp_path / "some.tar"])
    assert not reasons(report)
    assert {one.source: one.caption for one in library.list()} == {
        "some.tar/a.jpg": "a red barn",
        "some.tar/b.jpg": "two boats",
        "some.tar/c.jpg": "a lake",
        "some.tar/d.png": "",
    }


def test_the_files_of_a_sample_may_lie_anywhere_in_their_shard(
    library: ExemplarLibrary, tmp_path: Path
) -> None:
    mask = png(Image.new("L", (48, 40), 255))
    members = {
        "./b.png": mask, "./a.json": b'{"captions": ["a red barn"]}',
        "./b.jpg": jpeg(color_photo(1)), "./a.jpg": jpeg(color_photo(0)), "./b.txt": b"two boats",
        "./a.png": mask,
    }  # fmt: skip
    write_tar(tmp_path / "some.tar", members)
    report = library.add([tmp_path / "some.tar"])
    assert report.refused == ()
    assert [(one.source, one.caption) for one in library.list()] == [
        ("some.tar/./b.jpg", "two boats"),
        ("some.tar/./a.jpg", "a red barn"),
    ]
    trained_on = {photo.captions for photo in read_photos([tmp_path / "some.tar"])}
    assert trained_on == {("two boats",), ("a red barn",)}


def test_a_shard_that_is_cut_off_gives_what_it_has(
    library: ExemplarLibrary, tmp_path: Path
) -> None:
    shard = tmp_path / "cut.tar"
    write_shard(shard, 4)
    whole = shard.read_bytes()
    with tarfile.open(shard) as opened:
        third = opened.getmembers()[4]
    shard.write_bytes(whole[: third.offset + 100])  # in the middle of a header
    report = library.add([shard])
    assert [one.source for one in report.added] == ["cut.tar/key-0.jpg", "cut.tar/key-1.jpg"]
    assert "the shard is broken or cut off" in reasons(report)["cut.tar"]
    shard.write_bytes(whole)
    assert len(library.add([shard]).added) == 2
    (tmp_path / "no.tar").write_bytes(b"no shard at all" * 100)
    assert list(reasons(library.add([tmp_path / "no.tar"]))) == ["no.tar"]


def test_a_member_of_a_shard_reads_nothing_outside_the_shard(
    library: ExemplarLibrary, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(jpeg(color_photo(7)))
    with tarfile.open(tmp_path / "evil.tar", "w") as shard:
        link = tarfile.TarInfo("link.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, str(secret)
        shard.addfile(link)
        inside = jpeg(color_photo(8))
        upwards = tarfile.TarInfo("../secret.jpg")
        upwards.size = len(inside)
        shard.addfile(upwards, io.BytesIO(inside))
    (exemplar,) = library.add([tmp_path / "evil.tar"]).added
    assert library.image(exemplar.id) == inside


def test_the_walk_names_the_place_in_a_shard(tmp_path: Path) -> None:
    write_shard(tmp_path / "s.tar", 2)
    found = list(find_photos([tmp_path], library=tmp_path / "library"))
    assert all(isinstance(one, Found) for one in found)
    assert not any(isinstance(one, SkippedFile) for one in found)
    with tarfile.open(tmp_path / "s.tar") as shard:
        for one in found:
            assert isinstance(one, Found)
            file = shard.extractfile(one.place.member)
            assert file is not None
            assert one.read() == file.read()
