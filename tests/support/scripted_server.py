"""A server that answers what a test tells it, to show what a client makes of strange answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Reply:
    """One answer; ``promised`` is a Content-Length that is not the body's."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    promised: int | None = None

    @classmethod
    def of(cls, members: dict[str, object], status: int = 200, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(status, json.dumps(members).encode(), named)


HEALTH = {"status": "ok", "version": "1.2.3", "device": "cpu", "models": {}, "exemplars": 0}


@dataclass
class Script:
    """Replies by "METHOD /path", each used once but the last, and what was asked."""

    replies: dict[str, list[Reply]]
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def scripted(**replies: Reply | list[Reply]) -> Iterator[tuple[str, Script]]:
    """Serve replies by name, such as ``get_v1_health=Reply(...)``; anything else is 404."""
    script = Script(
        {
            _call(name): list(reply) if isinstance(reply, list) else [reply]
            for name, reply in replies.items()
        }
    )

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            call = f"{self.command} {self.path}"
            script.asked.append(call)
            script.headers.append(dict(self.headers))
            queue = script.replies.get(call, [Reply(404)])
            reply = queue.pop(0) if len(queue) > 1 else queue[0]
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            length = len(reply.body) if reply.promised is None else reply.promised
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(reply.body)
            self.close_connection = reply.promised is not None

        do_GET = do_POST = do_DELETE = _answer

        def log_message(self, *_: object) -> None:
            """Say nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", script
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _call(name: str) -> str:
    """Turn ``get_v1_jobs_7`` into "GET /v1/jobs/7"."""
    method, _, path = name.partition("_")
    return f"{method.upper()} /{path.replace('_', '/')}"
