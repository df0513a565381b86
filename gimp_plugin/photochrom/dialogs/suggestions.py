"""A menu of the likely colors of a place; the chosen one is laid there as a dab."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gi
from api.client import Client
from api.texts import _
from layers.hint_layer import lay_dab
from layers.photo import Photo
from layers.results import one_undo_step
from run import Run

from dialogs.background import Latest, OnProgress

gi.require_version("Gimp", "3.0")
gi.require_version("Gtk", "3.0")
gi.require_version("GdkPixbuf", "2.0")
from gi.repository import GdkPixbuf, Gimp, Gtk  # noqa: E402

COUNT = 8
SWATCH = 18  # pixels
SEEN = 512  # pixels of the photo's long side that the server looks at


class Suggestions:
    """Asks the server about a place and shows its answer as a menu at the pointer."""

    def __init__(self, server: Latest, changed: Callable[..., None]) -> None:
        self._server, self._changed = server, changed

    def ask(self, run: Run, place: tuple[float, float], click: Any) -> None:
        """Offer the likely colors at a place, given as shares of the photo's width and height."""
        click = click.copy()  # the menu opens when GTK has long forgotten it
        photo, request = run.photo, run.base
        small = photo.read_small(SEEN)
        x, y = (
            min(side - 1, int(share * side))
            for share, side in zip(place, (small.width, small.height), strict=True)
        )

        def question(client: Client, _on_progress: OnProgress) -> list[str]:
            return client.suggest(small, request, x, y, COUNT)

        self._server.ask(question, lambda colors: self._show(colors, photo, place, click))

    def _show(
        self, colors: list[str], photo: Photo, place: tuple[float, float], click: Any
    ) -> None:
        menu = Gtk.Menu()
        for color in colors:
            item = Gtk.MenuItem()
            row = Gtk.Box(spacing=6)
            row.pack_start(Gtk.Image.new_from_pixbuf(_swatch(color)), False, False, 0)
            row.pack_start(Gtk.Label(label=color), False, False, 0)
            item.add(row)
            item.connect("activate", self._chosen, color, photo, place)
            menu.append(item)
        menu.append(Gtk.SeparatorMenuItem())
        menu.append(Gtk.MenuItem(label=_("A dab of this color is laid here"), sensitive=False))
        menu.show_all()
        menu.popup_at_pointer(click)

    def _chosen(
        self, _item: Gtk.MenuItem, color: str, photo: Photo, place: tuple[float, float]
    ) -> None:
        with one_undo_step(photo.image):
            lay_dab(photo, place, color)
        Gimp.displays_flush()
        self._changed()


def _swatch(color: str) -> Any:
    pixels = GdkPixbuf.Pixbuf.new(GdkPixbuf.Colorspace.RGB, False, 8, SWATCH, SWATCH)
    pixels.fill(int(color[1:] + "ff", 16))
    return pixels
