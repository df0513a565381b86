"""A small coloured copy of the layer in a dialog, made anew when what is asked for settles.

The server is asked in a thread, one question at a time, always the latest one. Gtk, GIMP and GEGL
are touched by the main thread only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import gi
from client import Client, Result
from failures import Cancelled, Failure
from pixels import Pixels
from server import connect, describe
from wish import Wish

gi.require_version("Gtk", "3.0")
gi.require_version("GdkPixbuf", "2.0")
from gi.repository import GdkPixbuf, GLib, Gtk  # noqa: E402

LONGEST = 320  # pixels of the copy's long side
SETTLED_MS = 400  # after the last change


class Preview(Gtk.Box):  # type: ignore[misc]  # gi has no types
    """The copy and a line about the server beneath it.

    ``make_wish`` reads what is asked for; it is called in the main thread and may raise Failure,
    which is shown. ``scale`` turns hints given in the layer's pixels into the copy's.
    """

    def __init__(self, small: Pixels, make_wish: Callable[[], Wish], scale: float) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self._small, self._make_wish, self._scale = small, make_wish, scale
        self._asker = Asker(self._answered, self._told)
        self._timer = 0
        self._image = Gtk.Image.new_from_pixbuf(pixbuf(small))
        self._image.get_accessible().set_name("Preview")
        frame = Gtk.Frame(halign=Gtk.Align.CENTER)
        frame.add(self._image)
        self.status = Gtk.Label(
            label="Looking for the Photochrom server", wrap=True, max_width_chars=48, xalign=0.0
        )
        self.status.get_accessible().set_name("Server status")
        self.pack_start(frame, True, True, 0)
        self.pack_start(self.status, False, False, 0)
        self.connect("destroy", self._close)
        self.show_all()

    def changed(self, *_: object) -> None:
        """Ask anew once nothing has changed for a moment."""
        if self._timer:
            GLib.source_remove(self._timer)
        self._timer = GLib.timeout_add(SETTLED_MS, self._settled)

    def refresh(self) -> None:
        """Ask now."""
        try:
            wish = self._make_wish()
        except Failure as problem:
            self._told(str(problem))
            return
        self._image.set_opacity(0.6)
        self._asker.ask(self._small, _shrunk(wish, self._scale))

    def _settled(self) -> bool:
        self._timer = 0
        self.refresh()
        return bool(GLib.SOURCE_REMOVE)

    def _answered(self, result: Result) -> None:
        self._image.set_from_pixbuf(pixbuf(result.pixels))
        self._image.set_opacity(1.0)
        if result.notices:
            self._told(" ".join(result.notices))

    def _told(self, text: str) -> None:
        self.status.set_text(text)

    def _close(self, *_: object) -> None:
        if self._timer:
            GLib.source_remove(self._timer)
            self._timer = 0
        self._asker.close()


class Asker:
    """Asks the server in a thread; answers and messages come back in the main loop.

    A question that comes while another is answered replaces those that wait.
    """

    def __init__(self, answered: Callable[[Result], None], told: Callable[[str], None]) -> None:
        self._answered, self._told = answered, told
        self._condition = threading.Condition()
        self._question: tuple[Pixels, Wish] | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="preview", daemon=True)

    def ask(self, small: Pixels, wish: Wish) -> None:
        """Ask for a small copy in colour."""
        with self._condition:
            self._question = (small, wish)
            self._condition.notify()
        if not self._thread.is_alive() and not self._closed:
            self._thread.start()

    def close(self) -> None:
        """Let the thread end; its last answer is not shown any more."""
        with self._condition:
            self._closed = True
            self._condition.notify()

    def _run(self) -> None:
        client: Client | None = None
        while (question := self._next()) is not None:
            try:
                if client is None:
                    client = self._connect()
                self._later(self._answered, _colorize(client, *question, self._goes_on))
            except Cancelled:
                continue
            except Failure as problem:
                client = None
                self._later(self._told, _sentence(str(problem)))

    def _connect(self) -> Client:
        client = connect(on_progress=self._starting)
        self._later(self._told, describe().text)
        return client

    def _next(self) -> tuple[Pixels, Wish] | None:
        with self._condition:
            self._condition.wait_for(lambda: self._question is not None or self._closed)
            question, self._question = self._question, None
            return None if self._closed else question

    def _goes_on(self, _text: str, _fraction: float) -> bool:
        """Give up what nobody wants to see any more."""
        return not self._closed and self._question is None

    def _starting(self, text: str, _fraction: float) -> bool:
        self._later(self._told, f"{text} …")
        return not self._closed

    def _later(self, show: Callable[..., None], what: object) -> None:
        def idle() -> bool:
            if not self._closed:
                show(what)
            return bool(GLib.SOURCE_REMOVE)

        GLib.idle_add(idle)


def _colorize(
    client: Client, small: Pixels, wish: Wish, on_progress: Callable[[str, float], bool]
) -> Result:
    return client.colorize(
        small,
        description=wish.description,
        reference=wish.reference.picture if wish.reference else None,
        exemplar=wish.exemplars[0] if wish.exemplars else None,
        hints=wish.hints,
        saturation=wish.saturation,
        strength=wish.strength,
        on_progress=on_progress,
    )


def _shrunk(wish: Wish, scale: float) -> Wish:
    """Move hints from the layer's pixels to the copy's."""
    from dataclasses import replace

    def smaller(hint: dict[str, float]) -> dict[str, float]:
        numbers = {name: hint[name] * scale for name in ("x", "y", "radius") if hint.get(name)}
        return {**hint, **numbers}

    return replace(wish, hints=tuple(smaller(hint) for hint in wish.hints))


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


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
