"""The service: the models, loaded once, and the way of a picture from bytes to bytes."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from models.job import ColorizeJob
from models.pipeline import colorize
from models.progress import Progress, unwatched
from plugin_server.errors import BadValue, Busy, NoLibrary
from plugin_server.images import ImageError, Limits, decode, encode
from plugin_server.masks import mask_of
from plugin_server.request import ColorizeRequest
from plugin_server.version import product_version

if TYPE_CHECKING:
    from pathlib import Path

    from models.guidance import ChromaPredictor, Embedder
    from plugin_server.config import Config
    from retrieval.library import ExemplarLibrary

log = logging.getLogger("photochrom")

NO_LIBRARY = (
    "this server has no library of exemplars; start it with `photochrom serve --library DIR`"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A coloured picture, encoded; ``timings`` are stage -> seconds."""

    body: bytes
    media_type: str
    notices: tuple[str, ...]
    timings: dict[str, float]


class Service:
    """Colours pictures; safe to call from many threads at once.

    ``workers`` pictures are worked on at a time and ``waiting`` more may wait; each call has its
    own arrays, so pictures cannot mix. ``library`` may be None, and then ``library_problem`` says
    why.
    """

    def __init__(
        self,
        colorizer: ChromaPredictor,
        clip: Embedder,
        *,
        library: ExemplarLibrary | None = None,
        library_problem: str = NO_LIBRARY,
        limits: Limits | None = None,
        workers: int = 2,
        waiting: int = 48,
        device: str = "cpu",
    ) -> None:
        self.colorizer = colorizer
        self.clip = clip
        self.library = library
        self._library_problem = library_problem
        self.limits = limits or Limits()
        self.device = device
        self._capacity = workers + waiting
        self._admitted = threading.BoundedSemaphore(self._capacity)
        # Threads of their own, not the web server's many: PyTorch and malloc keep pools for every
        # thread that ever worked.
        self._workers = ThreadPoolExecutor(workers, thread_name_prefix="colorize")

    @classmethod
    def load(cls, config: Config) -> Service:
        """Load the weights that ``config`` names, and its library if it can be opened.

        Raises:
            models.checkpoint.WeightsError: a file is missing or damaged.
        """
        # PyTorch takes seconds to import; nothing else in this module needs it.
        from models.predictor import load_pair

        colorizer, clip = load_pair(config.weights, config.clip)
        library: ExemplarLibrary | None = None
        problem = NO_LIBRARY
        if config.library is not None:
            try:
                library = open_library(config.library, clip)
            except Exception as error:  # photos can be coloured without it
                problem = f"the library cannot be opened: {_one_line(error)}"
                log.warning("%s (%s)", problem, config.library)
        return cls(
            colorizer,
            clip,
            library=library,
            library_problem=problem,
            limits=Limits(max_bytes=config.max_bytes, max_pixels=config.max_pixels),
            workers=config.workers,
            waiting=config.waiting,
        )

    def warm(self) -> None:
        """Colour a small picture, so that the first real one is not slower than the others."""
        file = BytesIO()
        np.save(file, np.linspace(0, 255, 64 * 96).astype(np.uint8).reshape(64, 96))
        self.colorize(
            ColorizeRequest(
                file.getvalue(), ColorizeJob("a photo"), choose_type=lambda _: "image/png"
            )
        )

    def health(self) -> dict[str, object]:
        """Say what this service is and which models it uses."""
        return {
            "status": "ok",
            "version": product_version(),
            "device": self.device,
            "models": {"colorizer": self.colorizer.name, "clip": self.clip.name},
            "exemplars": 0 if self.library is None else len(self.library),
            "library": self._library_problem if self.library is None else "ok",
        }

    def require_library(self) -> ExemplarLibrary:
        """Return the library.

        Raises:
            NoLibrary: there is none; the message says why.
        """
        if self.library is None:
            raise NoLibrary(self._library_problem)
        return self.library

    def colorize(self, request: ColorizeRequest) -> Answer:
        """Decode, colour and encode one picture.

        Raises:
            ImageError: a picture cannot be read or is too large.
            JobError: a hint lies outside the picture.
            BadValue: the mask has another size.
            Busy: too many pictures wait already.
        """
        if not self._admitted.acquire(blocking=False):
            raise Busy(
                f"{self._capacity} photos are being coloured or waiting, which is the limit; "
                "try again in a few seconds"
            )
        try:
            return self._workers.submit(self._work, request).result()
        finally:
            self._admitted.release()

    def _work(self, request: ColorizeRequest, progress: Progress = unwatched) -> Answer:
        job, mask = request.job, request.mask
        progress("decode", 0.0)
        started = time.perf_counter()
        assert isinstance(request.image, bytes)
        layer = decode(request.image, limits=self.limits)
        height, width = layer.pixels.shape[:2]
        job.check_against(width, height)
        media_type = request.choose_type(layer)
        weights = None if mask is None else self._decode_mask(mask, width, height)
        decoded = time.perf_counter()
        result = colorize(
            layer.pixels,
            job,
            colorizer=self.colorizer,
            clip=self.clip,
            mask=weights,
            progress=progress,
        )
        coloured = time.perf_counter()
        progress("encode", 0.0)
        body = encode(
            replace(layer, pixels=result.pixels),
            media_type,
            settings=self._settings(request),
        )
        encoded = time.perf_counter()
        timings = {"decode": decoded - started, **result.timings}
        timings["encode"] = encoded - coloured
        timings["total"] = encoded - started
        return Answer(body, media_type, layer.notices + result.notices, timings)

    def _decode_mask(self, mask: bytes, width: int, height: int) -> np.ndarray:
        try:
            layer = decode(mask, limits=self.limits)
        except ImageError as problem:
            raise type(problem)(f"mask: {problem}") from problem
        mask_height, mask_width = layer.pixels.shape[:2]
        if (mask_width, mask_height) != (width, height):
            raise BadValue(
                f"the mask is {mask_width} x {mask_height} and the image {width} x {height} pixels "
                "(both upright); send a mask of the image's size"
            )
        return mask_of(layer.pixels)

    def _settings(self, request: ColorizeRequest) -> str:
        """Write the settings that travel with a result as one JSON object."""
        job = request.job
        settings = {
            "version": product_version(),
            "model": f"{self.colorizer.name} {self.clip.name}",
            "description": job.description,
            "reference": _digest(request.reference),
            "mask": _digest(request.mask),
            "exemplar": job.exemplar,
            "hints": [asdict(hint) for hint in job.hints],
            "palette": None,
            "saturation": job.saturation,
            "strength": job.strength,
        }
        return json.dumps(settings, ensure_ascii=False)


def open_library(folder: Path, clip: Embedder) -> ExemplarLibrary:
    """Open the library, making an empty one where there is none.

    Raises:
        retrieval.errors.LibraryError: it is damaged, or made by another version or model.
        OSError: the folder cannot be made or read.
    """
    from retrieval.library import ExemplarLibrary

    return ExemplarLibrary.open(folder, clip=clip)


def _digest(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha256(data).hexdigest()


def _one_line(problem: Exception) -> str:
    return " ".join(str(problem).split()) or type(problem).__name__
