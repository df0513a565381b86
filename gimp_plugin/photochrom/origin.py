"""Notes on a layer: which layer it was made from, and with which settings."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import gi
from settings import PARASITE, Settings

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp  # noqa: E402

COLOR_LAYER, RGB_LAYER = "color-layer", "rgb-layer"
ORIGIN = "photochrom-origin"  # a parasite beside the settings'


@dataclass(frozen=True)
class Origin:
    """Where a coloured layer comes from; kept with it as ``photochrom-origin``.

    ``source`` is the tattoo of the layer that was coloured; ``reference`` the URI of the file
    whose colours it took, if there was one; ``server_seconds`` what the server took.
    """

    source: int
    output: str
    reference: str | None = None
    server_seconds: float = 0.0

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, layer: Gimp.Layer) -> Origin | None:
        """Read the origin of a layer; None where Photochrom did not make it."""
        try:
            read = json.loads(_note(layer, ORIGIN) or "null")
            source, output, reference = read["source"], read["output"], read["reference"]
        except (ValueError, TypeError, KeyError):
            return None
        if not isinstance(source, int) or output not in (COLOR_LAYER, RGB_LAYER):
            return None
        return cls(source, output, reference if isinstance(reference, str) else None)


def settings_of(layer: Gimp.Layer) -> Settings | None:
    """Read the settings that made a layer; None where Photochrom did not make it."""
    note = _note(layer, PARASITE)
    return None if note is None else Settings.from_json(note)


def latest(image: Gimp.Image, layer: Gimp.Layer) -> Gimp.Layer:
    """Return ``layer`` if Photochrom made it, else the uppermost that was made from it, else it."""
    if Origin.of(layer) is not None:
        return layer
    tattoo, place = layer.get_tattoo(), image.get_item_position(layer)
    parent = layer.get_parent()
    for other in (parent.get_children() if parent else image.get_layers())[:place]:
        origin = Origin.of(other)
        if origin is not None and origin.source == tattoo:
            return other
    return layer


def source_of(image: Gimp.Image, layer: Gimp.Layer) -> Gimp.Layer:
    """Return the layer that ``layer`` was made from if Photochrom made it, else itself.

    After a run its result is selected, and the next one means the photo all the same.
    """
    origin = Origin.of(layer)
    found = origin and image.get_layer_by_tattoo(origin.source)
    return found or layer


def attach(layer: Gimp.Layer, name: str, text: str) -> None:
    """Attach a note of ASCII letters to a layer; it is saved with the image."""
    layer.attach_parasite(
        Gimp.Parasite.new(name, Gimp.PARASITE_PERSISTENT, list(text.encode("ascii")))
    )


def _note(layer: Gimp.Layer, name: str) -> bytes | None:
    parasite = layer.get_parasite(name)
    return None if parasite is None else bytes(parasite.get_data())
