"""Which photos a batch finds, and what it refuses to begin with."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from models.photo_files import IMAGE_SUFFIXES, UNREADABLE
from plugin_server.batch.manifest import Manifest, ManifestError
from plugin_server.batch.sources import SkippedPhoto, SourceError, SourcePhoto, Sources
from plugin_server.images.layer import TYPE_OF


def found(sources: Sources) -> list[str]:
    return [one.name for one in sources if isinstance(one, SourcePhoto)]


def passed(sources: Sources) -> dict[str, str]:
    return {one.name: one.reason for one in sources if isinstance(one, SkippedPhoto)}


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_a_tree_is_walked_in_a_fixed_order(tmp_path: Path) -> None:
    scans = touch(
        tmp_path / "scans", "z.png", "b/2.JPG", "b/1.tif", "a/deep/er/x.npy", "notes.txt",
        "b/1.json", ".hidden.png", ".trash/y.png", "B.webp",
    )  # fmt: skip
    out = tmp_path / "out"
    everything = Sources.parse([scans], out, recursive=True)
    assert found(everything) == ["B.webp", "z.png", "a/deep/er/x.npy", "b/1.tif", "b/2.JPG"]
    assert everything.count() == 5
    assert found(Sources.parse([scans], out, recursive=False)) == ["B.webp", "z.png"]


def test_several_folders_keep_their_names_and_photos_may_be_among_them(tmp_path: Path) -> None:
    touch(tmp_path, "1920/a.png", "1930/a.png", "single/b.png")
    inputs = [tmp_path / "1920", tmp_path / "1930", tmp_path / "single/b.png"]
    sources = Sources.parse(inputs, tmp_path / "out", recursive=True)
    assert found(sources) == ["1920/a.png", "1930/a.png", "b.png"]


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, "x/scans/a.png", "y/scans/b.png")
    with pytest.raises(SourceError, match="same name"):
        Sources.parse([tmp_path / "x/scans", tmp_path / "y/scans"], tmp_path / "o", recursive=True)


def test_the_output_folder_inside_is_passed_over(tmp_path: Path) -> None:
    scans = touch(tmp_path / "scans", "a.png", "coloured/a.png", "coloured/deep/a.png")
    assert found(Sources.parse([scans], scans / "coloured", recursive=True)) == ["a.png"]
    (tmp_path / "link").symlink_to(scans / "coloured")
    assert found(Sources.parse([scans], tmp_path / "link", recursive=True)) == ["a.png"]


@pytest.mark.parametrize("output", [".", "scans", "scans/.", "scans/b/..", "link"])
def test_results_among_the_photos_are_refused(tmp_path: Path, output: str) -> None:
    scans = touch(tmp_path / "scans", "a.png", "b/c.png")
    (tmp_path / "link").symlink_to(scans)
    with pytest.raises(SourceError, match="lie among the photos"):
        Sources.parse([scans], tmp_path / output, recursive=True)
    with pytest.raises(SourceError, match="lie among the photos"):
        Sources.parse([scans / "a.png"], tmp_path / "link", recursive=False)


def test_what_does_not_exist_and_an_output_that_is_a_file(tmp_path: Path) -> None:
    touch(tmp_path, "a.png")
    with pytest.raises(SourceError, match="does not exist"):
        Sources.parse([tmp_path / "scans"], tmp_path / "out", recursive=True)
    with pytest.raises(SourceError, match="is a file"):
        Sources.parse([tmp_path], tmp_path / "a.png", recursive=True)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_loops_of_links_end_and_links_to_nothing_are_named(tmp_path: Path) -> None:
    scans = touch(tmp_path / "scans", "a.png", "sub/b.png")
    (scans / "sub/up").symlink_to(scans)
    (scans / "self").symlink_to(scans)
    (scans / "nothing.png").symlink_to(tmp_path / "gone.png")
    (scans / "ring.png").symlink_to(scans / "ring.png")
    (scans / "linked.png").symlink_to(scans / "a.png")
    sources = Sources.parse([scans], tmp_path / "out", recursive=True)
    assert found(sources) == ["a.png", "linked.png", "sub/b.png"]
    assert passed(sources).keys() == {"nothing.png", "ring.png"}
    assert "link" in passed(sources)["nothing.png"]


def test_a_folder_and_the_library_take_what_the_command_takes_by_name() -> None:
    assert TYPE_OF.keys() == IMAGE_SUFFIXES | {".npy"}
    assert not TYPE_OF.keys() & UNREADABLE


def test_no_kind_of_picture_is_passed_over_in_silence() -> None:
    Image.init()
    # Films, textures, brushes, drawings and tables of science that Pillow knows, too.
    no_photos = {
        ".blp", ".bufr", ".emf", ".flc", ".fli", ".ftc", ".ftu", ".gbr", ".grib", ".h5", ".hdf",
        ".iim", ".mpeg", ".mpg", ".wmf",
    }  # fmt: skip
    assert Image.registered_extensions().keys() - no_photos - UNREADABLE <= TYPE_OF.keys()


def test_kinds_that_are_not_read_are_named(tmp_path: Path) -> None:
    scans = touch(tmp_path / "scans", "a.avif", "b.CR2", "c.txt")
    (scans / "folder.png").mkdir()
    sources = Sources.parse([scans], tmp_path / "out", recursive=True)
    assert passed(sources).keys() == {"a.avif", "b.CR2"}
    assert "AVIF is not read: convert it" in passed(sources)["a.avif"]


def test_a_photo_without_a_suffix_is_named(tmp_path: Path) -> None:
    scans = touch(tmp_path / "scans", "empty", "a.txt")
    (scans / "scan0001").write_bytes(b"\xff\xd8\xff\xe0\0\x10JFIF")
    (scans / "notes").write_text("no photo")
    (scans / "scan0002.jpg_original").write_bytes(b"\xff\xd8\xff\xe0\0\x10JFIF")  # ExifTool's copy
    (scans / "scan0003.jpg.part").write_bytes(b"\xff\xd8\xff\xe0\0\x10JFIF")
    sources = Sources.parse([scans], tmp_path / "out", recursive=True)
    assert passed(sources) == {
        "scan0001": "it is a JPEG file whose name does not say so: rename it to scan0001.jpg"
    }


def test_a_folder_that_cannot_be_read_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    scans = touch(tmp_path / "scans", "a/1.png", "b/2.png", "c/3.png")
    iterator = iter(Sources.parse([scans], tmp_path / "out", recursive=True))
    assert next(iterator) == SourcePhoto(scans / "a/1.png", "a/1.png")
    # What a lost network drive does: the folder was listed, and is gone when its turn comes.
    (scans / "b/2.png").unlink()
    (scans / "b").rmdir()
    is_disconnected, last = iterator
    assert isinstance(is_disconnected, SkippedPhoto)
    assert (is_disconnected.name, last.name) == ("b", "c/3.png")
    assert "cannot be read" in is_disconnected.reason


@contextmanager
def a_user_without_rights(*folders: Path) -> Iterator[None]:
    """Be nobody where the tests run as root, who may read and write everything."""
    is_root = os.geteuid() == 0
    for folder in folders:
        for parent in (folder, *folder.parents[:2]):
            if is_root:
                parent.chmod(0o755)
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@pytest.mark.skipif(sys.platform == "win32", reason="rights are others there")
def test_folders_without_rights(tmp_path: Path) -> None:
    scans = touch(tmp_path / "scans", "a.png", "locked/b.png", "open/c.png")
    (scans / "locked").chmod(0)
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o555)
    sources = Sources.parse([scans], tmp_path / "out", recursive=True)
    with a_user_without_rights(tmp_path):
        assert found(sources) == ["a.png", "open/c.png"]
        assert passed(sources) == {"locked": "the folder cannot be read: Permission denied"}
        with pytest.raises(ManifestError, match="Permission denied"):
            Manifest(shut / "out")
    (scans / "locked").chmod(0o700)


def test_a_thousand_folders_in_each_other(tmp_path: Path) -> None:
    depth, before = 1050, Path.cwd()
    os.chdir(tmp_path)
    try:
        for _ in range(depth):
            os.mkdir("d")
            os.chdir("d")
        Path("a.png").touch()
        os.chdir(tmp_path)
        names = found(Sources.parse([tmp_path / "d"], tmp_path / "out", recursive=True))
        assert names == [(depth - 1) * "d/" + "a.png"]
    finally:  # pytest cannot remove so deep a tree
        for _ in range(depth):
            os.chdir("d")
        Path("a.png").unlink()
        for _ in range(depth):
            os.chdir("..")
            os.rmdir("d")
        os.chdir(before)
