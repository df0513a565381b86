"""Files that are written whole, past whatever lies in the way."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import numpy as np
import pytest

from retrieval.library import ExemplarLibrary
from retrieval.whole_file import PRIVATE, write_whole, writing_whole
from tests.support.albums import color_photo, jpeg
from tests.support.fakes import FakeClip

posix = pytest.mark.skipif(os.name != "posix", reason="modes and links")


def test_it_is_there_whole_and_alone(tmp_path: Path) -> None:
    target = tmp_path / "a.png"
    for data in (b"first", b"second"):
        write_whole(target, data)
        assert target.read_bytes() == data
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


def test_what_goes_wrong_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "a.png"
    write_whole(target, b"first")

    def break_off() -> None:
        with writing_whole(target) as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert target.read_bytes() == b"first"
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


@posix
def test_a_link_that_was_planted_is_not_followed(tmp_path: Path) -> None:
    victim, target, partial = (tmp_path / name for name in ("victim", "a.png", "a.partial"))
    victim.write_bytes(b"mine")
    partial.symlink_to(victim)
    write_whole(target, b"photo", partial=partial)
    assert (victim.read_bytes(), target.read_bytes()) == (b"mine", b"photo")
    target.unlink()
    target.symlink_to(victim)
    write_whole(target, b"photo")
    assert (victim.read_bytes(), target.read_bytes()) == (b"mine", b"photo")
    assert not target.is_symlink()


@posix
def test_a_library_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "library"
    before = os.umask(0)
    try:
        library = ExemplarLibrary.open(folder, clip=FakeClip())
        library.add_photo(jpeg(color_photo(1)), name="a.jpg")
        library.search(_query())  # type: ignore[arg-type]
        modes = {
            file.name: stat.S_IMODE(file.stat().st_mode) for file in (folder, *folder.rglob("*"))
        }
        library.close()
        write_whole(tmp_path / "private", b"", mode=PRIVATE)
    finally:
        os.umask(before)
    assert modes
    assert not {name: oct(mode) for name, mode in modes.items() if mode & 0o077}
    assert stat.S_IMODE((tmp_path / "private").stat().st_mode) == PRIVATE


@posix
@pytest.mark.parametrize("beside", [None, "holiday.jpg"])
def test_an_old_library_is_closed_when_it_is_opened(tmp_path: Path, beside: str | None) -> None:
    library = ExemplarLibrary.open(tmp_path, clip=FakeClip())
    library.add_photo(jpeg(color_photo(1)), name="a.jpg")
    library.search(_query())  # type: ignore[arg-type]
    library.close()
    if beside is not None:
        (tmp_path / beside).touch()
    inside = sorted(tmp_path.iterdir())
    for path in (tmp_path, *inside):
        path.chmod(0o755)
    (tmp_path / "a.index").symlink_to(Path(__file__))
    before = Path(__file__).stat().st_mode

    ExemplarLibrary.open(tmp_path, clip=FakeClip()).close()
    open_ones = {path.name for path in inside if path.stat().st_mode & 0o077}
    assert open_ones == ({beside} if beside else set())
    # A folder that holds other things may be shared on purpose.
    assert stat.S_IMODE(tmp_path.stat().st_mode) == (0o755 if beside else 0o700)
    assert Path(__file__).stat().st_mode == before


def _query() -> object:
    from retrieval.search.search import Query

    return Query(image=np.full((64, 64, 3), 90, np.uint8))
