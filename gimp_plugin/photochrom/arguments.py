"""The arguments of the procedures: declared once, for the menu, the dialog and scripts."""

from __future__ import annotations

from collections.abc import Callable

import gi
from api.request import AUTO
from api.texts import _
from layers.parasites import COLOR_LAYER, RGB_LAYER, THING_LAYERS

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp, GObject  # noqa: E402

FLAGS = GObject.ParamFlags.READWRITE
LOOK = ("saturation", "strength", "output", "visible", "replace")
GUIDANCE = (
    "description", "reference", "reference-drawable", "exemplar", "hint-layer", "palette",
    "regions",
)  # fmt: skip


def declare(procedure: Gimp.Procedure, names: tuple[str, ...], exemplar: str, again: bool) -> None:
    """Declare these arguments, in this order; the last two are defaults."""
    add_string, add_boolean = procedure.add_string_argument, procedure.add_boolean_argument
    declarations: dict[str, Callable[[], None]] = {
        "description": lambda: add_string(
            "description",
            _("_Description"),
            _("What the photo shows and which colors it has, in your own words"),
            "",
            FLAGS,
        ),
        "reference": lambda: procedure.add_file_argument(
            "reference",
            _("Reference _file"),
            _("A color photo of a similar scene, to take the colors from"),
            Gimp.FileChooserAction.OPEN,
            True,
            None,
            FLAGS,
        ),
        "reference-drawable": lambda: procedure.add_drawable_argument(
            "reference-drawable",
            _("Reference la_yer"),
            _("A layer of an open image, to take the colors from, where no file is given"),
            True,
            FLAGS,
        ),
        "exemplar": lambda: add_string(
            "exemplar",
            _("E_xemplar"),
            _(
                "A photo of the library by its id; several, separated by commas, give a layer "
                "each; {auto}: the one that fits best"
            ).format(auto=AUTO),
            exemplar,
            FLAGS,
        ),
        "hint-layer": lambda: procedure.add_drawable_argument(
            "hint-layer",
            _("Layer with da_bs"),
            _("The layer with dabs of color; without it, all dab layers of the photo"),
            True,
            FLAGS,
        ),
        "palette": lambda: add_string(
            "palette",
            _("_Palette"),
            _("Up to six colors that the result keeps to, such as #80a060,#c0b090"),
            "",
            FLAGS,
        ),
        "regions": lambda: add_boolean(
            "regions",
            _("Use the re_gions of the image"),
            _("Places with words of their own, made by New Region"),
            True,
            FLAGS,
        ),
        "saturation": lambda: procedure.add_double_argument(
            "saturation", _("Sa_turation"), _("How vivid the colors are"), 0.0, 2.0, 1.0, FLAGS
        ),
        "strength": lambda: procedure.add_double_argument(
            "strength",
            _("Stre_ngth"),
            _("How far the guidance outweighs what the network would choose by itself"),
            0.0,
            1.0,
            1.0,
            FLAGS,
        ),
        "output": lambda: procedure.add_choice_argument(
            "output", _("Ne_w layer"), _("What the new layer holds"), _outputs(), COLOR_LAYER, FLAGS
        ),
        "visible": lambda: add_boolean(
            "visible",
            _("Color what is _visible"),
            _("All visible layers together, with repairs, instead of the selected layer alone"),
            False,
            FLAGS,
        ),
        "replace": lambda: add_boolean(
            "replace",
            _("Replac_e the last result"),
            _("The new layer takes the place of the last one that was made from this photo"),
            again,
            FLAGS,
        ),
    }
    for name in names:
        declarations[name]()


def _outputs() -> Gimp.Choice:
    choice = Gimp.Choice.new()
    choice.add(COLOR_LAYER, 0, _("Color alone, over the photo"), _("A layer in mode LCh Color"))
    choice.add(RGB_LAYER, 1, _("The colored photo"), _("A layer in mode Normal"))
    choice.add(
        THING_LAYERS,
        2,
        _("A group with a layer for each thing"),
        _("Layers in mode LCh Color, each with its place as mask and a live color filter"),
    )
    return choice
