"""Photos of the library that fit the layer, to pick from."""

from __future__ import annotations

import gi
from api.client import Client, Found
from api.errors import Failure
from api.pixels import Pixels
from request import AUTO

from dialogs.background import Latest, OnProgress, Settled

gi.require_version("Gimp", "3.0")
gi.require_version("Gtk", "3.0")
gi.require_version("GdkPixbuf", "2.0")
from gi.repository import GdkPixbuf, Gimp, GLib, Gtk  # noqa: E402

COUNT = 12
SIDE = 112  # pixels of a thumbnail's long side
SETTLED_MS = 500
NOTHING = (
    "The library has no photo that fits. Add colour photos of your own in a terminal: "
    "photochrom library add FOLDER"
)
PICK = "Pick one photo, or several for a layer each. Without a pick the best one is taken."


class Exemplars(Gtk.Box):  # type: ignore[misc]  # gi has no types
    """The photos found, with how well they fit; what is picked goes into ``exemplar``."""

    def __init__(self, small: Pixels, config: Gimp.ProcedureConfig) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self._small, self._config = small, config
        self._server = Latest(self._tell)
        self._settled = Settled(self.search, SETTLED_MS)
        self._picked: list[str] = []
        self._line = Gtk.Label(
            label="Searching the library …", wrap=True, max_width_chars=60, xalign=0.0
        )
        self._flow = Gtk.FlowBox(
            selection_mode=Gtk.SelectionMode.NONE,
            min_children_per_line=4,
            max_children_per_line=4,
            homogeneous=True,
            valign=Gtk.Align.START,
        )
        window = Gtk.ScrolledWindow(hscrollbar_policy=Gtk.PolicyType.NEVER)
        window.set_size_request(4 * (SIDE + 40), 320)
        window.add(self._flow)
        self.pack_start(self._line, False, False, 0)
        self.pack_start(window, True, True, 0)
        self.connect("destroy", self._close)
        config.connect("notify::description", self._settled.happened)
        self.show_all()

    def search(self) -> None:
        """Search with the layer and the words."""
        words = self._config.get_property("description") or ""

        def question(client: Client, on_progress: OnProgress) -> list[tuple[Found, bytes]]:
            found = client.search(self._small, words, COUNT, on_progress=on_progress)
            return [(one, _thumbnail(client, one)) for one in found]

        self._tell("Searching the library …")
        self._server.ask(question, self._show)

    def _show(self, found: list[tuple[Found, bytes]]) -> None:
        for child in self._flow.get_children():
            self._flow.remove(child)
        self._picked = []
        self._config.set_property("exemplar", AUTO)
        self._tell(PICK if found else NOTHING)
        for one, picture in found:
            self._flow.add(self._button(one, picture))
        self._flow.show_all()

    def _button(self, found: Found, picture: bytes) -> Gtk.ToggleButton:
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=3)
        shown = _pixbuf(picture)
        if shown is not None:
            box.pack_start(Gtk.Image.new_from_pixbuf(shown), True, True, 0)
        words = found.caption or found.source or found.id
        score = f"{found.score:.0%}"
        line = Gtk.Label(label=score)
        box.pack_start(line, False, False, 0)
        button = Gtk.ToggleButton()
        button.add(box)
        button.set_tooltip_text(f"{words}\n{found.source}\n{found.width} × {found.height} pixels")
        button.get_accessible().set_name(f"{score} {words}")

        def toggled(button: Gtk.ToggleButton) -> None:
            line.set_text(f"✓ {score}" if button.get_active() else score)
            self._pick(found.id, button.get_active())

        button.connect("toggled", toggled)
        return button

    def _pick(self, name: str, picked: bool) -> None:
        if picked:
            self._picked.append(name)
        else:
            self._picked.remove(name)
        self._config.set_property("exemplar", ",".join(self._picked) or AUTO)

    def _tell(self, text: str) -> None:
        self._line.set_text(text)

    def _close(self, *_: object) -> None:
        self._settled.cancel()
        self._server.close()


def _thumbnail(client: Client, found: Found) -> bytes:
    try:
        return client.thumbnail(found.id)
    except Failure:
        return b""  # a photo that was moved since is shown by its words alone


def _pixbuf(picture: bytes) -> GdkPixbuf.Pixbuf | None:
    """Decode a thumbnail, reduced to its place; None where that cannot be."""
    loader = GdkPixbuf.PixbufLoader()
    try:
        loader.write(picture)
        loader.close()
    except GLib.Error:
        return None
    whole = loader.get_pixbuf()
    if whole is None:
        return None
    scale = SIDE / max(whole.get_width(), whole.get_height())
    size = (max(1, round(side * scale)) for side in (whole.get_width(), whole.get_height()))
    return whole.scale_simple(*size, GdkPixbuf.InterpType.BILINEAR)
