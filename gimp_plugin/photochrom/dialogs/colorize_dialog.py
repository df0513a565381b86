"""The one dialog: a large preview, and beside it everything that guides the colors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gi
import history
from api.texts import _
from arguments import LOOK
from entries import Entry
from layers.photo import Photo
from run import Call, Run

from dialogs.choices import CandidatesPage, TriedPage
from dialogs.exemplars import ExemplarsPage
from dialogs.pages import HintsPage, PalettePage, ReferencePage, RegionsPage
from dialogs.preview import Preview
from dialogs.words import Words

gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gimp, GimpUi, Gtk  # noqa: E402

PROGRAM = "photochrom"


def ask(
    call: Call, photo: Gimp.Layer, entry: Entry, folder: Path, make_run: Callable[[], Run]
) -> bool:
    """Ask for the arguments, with a preview; tell whether OK was pressed."""
    GimpUi.init(PROGRAM)
    dialog = GimpUi.ProcedureDialog.new(call.procedure, call.config, entry.title)
    dialog.set_default_size(980, 690)
    ok = dialog.get_widget_for_response(Gtk.ResponseType.OK)
    preview = Preview(folder, Photo(call.image, photo), make_run, ok.set_sensitive)
    words = Words(call, ok)
    tried = TriedPage(call)
    preview.on_shown = tried.note
    book = Gtk.Stack()
    pages = {"description": (_("Words"), words)}
    if "hint-layer" in call.arguments:
        leave = lambda: dialog.response(Gtk.ResponseType.CANCEL)  # noqa: E731
        pages |= {
            "hint-layer": (_("Dabs"), HintsPage(call, photo, dialog, leave)),
            "reference": (_("Reference"), ReferencePage(call, dialog)),
            "exemplar": (_("Exemplars"), ExemplarsPage(call, folder, photo)),
            "palette": (_("Palette"), PalettePage(call)),
            "regions": (_("Regions"), RegionsPage(call, dialog, preview.changed)),
        }
    pages |= {
        "candidates": (_("Candidates"), CandidatesPage(call, folder, make_run)),
        "tried": (_("History"), tried),
    }
    for name, (label, page) in pages.items():
        book.add_titled(page, name, label)
    for name in ("saturation", "strength"):
        dialog.get_scale_entry(name, 1.0).set_digits(2)
    # The entries on its pages would claim half of what the window grows by, which is the preview's.
    side = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12, hexpand=False)
    parts = Gtk.Box()
    parts.pack_start(Gtk.StackSidebar(stack=book), False, False, 0)
    parts.pack_start(book, True, True, 0)
    side.pack_start(parts, True, True, 0)
    side.pack_start(dialog.fill_box("look", list(LOOK)), False, False, 0)
    whole = Gtk.Box(spacing=12)
    whole.pack_start(preview, True, True, 0)
    whole.pack_start(side, False, False, 0)
    whole.show_all()
    dialog.get_content_area().pack_start(whole, True, True, 0)
    book.set_visible_child_name(entry.page)
    for name in call.arguments:
        if name not in ("output", "replace"):
            call.config.connect(f"notify::{name}", preview.changed)
    if entry.page == "description":
        words.field.grab_focus()
    preview.refresh()
    accepted = bool(dialog.run())
    tried.keep()
    dialog.destroy()
    if accepted:
        history.remember(Path(Gimp.directory()), call.text("description"))
    return accepted
