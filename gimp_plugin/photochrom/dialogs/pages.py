"""The parts of the dialog besides the words: reference, palette, dabs and regions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gi
from api.errors import Failure
from api.texts import _, sentence
from layers.hint_layer import new_hint_layer
from layers.parasites import hint_layers
from layers.regions import add_region, regions_of, words_of_region
from layers.results import one_undo_step
from run import Call

gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
gi.require_version("GdkPixbuf", "2.0")
from gi.repository import GdkPixbuf, Gimp, GimpUi, Gio, GLib, GObject, Gtk  # noqa: E402

THUMBNAIL = 160  # pixels of the reference's long side
MOST_COLORS = 6


class Page(Gtk.Box):  # type: ignore[misc]  # gi has no types
    """A part of the dialog: widgets from top to bottom."""

    def __init__(self, *widgets: Gtk.Widget) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6, border_width=12)
        for widget in widgets:
            self.pack_start(widget, False, False, 0)


def text_line(text: str) -> Gtk.Label:
    """Make a line of text that wraps."""
    return Gtk.Label(label=text, xalign=0.0, wrap=True, max_width_chars=44)


def labeled(text: str, widget: Gtk.Widget) -> Gtk.Box:
    """Put a label with a mnemonic before a widget."""
    box = Gtk.Box(spacing=6)
    label = Gtk.Label.new_with_mnemonic(text)
    label.set_mnemonic_widget(widget)
    box.pack_start(label, False, False, 0)
    box.pack_start(widget, True, True, 0)
    return box


class ReferencePage(Page):
    """A picture file or a layer of an open image, with a thumbnail of the file."""

    def __init__(self, call: Call, dialog: GimpUi.ProcedureDialog) -> None:
        self._call = call
        self._chooser = Gtk.FileChooserButton(title=_("Choose a Reference"))
        for name, patterns in (
            (_("Images"), None),
            (_("All files"), "*"),
        ):
            kind = Gtk.FileFilter()
            kind.set_name(name)
            if patterns:
                kind.add_pattern(patterns)
            else:
                kind.add_mime_type("image/*")
            self._chooser.add_filter(kind)
        self._image = Gtk.Image()
        self._image.get_accessible().set_name(_("Reference"))
        clear = Gtk.Button.new_with_mnemonic(_("No Re_ference"))
        clear.connect("clicked", self._clear)
        super().__init__(
            labeled(_("Reference _file"), self._chooser),
            self._image,
            dialog.get_widget("reference-drawable", GObject.TYPE_NONE),
            clear,
            text_line(_("A color photo of a similar scene. The words can join it.")),
        )
        file = call.get("reference")
        if file is not None and file.get_path():
            self._chooser.set_filename(file.get_path())
            self._show(file.get_path())
        self._chooser.connect("file-set", self._chosen)

    def _chosen(self, chooser: Gtk.FileChooserButton) -> None:
        path = chooser.get_filename()
        self._call.config.set_property("reference", path and Gio.File.new_for_path(path))
        self._show(path)

    def _clear(self, _button: Gtk.Button) -> None:
        self._chooser.unselect_all()
        self._image.clear()
        self._call.config.set_property("reference", None)
        self._call.config.set_property("reference-drawable", None)

    def _show(self, path: str | None) -> None:
        try:
            shown = GdkPixbuf.Pixbuf.new_from_file_at_size(path, THUMBNAIL, THUMBNAIL)
        except (GLib.Error, TypeError):
            self._image.set_from_icon_name("image-x-generic", Gtk.IconSize.DIALOG)
        else:
            self._image.set_from_pixbuf(shown)


class PalettePage(Page):
    """Up to six colors, typed or taken from one of GIMP's palettes."""

    def __init__(self, call: Call) -> None:
        self._config = call.config
        entry = Gtk.Entry(hexpand=True, text=call.text("palette"))
        entry.set_placeholder_text("#80a060, #c0b090")
        entry.connect("changed", self._changed)
        names = Gtk.ComboBoxText()
        self._palettes = {one.get_name(): one for one in Gimp.palettes_get_list("")}
        for name in self._palettes:
            names.append_text(name)
        names.connect("changed", self._picked)
        self._entry = entry
        super().__init__(
            labeled(_("_Palette"), entry),
            labeled(_("From a palette of GIM_P"), names),
            text_line(_("The result keeps to these colors, six at most.")),
        )

    def _changed(self, entry: Gtk.Entry) -> None:
        self._config.set_property("palette", entry.get_text())

    def _picked(self, names: Gtk.ComboBoxText) -> None:
        colors = self._palettes[names.get_active_text()].get_colors()
        # Evenly spread over the palette: its first colors are often shades of one.
        step = max(1, len(colors) / MOST_COLORS)
        chosen = [colors[int(at * step)] for at in range(min(MOST_COLORS, len(colors)))]
        self._entry.set_text(",".join(map(hexadecimal, chosen)))


class HintsPage(Page):
    """Which dab layers there are, and a button that makes one."""

    def __init__(
        self, call: Call, photo: Gimp.Layer, dialog: GimpUi.ProcedureDialog, leave: Any
    ) -> None:
        self._call, self._photo, self._leave = call, photo, leave
        names = [layer.get_name() for layer in hint_layers(call.image, photo)]
        found = _("Dab layers of this photo: {names}").format(names=", ".join(names))
        button = Gtk.Button.new_with_mnemonic(_("_New Dab Layer"))
        button.connect("clicked", self._add)
        super().__init__(
            text_line(found if names else _("This photo has no dab layer yet.")),
            button,
            text_line(
                _(
                    "Paint dabs on a dab layer where you know the color, with any tool and as "
                    "small as you like; then open this dialog again."
                )
            ),
            dialog.get_widget("hint-layer", GObject.TYPE_NONE),
        )

    def _add(self, _button: Gtk.Button) -> None:
        with one_undo_step(self._call.image):
            new_hint_layer(self._call.photo(self._photo))
        Gimp.displays_flush()
        self._leave()


class RegionsPage(Page):
    """The regions of the image, and a field that makes one of the selection."""

    def __init__(
        self, call: Call, dialog: GimpUi.ProcedureDialog, changed: Callable[..., None]
    ) -> None:
        self._call, self._changed = call, changed
        self._list = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=3)
        self._entry = Gtk.Entry(hexpand=True)
        self._entry.set_placeholder_text(_("a green shawl"))
        self._problem = text_line("")
        add = Gtk.Button.new_with_mnemonic(_("_Add the Selection"))
        add.connect("clicked", self._add)
        self._entry.connect("activate", self._add)
        super().__init__(
            labeled(_("The selection shows"), self._entry),
            add,
            self._problem,
            self._list,
            dialog.get_widget("regions", GObject.TYPE_NONE),
        )
        self._fill()

    def _fill(self) -> None:
        for child in self._list.get_children():
            self._list.remove(child)
        for channel in regions_of(self._call.image):
            words = words_of_region(channel)
            row = Gtk.Box(spacing=6)
            row.pack_start(Gtk.Label(label=words, xalign=0.0), True, True, 0)
            remove = Gtk.Button(label=_("Remove"))
            remove.get_accessible().set_name(_("Remove '{name}'").format(name=words))
            remove.connect("clicked", self._remove, channel)
            row.pack_start(remove, False, False, 0)
            self._list.pack_start(row, False, False, 0)
        self._list.show_all()

    def _add(self, _widget: Gtk.Widget) -> None:
        try:
            with one_undo_step(self._call.image):
                add_region(self._call.image, self._entry.get_text())
        except Failure as problem:
            self._problem.set_text(sentence(str(problem)))
            return
        # The selection has become a region; the rest of the photo is colored with it.
        Gimp.Selection.none(self._call.image)
        Gimp.displays_flush()
        self._problem.set_text("")
        self._entry.set_text("")
        self._fill()
        self._changed()

    def _remove(self, _button: Gtk.Button, channel: Gimp.Channel) -> None:
        self._call.image.remove_channel(channel)
        self._fill()
        self._changed()


def hexadecimal(color: Any) -> str:
    """Write a color of GEGL as ``#rrggbb``."""
    red, green, blue, _alpha = color.get_rgba_with_space(None)
    return "#" + "".join(f"{round(255 * min(1, max(0, part))):02x}" for part in (red, green, blue))
