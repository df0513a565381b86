"""Small dialogs that ask one thing."""

from __future__ import annotations

import gi
from run import Call

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import GimpUi, GObject, Gtk  # noqa: E402


def ask_whether(text: str) -> bool:
    """Ask a question that is answered with Yes or No; No is the default."""
    GimpUi.init("photochrom")
    dialog = Gtk.MessageDialog(
        message_type=Gtk.MessageType.QUESTION,
        buttons=Gtk.ButtonsType.YES_NO,
        text="Photochrom",
        secondary_text=text,
        title="Photochrom",
    )
    dialog.set_default_response(Gtk.ResponseType.NO)
    answer = dialog.run()
    dialog.destroy()
    return bool(answer == Gtk.ResponseType.YES)


def ask_words(call: Call, title: str) -> bool:
    """Ask for the description of a procedure; tell whether OK was pressed."""
    GimpUi.init("photochrom")
    dialog = GimpUi.ProcedureDialog.new(call.procedure, call.config, title)
    entry = dialog.get_widget("description", GObject.TYPE_NONE).get_entry()
    entry.set_width_chars(44)
    entry.set_activates_default(True)
    dialog.fill(["description"])
    entry.grab_focus()
    accepted = bool(dialog.run())
    dialog.destroy()
    return accepted
