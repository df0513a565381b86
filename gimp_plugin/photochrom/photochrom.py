#!/usr/bin/env python3
"""Photochrom in GIMP: the procedures, their menu entries, and what a run of one does."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gi
import history

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
from api.errors import Cancelled, Failure, Unusable  # noqa: E402
from api.texts import _, sentence  # noqa: E402
from arguments import declare  # noqa: E402
from coloring import colorize  # noqa: E402
from entries import COLORIZERS, HINT_LAYER, REGION, SETTINGS, Entry  # noqa: E402
from gi.repository import Gegl, Gimp, Gio, GLib, GObject  # noqa: E402
from layers.hint_layer import new_hint_layer  # noqa: E402
from layers.parasites import is_ours, keep_words, words_of  # noqa: E402
from layers.photo import Photo, selected_layer, selected_photos  # noqa: E402
from layers.regions import add_region  # noqa: E402
from layers.results import one_undo_step  # noqa: E402
from progress import Bar  # noqa: E402
from run import Call, asked, made_by, read_result, read_run  # noqa: E402
from server.connect import connect, describe  # noqa: E402

MENU = "<Image>/Colors/Photochrom"
FOLDER = Path(__file__).absolute().parent
HELP, ICON = FOLDER / "help", FOLDER / "icons" / "photochrom.svg"
READABLE = GObject.ParamFlags.READWRITE
IMAGE_ENTRIES = {entry.name: entry for entry in (HINT_LAYER, REGION)}

Act = Callable[[Call, list[Gimp.Layer], Sequence[Gimp.Drawable], Entry], Gimp.Item]


def run(
    procedure: Gimp.ImageProcedure,
    mode: Gimp.RunMode,
    image: Gimp.Image,
    drawables: Sequence[Gimp.Drawable],
    config: Gimp.ProcedureConfig,
    entry: Entry,
) -> Gimp.ValueArray:
    """Run one of the procedures for layers, and say plainly what went wrong."""
    Gegl.init(None)
    confirm = _confirm if mode == Gimp.RunMode.INTERACTIVE else None
    call = Call(procedure, config, image, entry.arguments, entry.needs, entry.is_again, confirm)
    act: Act = {HINT_LAYER.name: _add_hint_layer, REGION.name: _add_region}.get(
        entry.name, _colorize
    )
    try:
        photos = selected_photos(image, drawables)
        return _success(procedure, act(call, photos, drawables, entry))
    except Cancelled as problem:
        return _fail(procedure, Gimp.PDBStatusType.CANCEL, str(problem))
    except Unusable as problem:
        return _fail(procedure, Gimp.PDBStatusType.CALLING_ERROR, str(problem))
    except Failure as problem:
        return _fail(procedure, Gimp.PDBStatusType.EXECUTION_ERROR, str(problem))
    except Exception as problem:
        traceback.print_exc()
        text = _("Photochrom failed and changed nothing: {problem}").format(
            problem=f"{type(problem).__name__}: {problem}"
        )
        return _fail(procedure, Gimp.PDBStatusType.EXECUTION_ERROR, text)


def _confirm(text: str) -> bool:
    from dialogs.question import ask_whether  # Gtk is not there without a screen

    return ask_whether(text)


def _colorize(
    call: Call, photos: list[Gimp.Layer], drawables: Sequence[Gimp.Drawable], entry: Entry
) -> Gimp.Layer:
    selected = selected_layer(drawables[0]) if len(drawables) == 1 else None
    if call.is_interactive and entry.page:
        if call.is_again:
            made = made_by(call, photos[0], selected)
            for name, value in asked(*read_result(made)).items():
                call.config.set_property(name, value)
        else:
            call.config.set_property("description", words_of(call.image))
        from dialogs import colorize_dialog

        if not colorize_dialog.ask(
            call, photos[0], entry, profile_folder(), lambda: read_run(call, photos[0], selected)
        ):
            raise Cancelled(_("cancelled; nothing was changed"))
    runs = [read_run(call, photo, selected) for photo in photos]
    bar = Bar("Photochrom")
    try:
        client = connect(profile_folder(), on_progress=bar)
        layers = colorize(runs, client=client, bar=bar)
    finally:
        bar.close()
    if call.is_interactive and entry.page:
        keep_words(call.image, call.text("description"))
    for one in runs:
        if one.reference is not None:
            history.remember(Path(Gimp.directory()), one.reference.uri, history.REFERENCES)
    painted = [one for one in runs[0].hint_layers if one == selected and one.is_valid()]
    if any(map(is_ours, painted)):
        call.image.set_selected_layers(painted)  # to paint on
    Gimp.displays_flush()
    return layers[0]


def _add_hint_layer(
    call: Call, photos: list[Gimp.Layer], _drawables: Sequence[Gimp.Drawable], _entry: Entry
) -> Gimp.Layer:
    with one_undo_step(call.image):
        layer = new_hint_layer(Photo(call.image, photos[0]))
    Gimp.displays_flush()
    return layer


def _add_region(
    call: Call, photos: list[Gimp.Layer], _drawables: Sequence[Gimp.Drawable], entry: Entry
) -> Gimp.Layer:
    if call.is_interactive:
        from dialogs.question import ask_words

        if not ask_words(call, entry.title):
            raise Cancelled(_("cancelled; nothing was changed"))
    with one_undo_step(call.image):
        add_region(call.image, call.text("description"))
    Gimp.displays_flush()
    return photos[0]


def run_settings(
    procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, _data: object
) -> Gimp.ValueArray:
    """Show the settings and how the server stands; without a person only the latter."""
    if config.get_property("run-mode") == Gimp.RunMode.INTERACTIVE:
        from dialogs.settings_dialog import show

        show(profile_folder())
    values = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)
    values.remove(1)
    text = describe(profile_folder()).text
    values.insert(1, GObject.Value(GObject.TYPE_STRING, text))
    return values


def profile_folder() -> Path:
    """Give the folder in GIMP's profile that holds our settings."""
    return Path(Gimp.directory()) / "photochrom"


def _success(procedure: Gimp.Procedure, layer: Gimp.Layer) -> Gimp.ValueArray:
    values = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)
    values.remove(1)
    values.insert(1, GObject.Value(Gimp.Layer, layer))
    return values


def _fail(procedure: Gimp.Procedure, status: Gimp.PDBStatusType, text: str) -> Gimp.ValueArray:
    error = GLib.Error.new_literal(Gimp.PlugIn.error_quark(), sentence(text), 0)
    return procedure.new_return_values(status, error)


class Photochrom(Gimp.PlugIn):  # type: ignore[misc]  # gi has no types
    """The plug-in as GIMP asks for it."""

    def do_set_i18n(self, _name: str) -> bool:
        return False  # the texts come translated from ``api.texts``

    def do_query_procedures(self) -> list[str]:
        self.set_help_domain("photochrom", Gio.File.new_for_path(str(HELP)))
        return [*COLORIZERS, *IMAGE_ENTRIES, SETTINGS.name]

    def do_create_procedure(self, name: str) -> Any:
        if name == SETTINGS.name:
            return self._settings()
        entry = COLORIZERS.get(name) or IMAGE_ENTRIES[name]
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, run, entry)
        # A result makes its image RGB: without color there is nothing to do again.
        procedure.set_image_types("RGB*" if entry.is_again else "*")
        several = entry.name in COLORIZERS and not entry.is_again
        sensitive = Gimp.ProcedureSensitivityMask
        procedure.set_sensitivity_mask(
            sensitive.DRAWABLE | (sensitive.DRAWABLES if several else sensitive.DRAWABLE)
        )
        declare(procedure, entry.arguments, entry.exemplar, entry.is_again)
        procedure.add_layer_return_value(
            "layer", _("Layer"), _("The new layer; the uppermost of several"), True, READABLE
        )
        return _describe(procedure, entry)

    def _settings(self) -> Any:
        procedure = Gimp.Procedure.new(
            self, SETTINGS.name, Gimp.PDBProcType.PLUGIN, run_settings, None
        )
        procedure.add_enum_argument(
            "run-mode",
            _("Run mode"),
            _("The run mode"),
            Gimp.RunMode,
            Gimp.RunMode.NONINTERACTIVE,
            READABLE,
        )
        procedure.add_string_return_value(
            "status", _("Status"), _("How the server stands, in a sentence"), "", READABLE
        )
        return _describe(procedure, SETTINGS)


def _describe(procedure: Gimp.Procedure, entry: Entry) -> Gimp.Procedure:
    procedure.set_menu_label(entry.label)
    procedure.add_menu_path(MENU)
    procedure.set_documentation(entry.blurb, entry.help, entry.name)
    procedure.set_icon_file(Gio.File.new_for_path(str(ICON)))
    if hasattr(procedure, "set_help_uri"):  # from GIMP 3.3.2 on
        procedure.set_help_uri((HELP / "en" / "guide.html").as_uri())
    procedure.set_attribution("The Photochrom authors", "The Photochrom authors", "2026")
    return procedure


if __name__ == "__main__":
    Gimp.main(Photochrom.__gtype__, sys.argv)
