"""Results to choose from: four candidates, and what was tried in this image before."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import gi
from api.client import Client
from api.errors import Failure, Refused
from api.pixels import Pixels
from api.request import Request
from api.texts import _, sentence
from layers.tried import MOST, Tried, keep_tried, read_tried
from run import Call, Run

from dialogs.background import Latest, OnProgress
from dialogs.exemplars import FITS
from dialogs.pages import Page, text_line
from dialogs.pictures import Gallery, pixbuf

gi.require_version("Gtk", "3.0")
from gi.repository import Gtk  # noqa: E402

SEEN = 256  # pixels of a candidate's long side
COUNT = 4
Candidate = tuple[str, dict[str, Any], Pixels]


class Choices(Page):
    """Pictures, each made by arguments: a click sets them, and the preview shows it large."""

    def __init__(self, call: Call, text: str) -> None:
        self._call = call
        self._line, self._gallery = text_line(text), Gallery()
        super().__init__(self._line)
        self.pack_start(self._gallery, True, True, 0)

    def put(
        self,
        name: str,
        arguments: dict[str, Any],
        picture: Pixels,
        discard: Callable[[], None] | None = None,
    ) -> None:
        """Add a picture."""
        button = Gtk.Button()
        button.get_accessible().set_name(name)
        button.set_tooltip_text(name)
        button.connect("clicked", lambda _button: self._set(arguments))
        self._gallery.put(button, pixbuf(picture), Gtk.Label(label=name), discard)

    def _set(self, arguments: dict[str, Any]) -> None:
        for name, value in arguments.items():
            if name in self._call.arguments and self._call.get(name) != value:
                self._call.config.set_property(name, value)


class CandidatesPage(Choices):
    """Four results that differ in what the colors follow; made when the page is looked at."""

    def __init__(self, call: Call, folder: Path, make_run: Callable[[], Run]) -> None:
        super().__init__(call, "")
        self._make_run = make_run
        self._server = Latest(folder, self._line.set_text)
        self.connect("map", self._make)
        self.connect("destroy", lambda *_args: self._server.close())

    def _make(self, *_args: object) -> None:
        try:
            run = self._make_run()
            small = run.photo.read_small(SEEN)
            scale = small.width / run.photo.size[0]
            request = run.request(scale, run.region(scale))
        except Failure as problem:
            self._line.set_text(sentence(str(problem)))
            return
        self._line.set_text(_("Coloring …"))

        def question(client: Client, on_progress: OnProgress) -> list[Candidate]:
            found = []
            for name, changed in _variants(client, small, request, on_progress):
                result = client.colorize(
                    small, replace(request, **changed), on_progress=on_progress
                )
                assert result.pixels is not None, "a small picture has no parts"
                found.append((name, changed, result.pixels))
            return found

        self._server.ask(question, self._show)

    def _show(self, found: list[Candidate]) -> None:
        self._line.set_text(_("Click the one that is nearest; the preview shows it large."))
        self._gallery.clear()
        for candidate in found:
            self.put(*candidate)


def _variants(
    client: Client, small: Pixels, request: Request, on_progress: OnProgress
) -> list[tuple[str, dict[str, Any]]]:
    """Name four ways to color: as asked, after photos of the library that fit, and otherwise."""
    asked = {
        "exemplar": request.exemplar,
        "saturation": request.saturation,
        "strength": request.strength,
    }
    every = [(_("As asked"), asked)]
    if request.reference is None and not request.exemplar:
        with suppress(Refused):  # a server without a library
            found = client.search(small, request.description, COUNT - 1, on_progress=on_progress)
            fitting = (one for one in found if one.score >= FITS)
            every += [(one.name, {**asked, "exemplar": one.id}) for one in fitting]
    every += [
        (_("More vivid"), {**asked, "saturation": min(2.0, 1.5 * request.saturation)}),
        (_("Calmer"), {**asked, "saturation": 0.6 * request.saturation}),
        (_("Freer"), {**asked, "strength": 0.4 * request.strength}),
    ]
    return every[:COUNT]


class TriedPage(Choices):
    """What was tried in this image, the latest first; it is kept with the image."""

    def __init__(self, call: Call) -> None:
        super().__init__(call, _("What was tried in this image. A click brings it back."))
        self._tried = read_tried(call.image)
        self._fill()

    def note(self, picture: Pixels) -> None:
        """Put what the preview shows now first; what nobody has asked for was not tried."""
        now = {name: self._call.get(name) for name in Tried.NAMES}
        arguments = {
            name: value
            for name, value in now.items()
            if value is not None and value != self._call.default(name)
        }
        if not arguments:
            return
        others = [one for one in self._tried if one.arguments != arguments]
        self._tried = [Tried.of(arguments, picture), *others][:MOST]
        self._fill()

    def keep(self) -> None:
        """Note it with the image."""
        keep_tried(self._call.image, self._tried)

    def _fill(self) -> None:
        self._gallery.clear()
        for one in self._tried:
            name = str(one.arguments.get("description") or _("Without words"))
            defaults = {name: self._call.default(name) for name in Tried.NAMES}
            self.put(name, {**defaults, **one.arguments}, one.picture, self._discarding(one))

    def _discarding(self, one: Tried) -> Callable[[], None]:
        return lambda: self._tried.remove(one)
