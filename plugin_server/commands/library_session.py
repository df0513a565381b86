"""What the subcommands of ``photochrom library`` share: the open library, a bar, a way to stop."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from plugin_server.config import Config, library_folder

if TYPE_CHECKING:
    from models.guidance.condition import Embedder
    from plugin_server.service import Service
    from retrieval.ingest.preparing import Preparer
    from retrieval.library import ExemplarLibrary

    LoadService = Callable[[Config], Service]

library_option = click.option(
    "--library", "folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    envvar="PHOTOCHROM_LIBRARY",
    help="The library's folder.  [env: PHOTOCHROM_LIBRARY; default: in the user's data folder]",
)  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON.")


def load_clip(load: LoadService | None, name: str) -> Embedder:
    from models.networks.checkpoint import WeightsError

    try:
        if load is not None:
            return load(Config(clip=name)).clip
        from models.networks import clip

        return clip.load_clip(name)
    except WeightsError as problem:
        raise click.ClickException(str(problem)) from problem


@contextmanager
def opened(
    folder: Path | None, clip: Embedder | None, *, any_model: bool = False, apart: bool = False
) -> Iterator[ExemplarLibrary]:
    """Open the library; whatever it refuses becomes one line on stderr.

    With ``apart`` its photos are decoded in processes of their own.
    """
    from plugin_server.images.layer import Limits
    from plugin_server.images.sandbox import Decoders
    from retrieval.errors import LibraryError
    from retrieval.ingest.photos import decode_small
    from retrieval.library import ExemplarLibrary

    folder = folder.expanduser() if folder is not None else library_folder()
    try:
        decoders = Decoders(os.cpu_count() or 1, Limits())
        decode = decoders.decode_small if apart else decode_small
        exemplars = ExemplarLibrary.open(folder, clip=clip, any_model=any_model, decode=decode)
        try:
            yield exemplars
        finally:
            exemplars.close()
            decoders.close()
    except LibraryError as problem:
        raise click.ClickException(str(problem)) from problem


@contextmanager
def preparer(url: str | None) -> Iterator[Preparer | None]:
    """Let the workers of a broker decode and embed, where one is named."""
    if url is None:
        yield None
        return
    from plugin_server.broker import Broker, BrokerError

    try:
        broker = Broker(url)
    except BrokerError as problem:
        raise click.ClickException(str(problem)) from problem
    from plugin_server.jobs.redis.queue import ClusterJobs
    from plugin_server.jobs.remote_preparer import RemotePreparer

    jobs = ClusterJobs(broker)
    try:
        yield RemotePreparer(jobs)
    finally:
        jobs.close()


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C end the work after the batch in hand, and the second one at once."""
    asked = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)
