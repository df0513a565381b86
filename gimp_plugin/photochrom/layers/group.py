"""A result as colorists work: a group with the base guess and a layer for each thing.

Each thing's layer has its place as mask and a live filter that turns its hue, so that the dress can
be made bluer afterwards without the server.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

import gi
from api.errors import Failure
from api.layered import Part
from api.pixels import product
from api.texts import _

from layers.parasites import Origin, attach_result
from layers.photo import Photo
from layers.results import NewLayer, add_mask, layer_name

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp, Gio  # noqa: E402

FILTER = "gegl:hue-chroma"
VALUES = ("hue", "chroma", "lightness")


def insert_group(
    photo: Photo,
    new: NewLayer,
    parts: Sequence[Part],
    place: tuple[Gimp.Layer | None, int],
    old: Gimp.Layer | None,
) -> Gimp.Layer:
    """Put a group at a place; call it inside ``one_undo_step``, in an RGB image.

    A layer of the ``old`` group that shows the same thing hands on what a person changed there:
    the values of its filter, its opacity and whether it is visible.

    Raises:
        Failure: GIMP cannot read a part.
    """
    image = photo.image
    loaded = [_load(image, part) for part in parts]
    group = Gimp.GroupLayer.new(image, _("Photochrom"))
    group.set_mode(Gimp.LayerMode.PASS_THROUGH)
    # GIMP draws while we work, and a person may close the window: it shall not meet half a group.
    group.set_visible(False)
    attach_result(group, new.settings, new.origin)
    image.insert_layer(group, *place)
    try:
        for part, layer in zip(parts, loaded, strict=True):
            layer.set_name(_("Base guess") if part.is_base else layer_name(part.phrase, ""))
            layer.set_mode(Gimp.LayerMode.LCH_COLOR)
            image.insert_layer(layer, group, 0)
            layer.set_offsets(photo.extent[0] + part.left, photo.extent[1] + part.top)
            attach_result(layer, new.settings, replace(new.origin, phrase=part.phrase))
            if not part.is_base:
                layer.add_mask(layer.create_mask(Gimp.AddMaskType.ALPHA_TRANSFER))
                layer.set_edit_mask(False)
            _hand_on(_member(old, part.phrase), layer)
        if new.masks:
            add_mask(group, reduce(product, new.masks))  # a group has no alpha of its own
        group.set_visible(True)
    except BaseException:
        image.remove_layer(group)
        raise
    image.set_selected_layers([group])
    return group


def _load(image: Gimp.Image, part: Part) -> Gimp.Layer:
    """Have GIMP read a part into the image's own colors and depth."""
    descriptor, name = tempfile.mkstemp(".png", "photochrom-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(part.png)
        path = Gio.File.new_for_path(name)
        layer = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, path)
    finally:
        os.unlink(name)
    if layer is None:
        raise Failure(_("GIMP cannot read the layer '{name}'").format(name=part.phrase))
    if not layer.has_alpha():
        layer.add_alpha()
    return layer


def _member(group: Gimp.Layer | None, phrase: str) -> Gimp.Layer | None:
    """Find the layer of a thing in a group."""
    for layer in group.get_children() if group is not None and group.is_group_layer() else ():
        origin = Origin.of(layer)
        if origin is not None and origin.phrase == phrase:
            return layer
    return None


def _hand_on(old: Gimp.Layer | None, layer: Gimp.Layer) -> None:
    """Give a layer its live filter, with the values that the old one had."""
    turn = Gimp.DrawableFilter.new(layer, FILTER, _("Hue and Chroma"))
    config = turn.get_config()
    if old is not None:
        layer.set_opacity(old.get_opacity())
        layer.set_visible(old.get_visible())
        for former in old.get_filters():
            if former.get_operation_name() == FILTER:
                for value in VALUES:
                    config.set_property(value, former.get_config().get_property(value))
    layer.append_filter(turn)
    turn.update()
