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
from tests.support.fakes import LocatingColorizer, NamingClip
from tests.support.hostile import Attack
from tests.support.pictures import encoded, grey_picture

KEPT_SECONDS = 3.0  # what is kept ahead is soon forgotten


@contextmanager
def serving() -> Iterator[Callable[[Attack], int]]:
    """Give a function that sends a request and follows a job to its end; it returns the status."""
    limits, clip = Limits(max_bytes=2_000_000, max_pixels=2_000_000), NamingClip()
    decoders = Decoders(2, limits)
    with tempfile.TemporaryDirectory() as folder:
        library = ExemplarLibrary.open(Path(folder), clip=clip, decode=decoders.decode_small)
        service = Service(
            LocatingColorizer(),
            clip,
            library=library,
            limits=limits,
            waiting=1000,
            decoders=decoders,
            kept_seconds=KEPT_SECONDS,
        )
        config = Config(max_bytes=2_000_000, max_pixels=2_000_000)
        client = create_app(config, service).test_client()

        masks: list[str] = []  # of all things that were found so far; most are gone by now

        def send(attack: Attack) -> int:
            answer = client.open(
                attack.path,
                method=attack.method,
                data=attack.body,
                content_type=attack.content_type,
            )
            if attack.path == "/v1/things" and answer.status_code == 200:
                assert answer.json is not None
                masks.extend(thing["mask"] for thing in answer.json["things"] if thing["mask"])
                for place in (*masks[:1], *masks[-1:]):
                    status = client.get(place).status_code
                    assert status in (200, 404), f"{status} for {place}"
                del masks[1:-20]
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
    """Return the bytes of memory of the process and its decoders; 0 where the system is silent."""
    gc.collect()
    if not Path("/proc/self/statm").exists():
        return 0
    children = [task.read_text() for task in Path("/proc/self/task").glob("*/children")]
    places = [Path("/proc", pid, "statm") for pid in ("self", *" ".join(children).split())]
    pages = [int(place.read_text().split()[1]) for place in places if place.exists()]
    return sum(pages) * os.sysconf("SC_PAGE_SIZE")
