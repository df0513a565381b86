"""The engine: what requests become, and that they can be stopped on the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Self

import numpy as np
import pytest

from models.color.upsampling import recolor
from models.guidance.condition import TextEmbedding
from models.job import ColorizeJob, JobError
from models.progress import Stopped
from plugin_server.engine.cache import Memory
from plugin_server.engine.engine import Engine
from plugin_server.engine.file_store import FileStore
from plugin_server.engine.library import UnusableLibrary
from plugin_server.engine.remembering_clip import RememberingClip
from plugin_server.engine.requests import (
    ColorizeRequest,
    ConfidenceRequest,
    Image,
    ImageId,
    KeepRequest,
    Request,
    SuggestionsRequest,
)
from plugin_server.errors import NotKept
from plugin_server.images.codec import Limits, TooLarge
from plugin_server.jobs.queue import STAGES
from tests.support.fakes import FakeClip, FakeColorizer
from tests.support.pictures import decoded, encoded, grey_picture


class CountingClip(FakeClip):
    """Counts how often it reads."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def embed_text(self, text: str, language: str | None = None) -> TextEmbedding:
        self.read.append(text)
        return super().embed_text(text)


class LookingColorizer(FakeColorizer):
    """Counts the photos that it is to look at."""

    def __init__(self) -> None:
        self.looks = 0

    def remembering(self) -> Self:
        self.looks += 1
        return self


def engine(
    *,
    colorizer: FakeColorizer | None = None,
    clip: FakeClip | None = None,
    limits: Limits | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Engine:
    file_store = FileStore(seconds=60, count=10, size=10_000_000, clock=clock)
    return Engine(
        colorizer or FakeColorizer(),
        clip or FakeClip(),
        library=UnusableLibrary(),
        limits=limits or Limits(),
        photos=file_store,
    )


def kept(place: Engine, image: bytes) -> ImageId:
    import json

    return ImageId(json.loads(place.do(KeepRequest(image)).body)["id"])


def test_stages_come_in_order_and_only_known_ones() -> None:
    heard: list[str] = []

    def progress(stage: str, share: float) -> None:
        assert 0 <= share < 1
        if stage not in heard:
            heard.append(stage)

    engine().do(ColorizeRequest(encoded(grey_picture())), progress)
    assert heard == list(STAGES)


@pytest.mark.parametrize("stage", STAGES)
def test_the_work_ends_at_the_stage_where_it_is_stopped(stage: str) -> None:
    heard: list[str] = []

    def progress(name: str, share: float) -> None:
        heard.append(name)
        if name == stage:
            raise Stopped

    with pytest.raises(Stopped):
        engine().do(ColorizeRequest(encoded(grey_picture())), progress)
    order = list(STAGES)
    assert {order.index(name) for name in heard} == set(range(order.index(stage) + 1))


def test_recolouring_stops_within_the_blocks_that_are_being_done() -> None:
    pixels = np.zeros((6000, 2000, 1), np.uint8)
    pixels[:] = 90
    small = np.full((30, 10), 38.0, np.float32)
    begun: list[float] = []

    def report(share: float) -> None:
        if len(begun) == 3:
            raise Stopped
        begun.append(share)

    with pytest.raises(Stopped):
        recolor(pixels, np.zeros((30, 10, 2), np.float32), small, report=report)
    assert len(begun) == 3, "no other block begins"
    shares: list[float] = []
    recolor(pixels, np.zeros((30, 10, 2), np.float32), small, report=shares.append)
    assert len(shares) > 60
    assert min(shares) == 0
    assert max(shares) < 1


def test_a_kept_photo_gives_the_same_bytes_again_and_again() -> None:
    place, image = engine(), encoded(grey_picture(60, 80))
    name = kept(place, image)
    expected = place.do(ColorizeRequest(image, ColorizeJob("a red tram"))).body
    for _ in range(3):
        assert place.do(ColorizeRequest(name, ColorizeJob("a red tram"))).body == expected
    float_image = encoded(np.linspace(0, 1, 3 * 600).reshape(20, 30, 3).astype(np.float32), "npy")
    name = kept(place, float_image)
    first = place.do(ColorizeRequest(name)).body
    assert first == place.do(ColorizeRequest(float_image)).body
    np.testing.assert_array_equal(decoded(first), decoded(place.do(ColorizeRequest(name)).body))


def test_other_words_on_a_kept_photo_give_what_they_give_on_a_new_one() -> None:
    place, images = engine(), [encoded(grey_picture(60, 80)), encoded(255 - grey_picture(60, 80))]
    names = [kept(place, image) for image in images]
    for text in ("a red tram", "", "a green meadow", "a red tram"):
        for image, name in zip(images, names, strict=True):
            known, new = (
                place.do(ColorizeRequest(source, ColorizeJob(text))) for source in (name, image)
            )
            assert known.body == new.body


def test_a_kept_photo_is_looked_at_once_whatever_is_asked_of_it() -> None:
    colorizer = LookingColorizer()
    place, image = engine(colorizer=colorizer), encoded(grey_picture(60, 80))
    asked: list[Callable[[Image], Request]] = [
        lambda image: SuggestionsRequest(image, 70, 50),
        ConfidenceRequest,
        ColorizeRequest,
    ]
    expected = [place.do(ask(image)).body for ask in asked]
    assert colorizer.looks == 3, "each photo is a new one"
    name = kept(place, image)
    assert [place.do(ask(name)).body for ask in asked] == expected
    assert colorizer.looks == 4


def test_photos_that_cannot_be_read_are_not_kept() -> None:
    place = engine(limits=Limits(max_pixels=100))
    with pytest.raises(TooLarge):
        place.do(KeepRequest(encoded(grey_picture())))
    assert len(place.photos) == 0


@pytest.mark.parametrize(
    "make",
    [
        ColorizeRequest,
        ConfidenceRequest,
        lambda image: SuggestionsRequest(image, 1, 1),
    ],
)
def test_what_is_kept_no_more_is_said(make: Callable[[ImageId], ColorizeRequest]) -> None:
    place = engine()
    name = kept(place, encoded(grey_picture()))
    place.do(make(name))
    place.photos.drop(name)
    with pytest.raises(NotKept, match="send it again"):
        place.do(make(name))


@pytest.mark.parametrize(("x", "y"), [(32, 0), (0, 24), (31.5, 0), (1e30, 0)])
def test_suggestions_outside_the_picture(x: float, y: float) -> None:
    with pytest.raises(JobError, match="0 to 31"):
        engine().do(SuggestionsRequest(encoded(grey_picture()), x, y))


def test_a_description_is_read_once() -> None:
    clip = CountingClip()
    place = engine(clip=clip)
    for text in ("a red tram", "a red tram", "a blue tram", "a red tram"):
        place.do(ColorizeRequest(encoded(grey_picture()), ColorizeJob(text)))
    assert clip.read == ["a red tram", "a blue tram"]


def test_what_is_remembered_is_the_same_and_bounded() -> None:
    clip = CountingClip()
    remembering = RememberingClip(clip)
    first = remembering.embed_text("one")
    assert remembering.embed_text("one") is first
    for number in range(300):
        remembering.embed_text(str(number))
    remembering.embed_text("one")
    assert clip.read.count("one") == 2
    remembering.embed_text("x" * 5000)
    remembering.embed_text("x" * 5000)
    assert clip.read.count("x" * 5000) == 2
    assert remembering.name == clip.name
    rgb = np.full((4, 4, 3), 0.5, np.float32)
    np.testing.assert_array_equal(remembering.embed_image(rgb), clip.embed_image(rgb))


def test_memory_counts_sizes_and_forgets_the_longest_unused() -> None:
    memory: Memory[str, bytes] = Memory(100, len)
    memory.put("a", bytes(40))
    memory.put("b", bytes(40))
    assert memory.get("a") is not None
    memory.put("c", bytes(40))
    assert memory.get("b") is None
    assert memory.get("a") is not None
    memory.put("huge", bytes(101))
    assert memory.get("huge") is None
    assert memory.get("a") is not None
    memory.put("a", bytes(60))
    assert memory.get("a") == bytes(60)
    memory.put("d", bytes(90))
    assert [memory.get(name) is not None for name in "acd"] == [False, False, True]
    memory.forget("d")
    memory.forget("d")
    assert memory.get("d") is None
