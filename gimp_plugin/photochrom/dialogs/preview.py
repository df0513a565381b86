"""A small coloured copy of the layer in a dialog, made anew when what is asked for settles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import gi
from api.client import Client, Result
from api.errors import Failure
from api.pixels import Pixels
from request import Request

from dialogs.background import Latest, OnProgress, Settled, sentence

gi.require_version("Gtk", "3.0")
gi.require_version("GdkPixbuf", "2.0")
from gi.repository import GdkPixbuf, GLib, Gtk  # noqa: E402

LONGEST = 320  # pixels of the copy's long side
SETTLED_MS = 400


class Preview(Gtk.Box):  # type: ignore[misc]  # gi has no types
    """The copy, and a line about the server beneath it.

    ``make_request`` reads what is asked for; it is called in the main thread and may raise Failure,
    which is shown. ``scale`` turns hints given in the layer's pixels into the copy's.
    """

    def __init__(self, small: Pixels, make_request: Callable[[], Request], scale: float) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self._small, self._make_request, self._scale = small, make_request, scale
        self._server = Latest(self._tell)
        self._settled = Settled(self.refresh, SETTLED_MS)
        self.changed = self._settled.happened
        self._image = Gtk.Image.new_from_pixbuf(pixbuf(small))
        self._image.get_accessible().set_name("Preview")
        frame = Gtk.Frame(halign=Gtk.Align.CENTER)
        frame.add(self._image)
        self._status = Gtk.Label(
            label="Looking for the Photochrom server …", wrap=True, max_width_chars=48, xalign=0.0
        )
        self.pack_start(frame, True, True, 0)
        self.pack_start(self._status, False, False, 0)
        self.connect("destroy", self._close)
        self.show_all()

    def refresh(self) -> None:
        """Ask for the copy in the colours that the dialog asks for now."""
        try:
            request = _shrunk(self._make_request(), self._scale)
        except Failure as problem:
            self._tell(sentence(str(problem)))
            return

        def question(client: Client, on_progress: OnProgress) -> Result:
            return request.send(client, self._small, on_progress)

        self._server.ask(question, self._show)
        self._image.set_opacity(0.6)  # what is shown is not what is asked for any more

    def _show(self, result: Result) -> None:
        self._image.set_from_pixbuf(pixbuf(result.pixels))
        self._image.set_opacity(1.0)
        if result.notices:
            self._tell(" ".join(result.notices))

    def _tell(self, text: str) -> None:
        self._status.set_text(text)
        self._image.set_opacity(1.0)

    def _close(self, *_: object) -> None:
        self._settled.cancel()
        self._server.close()


def _shrunk(request: Request, scale: float) -> Request:
    """Move hints from the layer's pixels to the copy's."""

    def smaller(hint: dict[str, float]) -> dict[str, float]:
        numbers = {name: hint[name] * scale for name in ("x", "y", "radius") if hint.get(name)}
        return {**hint, **numbers}

    return replace(request, hints=tuple(smaller(hint) for hint in request.hints))


def pixbuf(pixels: Pixels) -> GdkPixbuf.Pixbuf:
    """Make what Gtk shows from (h, w, 1 or 3) uint8."""
    data = bytes(pixels.data)
    if pixels.channels == 1:
        rgb = bytearray(3 * len(data))
        rgb[0::3] = rgb[1::3] = rgb[2::3] = data
        data = bytes(rgb)
    width, height = pixels.width, pixels.height
    return GdkPixbuf.Pixbuf.new_from_bytes(
        GLib.Bytes.new(data), GdkPixbuf.Colorspace.RGB, False, 8, width, height, 3 * width
    )
