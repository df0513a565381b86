"""Work that waits for the test, for queues."""

from __future__ import annotations

import threading

from models.progress import Progress
from plugin_server.engine.requests import Answer, ColorizeRequest, Request
from plugin_server.images.codec import BrokenImage

SOON = 10.0  # seconds after which a test has failed


class HeldWork:
    """Echoes the photo's bytes once ``release`` is set, and says in which order it began."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.begun: list[bytes] = []
        self.ended: list[bytes] = []
        self.left = threading.Semaphore(0)
        self.arrived = threading.Semaphore(0)

    def __call__(self, request: Request, progress: Progress) -> Answer:
        assert isinstance(request, ColorizeRequest)
        assert isinstance(request.image, bytes)
        self.begun.append(request.image)
        self.arrived.release()
        try:
            progress("decode", 0.0)
            while not self.release.wait(0.01):
                progress("join", 0.5)
            if request.image == b"broken":
                raise BrokenImage("the picture is damaged")
        finally:
            self.ended.append(request.image)
            self.left.release()
        return Answer(b"colour of " + request.image, "image/png", ("a notice",), {"total": 1.0})

    def wait_for(self, count: int) -> None:
        for _ in range(count):
            assert self.arrived.acquire(timeout=SOON), "nobody took the job"

    def wait_for_end(self) -> None:
        assert self.left.acquire(timeout=SOON), "nothing ended"
