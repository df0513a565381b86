"""Which files belong to a photo, by their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.photo_files import key_of, part_masks, sidecars


@pytest.mark.parametrize("photo", ["a.jpg", "folder/b.c.PNG", "1923.05.tif"])
def test_a_photo_and_what_stands_beside_it_have_one_key(photo: str) -> None:
    keys = {key_of(str(file)) for file in (Path(photo), *sidecars(Path(photo)))}
    assert keys == {photo.rpartition(".")[0]}


def test_a_name_with_a_dot_is_no_photos() -> None:
    assert key_of("about.us.json") == "about.us"
    assert key_of("a.jpg.png") == "a.jpg"


def test_a_png_alone_is_a_photo_and_beside_another_picture_its_mask() -> None:
    png, jpeg, webp = Path("a.PNG"), Path("a.jpg"), Path("a.webp")
    assert part_masks([png]) == ([png], [])
    assert part_masks([png, jpeg]) == part_masks([jpeg, png]) == ([jpeg], [png])
    assert part_masks([jpeg, webp]) == ([jpeg, webp], [])
    assert part_masks([]) == ([], [])
