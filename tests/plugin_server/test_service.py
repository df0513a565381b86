"""The service without HTTP."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest

from models.job import ColorizeJob, Hint, JobError, PaletteColor
from models.job_json import parse_palette
from plugin_server.engine.library import UnusableLibrary, open_library
from plugin_server.engine.places import mask_of
from plugin_server.engine.requests import ColorizeRequest, Exact
from plugin_server.errors import NoLibrary
from plugin_server.images.codec import BrokenImage, ImageError, Limits, TooLarge, UnsupportedImage
from plugin_server.service import Service
from retrieval.library import ExemplarLibrary
from tests.support.fakes import FakeClip, FakeColorizer, HeldColorizer
from tests.support.pictures import decoded, encoded, grey_picture


def test_two_pictures_are_worked_on_at_a_time_and_no_more() -> None:
    colorizer = HeldColorizer()
    service = Service(colorizer, FakeClip(), workers=2, waiting=8)
    image = encoded(grey_picture())
    threads = [
        threading.Thread(target=service.answer, args=(ColorizeRequest(image),)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    assert colorizer.arrived.acquire(timeout=10)
    assert colorizer.arrived.acquire(timeout=10)
    assert not colorizer.arrived.acquire(timeout=0.2)
    colorizer.release.set()
    for thread in threads:
        thread.join(timeout=10)
        assert not thread.is_alive()


def test_a_failure_gives_its_place_back(service: Service) -> None:
    small = Service(service.colorizer, service.clip, workers=1, waiting=0)
    for _ in range(3):
        with pytest.raises(ImageError):
            small.answer(ColorizeRequest(b"nothing"))
    assert small.answer(ColorizeRequest(encoded(grey_picture()))).media_type == "image/png"


def test_the_answer_type_is_chosen_before_the_work(service: Service) -> None:
    deep = encoded(grey_picture().astype(np.uint16) * 257)
    held = Service(HeldColorizer(), FakeClip())
    with pytest.raises(UnsupportedImage, match="16 bits"):
        held.answer(ColorizeRequest(deep, answer_type=Exact("image/jpeg")))


def test_limits(service: Service) -> None:
    image = encoded(grey_picture(40, 50))
    few_pixels = Service(service.colorizer, service.clip, limits=Limits(max_pixels=1999))
    with pytest.raises(TooLarge, match="50 x 40"):
        few_pixels.answer(ColorizeRequest(image))
    few_bytes = Service(service.colorizer, service.clip, limits=Limits(max_bytes=100))
    with pytest.raises(TooLarge, match="100"):
        few_bytes.answer(ColorizeRequest(image))


def test_hints_outside_the_picture_are_refused(service: Service) -> None:
    outside = ColorizeJob(hints=(Hint(99, 0, "#ff0000"),))
    with pytest.raises(JobError, match="outside"):
        service.answer(ColorizeRequest(encoded(grey_picture()), outside))


def test_a_broken_mask_is_named(service: Service) -> None:
    mask = encoded(grey_picture())[:80]
    with pytest.raises(BrokenImage, match=r"^mask: "):
        service.answer(ColorizeRequest(encoded(grey_picture()), mask=mask))


def test_settings_travel_with_the_result(service: Service) -> None:
    grey = grey_picture()
    job = ColorizeJob("a red tram", (Hint(1, 2, "#FF0000"),), 0.5, 0.75)
    body = service.answer(ColorizeRequest(encoded(grey), job, mask=encoded(grey))).body
    from io import BytesIO

    from PIL import Image

    settings = json.loads(Image.open(BytesIO(body)).text["photochrom"])  # type: ignore[attr-defined]
    assert settings["description"] == "a red tram"
    assert settings["hints"] == [{"x": 1, "y": 2, "color": "#ff0000", "radius": None}]
    assert (settings["saturation"], settings["strength"]) == (0.5, 0.75)
    assert len(settings["mask"]) == 64
    assert settings["reference"] is settings["exemplar"] is settings["palette"] is None
    assert settings["scan"] == []
    assert settings["model"] == "fake-colorizer fake-clip"


def test_a_palette_is_among_the_settings(service: Service) -> None:
    palette = (PaletteColor("#2A6F4E", 3), PaletteColor("#e8d8b0"))
    body = service.answer(ColorizeRequest(encoded(grey_picture()), ColorizeJob(palette=palette)))
    from io import BytesIO

    from PIL import Image

    text = Image.open(BytesIO(body.body)).text["photochrom"]  # type: ignore[attr-defined]
    written = json.loads(text)["palette"]
    assert written == [{"color": "#2a6f4e", "weight": 3}, {"color": "#e8d8b0", "weight": 1}]
    assert parse_palette(json.dumps(written)) == palette


def test_warming_uses_both_models() -> None:
    colorizer = HeldColorizer()
    colorizer.release.set()
    Service(colorizer, FakeClip()).warm()
    assert colorizer.arrived.acquire(blocking=False)


def test_the_same_picture_at_once_gives_the_same_bytes(service: Service) -> None:
    image = encoded(grey_picture(64, 64))
    expected = service.answer(ColorizeRequest(image, ColorizeJob("a"))).body
    bodies: list[bytes] = []
    threads = [
        threading.Thread(
            target=lambda: bodies.append(
                service.answer(ColorizeRequest(image, ColorizeJob("a"))).body
            )
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert bodies == [expected] * 8
    assert decoded(expected).shape == (64, 64, 3)


@pytest.mark.parametrize(("dtype", "white"), [(np.uint8, 255), (np.uint16, 65535), (np.float32, 1)])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_mask_is_its_lightness(dtype: type, white: int, channels: int) -> None:
    pixels = np.zeros((300, 3, channels), dtype)
    pixels[:, 1] = white
    pixels[:, 2] = white / 2
    if channels in (2, 4):
        pixels[..., -1] = white
    weights = mask_of(pixels)
    assert weights.dtype == np.float32
    assert weights.shape == (300, 3)
    assert (weights[:, 0] == 0).all()
    assert (weights[:, 1] == 1).all()
    np.testing.assert_allclose(weights[:, 2], 0.534, atol=0.005)


def test_what_is_transparent_in_a_mask_is_not_coloured() -> None:
    pixels = np.full((4, 4, 4), 255, np.uint8)
    pixels[:2, :, 3] = 0
    weights = mask_of(pixels)
    assert (weights[:2] == 0).all()
    assert (weights[2:] == 1).all()


def test_a_library_that_cannot_be_opened_is_said_and_stops_nothing(service: Service) -> None:
    library = UnusableLibrary("it is made by version 9")
    broken = Service(service.colorizer, service.clip, library=library)
    assert broken.health()["library"] == "it is made by version 9"
    with pytest.raises(NoLibrary, match="version 9"):
        broken.library.get("abc")
    assert broken.answer(ColorizeRequest(encoded(grey_picture()))).media_type == "image/png"


@pytest.mark.parametrize("kind", ["a file in its place", "no library at all"])
def test_a_library_that_is_damaged_is_none_with_a_reason(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "library"
    if kind == "no library at all":
        ExemplarLibrary.open(folder, clip=FakeClip())
        for file in folder.iterdir():
            if file.is_file():
                file.write_bytes(b"no database at all" * 100)
    else:
        folder.write_bytes(b"x")
    library = open_library(folder, FakeClip())
    assert isinstance(library, UnusableLibrary)
    assert "cannot be opened" in library.reason
    assert len(library.reason) > 40


def test_an_empty_library_is_made_and_counted(tmp_path: Path) -> None:
    library = open_library(tmp_path / "new", FakeClip())
    health = Service(FakeColorizer(), FakeClip(), library=library).health()
    assert (health["exemplars"], health["library"]) == (0, "ok")
    assert isinstance(open_library(None, FakeClip()), UnusableLibrary)


def test_a_library_that_breaks_later_does_not_break_health(tmp_path: Path) -> None:
    library = open_library(tmp_path, FakeClip())
    service = Service(FakeColorizer(), FakeClip(), library=library)
    for file in tmp_path.iterdir():
        if file.is_file():
            file.write_bytes(b"no database at all" * 100)
    health = service.health()
    assert health["status"] == "ok"
    assert health["library"] != ""
