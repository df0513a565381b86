"""The dialog of a colouring procedure: GIMP's own, with a preview and a memory for words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gi
from layers.layers import read_small
from request import Request

from dialogs import history
from dialogs.exemplars import Exemplars
from dialogs.preview import LONGEST, Preview

gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gimp, GimpUi, GObject, Gtk  # noqa: E402

if TYPE_CHECKING:
    from entries import Entry

EXAMPLE = "grandmother in a green dress in front of a brick house"
PROGRAM = "photochrom"


def ask(
    procedure: Gimp.Procedure,
    config: Gimp.ProcedureConfig,
    source: Gimp.Layer,
    entry: Entry,
    make_request: Callable[[], Request],
) -> bool:
    """Ask for the arguments, with a preview; tell whether OK was pressed."""
    dialog = make_dialog(procedure, config, entry.title)
    small = read_small(source, LONGEST)
    preview = Preview(small, make_request, small.width / source.get_width())
    above: Gtk.Widget = preview
    if "exemplar" in entry.arguments:
        found = Exemplars(small, config)
        above = Gtk.Box(spacing=12, visible=True)
        above.pack_start(found, True, True, 0)
        above.pack_start(preview, False, False, 0)
        found.search()
    add_fields(dialog, entry.arguments)
    content = dialog.get_content_area()
    content.pack_start(above, True, True, 0)
    content.reorder_child(above, 0)
    for name in entry.arguments:
        if name != "output":
            config.connect(f"notify::{name}", preview.changed)
    preview.refresh()
    return run_dialog(dialog, config)


def make_dialog(
    procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, title: str
) -> GimpUi.ProcedureDialog:
    """Begin a dialog of GIMP's kind."""
    GimpUi.init(PROGRAM)
    dialog: Any = GimpUi.ProcedureDialog.new(procedure, config, title)
    dialog.set_default_size(380, -1)
    return dialog


def add_fields(dialog: GimpUi.ProcedureDialog, names: tuple[str, ...]) -> None:
    """Add the arguments' fields in order: words with a history, numbers with a slider."""
    for name in names:
        if name in ("saturation", "strength"):
            dialog.get_scale_entry(name, 1.0).set_digits(2)
    shown = [name for name in names if name != "exemplar"]
    entry = None
    if "description" in names:
        entry = dialog.get_widget("description", GObject.TYPE_NONE).get_entry()
        _give_memory(entry)
    dialog.fill(shown)
    if entry is not None:
        entry.grab_focus()


def run_dialog(dialog: GimpUi.ProcedureDialog, config: Gimp.ProcedureConfig) -> bool:
    """Show the dialog; tell whether OK was pressed. Words that were used are remembered."""
    accepted = bool(dialog.run())
    dialog.destroy()
    if accepted:
        history.remember(Path(Gimp.directory()), config.get_property("description") or "")
    return accepted


def _give_memory(entry: Gtk.Entry) -> None:
    """Complete from, and open, the list of former descriptions; Return presses OK."""
    former = history.load(Path(Gimp.directory()))
    entry.set_placeholder_text(EXAMPLE)
    entry.set_width_chars(44)
    entry.set_activates_default(True)
    store = Gtk.ListStore(str)
    for text in former:
        store.append([text])
    completion = Gtk.EntryCompletion(model=store, text_column=0, minimum_key_length=2)
    completion.set_match_func(_holds, None)
    entry.set_completion(completion)
    if not former:
        return
    menu = Gtk.Menu()
    for text in former:
        item = Gtk.MenuItem(label=text)
        item.connect("activate", lambda _item, chosen: entry.set_text(chosen), text)
        menu.append(item)
    menu.show_all()
    menu.attach_to_widget(entry, None)
    place = Gtk.EntryIconPosition.SECONDARY
    entry.set_icon_from_icon_name(place, "pan-down-symbolic")
    entry.set_icon_tooltip_text(place, "Former descriptions")
    entry.connect("icon-press", lambda *_: menu.popup_at_widget(entry, 7, 1, None))


def _holds(completion: Gtk.EntryCompletion, key: str, place: Gtk.TreeIter, _data: object) -> bool:
    """Match former descriptions that hold what was typed anywhere."""
    return key.casefold() in str(completion.get_model()[place][0]).casefold()
