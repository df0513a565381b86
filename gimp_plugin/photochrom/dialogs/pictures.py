"""What Gtk shows: pictures of pixels, and small pictures with a line beneath to choose from."""

from __future__ import annotations

from collections.abc import Callable

import gi
from api.pixels import Pixels
from api.texts import _

gi.require_version("Gtk", "3.0")
gi.require_version("GdkPixbuf", "2.0")
from gi.repository import GdkPixbuf, GLib, Gtk, Pango  # noqa: E402

SIDE = 92  # pixels of a thumbnail's long side
LETTERS = 14  # of the line beneath it


def pixbuf(pixels: Pixels) -> GdkPixbuf.Pixbuf:
    """Make what Gtk shows from (h, w, 1, 3 or 4) uint8."""
    data, channels = bytes(pixels.data), pixels.channels
    if channels == 1:
        rgb = bytearray(3 * len(data))
        rgb[0::3] = rgb[1::3] = rgb[2::3] = data
        data, channels = bytes(rgb), 3
    width, height = pixels.width, pixels.height
    return GdkPixbuf.Pixbuf.new_from_bytes(
        GLib.Bytes.new(data), GdkPixbuf.Colorspace.RGB, channels == 4, 8, width, height,
        channels * width,
    )  # fmt: skip


def over(below: GdkPixbuf.Pixbuf, pixels: Pixels, mask: Pixels) -> GdkPixbuf.Pixbuf:
    """Lay (h, w, 3 or 4) uint8 over a picture of the same size where the mask is white."""
    data, step = bytes(pixels.data), pixels.channels
    rgba = bytearray(4 * len(bytes(mask.data)))
    for channel in range(3):
        rgba[channel::4] = data[channel::step]
    rgba[3::4] = bytes(mask.data)
    whole = below.copy()
    pixbuf(Pixels(bytes(rgba), (pixels.height, pixels.width, 4), "uint8")).composite(
        whole, 0, 0, mask.width, mask.height, 0, 0, 1, 1, GdkPixbuf.InterpType.NEAREST, 255
    )
    return whole


def reduced(whole: GdkPixbuf.Pixbuf, side: int = SIDE) -> GdkPixbuf.Pixbuf:
    """Make a thumbnail."""
    scale = side / max(whole.get_width(), whole.get_height())
    size = (max(1, round(side * scale)) for side in (whole.get_width(), whole.get_height()))
    return whole.scale_simple(*size, GdkPixbuf.InterpType.BILINEAR)


class Gallery(Gtk.ScrolledWindow):  # type: ignore[misc]  # gi has no types
    """Small pictures, three a row, each a button with a line beneath."""

    def __init__(self) -> None:
        super().__init__(hscrollbar_policy=Gtk.PolicyType.NEVER)
        self.set_size_request(3 * (SIDE + 30), 240)
        self._flow = Gtk.FlowBox(
            selection_mode=Gtk.SelectionMode.NONE,
            min_children_per_line=3,
            max_children_per_line=3,
            homogeneous=True,
            valign=Gtk.Align.START,
        )
        self.add(self._flow)

    def clear(self) -> None:
        """Take all pictures away."""
        for child in self._flow.get_children():
            self._flow.remove(child)

    def put(
        self,
        button: Gtk.Button,
        picture: GdkPixbuf.Pixbuf | None,
        line: Gtk.Label,
        discard: Callable[[], None] | None = None,
    ) -> None:
        """Add a button with its picture and line; ``discard`` is called when it is taken away."""
        line.set_ellipsize(Pango.EllipsizeMode.END)
        line.set_max_width_chars(LETTERS)
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=3)
        if picture is not None:
            box.pack_start(Gtk.Image.new_from_pixbuf(reduced(picture)), True, True, 0)
        box.pack_start(line, False, False, 0)
        button.add(box)
        whole = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
        whole.pack_start(button, True, True, 0)
        if discard is not None:
            remove = Gtk.Button(label=_("Discard"), relief=Gtk.ReliefStyle.NONE)
            remove.get_accessible().set_name(_("Discard '{name}'").format(name=line.get_text()))
            remove.connect("clicked", lambda _button: (discard(), whole.get_parent().destroy()))
            whole.pack_start(remove, False, False, 0)
        self._flow.add(whole)
        self._flow.show_all()
