"""The photo in its new colors, made anew when what is asked for settles."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import gi
from api.answers import Result
from api.client import Client
from api.errors import Failure
from api.pixels import Pixels
from api.texts import _, sentence
from layers.photo import Photo
from run import Run

from dialogs.background import Latest, OnProgress, Settled
from dialogs.pictures import over, pixbuf
from dialogs.places import NamedPlaces
from dialogs.suggestions import Suggestions

gi.require_version("Gtk", "3.0")
gi.require_version("Gdk", "3.0")
gi.require_version("GdkPixbuf", "2.0")
from gi.repository import Gdk, GdkPixbuf, GLib, Gtk  # noqa: E402

LEAST, MOST = 320, 2048  # pixels of the copy's long side
STEP = 1.3  # the window grows so far before a larger copy is made
ZOOMS = (1.0, 1.5, 2.0, 3.0, 4.0)
SETTLED_MS = 400


class Preview(Gtk.Box):  # type: ignore[misc]  # gi has no types
    """The picture, its zoom and before/after buttons, and a line about the server beneath it.

    ``make_run`` reads what is asked for; it is called in the main thread and may raise Failure,
    which is shown. ``allow`` is told whether what is asked for can be done.
    """

    def __init__(
        self,
        folder: Path,
        photo: Photo,
        make_run: Callable[[], Run],
        allow: Callable[[bool], None],
    ) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self._photo, self._make_run, self._allow = photo, make_run, allow
        self._server = Latest(folder, self._show_standing)
        self._second = Latest(folder, self._show_text)  # a question beside the preview's
        self._settled = Settled(self.refresh, SETTLED_MS)
        self.changed = self._settled.happened
        self._suggestions = Suggestions(self._second, self.changed)
        self._before: GdkPixbuf.Pixbuf | None = None
        self._after: GdkPixbuf.Pixbuf | None = None
        self._longest, self._zoom, self._divider = 512, 0, 0.5
        self._is_stale, self._standing = False, ""
        # A picture and not a drawing area: GIMP's Python may come without cairo.
        self._image = Gtk.Image()
        self._image.get_accessible().set_name(_("Preview"))
        self._named = NamedPlaces(folder, self._show_place)
        self._lit: GdkPixbuf.Pixbuf | None = None  # a place, with the rest in gray
        self._colored: Pixels | None = None
        self.on_shown: Callable[[Pixels], None] = lambda _pixels: None
        self._image.set_tooltip_text(_("Click where the color is wrong, to choose another one"))
        self._area = Gtk.EventBox()
        self._area.add(self._image)
        self._area.add_events(Gdk.EventMask.BUTTON_PRESS_MASK | Gdk.EventMask.BUTTON1_MOTION_MASK)
        self._area.connect("button-press-event", self._point)
        self._area.connect("motion-notify-event", self._point)
        self._window = Gtk.ScrolledWindow(shadow_type=Gtk.ShadowType.IN)
        self._window.set_size_request(360, 300)
        self._window.add(self._area)
        self._window.connect("size-allocate", self._resized)
        self._status = Gtk.Label(
            label=_("Looking for the Photochrom server …"),
            wrap=True,
            max_width_chars=56,
            xalign=0.0,
            selectable=True,
        )
        self.pack_start(self._window, True, True, 0)
        self.pack_start(self._buttons(), False, False, 0)
        self.pack_start(self._named, False, False, 0)
        self.pack_start(self._status, False, False, 0)
        self.connect("destroy", self._close)
        self.show_all()

    def _buttons(self) -> Gtk.Box:
        box = Gtk.Box(spacing=6)
        for label, name, step in (("−", _("Zoom out"), -1), ("+", _("Zoom in"), 1)):
            button = Gtk.Button(label=label)
            button.set_tooltip_text(name)
            button.get_accessible().set_name(name)
            button.connect("clicked", lambda _button, step: self._zoom_by(step), step)
            box.pack_start(button, False, False, 0)
        self._split = Gtk.ToggleButton.new_with_mnemonic(_("_Before and After"))
        self._split.connect("toggled", lambda *_args: self._draw())
        box.pack_end(self._split, False, False, 0)
        return box

    def refresh(self) -> None:
        """Ask for the copy in the colors that the dialog asks for now."""
        try:
            run = self._make_run()
            small = run.photo.read_small(self._longest)
            scale = small.width / run.photo.size[0]
            region = run.region(scale)
            request = run.request(scale, region)
        except Failure as problem:
            self._allow(False)
            self._before = self._before or pixbuf(self._photo.read_small(self._longest))
            self._show_text(sentence(str(problem)))
            return
        self._allow(True)
        self._before = self._seen(run, small, scale) if region is not None else pixbuf(small)

        def question(client: Client, on_progress: OnProgress) -> Result:
            return client.colorize(small, request, on_progress=on_progress)

        def show(result: Result) -> None:
            self._show(result, region)
            self._named.find(small, request)

        self._server.ask(question, show)
        self._is_stale = True  # what is shown is not what is asked for any more
        self._draw()

    def _show(self, result: Result, region: Pixels | None) -> None:
        assert result.pixels is not None, "a preview has no parts"
        self._colored, self._after = result.pixels, pixbuf(result.pixels)
        if region is not None and self._before is not None:
            # The colors are for the region alone; the rest keeps those that it has.
            self._after = over(self._before, result.pixels, region)
        self._show_text(" ".join(map(sentence, result.notices)) or self._standing)
        self.on_shown(result.pixels)

    def _show_place(self, mask: Pixels | None) -> None:
        """Show colors at a place alone; None shows all of them again."""
        self._lit = None
        if mask is not None and self._colored is not None and self._before is not None:
            gray = self._before.copy()
            self._before.saturate_and_pixelate(gray, 0.0, False)
            if mask.size == self._colored.size == (gray.get_width(), gray.get_height()):
                self._lit = over(gray, self._colored, mask)
        self._draw()

    def _show_standing(self, text: str) -> None:
        """Show how the server stands, until there is something to say about the photo."""
        self._standing = text
        self._show_text(text)

    def _show_text(self, text: str) -> None:
        self._status.set_text(text)
        self._is_stale = False
        self._draw()

    @staticmethod
    def _seen(run: Run, small: Pixels, scale: float) -> GdkPixbuf.Pixbuf:
        """Give what one sees now; the gray copy where the photo lies outside of the image."""
        whole, image = pixbuf(small).copy(), run.photo.image
        width, height = image.get_width(), image.get_height()
        most = min(1.0, 1024 / max(width, height))
        seen = image.get_thumbnail(
            max(1, round(width * most)),
            max(1, round(height * most)),
            2,  # on a small check
        )
        if seen is None:
            return whole
        x, y = (-round(side * scale) for side in run.photo.extent[:2])
        times = width * scale / seen.get_width()
        left, top = max(0, x), max(0, y)
        right = min(small.width, x + round(width * scale))
        bottom = min(small.height, y + round(height * scale))
        if right > left and bottom > top:
            seen.composite(
                whole, left, top, right - left, bottom - top, x, y, times, times,
                GdkPixbuf.InterpType.BILINEAR, 255,
            )  # fmt: skip
        return whole

    def _fitted(self) -> tuple[int, int]:
        """Give the size at which the picture fills the window, times the zoom."""
        shown = self._after or self._before
        assert shown is not None
        place, margin = self._window.get_allocation(), 4
        across = max(1, place.width - margin) / shown.get_width()
        down = max(1, place.height - margin) / shown.get_height()
        scale = min(across, down) * ZOOMS[self._zoom]
        return max(1, int(shown.get_width() * scale)), max(1, int(shown.get_height() * scale))

    def _draw(self) -> None:
        shown, before = self._lit or self._after or self._before, self._before
        if shown is None or before is None:
            return
        width, height = self._fitted()
        smooth = GdkPixbuf.InterpType.BILINEAR
        drawn = shown.scale_simple(width, height, smooth)
        edge = round(self._divider * width)
        if self._split.get_active() and edge > 0:
            gray = before.scale_simple(width, height, smooth)
            gray.copy_area(0, 0, edge, height, drawn, 0, 0)
            drawn.new_subpixbuf(edge - 1, 0, 1, height).fill(0xFFFFFFFF)
        self._image.set_from_pixbuf(drawn)
        self._image.set_opacity(0.6 if self._is_stale else 1.0)

    def _point(self, area: Gtk.EventBox, event: Any) -> None:
        """Move the line between before and after, or offer colors for the place."""
        if not (self._after or self._before):
            return
        width, height = self._fitted()
        place = area.get_allocation()
        x = (event.x - (place.width - width) / 2) / width
        y = (event.y - (place.height - height) / 2) / height
        if self._split.get_active():
            self._divider = min(1.0, max(0.0, x))
            self._draw()
        elif event.type == Gdk.EventType.BUTTON_PRESS and 0 <= x < 1 and 0 <= y < 1:
            with suppress(Failure):  # what is missing is said already
                self._suggestions.ask(self._make_run(), (x, y), event)

    def _zoom_by(self, step: int) -> None:
        self._zoom = min(len(ZOOMS) - 1, max(0, self._zoom + step))
        self._resized(self._window, self._window.get_allocation())

    def _resized(self, _window: Gtk.ScrolledWindow, place: Any) -> None:
        """Let the picture fill the window, and make a finer copy where this one is too coarse."""
        wanted = min(MOST, max(LEAST, max(place.width, place.height) * ZOOMS[self._zoom]))
        if wanted > self._longest * STEP:
            self._longest = round(wanted)
            self.changed()
        GLib.idle_add(self._draw)  # a size is not changed while sizes are being given

    def _close(self, *_args: object) -> None:
        self._settled.cancel()
        self._server.close()
        self._second.close()
