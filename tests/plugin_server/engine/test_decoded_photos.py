"""What is remembered of photos that were sent ahead, and for how long."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from plugin_server.engine.decoded_photos import DecodedPhotos
from plugin_server.engine.file_store import FileStore
from plugin_server.engine.requests import ImageId
from plugin_server.images.codec import Layer, Limits
from plugin_server.images.sandbox import decode_here
from tests.support.fakes import FakeColorizer
from tests.support.pictures import encoded, grey_picture

PHOTO = encoded(grey_picture())


class Photos:
    """Photos whose store has a clock of its own; ``decode`` may be replaced."""

    def __init__(self) -> None:
        self.now = 0.0
        self.decode = decode_here(Limits())
        self.store = FileStore(seconds=60, count=10, size=10_000_000, clock=lambda: self.now)
        self.decoded = DecodedPhotos(
            self.store, lambda data, watch=lambda: None: self.decode(data, watch), FakeColorizer()
        )

    def keep(self) -> ImageId:
        return self.decoded.keep(PHOTO, self.decode(PHOTO))

    def look(self, name: ImageId) -> None:
        self.decoded.view(name, self.decoded.layer(name))

    def remembers(self, name: ImageId) -> tuple[bool, bool]:
        """Tell whether a photo's pixels and what the network sees of them are in memory."""
        photos = self.decoded
        return photos._layers.get(name) is not None, photos._views.get(name) is not None


@pytest.mark.parametrize("how", ["in time", "dropped", "closed"])
def test_nothing_of_a_photo_is_remembered_longer_than_it_is_kept(how: str) -> None:
    photos = Photos()
    name = photos.keep()
    photos.look(name)
    assert photos.remembers(name) == (True, True)
    match how:
        case "in time":
            photos.now = 61
            photos.store.sweep()  # as its timer does on a server that nobody uses
        case "dropped":
            photos.store.drop(name)
        case "closed":
            photos.store.close()
    assert photos.remembers(name) == (False, False)


def test_a_photo_that_goes_while_it_is_decoded_is_not_remembered_after() -> None:
    photos = Photos()
    name = photos.keep()
    photos.decoded._layers.forget(name)  # as where there was no room for all
    decode = photos.decode

    def slowly(data: bytes, watch: Callable[[], None] = lambda: None) -> Layer:
        photos.store.drop(name)
        return decode(data, watch)

    photos.decode = slowly
    photos.look(name)
    assert photos.remembers(name) == (False, False)
