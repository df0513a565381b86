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

from models.shown import shown
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
NOWHERE = (
    "there is no library in {}: check the name (--library, PHOTOCHROM_LIBRARY), or make one there "
    "with `photochrom library add PHOTOS --library {}`"
)
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


def has_library(folder: Path) -> bool:
    """Tell whether there is a library in a folder."""
    from retrieval.database.folder import DATABASE

    return (folder.expanduser() / DATABASE).exists()


def folder_of(named: Path | None) -> Path:
    """Return the folder of a library that is to be read: the one that was named, or the default.

    Raises:
        click.ClickException: one was named and there is no library; a slip in the name shall not
            look like an empty library.
    """
    if named is None:
        return library_folder()
    folder = named.expanduser()
    if not has_library(folder):
        place = shown(folder)
        raise click.ClickException(NOWHERE.format(place, place))
    return folder


@contextmanager
def opened(
    folder: Path | None,
    clip: Embedder | None,
    *,
    any_model: bool = False,
    apart: bool = False,
    may_make: bool = False,
) -> Iterator[ExemplarLibrary]:
    """Open the library; whatever it refuses becomes one line on stderr.

    With ``apart`` its photos are decoded in processes of their own. Only with ``may_make`` the
    folder that was named may be without a library.
    """
    from plugin_server.images.layer import Limits
    from plugin_server.images.sandbox import Decoders
    from retrieval.errors import LibraryError
    from retrieval.ingest.photos import decode_small
    from retrieval.library import ExemplarLibrary

    folder = folder.expanduser() if folder is not None and may_make else folder_of(folder)
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
    from plugin_server.jobs.patient_client import PatientClient
    from plugin_server.jobs.redis.queue import ClusterJobs
    from plugin_server.jobs.remote_preparer import RemotePreparer

    jobs = ClusterJobs(broker)
    try:
        yield RemotePreparer(PatientClient(jobs, "library"))
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
