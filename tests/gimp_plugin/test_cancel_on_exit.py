"""A process of its own cancels a job when the plug-in vanishes, and only then."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from server import cancel_on_exit

from plugin_server.config import Config
from plugin_server.service import Service
from tests.support.fakes import FakeClip, FakeColorizer
from tests.support.gimp_server import Served, serving_fakes
from tests.support.real_gimp import wait_until

FOLDER = Path(cancel_on_exit.__file__).parent.parent
PATH = "/v1/jobs/abc"
PLUGIN = """
import sys, time
sys.path.insert(0, {folder!r})
from server.cancel_on_exit import CancelOnExit
CancelOnExit({address!r}, "right").watch({path!r})
print("watching", flush=True)
time.sleep(60)
"""


@pytest.fixture
def server() -> Iterator[Served]:
    config = Config(port=0, token="right")
    with serving_fakes(Service(FakeColorizer(), FakeClip()), config) as served:
        yield served


def told(server: Served, *more: object) -> io.BytesIO:
    """Write what the plug-in tells its cancel_on_exit."""
    job = {"address": server.address, "token": "right", "path": PATH}
    return io.BytesIO(b"".join(json.dumps(line).encode() + b"\n" for line in (job, *more)))


def test_a_plugin_that_is_killed_has_its_job_cancelled(server: Served) -> None:
    code = textwrap.dedent(PLUGIN).format(folder=str(FOLDER), address=server.address, path=PATH)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as plugin:
        assert plugin.stdout is not None
        assert plugin.stdout.readline() == b"watching\n"
        plugin.kill()
    wait_until(lambda: ("DELETE", PATH, 404) in server.asked, "the job was not cancelled")


def test_a_run_that_ends_by_itself_cancels_nothing(server: Served) -> None:
    cancel_on_exit.main(told(server, cancel_on_exit.DONE))
    assert server.asked == []


def test_silence_cancels(server: Served) -> None:
    cancel_on_exit.main(told(server))
    assert server.asked == [("DELETE", PATH, 404)]


def test_a_plugin_that_dies_before_it_has_a_job_cancels_nothing(server: Served) -> None:
    cancel_on_exit.main(io.BytesIO(b""))
    assert server.asked == []


def test_a_server_that_is_gone_is_no_error(
    server: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    job = {"address": "http://127.0.0.1:9", "token": None, "path": PATH}
    cancel_on_exit.main(io.BytesIO(json.dumps(job).encode() + b"\n"))
    assert "could not be cancelled" in capsys.readouterr().err
