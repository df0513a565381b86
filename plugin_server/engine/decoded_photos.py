"""The photos of requests as pixels, and as the network sees them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from models.pipeline import View, view_of
from models.progress import Progress, unwatched
from plugin_server.engine.cache import Memory
from plugin_server.engine.file_store import FileStore
from plugin_server.engine.requests import Image, ImageId
from plugin_server.errors import NotKept
from plugin_server.images.codec import Layer
from plugin_server.images.sandbox import Decode

if TYPE_CHECKING:
    from models.guidance.condition import ChromaPredictor

LAYERS: Final = 64 * 1024 * 1024  # bytes of decoded photos that are remembered for previews
VIEWS: Final = 16  # kept photos of which the network's view is remembered, about 16 MB each


class DecodedPhotos:
    """Decodes photos; the last of those that a file store keeps are remembered, for previews.

    Nothing of a photo is remembered longer than the ``store`` has it. Safe for threads.
    """

    def __init__(self, store: FileStore, decode: Decode, colorizer: ChromaPredictor) -> None:
        self._store = store
        self._decode = decode
        self._colorizer = colorizer
        self._layers: Memory[ImageId, Layer] = Memory(LAYERS, lambda layer: _bytes_in(layer))
        self._views: Memory[ImageId, View] = Memory(VIEWS)
        store.on_forget = self._forget

    def keep(self, data: bytes, layer: Layer) -> ImageId:
        """Put a photo, and the layer that it is, into the store.

        Raises:
            NoSpace: it cannot be kept.
        """
        name = ImageId(self._store.put(data))
        self._remember(name, layer)
        return name

    def data(self, image: Image) -> bytes:
        """Return a photo's bytes.

        Raises:
            NotKept: there is no such photo, or not any more.
        """
        if isinstance(image, bytes):
            return image
        data = self._store.get(image)
        if data is None:
            raise NotKept(
                f"there is no image {image[:40]!r}, or not any more: photos are kept for "
                f"{self._store.seconds / 60:g} minutes after they were used last; send it again"
            )
        return data

    def layer(self, image: Image, progress: Progress = unwatched) -> Layer:
        """Decode a photo, or remember how it was decoded.

        Raises:
            ImageError: it cannot be read or is too large.
            NotKept: there is no such photo, or not any more.
            Stopped: ``progress`` says so.
        """
        progress("decode", 0.0)
        if not isinstance(image, bytes):
            known = self._layers.get(image)
            if known is not None and self._store.touch(image):
                return known
        layer = self._decode(self.data(image), partial(progress, "decode", 0.0))
        if not isinstance(image, bytes):
            self._remember(image, layer)
        return layer

    def view(self, image: Image, layer: Layer) -> View | None:
        """Remember how the network sees a kept photo: previews ask for another of its colours."""
        if isinstance(image, bytes):
            return None
        known = self._views.get(image)
        if known is None:
            known = view_of(layer.pixels, self._colorizer)
            self._views.put(image, known)
            self._forget_if_gone(image)
        return known

    def _remember(self, name: ImageId, layer: Layer) -> None:
        layer.pixels.flags.writeable = False  # several requests may share it
        self._layers.put(name, layer)
        self._forget_if_gone(name)

    def _forget_if_gone(self, name: ImageId) -> None:
        """Forget what was remembered of a photo only after the file store had let it go."""
        if name not in self._store:
            self._forget(name)

    def _forget(self, name: str) -> None:
        self._layers.forget(ImageId(name))
        self._views.forget(ImageId(name))


def _bytes_in(layer: Layer) -> int:
    return int(layer.pixels.nbytes) + (0 if layer.source is None else int(layer.source.nbytes))
