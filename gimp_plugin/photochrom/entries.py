"""The menu entries: what each asks, and which task it makes of its arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import gi
from api.errors import Failure
from layers.layers import Unusable
from layers.parasites import Origin, latest, settings_of, source_of
from layers.hint_layer import find_dabs_layer, read_hints
from layers.reference import Reference
from request import Request, split_exemplars

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp, Gio  # noqa: E402

LOOK = ("saturation", "strength", "output")


class Closed(Exception):
    """The person closed the dialog without OK."""


@dataclass(frozen=True)
class Call:
    """One call of a procedure; ``layer`` is what is selected, ``source`` what it was made from."""

    procedure: Gimp.ImageProcedure
    config: Gimp.ProcedureConfig
    image: Gimp.Image
    layer: Gimp.Layer
    source: Gimp.Layer
    interactive: bool

    def get(self, name: str) -> Any:
        """Read an argument as it is now: a dialog may still change it."""
        return self.config.get_property(name)

    def text(self, name: str) -> str:
        """Read a text, which is None in GIMP where nobody gave one."""
        return self.get(name) or ""

    def look(self) -> dict[str, Any]:
        """Read the arguments that every procedure has."""
        return {name: self.get(name) for name in LOOK}


@dataclass(frozen=True)
class Task:
    """What is coloured, how, and which layer is selected afterwards (None: the new one)."""

    source: Gimp.Layer
    request: Request
    selected: Gimp.Layer | None = None


@dataclass(frozen=True)
class Entry:
    """A procedure and its menu entry; ``ask`` opens its dialog and raises ``Closed``."""

    name: str
    label: str
    blurb: str
    help: str
    arguments: tuple[str, ...] = ()
    task: Callable[[Call], Task] = lambda call: Task(call.source, Request())
    ask: Callable[[Call, Entry], None] | None = None

    @property
    def title(self) -> str:
        """The label as a dialog's title."""
        return self.label.replace("_", "").removesuffix("...")


def automatic(call: Call) -> Task:
    """Colour with no guidance."""
    return Task(call.source, Request(**call.look()))


def description(call: Call) -> Task:
    """Colour after a description."""
    return Task(call.source, Request(call.text("description"), **call.look()))


def reference(call: Call) -> Task:
    """Take the colours from another photo."""
    file, drawable = call.get("reference"), call.get("reference-drawable")
    if file is not None:
        found = Reference.from_file(file)
    elif drawable is not None:
        found = Reference.from_drawable(drawable)
    else:
        raise Failure("no reference was given: choose a picture file, or a layer of an open image")
    return Task(call.source, Request(call.text("description"), found, **call.look()))


def exemplars(call: Call) -> Task:
    """Take the colours from photos of the library."""
    ids = split_exemplars(call.text("exemplar"))
    return Task(call.source, Request(call.text("description"), exemplars=ids, **call.look()))


def hints(call: Call) -> Task:
    """Colour after dabs of colour, which lie on a layer above."""
    paint, below = find_dabs_layer(call.image, call.layer, call.get("hint-layer"))
    source = source_of(call.image, below)
    request = Request(call.text("description"), hints=read_hints(paint, source), **call.look())
    return Task(source, request, selected=paint if call.layer == paint else None)


def again(call: Call) -> Task:
    """Colour once more with the settings that made a layer, but for the arguments given.

    Without a dialog an argument at its default counts as not given.
    """
    settings, origin = _made(call)
    given = {name: call.get(name) for name in ("description", *LOOK)}
    if not call.interactive:
        kept = {"output": origin.output, **_asked(settings)}
        for name in given:
            if given[name] in (None, call.config.find_property(name).get_default_value()):
                given[name] = kept[name]
    source = source_of(call.image, latest(call.image, call.layer))
    request = Request(hints=settings.hints, **given)
    if settings.exemplar:
        request = replace(request, exemplars=(settings.exemplar,))
    elif origin.reference:
        request = replace(request, reference=Reference.from_file(Gio.File.new_for_uri(origin.reference)))
    elif settings.reference:
        raise Failure(
            "the colours came from a layer of another image, which cannot be found again: use "
            "'Colorize from reference...'"
        )
    return Task(source, request)


def ask(call: Call, entry: Entry) -> None:
    """Open the dialog with a preview."""
    from dialogs import colorize_dialog  # Gtk is not there without a screen

    if not dialog.ask(
        call.procedure, call.config, call.source, entry, lambda: entry.task(call).request
    ):
        raise Closed


def ask_again(call: Call, entry: Entry) -> None:
    """Open the dialog with the settings that made the layer."""
    settings, origin = _made(call)
    for name, value in {"output": origin.output, **_asked(settings)}.items():
        call.config.set_property(name, value)
    ask(call, entry)


def _made(call: Call) -> tuple[Any, Origin]:
    layer = latest(call.image, call.layer)
    settings, origin = settings_of(layer), Origin.of(layer)
    if settings is None or origin is None:
        raise Unusable("the selected layer was not made by Photochrom: select one that was")
    return settings, origin


def _asked(settings: Any) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in ("description", "saturation", "strength")}


WORDS = "It is sent to the Photochrom server, which runs on this computer, and comes back coloured."
RESULT = (
    "The result is a new layer above it; its lightness, transparency and size are the photo's own. "
    "Only what is selected is coloured. One undo takes all back."
)
COLORIZERS: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry(
            "plug-in-photochrom-automatic",
            "_Colorize",
            "Colour the selected layer of a black-and-white photo",
            f"{WORDS} {RESULT}",
            LOOK,
            automatic,
        ),
        Entry(
            "plug-in-photochrom-description",
            "Colorize from _description...",
            "Colour the selected layer after a description",
            f"Say what the photo shows and which colours it has. {WORDS} {RESULT}",
            ("description", *LOOK),
            description,
            ask,
        ),
        Entry(
            "plug-in-photochrom-reference",
            "Colorize from _reference...",
            "Colour the selected layer like another photo",
            "Give a colour photo of a similar scene, a file or a layer of an open image. " + RESULT,
            ("reference", "reference-drawable", "description", *LOOK),
            reference,
            ask,
        ),
        Entry(
            "plug-in-photochrom-exemplars",
            "Find e_xemplar photos...",
            "Colour the selected layer like photos of your library that fit it",
            f"The library is searched with the layer and, if you like, with words. {RESULT}",
            ("description", "exemplar", *LOOK),
            exemplars,
            ask,
        ),
        Entry(
            "plug-in-photochrom-hints",
            "Colorize with _hints",
            "Colour a layer after dabs of colour painted on a layer above",
            "Add a transparent layer above the photo, paint dabs where you know the colour, and "
            f"run this. Paint that is less than half opaque does not count. {RESULT}",
            ("hint-layer", "description", *LOOK),
            hints,
        ),
        Entry(
            "plug-in-photochrom-again",
            "Colorize _again with...",
            "Colour once more, beginning with the settings that made the selected layer",
            "Reference, exemplar and dabs stay as they were. Without a dialog, arguments that "
            f"differ from their defaults replace the settings. {RESULT}",
            ("description", *LOOK),
            again,
            ask_again,
        ),
    )
}
SETTINGS = Entry(
    "plug-in-photochrom-settings",
    "_Settings and server status...",
    "Show how the Photochrom server stands, where it is, and where its log is",
    "Returns the status as a sentence. With a dialog, the server can be started from it.",
)
