"""Offline, proven: every feature of the page works where there is no network but the loopback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from tests.support.chromium import needs_chromium
from tests.support.repository import ROOT

LOOPBACK_ONLY = ("unshare", "--net", "--", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
CAN_UNSHARE = (
    all(shutil.which(tool) for tool in ("unshare", "ip"))
    and subprocess.run([*LOOPBACK_ONLY, "true"], capture_output=True).returncode == 0
)
# Only the loopback is there, and an address that documents use alone (RFC 5737) has no route.
NOTHING_OUTSIDE = """
import socket
assert [name for _, name in socket.if_nameindex()] == ["lo"], socket.if_nameindex()
try:
    socket.create_connection(("192.0.2.1", 443), timeout=5)
except OSError as error:
    print(error)
else:
    raise SystemExit("something outside answers")
"""

pytestmark = [
    pytest.mark.browser,
    needs_chromium,
    pytest.mark.skipif(
        not CAN_UNSHARE, reason="a network namespace needs root, unshare and ip (iproute2)"
    ),
]


def run(*command: str) -> str:
    """Run a command where only the loopback exists; return what it wrote."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        environment.pop(name, None)  # the promise holds without being told
    done = subprocess.run(
        [*LOOPBACK_ONLY, sys.executable, *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-2000:]}"
    return done.stdout


def test_the_namespace_reaches_nothing() -> None:
    assert "unreachable" in run("-c", NOTHING_OUTSIDE)


def test_the_page_and_the_server_work_with_the_loopback_alone() -> None:
    summary = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/web/test_real.py")
    assert "1 passed" in summary
