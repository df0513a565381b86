"""What dabs count, where they are laid, and what is kept meanwhile, in a real GIMP."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.real_gimp import Command, Gimp
from tests.support.recording_server import Recording, recording

pytestmark = pytest.mark.gimp
Told = tuple[dict[str, Any], Recording]


@pytest.fixture(scope="module")
def told(command: Command, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with recording() as server:
        folder: Path = tmp_path_factory.mktemp("gimp")
        gimp = Gimp(command, folder, PHOTOCHROM_SERVER=server.address)
        stories, _noise = gimp.py("finer_points.py")
        yield stories, server


def story(told: Told, name: str) -> dict[str, Any]:
    found: dict[str, Any] = told[0][name]
    assert "problem" not in found, found["problem"]
    return found


def test_thin_paint_does_not_count_and_other_paint_keeps_its_alpha(told: Told) -> None:
    found = story(told, "thin paint")
    assert found["done"], found["error"]
    paint = told[1].of("red and thin paint").files["hint_image"]
    assert tuple(paint[3, 3]) == (208, 32, 32, 200)
    assert not paint[5:].any(), "less than half opaque"
    assert found["reduced"] > 0, "a small dab is in the preview too"


@pytest.mark.parametrize("name", ["no dab layer", "one of the layer alone"])
def test_a_dab_is_laid_where_the_preview_was_clicked(told: Told, name: str) -> None:
    found = story(told, "a click where all that is visible is shown")[name]
    assert found["seen"] == [48, 32, 12, 16], "the server sees what the person sees"
    old = [[30, 20, 12, 8]] if name == "one of the layer alone" else []
    assert found["extents"] == [[0, 0, 48, 32], *old]
    pixels = np.frombuffer(base64.b64decode(found["upper"]["data"]), np.uint8).reshape(32, 48, 4)
    assert tuple(pixels[16, 12]) == (208, 32, 32, 255)
    rows, columns = np.nonzero(pixels[..., 3])
    assert (rows.mean(), columns.mean()) == pytest.approx((15.5, 11.5), abs=0.6)


@pytest.mark.parametrize("name", ["description", "again", "dabs"])
def test_finished_work_is_not_lost_when_another_layer_goes(told: Told, name: str) -> None:
    found = story(told, "what is needed is deleted meanwhile")[name]
    assert found["done"], found["error"]
    others = ["photo"] if name == "dabs" else ["photo", "Dabs"]
    assert sorted(found["stack"]) == sorted(["a blue second one", *others])


def test_a_reference_is_read_once_and_counts_as_used_after_a_result(told: Told) -> None:
    found = story(told, "a reference in the preview")
    assert found == {
        "refused": [False, False],
        "previewed": [1, False],
        "changed": [2, False],
        "colored": [True, True],
    }
