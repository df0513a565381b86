"""Print the way of a layer through the code: the files, calls and types of ``POST /v1/colorize``.

    python tools/way.py [--list] [--json]

Two requests are sent to the app in this process, one with a description and one with a
reference, a hint and a palette besides, and every Python call inside the packages is counted.
Both are sent once before, so that what is only done the first time does not count. Code that
runs in other processes is not seen.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import skimage.data  # noqa: E402
from flask.testing import FlaskClient  # noqa: E402

from plugin_server.app import create_app  # noqa: E402
from plugin_server.config import DEFAULT_HOST, Config  # noqa: E402
from plugin_server.service import Service  # noqa: E402

PACKAGES = ("models", "retrieval", "plugin_server")


class Way:
    """Counts the calls of our own code, in all threads that were started after it was made."""

    def __init__(self) -> None:
        self.files: list[str] = []  # one entry a call, in order
        self.functions: set[tuple[str, str]] = set()
        self.types: set[str] = set()
        self._names: dict[str, str | None] = {}
        self._on = False
        threading.setprofile(self._enter)

    def _enter(self, frame: FrameType, event: str, _argument: object) -> None:
        if not self._on or event != "call":
            return
        code = frame.f_code
        if code.co_name == "__init__" and "self" in frame.f_locals:
            kind = type(frame.f_locals["self"])
            if kind.__module__.split(".")[0] in PACKAGES:
                self.types.add(f"{kind.__module__}.{kind.__qualname__}")
        name = self._name(code.co_filename)
        if name is not None:
            self.files.append(name)
            self.functions.add((name, code.co_qualname))

    def _name(self, file: str) -> str | None:
        """Return a file's path in the repository; None where it is not ours."""
        if file not in self._names:
            path = Path(file)
            inside = path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in PACKAGES
            self._names[file] = path.relative_to(ROOT).as_posix() if inside else None
        return self._names[file]

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Count what happens inside the block, from nothing."""
        self.files, self.functions, self.types = [], set(), set()
        self._on = True
        sys.setprofile(self._enter)
        try:
            yield
        finally:
            sys.setprofile(None)
            self._on = False

    def report(self) -> dict[str, object]:
        """Return the figures and the names behind them, files in the order of the first call."""
        changes = sum(a != b for a, b in zip(self.files, self.files[1:], strict=False))
        files = dict.fromkeys(self.files, 0)
        for file in self.files:
            files[file] += 1
        return {
            "files": len(files),
            "calls": len(self.files),
            "functions": len(self.functions),
            "changes of file": changes,
            "types": sorted(self.types),
            "calls by file": files,
        }


def colorize(client: FlaskClient, *, full: bool) -> None:
    """Send a grey photo with a description; with ``full`` also a reference, a hint, a palette."""
    form: dict[str, object] = {
        "image": (_png(skimage.data.camera()), "photo.png"),
        "description": "a man in a green coat",
    }
    if full:
        form["reference"] = (_png(skimage.data.astronaut()), "reference.png")
        form["hints"] = json.dumps([{"x": 100, "y": 80, "color": "#8899cc"}])
        form["palette"] = json.dumps(["#556b2f", "#c8b090"])
    answer = client.post("/v1/colorize", data=form, base_url=f"http://{DEFAULT_HOST}")
    assert answer.status_code == 200, answer.text


def _png(pixels: np.ndarray) -> io.BytesIO:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    file.seek(0)
    return file


def main() -> None:
    """Send the requests and print what was entered."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--list", action="store_true", help="list the files and types too")
    options = parser.parse_args()
    way = Way()
    config = Config(library=None)
    client = create_app(config, Service.load(config)).test_client()
    reports = {}
    for name, full in (("described", False), ("with reference, hint and palette", True)):
        colorize(client, full=full)
        with way.watched():
            colorize(client, full=full)
        reports[name] = way.report()
    if options.json:
        print(json.dumps(reports, indent=2))
        return
    for name, report in reports.items():
        files, types = report["calls by file"], report["types"]
        assert isinstance(files, dict)
        assert isinstance(types, list)
        print(
            f"{name}: {report['files']} files, {report['calls']} calls of {report['functions']} "
            f"functions, {report['changes of file']} changes of file, {len(types)} types"
        )
        if options.list:
            print(*(f"  {calls:5} {file}" for file, calls in files.items()), sep="\n")
            print(*(f"        {kind}" for kind in types), sep="\n")


if __name__ == "__main__":
    main()
