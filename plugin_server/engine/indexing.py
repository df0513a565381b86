"""Photos of somebody's library, prepared by a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from plugin_server.engine.requests import Answer, IndexRequest
from retrieval.ingest.photos import DecodeSmall, PhotoLimits, decode_small
from retrieval.ingest.preparing import prepare, to_bytes

if TYPE_CHECKING:
    from models.guidance.condition import Embedder
    from plugin_server.images.codec import Limits

NPZ: Final = "application/x-npz"


def index(
    request: IndexRequest, clip: Embedder, limits: Limits, decode: DecodeSmall = decode_small
) -> Answer:
    """Prepare a photo for somebody's library.

    Raises:
        PhotoRefused: grey, broken, too large, ...
    """
    bounds = PhotoLimits(limits.max_bytes, limits.max_pixels)
    prepared = prepare(request.image, request.captions, clip=clip, limits=bounds, decode=decode)
    return Answer(to_bytes(prepared), NPZ)
