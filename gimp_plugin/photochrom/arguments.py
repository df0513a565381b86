"""The arguments of the procedures: declared once, for the menu, the dialogs and scripts."""

from __future__ import annotations

from collections.abc import Callable

import gi
from layers.parasites import COLOR_LAYER, RGB_LAYER
from request import AUTO

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp, GObject  # noqa: E402

FLAGS = GObject.ParamFlags.READWRITE


def declare(procedure: Gimp.Procedure, names: tuple[str, ...]) -> None:
    """Declare these arguments, in this order."""
    for name in names:
        _DECLARE[name](procedure)


def _description(procedure: Gimp.Procedure) -> None:
    procedure.add_string_argument(
        "description",
        "_Description",
        "What the photo shows and which colours it has, in your own words",
        "",
        FLAGS,
    )


def _reference(procedure: Gimp.Procedure) -> None:
    procedure.add_file_argument(
        "reference",
        "Reference _file",
        "A colour photo of a similar scene, to take the colours from",
        Gimp.FileChooserAction.OPEN,
        True,
        None,
        FLAGS,
    )


def _reference_drawable(procedure: Gimp.Procedure) -> None:
    procedure.add_drawable_argument(
        "reference-drawable",
        "Reference la_yer",
        "A layer of an open image, to take the colours from, where no file is given",
        True,
        FLAGS,
    )


def _exemplar(procedure: Gimp.Procedure) -> None:
    procedure.add_string_argument(
        "exemplar",
        "E_xemplar",
        f"A photo of the library by its id; several, separated by commas, give a layer each; "
        f"{AUTO}: the one that fits best",
        AUTO,
        FLAGS,
    )


def _hint_layer(procedure: Gimp.Procedure) -> None:
    procedure.add_drawable_argument(
        "hint-layer",
        "Layer _with dabs",
        "The layer with dabs of colour; without it, the selected layer if it is mostly transparent "
        "(then the one below is coloured), else the one above",
        True,
        FLAGS,
    )


def _saturation(procedure: Gimp.Procedure) -> None:
    procedure.add_double_argument(
        "saturation", "Sa_turation", "How vivid the colours are", 0.0, 2.0, 1.0, FLAGS
    )


def _strength(procedure: Gimp.Procedure) -> None:
    procedure.add_double_argument(
        "strength",
        "Stre_ngth",
        "How far the guidance outweighs what the network would choose by itself",
        0.0,
        1.0,
        1.0,
        FLAGS,
    )


def _output(procedure: Gimp.Procedure) -> None:
    choice = Gimp.Choice.new()
    choice.add(COLOR_LAYER, 0, "Colour alone, over the photo", "A layer in mode LCh Colour")
    choice.add(RGB_LAYER, 1, "The coloured photo", "A layer in mode Normal")
    procedure.add_choice_argument(
        "output", "Ne_w layer", "What the new layer holds", choice, COLOR_LAYER, FLAGS
    )


_DECLARE: dict[str, Callable[[Gimp.Procedure], None]] = {
    "description": _description,
    "reference": _reference,
    "reference-drawable": _reference_drawable,
    "exemplar": _exemplar,
    "hint-layer": _hint_layer,
    "saturation": _saturation,
    "strength": _strength,
    "output": _output,
}
