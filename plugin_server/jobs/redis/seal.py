"""What lies in Redis is sealed: whoever else can write there changes no photo on its way."""

from __future__ import annotations

import hmac
from typing import Final

from plugin_server.broker import KEY_VARIABLE
from plugin_server.errors import RemoteProblem

SIZE: Final = 32  # bytes of an HMAC-SHA256


class Seal:
    """An HMAC-SHA256 before the data, of the data and of the place that they are meant for.

    An empty ``secret`` finds damage, and keeps nobody out.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sealed(self, place: str, *parts: bytes) -> bytes:
        """Put the seal before data."""
        return b"".join((self._mac(place, *parts), *parts))

    def opened(self, place: str, sealed: bytes) -> memoryview:
        """Take the seal off again.

        Raises:
            RemoteProblem: it is another key's, another place's, or none.
        """
        data = memoryview(sealed)[SIZE:]
        if hmac.compare_digest(sealed[:SIZE], self._mac(place, data)):
            return data
        raise RemoteProblem(
            "what lies in the queue for this photo was not written with this machine's key; give "
            f"every server, batch and worker the same {KEY_VARIABLE}, and send the photo again",
            status=502,
        )

    def _mac(self, place: str, *parts: bytes | memoryview) -> bytes:
        mac = hmac.new(self._secret, place.encode() + b"\0", "sha256")
        for part in parts:
            mac.update(part)
        return mac.digest()
