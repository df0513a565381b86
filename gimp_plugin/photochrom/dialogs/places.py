"""What the description names, as words under the preview: pointing at one shows its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gi
from api.answers import Named
from api.client import Client
from api.pixels import Pixels
from api.request import Request
from api.texts import _

from dialogs.background import Latest, OnProgress

gi.require_version("Gtk", "3.0")
from gi.repository import Gtk  # noqa: E402

LETTERS = 24


class NamedPlaces(Gtk.FlowBox):  # type: ignore[misc]  # gi has no types
    """A word for each thing; ``show_place`` is given its mask, and None when it is left."""

    def __init__(self, folder: Path, show_place: Callable[[Pixels | None], None]) -> None:
        super().__init__(selection_mode=Gtk.SelectionMode.NONE, max_children_per_line=6)
        self._show_place = show_place
        self._server = Latest(folder, lambda _text: None)  # the preview says what is wrong
        self.connect("destroy", lambda *_args: self._server.close())

    def find(self, small: Pixels, request: Request) -> None:
        """Find what the words name in a small copy of the photo."""
        self._show([])
        if not request.description and not request.regions:
            return

        def question(client: Client, on_progress: OnProgress) -> list[Named]:
            return client.things(small, request, on_progress=on_progress)

        self._server.ask(question, self._show)

    def _show(self, found: list[Named]) -> None:
        for child in self.get_children():
            self.remove(child)
        self._show_place(None)
        for one in found:
            self.add(self._word(one))
        self.show_all()

    def _word(self, one: Named) -> Gtk.Button:
        name = one.phrase if len(one.phrase) <= LETTERS else one.phrase[: LETTERS - 1] + "…"
        if one.mask is None:
            name = _("{name}: not found").format(name=name)
        button = Gtk.Button(label=name, relief=Gtk.ReliefStyle.NONE, sensitive=bool(one.mask))
        for signal, mask in (
            ("enter-notify-event", one.mask),
            ("focus-in-event", one.mask),
            ("leave-notify-event", None),
            ("focus-out-event", None),
        ):
            button.connect(signal, self._pointed, mask)
        return button

    def _pointed(self, _button: Gtk.Button, _event: object, mask: Pixels | None) -> bool:
        self._show_place(mask)
        return False
