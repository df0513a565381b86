"""Photos of the library that fit the layer, to pick from."""

from __future__ import annotations

from pathlib import Path

import gi
from api.answers import Found
from api.client import Client
from api.errors import Failure
from api.request import AUTO
from api.texts import _
from run import Call, split

from dialogs.background import Latest, OnProgress, Settled
from dialogs.pages import Page, text_line
from dialogs.pictures import Gallery

gi.require_version("Gimp", "3.0")
gi.require_version("Gtk", "3.0")
gi.require_version("GdkPixbuf", "2.0")
from gi.repository import GdkPixbuf, Gimp, GLib, Gtk  # noqa: E402

COUNT = 12
SEARCHED = 320  # pixels of the photo's long side
SETTLED_MS = 500
FITS = 0.05  # below this score an exemplar shares the scene by accident only


class ExemplarsPage(Page):
    """The photos found, with how well they fit; the ticked ones are those of ``exemplar``.

    The library is searched when the page is first seen, and when what it is searched with changes.
    """

    def __init__(self, call: Call, folder: Path, photo: Gimp.Layer) -> None:
        self._call, self._photo = call, photo
        self._line, self._gallery = text_line(""), Gallery()
        self._server = Latest(folder, self._line.set_text)
        self._settled = Settled(self.search, SETTLED_MS)
        self._buttons: dict[str, Gtk.ToggleButton] = {}
        super().__init__(self._line)
        self.pack_start(self._gallery, True, True, 0)
        self.connect("destroy", self._close)
        self.connect("map", self._first_seen)

    def _first_seen(self, *_args: object) -> None:
        self.disconnect_by_func(self._first_seen)
        for name in ("description", "visible"):
            self._call.config.connect(f"notify::{name}", self._settled.happened)
        self._call.config.connect("notify::exemplar", self._tick)
        self.search()

    def search(self) -> None:
        """Search with the photo and the words."""
        words = self._call.text("description")
        small = self._call.photo(self._photo).read_small(SEARCHED)

        def question(client: Client, on_progress: OnProgress) -> list[tuple[Found, bytes]]:
            found = client.search(small, words, COUNT, on_progress=on_progress)
            return [(one, _thumbnail(client, one)) for one in found]

        self._line.set_text(_("Searching the library …"))
        self._server.ask(question, self._show)

    def _show(self, found: list[tuple[Found, bytes]]) -> None:
        self._gallery.clear()
        self._buttons = {}
        self._line.set_text(_advice([one.score for one, _picture in found]))
        for one, picture in found:
            self._put(one, picture)
        # What is not shown cannot be seen to color the photo.
        self._take([name for name in self._picked() if name in self._buttons])
        self._tick()

    def _put(self, found: Found, picture: bytes) -> None:
        words = found.caption or found.name
        score = f"{found.score:.0%}" if found.score >= FITS else "–"
        line = Gtk.Label(label=score)
        button = Gtk.ToggleButton()
        button.set_tooltip_text(
            _("{words}\n{source}\n{width} × {height} pixels").format(
                words=words, source=found.source, width=found.width, height=found.height
            )
        )
        button.get_accessible().set_name(f"{score} {words}")

        def toggled(button: Gtk.ToggleButton) -> None:
            line.set_text(f"✓ {score}" if button.get_active() else score)
            self._pick(found.id, button.get_active())

        button.connect("toggled", toggled)
        self._buttons[found.id] = button
        self._gallery.put(button, _pixbuf(picture), line)

    def _picked(self) -> list[str]:
        """List the ids of what is picked, in the order of picking."""
        return [name for name in split(self._call.text("exemplar")) if name != AUTO]

    def _pick(self, name: str, picked: bool) -> None:
        others = [one for one in self._picked() if one != name]
        if picked != (name in self._picked()):  # else it was ticked for what is picked already
            self._take([*others, name] if picked else others)

    def _take(self, picked: list[str]) -> None:
        if picked != self._picked():
            value = ",".join(picked) or self._call.default("exemplar")
            self._call.config.set_property("exemplar", value)

    def _tick(self, *_args: object) -> None:
        """Tick what is picked, here or among the candidates or in the history."""
        picked = self._picked()
        for name, button in self._buttons.items():
            button.set_active(name in picked)

    def _close(self, *_args: object) -> None:
        self._settled.cancel()
        self._server.close()


def _advice(scores: list[float]) -> str:
    if not scores:
        return _(
            "The library has no photo that fits. Add color photos of your own in a terminal: "
            "photochrom library add FOLDER"
        )
    if max(scores) < FITS:
        return _(
            "No photo of the library fits well. Pick one of these if you like it all the same."
        )
    return _("Pick one photo, or several for a layer each.")


def _thumbnail(client: Client, found: Found) -> bytes:
    try:
        return client.thumbnail(found.id)
    except Failure:
        return b""  # a photo that was moved since is shown by its words alone


def _pixbuf(picture: bytes) -> GdkPixbuf.Pixbuf | None:
    """Decode a thumbnail; None where that cannot be."""
    loader = GdkPixbuf.PixbufLoader()
    try:
        loader.write(picture)
        loader.close()
    except GLib.Error:
        return None
    return loader.get_pixbuf()
