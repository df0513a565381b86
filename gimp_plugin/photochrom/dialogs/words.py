"""The description: several lines, with a list of those that were used before."""

from __future__ import annotations

from pathlib import Path

import gi
import history
from api.texts import _
from run import Call

from dialogs.pages import Page, text_line

gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gimp, GimpUi, Gtk  # noqa: E402


class Words(Page):
    """A field of three lines bound to ``description``; Ctrl+Return presses OK."""

    def __init__(self, call: Call, accept: Gtk.Widget) -> None:
        self._config, self._accept = call.config, accept
        label = Gtk.Label.new_with_mnemonic(_("_Description"))
        label.set_xalign(0.0)
        text = GimpUi.prop_text_buffer_new(call.config, "description", -1)
        self.field = Gtk.TextView(buffer=text, wrap_mode=Gtk.WrapMode.WORD_CHAR, accepts_tab=False)
        self.field.get_accessible().set_name(_("Description"))
        label.set_mnemonic_widget(self.field)
        self.field.connect("key-press-event", self._pressed)
        window = Gtk.ScrolledWindow(shadow_type=Gtk.ShadowType.IN)
        window.set_size_request(340, 78)
        window.add(self.field)
        example = text_line(_("Such as: grandmother in a green dress in front of a brick house"))
        example.get_style_context().add_class("dim-label")
        super().__init__(label)
        self.pack_start(window, True, True, 0)
        self.pack_start(example, False, False, 0)
        if former := history.load(Path(Gimp.directory())):
            self.pack_start(self._history(former), False, False, 0)

    def _history(self, former: list[str]) -> Gtk.MenuButton:
        menu = Gtk.Menu()
        for text in former:
            item = Gtk.MenuItem(label=text if len(text) < 80 else text[:79] + "…")
            item.connect("activate", self._chosen, text)
            menu.append(item)
        menu.show_all()
        return Gtk.MenuButton(label=_("Former Descriptions"), popup=menu, halign=Gtk.Align.START)

    def _chosen(self, _item: Gtk.MenuItem, text: str) -> None:
        self._config.set_property("description", text)

    def _pressed(self, _field: Gtk.TextView, event: object) -> bool:
        is_return = getattr(event, "keyval", 0) in (0xFF0D, 0xFF8D)
        is_control = bool(getattr(event, "state", 0) & 4)  # Gdk.ModifierType.CONTROL_MASK
        if is_return and is_control:
            self._accept.activate()
        return is_return and is_control
