"""Searching and adding exemplars, in the engine's turn: both decode and embed a photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin_server.engine.exemplar_json import HitJson, ResultsJson, describe
from plugin_server.engine.requests import AddExemplarRequest, Answer, SearchRequest
from plugin_server.images.codec import Layer, Limits

if TYPE_CHECKING:
    from plugin_server.engine.library import Library

JSON = "application/json"


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
        found = self._library.search(query, k=request.k)
        results = ResultsJson(
            results=[
                HitJson(**describe(match.exemplar).model_dump(), score=round(match.score, 4))
                for match in found
            ]
        )
        return Answer(results.model_dump_json().encode(), JSON)

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
