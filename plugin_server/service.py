"""The service: the models, loaded once, and the queue of what they are to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin_server.engine.engine import Engine, warm_request
from plugin_server.engine.file_store import FileStore
from plugin_server.engine.library import Library, UnusableLibrary, open_library, state_of
from plugin_server.engine.requests import Answer, Request
from plugin_server.images.codec import Layer, Limits
from plugin_server.images.sandbox import Decoders
from plugin_server.jobs.local import EmbeddedJobs
from plugin_server.jobs.queue import Client, Jobs
from plugin_server.version import product_version

if TYPE_CHECKING:
    from models.guidance.condition import ChromaPredictor, Embedder
    from plugin_server.broker import Broker
    from plugin_server.config import Config

KEPT_SECONDS = 15 * 60
KEPT_PHOTOS = 200
KEPT_RESULTS = 200
KEPT_BYTES = 2 << 30  # on the disk, for photos and for results each

LOCAL = Client("local")  # whoever calls the service without HTTP


class Service:
    """Colours pictures; safe to call from many threads at once.

    ``workers`` pictures are worked on at a time and ``waiting`` more may wait; each call has
    its own arrays, so pictures cannot mix. ``library`` may be one that cannot be used. Photos
    that are sent ahead, and results of jobs, are kept for ``kept_seconds``. With a ``broker``
    photos are coloured by workers elsewhere that have these ``models``
    (``plugin_server.jobs.redis.celery_app.made_with``), and only the rest is done here.
    Pictures are decoded by ``decoders``, or in this process where there are none.
    """

    def __init__(
        self,
        colorizer: ChromaPredictor,
        clip: Embedder,
        *,
        library: Library | None = None,
        limits: Limits | None = None,
        workers: int = 2,
        waiting: int = 48,
        kept_seconds: float = KEPT_SECONDS,
        device: str = "cpu",
        broker: Broker | None = None,
        decoders: Decoders | None = None,
        models: str | None = None,
    ) -> None:
        self._decoders = decoders
        self.colorizer = colorizer
        self.clip = clip
        self.library = UnusableLibrary() if library is None else library
        self.limits = limits or Limits()
        self.device = device
        self.photos = FileStore(seconds=kept_seconds, count=KEPT_PHOTOS, size=KEPT_BYTES)
        self._engine = engine = Engine(
            colorizer,
            clip,
            library=self.library,
            limits=self.limits,
            photos=self.photos,
            decoders=decoders,
        )
        self.references = engine.references
        self._here = EmbeddedJobs(
            engine.do,
            workers=workers,
            waiting=waiting,
            file_store=FileStore(seconds=kept_seconds, count=KEPT_RESULTS, size=KEPT_BYTES),
        )
        self.jobs: Jobs = self._here
        self.gathered = engine.gathered
        if broker is not None:
            from plugin_server.jobs.redis.job_store import Keep
            from plugin_server.jobs.redis.queue import ClusterJobs

            keep = Keep(round(kept_seconds), KEPT_RESULTS, KEPT_BYTES)
            self.jobs = ClusterJobs(
                broker, self._here, engine.gathered, models=models, room=waiting, keep=keep
            )

    @classmethod
    def load(cls, config: Config) -> Service:
        """Load the weights that ``config`` names, and its library if it can be opened.

        Raises:
            models.networks.checkpoint.WeightsError: a file is missing or damaged.
        """
        limits = Limits(max_bytes=config.max_bytes, max_pixels=config.max_pixels)
        decoders = Decoders(config.workers, limits)
        decoders.start(1)  # the first photo's; it is up before PyTorch is
        try:
            # PyTorch takes seconds to import; nothing else in this module needs it.
            from models.networks.loading import load_pair

            colorizer, clip = load_pair(config.weights, config.clip)
        except BaseException:
            decoders.close()
            raise
        models = None
        if config.broker is not None:
            from plugin_server.jobs.redis.celery_app import made_with

            models = made_with(config.weights, config.clip)
        return cls(
            colorizer,
            clip,
            library=open_library(config.library, clip, decoders.decode_small),
            limits=limits,
            workers=config.workers,
            waiting=config.waiting,
            broker=config.broker,
            decoders=decoders,
            models=models,
        )

    def warm(self) -> None:
        """Colour a small picture, so that the first real one is not slower than the others."""
        if self._decoders is not None:
            self._decoders.start()
        self._here.run(warm_request(), LOCAL, is_disconnected=lambda: False)

    def health(self) -> dict[str, object]:
        """Say what this service is and which models it uses."""
        exemplars, library = state_of(self.library)
        queue = self.jobs.state()
        return {
            "status": "ok",
            "version": product_version(),
            "device": self.device,
            "models": {"colorizer": self.colorizer.name, "clip": self.clip.name},
            "exemplars": exemplars,
            "library": library,
            "workers": queue.workers,
            "waiting": queue.waiting,
            "queue": queue.health,
        }

    def answer(self, request: Request) -> Answer:
        """Do what is asked when its turn has come, for a caller in this process.

        Raises:
            ImageError: a picture cannot be read or is too large.
            JobError: a hint or a place lies outside the picture.
            BadValue: the mask has another size.
            NotKept: there is no such photo, or not any more.
            Busy: too many pictures wait already.
            Stopped: the service is being closed.
        """
        return self.jobs.run(request, LOCAL, is_disconnected=lambda: False)

    def is_working(self) -> bool:
        """Tell whether anything waits for its turn or is being worked on."""
        return self.jobs.unfinished() > 0

    def decode(self, data: bytes) -> Layer:
        """Read a picture as a request's pictures are read; ImageError where it cannot be."""
        return self._engine.decode(data)

    def close(self) -> bool:
        """Stop all work, forget what is kept, and give back what the library holds open.

        Returns whether nothing is being done any more; it is not waited for longer than seconds.
        """
        if self._decoders is not None:
            self._decoders.close()
        self.jobs.close()
        self.photos.close()
        self.library.close()
        return self._here.has_ended
