"""Exemplars as requests see them: searched, added, prepared for a library elsewhere; their JSON.

All three decode and embed a photo, so they wait for their turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, Field

from plugin_server.engine.requests import AddExemplarRequest, Answer, IndexRequest, SearchRequest
from plugin_server.images.codec import Layer, Limits
from retrieval.ingest.photos import DecodeSmall, PhotoLimits, decode_small
from retrieval.ingest.preparing import prepare, to_bytes

if TYPE_CHECKING:
    from models.guidance.condition import Embedder
    from plugin_server.engine.library import Library
    from retrieval.database.exemplar import Exemplar

JSON: Final = "application/json"
NPZ: Final = "application/x-npz"


class ExemplarJson(BaseModel):
    """A colour photo of the library."""

    id: str = Field(description="Of letters and digits; the same photo has it in every library.")
    caption: str = Field(description="May be empty.")
    width: int = Field(description="Of the upright photo, in pixels.")
    height: int = Field(description="Of the upright photo, in pixels.")
    colors: list[str] = Field(description="Its dominant colours as #rrggbb, most frequent first.")
    source: str = Field(description="The photo's path relative to the folder that was added.")
    image: str = Field(description="Where to fetch the photo.")
    thumbnail: str = Field(description="Where to fetch a small JPEG of it.")


class HitJson(ExemplarJson):
    """A photo that was found."""

    score: float = Field(ge=0, le=1, description="How likely it shows the scene asked for.")


class ResultsJson(BaseModel):
    """What was found, best first."""

    results: list[HitJson]


class PageJson(BaseModel):
    """A part of the library, in the order in which its photos came."""

    exemplars: list[ExemplarJson]
    total: int = Field(description="How many the whole library has.")
    offset: int
    limit: int


class Exemplars:
    """The library as requests see it."""

    def __init__(self, library: Library, *, limits: Limits) -> None:
        self._library = library
        self._limits = limits

    def search(self, request: SearchRequest, layer: Layer | None) -> Answer:
        """Find exemplars for a description, a decoded photo or both.

        Raises:
            NoLibrary: there is none.
            retrieval.errors.LibraryError: the query makes no sense, or the library cannot be used.
        """
        from retrieval.search.search import Query

        query = Query(
            description=request.description,
            image=None if layer is None else layer.pixels,
            weight=request.weight,
            colors=request.colors,
            tone=request.tone,
            diversity=request.diversity,
        )
        notices: list[str] = []
        found = self._library.search(query, k=request.k, notices=notices)
        results = ResultsJson(
            results=[
                HitJson(**describe(match.exemplar).model_dump(), score=round(match.score, 4))
                for match in found
            ]
        )
        return Answer(results.model_dump_json().encode(), JSON, tuple(notices))

    def add(self, request: AddExemplarRequest) -> Answer:
        """Keep a photo in the library; one that is there already is answered as it is.

        Raises:
            NoLibrary: there is none.
            ImageError: the photo is larger than this server takes.
            retrieval.errors.LibraryError: the photo has no colours, cannot be kept, ...
        """
        self._limits.check_bytes(request.image)
        added = self._library.add_photo(request.image, name=request.name, caption=request.caption)
        return Answer(describe(added).model_dump_json().encode(), JSON)


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


def describe(exemplar: Exemplar) -> ExemplarJson:
    """Write an exemplar for the outside: nothing of where it lies on this machine."""
    place = f"/v1/exemplars/{exemplar.id}"
    return ExemplarJson(
        id=exemplar.id,
        caption=exemplar.caption,
        width=exemplar.width,
        height=exemplar.height,
        colors=list(exemplar.colors),
        source=exemplar.source,
        image=f"{place}/image",
        thumbnail=f"{place}/thumbnail",
    )
