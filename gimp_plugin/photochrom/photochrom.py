#!/usr/bin/env python3
"""Photochrom in GIMP: the procedures, their menu entries, and what a run of one does."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
from arguments import declare  # noqa: E402
from coloring import colorize  # noqa: E402
from entries import COLORIZERS, SETTINGS, Call, Closed, Entry  # noqa: E402
from api.errors import Cancelled, Failure  # noqa: E402
from gi.repository import Gegl, Gimp, GLib, GObject  # noqa: E402
from layers.layers import selected_layer  # noqa: E402
from layers.parasites import source_of  # noqa: E402
from progress import Bar  # noqa: E402
from server.connect import connect, describe  # noqa: E402

MENU = "<Image>/Colors/Photochrom"
READABLE = GObject.ParamFlags.READWRITE


def run(
    procedure: Gimp.ImageProcedure,
    mode: Gimp.RunMode,
    image: Gimp.Image,
    drawables: Sequence[Gimp.Drawable],
    config: Gimp.ProcedureConfig,
    entry: Entry,
) -> Gimp.ValueArray:
    """Run one of the procedures that colour a layer, and say plainly what went wrong."""
    Gegl.init(None)
    try:
        layer = selected_layer(drawables)
        interactive = mode == Gimp.RunMode.INTERACTIVE
        call = Call(procedure, config, image, layer, source_of(image, layer), interactive)
        return _success(procedure, _colorize(call, entry))
    except Closed:
        return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, None)
    except Cancelled as problem:
        return _fail(procedure, Gimp.PDBStatusType.CANCEL, str(problem))
    except Failure as problem:
        return _fail(procedure, Gimp.PDBStatusType.EXECUTION_ERROR, _sentence(str(problem)))
    except Exception as problem:
        traceback.print_exc()
        text = f"Photochrom failed and changed nothing: {type(problem).__name__}: {problem}"
        return _fail(procedure, Gimp.PDBStatusType.EXECUTION_ERROR, text)


def _colorize(call: Call, entry: Entry) -> Gimp.Layer:
    if call.interactive and entry.ask is not None:
        entry.ask(call, entry)
    task = entry.task(call)
    bar = Bar("Photochrom")
    try:
        client = connect(on_progress=bar)
        layers = colorize(call.image, task.source, task.request, client=client, bar=bar)
    finally:
        bar.close()
    if task.selected is not None:
        call.image.set_selected_layers([task.selected])
    Gimp.displays_flush()
    return layers[0]


def run_settings(
    procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, _data: object
) -> Gimp.ValueArray:
    """Show the settings and how the server stands; without a person only the latter."""
    if config.get_property("run-mode") == Gimp.RunMode.INTERACTIVE:
        from dialogs.settings_dialog import show

        show()
    values = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)
    values.remove(1)
    values.insert(1, GObject.Value(GObject.TYPE_STRING, describe().text))
    return values


def _success(procedure: Gimp.Procedure, layer: Gimp.Layer) -> Gimp.ValueArray:
    values = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)
    values.remove(1)
    values.insert(1, GObject.Value(Gimp.Layer, layer))
    return values


def _fail(procedure: Gimp.Procedure, status: Gimp.PDBStatusType, text: str) -> Gimp.ValueArray:
    error = GLib.Error.new_literal(Gimp.PlugIn.error_quark(), text, 0)
    return procedure.new_return_values(status, error)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


class Photochrom(Gimp.PlugIn):  # type: ignore[misc]  # gi has no types
    """The plug-in as GIMP asks for it."""

    def do_set_i18n(self, _name: str) -> bool:
        return False

    def do_query_procedures(self) -> list[str]:
        return [*COLORIZERS, SETTINGS.name]

    def do_create_procedure(self, name: str) -> Any:
        if name == SETTINGS.name:
            return self._settings()
        entry = COLORIZERS[name]
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, run, entry)
        procedure.set_image_types("*")
        procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE)
        declare(procedure, entry.arguments)
        procedure.add_layer_return_value(
            "layer", "Layer", "The new layer; the uppermost of several", True, READABLE
        )
        return _describe(procedure, entry)

    def _settings(self) -> Any:
        procedure = Gimp.Procedure.new(
            self, SETTINGS.name, Gimp.PDBProcType.PLUGIN, run_settings, None
        )
        procedure.add_enum_argument(
            "run-mode",
            "Run mode",
            "The run mode",
            Gimp.RunMode,
            Gimp.RunMode.NONINTERACTIVE,
            READABLE,
        )
        procedure.add_string_return_value(
            "status", "Status", "How the server stands, in a sentence", "", READABLE
        )
        return _describe(procedure, SETTINGS)


def _describe(procedure: Gimp.Procedure, entry: Entry) -> Gimp.Procedure:
    procedure.set_menu_label(entry.label)
    procedure.add_menu_path(MENU)
    procedure.set_documentation(entry.blurb, entry.help, None)
    procedure.set_attribution("The Photochrom authors", "Apache-2.0", "2026")
    return procedure


if __name__ == "__main__":
    Gimp.main(Photochrom.__gtype__, sys.argv)
