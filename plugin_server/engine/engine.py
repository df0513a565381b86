"""The engine: the one place where requests become answers, bytes to bytes."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np

from models.guidance.things import FoundThing
from models.job import ColorizeJob, JobError
from models.pipeline import colorize, find_things
from models.progress import Progress, unwatched
from plugin_server.engine.decoded_photos import DecodedPhotos
from plugin_server.engine.file_store import FileStore
from plugin_server.engine.layered import layered
from plugin_server.engine.places import read_mask, read_painted, read_places
from plugin_server.engine.references import NO_REFERENCE, References
from plugin_server.engine.remembering_clip import RememberingClip
from plugin_server.engine.requests import (
    AddExemplarRequest,
    Answer,
    ColorizeRequest,
    ConfidenceRequest,
    Exact,
    IndexRequest,
    KeepRequest,
    Request,
    SearchRequest,
    SuggestionsRequest,
    ThingMaskRequest,
    ThingsRequest,
    media_type_for,
)
from plugin_server.engine.things import KeptThings, full_size, keep
from plugin_server.errors import NotKept
from plugin_server.images.codec import Layer, Limits, encode, losses
from plugin_server.images.openraster import OPENRASTER
from plugin_server.images.sandbox import Decoders, decode_here, encode_here
from retrieval.ingest.photos import decode_small

if TYPE_CHECKING:
    from models.guidance.condition import ChromaPredictor, Embedder
    from plugin_server.engine.exemplars import Exemplars
    from plugin_server.engine.library import Library

MAX_HEADER_JSON = 6000  # bytes of JSON that a header holds


class Engine:
    """Does one request after the other in whatever thread calls; each has its own arrays.

    ``photos`` are those that were sent ahead. Without ``decoders`` photos are decoded in this
    process.
    """

    def __init__(
        self,
        colorizer: ChromaPredictor,
        clip: Embedder,
        *,
        library: Library,
        limits: Limits,
        photos: FileStore,
        decoders: Decoders | None = None,
    ) -> None:
        self.decode = decode_here(limits) if decoders is None else decoders.decode
        self._encode = encode_here if decoders is None else decoders.encode
        self._decode_small = decode_small if decoders is None else decoders.decode_small
        self.colorizer = colorizer
        self._plain_clip = clip  # a library's photos come once each: nothing to remember
        self.clip = RememberingClip(clip)
        self._library = library
        self.references = References(library, decode=self.decode)
        self.limits = limits
        self.photos = photos
        self._decoded = DecodedPhotos(photos, self.decode, colorizer)

    def do(self, request: Request, progress: Progress = unwatched) -> Answer:
        """Do what is asked.

        Raises:
            ImageError: a picture cannot be read or is too large.
            JobError: a hint or a place lies outside the picture.
            BadValue: the mask has another size.
            NotKept: there is no such photo, or not any more.
            NoLibrary: an exemplar is asked for and there is no library.
            LibraryError: the exemplar cannot be had.
            NoMatcher: a reference or an exemplar is given, and the colorizer takes none.
            NoSpace: a photo cannot be kept.
            Stopped: ``progress`` says so.
        """
        match request:
            case ColorizeRequest():
                return self._colorize(request, progress)
            case SuggestionsRequest():
                return self._suggest(request, progress)
            case ConfidenceRequest():
                return self._confidence(request, progress)
            case KeepRequest():
                return self._keep(request, progress)
            case ThingsRequest():
                return self._find(request, progress)
            case ThingMaskRequest():
                return self._thing_mask(request, progress)
            case SearchRequest(image=image):
                layer = None if image is None else self._decoded.layer(image, progress)
                progress("search", 0.0)
                return self._exemplars.search(request, layer)
            case AddExemplarRequest():
                progress("add", 0.0)
                return self._exemplars.add(request)
            case IndexRequest():
                progress("index", 0.0)
                from plugin_server.engine.exemplars import index

                return index(request, self._plain_clip, self.limits, self._decode_small)

    @cached_property
    def _exemplars(self) -> Exemplars:
        """The library as requests see it; who only colours need not import pydantic."""
        from plugin_server.engine.exemplars import Exemplars

        return Exemplars(self._library, limits=self.limits)

    def gathered(self, request: ColorizeRequest) -> ColorizeRequest:
        """Fetch all that only this server has, so that the request can be done anywhere.

        Raises:
            NotKept, NoLibrary, BadValue, LibraryError, ImageError: as ``do``.
        """
        found = request.found
        if request.job.exemplar is not None and found is None:
            found = self.references.find(lambda: self._decoded.layer(request.image), request.job)
        return replace(request, image=self._decoded.data(request.image), found=found)

    def _colorize(self, request: ColorizeRequest, progress: Progress) -> Answer:
        started = time.perf_counter()
        layer, width, height = self._target(request, progress)
        media_type = media_type_for(request.answer_type, layer)
        read = (width, height, partial(self.decode, watch=partial(progress, "decode", 0.0)))
        mask = None if request.mask is None else read_mask(request.mask, "mask", *read)
        places = None
        if request.parts:
            places = read_places(request.job, request.parts, *read, self.limits)
        painted = None
        if request.hint_image is not None:
            painted = read_painted(request.hint_image, *read)
        decoded = time.perf_counter()
        chosen = NO_REFERENCE
        if request.reference is not None or request.job.exemplar is not None:
            chosen = self.references.choose(
                layer, request.job, request.reference, request.found, progress
            )
        found = time.perf_counter()
        result = colorize(
            layer.pixels,
            request.job,
            colorizer=self.colorizer,
            clip=self.clip,
            reference=chosen.reference,
            mask=mask,
            places=places,
            painted=painted,
            progress=progress,
            view=self._decoded.view(request.image, layer),
            may_overwrite=isinstance(request.image, bytes) and media_type != OPENRASTER,
            in_layers=media_type == OPENRASTER,
        )
        coloured = time.perf_counter()
        progress("encode", 0.0)
        model = f"{self.colorizer.name} {self.clip.name}"
        settings = request.settings(model, exemplar=chosen.exemplar, scan=result.scan)
        if media_type == OPENRASTER:
            body = layered(
                layer, result, saturation=request.job.saturation, mask=mask, settings=settings
            )
        else:
            body = self._encode(
                replace(layer, pixels=result.pixels), media_type, settings=settings,
                watch=partial(progress, "encode", 0.0),
            )  # fmt: skip
        encoded = time.perf_counter()
        timings = {"decode": decoded - started}
        if chosen.reference is not None:
            timings["reference"] = found - decoded
        timings |= result.timings
        timings["encode"] = encoded - coloured
        timings["total"] = encoded - started
        notices = (
            *layer.notices, *chosen.notices, *result.notices,
            *losses(layer, media_type, settings),
        )  # fmt: skip
        things = _in_short(result.things) if result.things else None
        return Answer(body, media_type, notices, timings, chosen.header, things, result.confidence)

    def _suggest(self, request: SuggestionsRequest, progress: Progress) -> Answer:
        from models.suggestions import suggest

        layer, width, height = self._target(request, progress)
        x, y = request.x, request.y
        if not (0 <= x <= width - 1 and 0 <= y <= height - 1):
            raise JobError(
                f"x={x:g}, y={y:g} is outside the image: x must be from 0 to {width - 1} and y "
                f"from 0 to {height - 1} (the upright image, in pixels)"
            )
        progress("network", 0.0)
        found, notices = suggest(
            layer.pixels, request.job, x=x, y=y, k=request.k,
            colorizer=self.colorizer, clip=self.clip, view=self._decoded.view(request.image, layer),
        )  # fmt: skip
        listed = [asdict(suggestion) for suggestion in found]
        return _json(*layer.notices, *notices, suggestions=listed)

    def _confidence(self, request: ConfidenceRequest, progress: Progress) -> Answer:
        from models.suggestions import confidence_map

        layer, _, _ = self._target(request, progress)
        progress("network", 0.0)
        levels, notices = confidence_map(
            layer.pixels, request.job,
            colorizer=self.colorizer, clip=self.clip, view=self._decoded.view(request.image, layer),
        )  # fmt: skip
        progress("encode", 0.0)
        body = encode(Layer(levels[..., np.newaxis]), "image/png")
        return Answer(body, "image/png", (*layer.notices, *notices))

    def _keep(self, request: KeepRequest, progress: Progress) -> Answer:
        progress("decode", 0.0)
        layer = self.decode(request.image, partial(progress, "decode", 0.0))
        height, width = layer.pixels.shape[:2]
        name = self._decoded.keep(request.image, layer)
        return _json(id=name, width=width, height=height, seconds=self.photos.seconds)

    def _find(self, request: ThingsRequest, progress: Progress) -> Answer:
        image = request.image
        layer, width, height = self._target(request, progress)
        decode = partial(self.decode, watch=partial(progress, "decode", 0.0))
        places = read_places(request.job, request.parts, width, height, decode, self.limits)
        progress("network", 0.0)
        if isinstance(image, bytes):
            image = self._decoded.keep(image, layer)
        view = self._decoded.view(image, layer)
        assert view is not None, "a kept photo has a view"
        things, notices = find_things(
            layer.pixels, request.job, clip=self.clip, view=view, places=places
        )
        token = self.photos.put(keep(image, things).pack())
        listed = [
            thing.members(number)
            | {"mask": None if thing.place is None else f"/v1/things/{token}/{number}"}
            for number, thing in enumerate(things)
        ]
        return _json(
            *layer.notices, *notices,
            things=listed, width=width, height=height, seconds=self.photos.seconds,
        )  # fmt: skip

    def _thing_mask(self, request: ThingMaskRequest, progress: Progress) -> Answer:
        data = self.photos.get(request.token)
        kept = None if data is None else KeptThings.unpack(data)
        place = None if kept is None else kept.places.get(request.number)
        if kept is None or place is None:
            raise NotKept(
                f"there is no mask {request.number} of {request.token[:40]!r}, or not any more: "
                f"masks are kept for {self.photos.seconds / 60:g} minutes after they were used "
                "last; find the things again with POST /v1/things"
            )
        layer = self._decoded.layer(kept.photo, progress)
        view = self._decoded.view(kept.photo, layer)
        assert view is not None, "a kept photo has a view"
        progress("join", 0.0)
        mask = Layer(full_size(place, layer.pixels, view)[..., np.newaxis])
        progress("encode", 0.0)
        media_type = media_type_for(request.answer_type, mask)
        return Answer(encode(mask, media_type), media_type)

    def _target(
        self,
        request: ColorizeRequest | SuggestionsRequest | ConfidenceRequest | ThingsRequest,
        progress: Progress,
    ) -> tuple[Layer, int, int]:
        """Decode a request's photo: it, its width and its height, which the job fits."""
        layer = self._decoded.layer(request.image, progress)
        height, width = layer.pixels.shape[:2]
        request.job.check_against(width, height)
        return layer, width, height


def warm_request() -> ColorizeRequest:
    """Ask for a small picture with a description, in PNG."""
    file = io.BytesIO()
    np.save(file, np.linspace(0, 255, 64 * 96).astype(np.uint8).reshape(64, 96))
    return ColorizeRequest(file.getvalue(), ColorizeJob("a photo"), answer_type=Exact("image/png"))


def _in_short(things: Sequence[FoundThing]) -> str:
    """Write things for a header: JSON of the first ones, as many as fit."""
    listed = [thing.members(number) for number, thing in enumerate(things)]
    while len(text := json.dumps(listed, separators=(",", ":"))) > MAX_HEADER_JSON:
        listed.pop()
    return text


def _json(*notices: str, **members: object) -> Answer:
    return Answer(json.dumps(members).encode(), "application/json", notices)
