"""Photos go to the server, and their colors come back as new layers above them."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import gi
from api.answers import Result
from api.client import Client
from api.pixels import Pixels
from api.texts import _
from layers.group import insert_group
from layers.hint_layer import keep_paint
from layers.parasites import THING_LAYERS, Origin, identify, mark_hints
from layers.results import NewLayer, check_unchanged, insert, layer_name, one_undo_step, place_above
from progress import Bar
from run import Run
from server.cancel_on_exit import CancelOnExit

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp  # noqa: E402


@dataclass(frozen=True)
class Colored:
    """A run and what the server made of it, an entry for each exemplar.

    Attributes:
        masks: of the new layer; the region is the last one.
        hints: the paint that was sent.
    """

    run: Run
    region: Pixels | None
    masks: tuple[Pixels, ...]
    hints: Pixels | None
    results: Sequence[Result]

    @property
    def replaced(self) -> Gimp.Layer | None:
        """The result that makes way; None where the person deleted it meanwhile."""
        old = self.run.replaced
        return old if old is not None and old.is_valid() else None


def colorize(runs: Sequence[Run], *, client: Client, bar: Bar) -> list[Gimp.Layer]:
    """Color photos; return the new layers, the uppermost of each photo first.

    The image is touched only after every answer is there. One undo step takes all back.

    Raises:
        Failure: nothing was changed.
    """
    started = time.monotonic()
    cancel = CancelOnExit(client.address, client.token)
    client.on_job = cancel.watch
    answered = []
    try:
        for number, run in enumerate(runs):
            bar.part(number / len(runs), (number + 1) / len(runs))
            answered.append(_answer(run, client, bar))
    finally:
        cancel.release()
        client.on_job = None
    bar(_("Making the layer"), 1.0)
    layers = _insert_all(answered)
    bar(_("Colored in {seconds:.1f} s").format(seconds=time.monotonic() - started), 1.0)
    results = [result for colored in answered for result in colored.results]
    notices = dict.fromkeys(notice for result in results for notice in result.notices)
    if notices:
        Gimp.message("\n".join(notices))
    return layers


def _answer(run: Run, client: Client, bar: Bar) -> Colored:
    pixels = run.photo.read(run.output)
    # All that is read of other layers is read now: a person may delete them meanwhile.
    region = run.region()
    masks = tuple(mask for mask in (run.kept_mask(), region) if mask is not None)
    request = run.request(region=region)
    results = []
    low, high = bar.span
    exemplars = run.exemplars or ("",)
    for number, exemplar in enumerate(exemplars):
        share = (high - low) / len(exemplars)
        bar.part(low + number * share, low + (number + 1) * share)
        result = client.colorize(
            pixels,
            replace(request, exemplar=exemplar),
            in_parts=run.output == THING_LAYERS,
            on_progress=bar,
        )
        # What belongs to the selection is remembered like what belongs to the whole.
        settings = replace(result.settings, description=run.base.description.strip())
        results.append(replace(result, settings=settings))
    check_unchanged(run.photo, pixels)
    return Colored(run, region, masks, request.hint_image, results)


def _insert_all(answered: Sequence[Colored]) -> list[Gimp.Layer]:
    image = answered[0].run.photo.image
    layers: list[Gimp.Layer] = []
    with one_undo_step(image):
        try:
            if image.get_base_type() != Gimp.ImageBaseType.RGB:
                image.convert_rgb()
            for colored in answered:
                _insert(colored, layers)
        except BaseException:
            for layer in layers:
                image.remove_layer(layer)
            raise
        replaced = [old for colored in answered if (old := colored.replaced) is not None]
        for old in replaced:
            image.remove_layer(old)
        for layer in layers if replaced else ():
            # While the old one was there, GIMP told the new one apart by a number.
            layer.set_name(re.sub(r" #\d{1,3}$", "", layer.get_name()))
    return layers


def _insert(colored: Colored, layers: list[Gimp.Layer]) -> None:
    """Insert the results of a photo, the best on top and alone visible, into ``layers``."""
    run, old = colored.run, colored.replaced
    identify(run.photo.layer)
    dabs = [layer for layer in run.hint_layers if layer.is_valid()]
    for layer in dabs:
        mark_hints(layer, run.photo.layer)
    parent, place = place_above(run.photo)
    if old is not None:
        parent = old.get_parent()
        place = (parent.get_children() if parent else run.photo.image.get_layers()).index(old)
    # Each goes above the last one.
    first = len(layers)
    for result in reversed(colored.results):
        origin = Origin(
            source=identify(run.photo.layer),
            output=run.output,
            reference=run.reference.uri if run.reference else "",
            name=result.exemplar_name or (run.reference.name if run.reference else ""),
            is_region=colored.region is not None,
            is_visible=run.photo.is_visible,
            hint_layers=tuple(map(identify, dabs)),
            server_seconds=round(result.timings.get("total", 0.0), 3),
        )
        new = NewLayer(_layer_name(result, origin), result.settings, origin, colored.masks)
        if result.pixels is None:
            layer = insert_group(run.photo, new, result.parts, (parent, place), old)
        else:
            opacity = old.get_opacity() if old else 100.0
            layer = insert(run.photo, new, result.pixels, (parent, place), opacity)
        layers.insert(first, layer)
        if colored.hints is not None:
            keep_paint(layer, colored.hints, run.photo)
    for hidden in layers[first + 1 :]:
        hidden.set_visible(False)


def _layer_name(result: Result, origin: Origin) -> str:
    """Name a layer after the description and after what gave it its colors."""
    words = result.settings.description
    if result.exemplar is not None:
        score = f" ({result.score:.0%})" if result.score and result.score >= 0.01 else ""
        colors = _("colors of {name}").format(name=origin.name) + score
        return layer_name(f"{words}: {colors}" if words else colors[:1].upper() + colors[1:], "")
    if origin.name and not words:
        return layer_name(_("Colors of {name}").format(name=origin.name), "")
    return layer_name(words, _("Colors"))
