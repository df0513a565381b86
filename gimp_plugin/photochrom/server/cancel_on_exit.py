"""Stops the server's work when the plug-in is ended in the middle of it.

GIMP's Cancel button kills a plug-in: no signal, no last words. So a process of its own waits at
the other end of a pipe; when the pipe closes without a word, it cancels the job.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from typing import IO, Any

DONE = "done"
SECONDS = 10.0


class CancelOnExit:
    """Watches over the job of one run; ``release`` when the run ends by itself."""

    def __init__(self, address: str, token: str | None) -> None:
        self._address, self._token = address, token
        self._process: subprocess.Popen[bytes] | None = None

    def watch(self, path: str) -> None:
        """Cancel the job at this path (``/v1/jobs/ID``) should this process vanish."""
        self.release()
        options: dict[str, Any] = {"start_new_session": True}
        if os.name == "nt":
            options = {"creationflags": 0x08000000}  # CREATE_NO_WINDOW
        try:
            self._process = subprocess.Popen(
                [sys.executable, os.path.abspath(__file__)], stdin=subprocess.PIPE, **options
            )
        except OSError as problem:
            # Without it a cancelled job costs the server some seconds, and no more.
            print(f"photochrom: no cancelling when GIMP ends ({problem})", file=sys.stderr)
            return
        self._say({"address": self._address, "token": self._token, "path": path})

    def release(self) -> None:
        """Tell it that all is well."""
        if self._process is None:
            return
        self._say(DONE)
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
        except OSError as problem:
            print(f"photochrom: the one who cancels is gone ({problem})", file=sys.stderr)
        self._process = None

    def _say(self, message: object) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as problem:
            print(f"photochrom: the one who cancels is gone ({problem})", file=sys.stderr)


def main(stream: IO[bytes]) -> None:
    """Read what to watch, then wait until the plug-in says so or is gone."""
    job = json.loads(stream.readline() or "null")
    if job is None or stream.readline():
        return
    headers = {"Authorization": f"Bearer {job['token']}"} if job["token"] else {}
    request = urllib.request.Request(job["address"] + job["path"], headers=headers, method="DELETE")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(request, timeout=SECONDS).close()
    except OSError as problem:  # urllib's own errors are such
        print(f"photochrom: the job could not be cancelled ({problem})", file=sys.stderr)


if __name__ == "__main__":
    main(sys.stdin.buffer)
