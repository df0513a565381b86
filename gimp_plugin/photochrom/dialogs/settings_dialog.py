"""How the server stands, where it is, and the place of its log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gi
from api.client import Client
from api.errors import Failure
from api.texts import _, reason, sentence
from server.connect import Status, describe
from server.installation import CONFIG, code_folder, find, read_config, write_config

from dialogs.background import Latest, OnProgress

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import GimpUi, Gtk  # noqa: E402

LINES = {
    "server": _("Server"),
    "address": _("Address"),
    "models": _("Models"),
    "library": _("Library"),
    "log": _("Log"),
    "file": _("Settings file"),
}
START, SAVE = 1, 2


def show(folder: Path) -> None:
    """Show the dialog until it is closed."""
    GimpUi.init("photochrom")
    panel = Panel(folder)
    dialog = GimpUi.Dialog(title=_("Photochrom Settings"), role="photochrom-settings")
    start = dialog.add_button(_("_Start the Server"), START)
    save = dialog.add_button(_("Sa_ve"), SAVE)
    dialog.add_button(_("_Close"), Gtk.ResponseType.CLOSE)
    panel.watch(start, save)
    dialog.get_content_area().pack_start(panel, True, True, 0)
    panel.look()
    while (answer := dialog.run()) in (START, SAVE):
        if answer == START:
            panel.start()
        else:
            panel.save()
    dialog.destroy()


class Panel(Gtk.Grid):  # type: ignore[misc]  # gi has no types
    """The lines about the server, and two fields to change where it is."""

    def __init__(self, folder: Path) -> None:
        super().__init__(row_spacing=6, column_spacing=12, border_width=12)
        self._folder = folder
        self._server = Latest(folder, self._tell)
        self._values: dict[str, Gtk.Label] = {}
        self._start: Gtk.Button | None = None
        for row, (name, label) in enumerate(LINES.items()):
            self._values[name] = self._line(row, label)
        self._address = self._entry(len(LINES), _("_New address"))
        self._token = self._entry(len(LINES) + 1, _("_Token"))
        self._token.set_visibility(False)
        self.connect("destroy", lambda *_: self._server.close())
        self.show_all()

    def watch(self, start: Gtk.Button, save: Gtk.Button) -> None:
        """Gray the buttons out where they have nothing to do."""
        self._start = start
        save.set_sensitive(False)

        def edited(*_: object) -> None:
            save.set_sensitive(bool(self._address.get_text() or self._token.get_text()))

        for entry in (self._address, self._token):
            entry.connect("changed", edited)

    def look(self) -> None:
        """Look how the server stands."""
        status = describe(self._folder)
        health = status.health
        self._put("server", status.text)
        self._put("address", status.address)
        self._put("models", ", ".join(health.models.values()) if health else "–")
        count = health.exemplars if health else 0
        self._put("library", _("Photos: {count:,}").format(count=count) if health else "–")
        self._put("log", status.log)
        self._put("file", str(self._folder / CONFIG))
        self._address.set_placeholder_text(status.address)
        if self._start is not None:
            self._start.set_sensitive(not status.running and self._may_start(status))

    def start(self) -> None:
        """Start the server; the lines follow when it is there."""

        def question(client: Client, _on_progress: OnProgress) -> Client:
            return client  # it is connected, and that is all

        self._server.ask(question, lambda _client: self.look())

    def save(self) -> None:
        """Write the new address and token into the settings file."""
        try:
            written = read_config(self._folder / CONFIG) or read_config(code_folder() / CONFIG)
            changed = _changed(written, self._address.get_text(), self._token.get_text())
            write_config(self._folder / CONFIG, changed)
        except (Failure, OSError) as problem:
            text = _("the settings cannot be kept in {folder}: {reason}").format(
                folder=self._folder, reason=reason(problem)
            )
            self._tell(sentence(text))
            return
        self._address.set_text("")
        self._token.set_text("")
        self.look()

    def _may_start(self, status: Status) -> bool:
        try:
            return bool(find(self._folder, beside=code_folder()).command)
        except Failure:
            return False

    def _tell(self, text: str) -> None:
        self._put("server", text)

    def _put(self, name: str, text: str) -> None:
        self._values[name].set_text(text)

    def _line(self, row: int, name: str) -> Gtk.Label:
        value = Gtk.Label(xalign=0.0, wrap=True, max_width_chars=60, selectable=True)
        self._label(row, name, value)
        return value

    def _entry(self, row: int, name: str) -> Gtk.Entry:
        entry = Gtk.Entry(hexpand=True)
        self._label(row, name, entry)
        return entry

    def _label(self, row: int, name: str, of: Gtk.Widget) -> None:
        label = Gtk.Label.new_with_mnemonic(name)
        label.set_xalign(0.0)
        label.set_yalign(0.0)
        label.set_mnemonic_widget(of)
        self.attach(label, 0, row, 1, 1)
        self.attach(of, 1, row, 1, 1)


def _changed(written: dict[str, Any], address: str, token: str) -> dict[str, Any]:
    """Change address and token where they are given.

    What starts the server belongs to the old address: at another one somebody else starts it.
    """
    address = address.strip()
    changed = dict(written)
    if token:
        changed["token"] = token
    if address and address != written.get("address"):
        changed["address"] = address
        changed.pop("command", None)
    return changed
