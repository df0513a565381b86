"""A server with small models and real decoders, and what it costs."""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from plugin_server.app import create_app
from plugin_server.config import Config
from plugin_server.images.layer import Limits
from plugin_server.images.sandbox import Decoders
from plugin_server.service import Service
from retrieval.library import ExemplarLibrary
from tests.support.fakes import FakeClip, FakeColorizer
from tests.support.hostile import Attack
from tests.support.pictures import encoded, grey_picture


@contextmanager
def serving() -> Iterator[Callable[[Attack], int]]:
    """Give a function that sends a request and follows a job to its end; it returns the status."""
    limits, clip = Limits(max_bytes=2_000_000, max_pixels=2_000_000), FakeClip()
    decoders = Decoders(2, limits)
    with tempfile.TemporaryDirectory() as folder:
        library = ExemplarLibrary.open(Path(folder), clip=clip, decode=decoders.decode_small)
        service = Service(
            FakeColorizer(), clip, library=library, limits=limits, waiting=1000, decoders=decoders
        )
        config = Config(max_bytes=2_000_000, max_pixels=2_000_000)
        client = create_app(config, service).test_client()

        def send(attack: Attack) -> int:
            answer = client.post(attack.path, data=attack.body, content_type=attack.content_type)
            if answer.status_code != 202:
                return answer.status_code
            place = answer.headers["Location"]
            with client.get(f"{place}/events") as events:
                events.get_data()
            status = client.get(f"{place}/result").status_code
            client.delete(place)
            return status

        service.warm()
        decoders.decode(encoded(grey_picture()))  # which waits until a process is there
        try:
            yield send
        finally:
            service.close()


def memory() -> int:
    """Return the bytes of memory that the process has now; 0 where the system does not say."""
    gc.collect()
    pages = Path("/proc/self/statm")
    if not pages.exists():
        return 0
    return int(pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
