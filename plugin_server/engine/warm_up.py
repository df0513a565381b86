"""The request that warms the models up."""

from __future__ import annotations

from io import BytesIO

import numpy as np

from models.job import ColorizeJob
from plugin_server.engine.answer_types import Exact
from plugin_server.engine.requests import ColorizeRequest


def warm_request() -> ColorizeRequest:
    """Ask for a small picture with a description, in PNG."""
    file = BytesIO()
    np.save(file, np.linspace(0, 255, 64 * 96).astype(np.uint8).reshape(64, 96))
    return ColorizeRequest(file.getvalue(), ColorizeJob("a photo"), answer_type=Exact("image/png"))
