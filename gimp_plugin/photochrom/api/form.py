"""A multipart form (RFC 7578) whose pictures are sent from where they lie in memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from api.pixels import Buffer, Pixels, npy_header

CHUNK = 1 << 20  # bytes between two looks at the clock


@dataclass
class Form:
    """Written piece by piece; a layer of 100 MB is never copied here."""

    boundary: str = field(default_factory=lambda: f"photochrom-{os.urandom(16).hex()}")
    _pieces: list[Buffer] = field(default_factory=list)

    def text(self, name: str, value: str) -> None:
        """Add a text field; an empty one is left out."""
        if value:
            self._head(f'name="{name}"', "")
            # Lone surrogates, which a file's name can bring in, are replaced rather than sent.
            self._pieces += [value.encode("utf-8", "replace"), b"\r\n"]

    def picture(self, name: str, picture: Pixels | Buffer) -> None:
        """Add a picture: pixels as a file in NumPy's format, or a file's bytes."""
        if isinstance(picture, Pixels):
            self._head(f'name="{name}"; filename="{name}.npy"', "application/x-npy")
            self._pieces += [npy_header(picture), picture.data, b"\r\n"]
        else:
            self._head(f'name="{name}"; filename="{name}"', "application/octet-stream")
            self._pieces += [picture, b"\r\n"]

    def _head(self, names: str, media_type: str) -> None:
        lines = [f"--{self.boundary}", f"Content-Disposition: form-data; {names}"]
        lines += [f"Content-Type: {media_type}"] if media_type else []
        self._pieces.append(("\r\n".join(lines) + "\r\n\r\n").encode("ascii"))

    @property
    def content_type(self) -> str:
        return f"multipart/form-data; boundary={self.boundary}"

    @property
    def length(self) -> int:
        """Bytes of the whole body."""
        return sum(memoryview(piece).nbytes for piece in self._pieces) + len(self._tail)

    @property
    def _tail(self) -> bytes:
        return f"--{self.boundary}--\r\n".encode("ascii")

    def chunks(self) -> Iterator[Buffer]:
        """Give the body in pieces of at most ``CHUNK`` bytes, views where they are large."""
        for piece in (*self._pieces, self._tail):
            view = memoryview(piece).cast("B")
            for start in range(0, len(view), CHUNK):
                yield view[start : start + CHUNK]
