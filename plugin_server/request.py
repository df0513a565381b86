"""One request to colour a photo, as the form, the command line and the jobs share it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NewType

from models.job import ColorizeJob
from plugin_server.images import Layer

ImageId = NewType("ImageId", str)  # of a photo that the server keeps: POST /v1/images


def own_type(layer: Layer) -> str:
    """Answer in the type that the photo came in."""
    return layer.media_type


@dataclass(frozen=True, slots=True)
class ColorizeRequest:
    """A photo, what is wanted for it, and the pictures that go with it, all still encoded.

    ``image`` is the photo's file, or the id of one that is kept. ``mask`` is a picture of the same
    size, white where colour is wanted; ``reference`` one to take colours from. ``choose_type``
    names the answer's media type once the input is known. Everything in it can be pickled, as far
    as ``choose_type`` can, so that a request may travel to another process.
    """

    image: bytes | ImageId = field(repr=False)
    job: ColorizeJob = field(default_factory=ColorizeJob)
    mask: bytes | None = field(default=None, repr=False)
    reference: bytes | None = field(default=None, repr=False)
    choose_type: Callable[[Layer], str] = own_type
