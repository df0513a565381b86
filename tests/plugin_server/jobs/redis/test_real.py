"""Server and worker as they are delivered: their own weights, their own processes, a real photo."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
import skimage.data

from tests.support.crews import environment, wait_until
from tests.support.forms import FORM, form
from tests.support.pictures import encoded
from tests.support.redis_server import SOON, needs_redis, running_redis

pytestmark = [needs_redis, pytest.mark.slow]

COMMAND = (sys.executable, "-m", "plugin_server")
SECRET = "s3cretword"
LOADED = 600.0  # seconds until three programs have their models; the machine may be busy


@contextmanager
def started(log: Path, *command: str, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program, end it as systemd does, and check that it ended well."""
    with log.open("wb") as out, subprocess.Popen(
        [*COMMAND, *command], env=environment(**environ), stdout=out, stderr=subprocess.STDOUT
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(timeout=2 * SOON)
    assert code == 0, log.read_text("utf-8")


def address_in(log: Path) -> str:
    wait_until(lambda: "http://" in log.read_text("utf-8"), "the server's address", LOADED)
    found = re.search(r"http://\S+", log.read_text("utf-8"))
    assert found
    return found.group()


def colour(address: str) -> bytes:
    body = form(encoded(skimage.data.camera()[::2, ::2]), description="a man in a green coat")
    with urlopen(Request(f"{address}/v1/colorize", body, {"Content-Type": FORM}), timeout=120) as a:
        answer: bytes = a.read()
    return answer


def test_a_worker_writes_the_same_bytes_as_the_server_itself(tmp_path: Path) -> None:
    here, there, work = (tmp_path / name for name in ("here.log", "there.log", "work.log"))
    options = ("--port", "0", "--library", str(tmp_path / "library"))
    with running_redis(tmp_path / "redis", password=SECRET) as redis:
        broker = {"PHOTOCHROM_BROKER": redis.url}
        with (
            started(here, "serve", *options),
            started(there, "serve", *options, **broker),
            started(work, "worker", "--concurrency", "1", "--threads", "1", **broker),
        ):
            embedded, clustered = address_in(here), address_in(there)
            wait_until(lambda: workers_of(clustered) == 1, "the worker", LOADED)
            assert colour(clustered) == colour(embedded)
    for log in (there, work):
        assert SECRET not in log.read_text("utf-8")
    assert "redis://127.0.0.1" in there.read_text("utf-8")


def workers_of(address: str) -> int:
    with urlopen(f"{address}/v1/health", timeout=30) as answer:
        return int(json.load(answer)["workers"])
