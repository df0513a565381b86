"""One run: a layer goes to the server, its colours come back as new layers above it."""

from __future__ import annotations

import time

import gi
from client import Client, Result
from guard import Guard
from layers import insert, layer_name, one_undo_step, read
from origin import Origin
from progress import Bar
from wish import Wish

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp  # noqa: E402


def colorize(
    image: Gimp.Image, source: Gimp.Layer, wish: Wish, *, client: Client, bar: Bar
) -> list[Gimp.Layer]:
    """Colour a layer; return the new layers, the uppermost first. One undo step takes all back.

    The image is touched only after every answer is there.

    Raises:
        Failure: nothing was changed.
    """
    started = time.monotonic()
    pixels = read(source, wish.output)
    guard = Guard(client.address, client.token)
    client.on_job = guard.watch
    results = []
    exemplars = wish.exemplars or (None,)
    try:
        for number, exemplar in enumerate(exemplars):
            bar.part(number / len(exemplars), (number + 1) / len(exemplars))
            results.append(wish.send(client, pixels, bar, exemplar))
    finally:
        guard.release()
        client.on_job = None
    bar("Making the layer", 1.0)
    layers = _insert_all(image, source, wish, results)
    notices = dict.fromkeys(notice for result in results for notice in result.notices)
    bar(f"Coloured in {time.monotonic() - started:.1f} s", 1.0)
    if notices:
        Gimp.message("\n".join(notices))
    return layers


def _insert_all(
    image: Gimp.Image, source: Gimp.Layer, wish: Wish, results: list[Result]
) -> list[Gimp.Layer]:
    uri = wish.reference.uri if wish.reference else None
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
                        name=_name(wish, result),
                        settings=result.settings,
                        origin=Origin(
                            source.get_tattoo(),
                            wish.output,
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


def _name(wish: Wish, result: Result) -> str:
    """Name a layer after the description, else after what gave it its colours."""
    if result.exemplar is not None:
        score = "" if result.score is None else f" ({result.score:.0%})"
        words = f"{wish.description}: " if wish.description else ""
        return layer_name(f"{words}colours of {result.exemplar}{score}", "")
    if wish.reference is not None and not wish.description:
        return layer_name(f"Colours of {wish.reference.name}", "")
    return layer_name(wish.description, "Colours")
