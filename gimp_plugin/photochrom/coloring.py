"""One run: a layer goes to the server, its colours come back as new layers above it."""

from __future__ import annotations

import time

import gi
from api.client import Client, Result
from server.cancel_on_exit import CancelOnExit
from layers.layers import insert, layer_name, one_undo_step, read
from layers.parasites import Origin
from progress import Bar
from request import Request

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp  # noqa: E402


def colorize(
    image: Gimp.Image, source: Gimp.Layer, request: Request, *, client: Client, bar: Bar
) -> list[Gimp.Layer]:
    """Colour a layer; return the new layers, the uppermost first. One undo step takes all back.

    The image is touched only after every answer is there.

    Raises:
        Failure: nothing was changed.
    """
    started = time.monotonic()
    pixels = read(source, request.output)
    guard = CancelOnExit(client.address, client.token)
    client.on_job = guard.watch
    results = []
    exemplars = request.exemplars or (None,)
    try:
        for number, exemplar in enumerate(exemplars):
            bar.part(number / len(exemplars), (number + 1) / len(exemplars))
            results.append(request.send(client, pixels, bar, exemplar))
    finally:
        guard.release()
        client.on_job = None
    bar("Making the layer", 1.0)
    layers = _insert_all(image, source, request, results)
    notices = dict.fromkeys(notice for result in results for notice in result.notices)
    bar(f"Coloured in {time.monotonic() - started:.1f} s", 1.0)
    if notices:
        Gimp.message("\n".join(notices))
    return layers


def _insert_all(
    image: Gimp.Image, source: Gimp.Layer, request: Request, results: list[Result]
) -> list[Gimp.Layer]:
    uri = request.reference.uri if request.reference else None
    layers: list[Gimp.Layer] = []
    with one_undo_step(image):
        try:
            # Each goes above the last one, so that the best is on top.
            for result in reversed(results):
                layers.insert(
                    0,
                    insert(
                        image,
                        source,
                        result.pixels,
                        name=_name(request, result),
                        settings=result.settings,
                        origin=Origin(
                            source.get_tattoo(),
                            request.output,
                            uri,
                            round(result.timings.get("total", 0.0), 3),
                        ),
                    ),
                )
            for hidden in layers[1:]:
                hidden.set_visible(False)
        except BaseException:
            for layer in layers:
                image.remove_layer(layer)
            raise
    return layers


def _name(request: Request, result: Result) -> str:
    """Name a layer after the description, else after what gave it its colours."""
    if result.exemplar is not None:
        score = "" if result.score is None else f" ({result.score:.0%})"
        words = f"{request.description}: " if request.description else ""
        return layer_name(f"{words}colours of {result.exemplar}{score}", "")
    if request.reference is not None and not request.description:
        return layer_name(f"Colours of {request.reference.name}", "")
    return layer_name(request.description, "Colours")
