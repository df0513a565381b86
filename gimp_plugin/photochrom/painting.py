"""Finds the layer with the dabs and reads them as hints in the photo's own pixels."""

from __future__ import annotations

from typing import Any

import gi
from dabs import find_dabs
from layers import Unusable, read_paint, sample_alpha
from origin import Origin

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp  # noqa: E402

SPARSE = 0.5  # a layer with less opaque paint than this share is one of dabs
HOW = "add a transparent layer above the photo, paint dabs of colour on it, and try again"


def find_dabs_layer(
    image: Gimp.Image, selected: Gimp.Layer, given: Gimp.Drawable | None
) -> tuple[Gimp.Layer, Gimp.Layer]:
    """Return the layer with the dabs and the photo.

    ``given`` is the former if it is not None. Else it is ``selected`` where that looks like dabs
    (and the photo lies below), or the layer above it.

    Raises:
        Unusable: no such layers are there.
    """
    if given is not None:
        if not isinstance(given, Gimp.Layer):
            raise Unusable(f"{given.get_name()} is no layer: choose the layer with the dabs")
        return given, (_below(image, given) if given == selected else selected)
    if _is_sparse(selected) and _siblings(image, selected)[1]:
        return selected, _below(image, selected)
    above, _ = _siblings(image, selected)
    for layer in reversed(above):
        if Origin.of(layer) is None:  # what was made before lies between
            if _is_sparse(layer):
                return layer, selected
            break
    raise Unusable(f"no layer with dabs of colour lies above {selected.get_name()}: {HOW}")


def read_hints(paint: Gimp.Layer, photo: Gimp.Layer) -> tuple[dict[str, Any], ...]:
    """Read the dabs as the server wants them, in the photo's coordinates.

    Raises:
        Unusable: there is none on the photo.
    """
    pixels = read_paint(paint)
    _, x, y = paint.get_offsets()
    _, photo_x, photo_y = photo.get_offsets()
    hints = tuple(
        hint.to_json(x - photo_x, y - photo_y)
        for hint in find_dabs(bytes(pixels.data), pixels.width, pixels.height)
        if 0 <= hint.x + x - photo_x < photo.get_width()
        and 0 <= hint.y + y - photo_y < photo.get_height()
    )
    if not hints:
        raise Unusable(f"{paint.get_name()} has no dabs of opaque colour on the photo: {HOW}")
    return hints


def _below(image: Gimp.Image, layer: Gimp.Layer) -> Gimp.Layer:
    for other in _siblings(image, layer)[1]:
        if Origin.of(other) is not None or not _is_sparse(other):
            return other
    raise Unusable(f"no photo lies below {layer.get_name()}: {HOW}")


def _siblings(image: Gimp.Image, layer: Gimp.Layer) -> tuple[list[Gimp.Layer], list[Gimp.Layer]]:
    """Return the layers above and below in the same group, from top to bottom."""
    parent = layer.get_parent()
    every = list(parent.get_children() if parent else image.get_layers())
    place = image.get_item_position(layer)
    return every[:place], every[place + 1 :]


def _is_sparse(layer: Gimp.Layer) -> bool:
    if not layer.has_alpha():
        return False
    alpha = sample_alpha(layer)
    return sum(value >= 128 for value in alpha) < SPARSE * len(alpha)
