"""The description: several lines, with a list of those that were used before."""

from __future__ import annotations

from pathlib import Path

import gi
import history
from api.texts import _
from run import Call

gi.require_version("Gimp", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gimp, Gtk  # noqa: E402


class Words(Gtk.Box):  # type: ignore[misc]  # gi has no types
    """A field of three lines bound to ``description``; Ctrl+Return presses OK."""

    def __init__(self, call: Call, accept: Gtk.Widget) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6, border_width=12)
        self._call, self._accept = call, accept
        label = Gtk.Label.new_with_mnemonic(_("_Description"))
        label.set_xalign(0.0)
        self.field = Gtk.TextView(wrap_mode=Gtk.WrapMode.WORD_CHAR, accepts_tab=False)
        self.field.get_accessible().set_name(_("Description"))
        label.set_mnemonic_widget(self.field)
        self._buffer = self.field.get_buffer()
        self._buffer.set_text(call.text("description"))
        self._buffer.connect("changed", self._changed)
        self.field.connect("key-press-event", self._pressed)
        call.config.connect("notify::description", self._notified)
        window = Gtk.ScrolledWindow(shadow_type=Gtk.ShadowType.IN)
        window.set_size_request(340, 78)
        window.add(self.field)
        example = Gtk.Label(
            label=_("Such as: grandmother in a green dress in front of a brick house"),
            xalign=0.0,
            wrap=True,
            max_width_chars=44,
        )
        example.get_style_context().add_class("dim-label")
        for widget, expand in ((label, False), (window, True), (example, False)):
            self.pack_start(widget, expand, expand, 0)
        former = history.load(Path(Gimp.directory()))
        if former:
            self.pack_start(self._history(former), False, False, 0)

    def _history(self, former: list[str]) -> Gtk.MenuButton:
        menu = Gtk.Menu()
        for text in former:
            item = Gtk.MenuItem(label=text if len(text) < 80 else text[:79] + "…")
            item.connect("activate", lambda _item, chosen: self._buffer.set_text(chosen), text)
            menu.append(item)
        menu.show_all()
        button = Gtk.MenuButton(label=_("Former Descriptions"), popup=menu, halign=Gtk.Align.START)
        return button

    def _changed(self, buffer: Gtk.TextBuffer) -> None:
        text = buffer.get_text(buffer.get_start_iter(), buffer.get_end_iter(), False)
        if text != (self._call.get("description") or ""):
            self._call.config.set_property("description", text)

    def _notified(self, *_args: object) -> None:
        text = self._call.get("description") or ""
        buffer = self._buffer
        if text != buffer.get_text(buffer.get_start_iter(), buffer.get_end_iter(), False):
            buffer.set_text(text)

    def _pressed(self, _field: Gtk.TextView, event: object) -> bool:
        is_return = getattr(event, "keyval", 0) in (0xFF0D, 0xFF8D)
        is_control = bool(getattr(event, "state", 0) & 4)  # Gdk.ModifierType.CONTROL_MASK
        if is_return and is_control:
            self._accept.activate()
        return is_return and is_control
