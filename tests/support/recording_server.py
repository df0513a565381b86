"""A server that notes every form and colours each photo in a hue of its words, without models."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from flask import Flask, Response, jsonify, request
from numpy.typing import NDArray
from werkzeug.serving import make_server

COLORS = {"red": (200, 60, 60), "green": (60, 180, 60), "blue": (70, 90, 220)}


@dataclass
class Sent:
    """One form: its texts, and its files as arrays."""

    texts: dict[str, str]
    files: dict[str, NDArray[Any]]

    @property
    def words(self) -> str:
        """The description, or those of the regions."""
        regions = json.loads(self.texts.get("regions", "[]"))
        return self.texts.get("description") or " ".join(one["description"] for one in regions)


@dataclass
class Recording:
    """Where the server is and what it was sent."""

    address: str = ""
    sent: list[Sent] = field(default_factory=list)
    notice: str = ""

    def of(self, words: str) -> Sent:
        """Return the last form with these words, of the description or a region."""
        return next(form for form in reversed(self.sent) if words in form.words)


@contextmanager
def recording() -> Iterator[Recording]:
    """Serve in a thread."""
    found = Recording()
    app = Flask(__name__)
    results: dict[str, bytes] = {}

    @app.get("/v1/health")
    def health() -> Response:
        models = {"colorizer": "recorder", "clip": "recorder"}
        return jsonify(status="ok", version="0.1.0", device="cpu", models=models, exemplars=0)

    @app.post("/v1/jobs")
    def begin() -> tuple[Response, int]:
        files = {name: read(file.read()) for name, file in request.files.items()}
        form = Sent(dict(request.form), files)
        found.sent.append(form)
        results[str(len(found.sent))] = colored(form)
        return jsonify(id=str(len(found.sent)), state="queued"), 202

    @app.get("/v1/jobs/<name>")
    def state(name: str) -> Response:
        return jsonify(id=name, state="done", stage="done", progress=1)

    @app.get("/v1/jobs/<name>/result")
    def result(name: str) -> Response:
        answer = Response(results[name], mimetype="application/x-npy")
        if found.notice:
            answer.headers["Photochrom-Notice"] = found.notice
        return answer

    @app.delete("/v1/jobs/<name>")
    def stop(name: str) -> tuple[str, int]:
        return "", 204

    server = make_server("127.0.0.1", 0, app, threaded=True)
    found.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def read(data: bytes) -> NDArray[Any]:
    """Read an npy file; other files become their bytes."""
    if data.startswith(b"\x93NUMPY"):
        pixels: NDArray[Any] = np.load(io.BytesIO(data))
        return pixels
    return np.frombuffer(data, np.uint8)


def colored(form: Sent) -> bytes:
    """Give every pixel one colour; alpha and depth stay."""
    image = form.files["image"]
    top = 1.0 if image.dtype == np.float32 else np.iinfo(image.dtype).max
    color = next((rgb for name, rgb in COLORS.items() if name in form.words), (150, 140, 120))
    whole = np.empty((*image.shape[:2], 3 + (image.shape[2] in (2, 4))), image.dtype)
    whole[..., :3] = (np.array(color) / 255 * top).astype(image.dtype)
    if whole.shape[2] == 4:
        whole[..., 3] = image[..., -1]
    file = io.BytesIO()
    np.save(file, whole)
    return file.getvalue()
