"""Notes on layers and images: who is who, what was made from which photo, and with which settings.

A photo, a result, a layer of hints and a region know each other by an identity of our own, since
GIMP numbers its items anew in every copy of an image. Notes come with files from anywhere: they are
read as text from strangers.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any

import gi
from api.errors import Unusable
from api.settings import PARASITE, Settings, read_object
from api.texts import _

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp  # noqa: E402

COLOR_LAYER, RGB_LAYER, THING_LAYERS = "color-layer", "rgb-layer", "thing-layers"
OUTPUTS = (COLOR_LAYER, RGB_LAYER, THING_LAYERS)
IDENTITY = "photochrom-id"
ORIGIN = "photochrom-origin"  # on a result, beside its settings
HINTS = "photochrom-hints"  # on a layer of hints
WORDS = "photochrom-description"  # on an image
KEPT = Gimp.PARASITE_PERSISTENT | Gimp.PARASITE_UNDOABLE


@dataclass(frozen=True)
class Origin:
    """Where a result comes from; kept with it as ``photochrom-origin``.

    Attributes:
        source: the identity of the photo that was colored.
        output: one of ``OUTPUTS``.
        reference: the URI of the file whose colors it took, if there was one.
        name: what a person knows the reference or exemplar by.
        is_region: its mask is a region that the person chose.
        is_visible: what was visible of the image was colored, not one layer.
        hint_layers: the identities of the layers of hints.
        phrase: of a thing's layer in a group, what it shows.
        server_seconds: what the server took.
    """

    source: str
    output: str
    reference: str = ""
    name: str = ""
    is_region: bool = False
    is_visible: bool = False
    hint_layers: tuple[str, ...] = ()
    phrase: str = ""
    server_seconds: float = 0.0

    @classmethod
    def of(cls, layer: Gimp.Item) -> Origin | None:
        """Read the origin of a layer; None where Photochrom did not make it."""
        read = read_object(get_note(layer, ORIGIN) or b"")
        if read is None:
            return None
        read["hint_layers"] = _texts(read.get("hint_layers"))
        kinds = {field.name: type(getattr(_EMPTY, field.name)) for field in fields(cls)}
        kept = {
            name: read[name] for name, kind in kinds.items() if isinstance(read.get(name), kind)
        }
        if not kept.get("source") or kept.get("output") not in OUTPUTS:
            return None
        return cls(**kept)


_EMPTY = Origin("", "")


def attach_result(layer: Gimp.Layer, settings: Settings, origin: Origin) -> None:
    """Note on a new layer what made it."""
    attach(layer, PARASITE, settings.to_json())
    attach(layer, ORIGIN, json.dumps(asdict(origin)))


def settings_of(layer: Gimp.Layer) -> Settings | None:
    """Read the settings that made a layer; None where Photochrom did not make it."""
    note = get_note(layer, PARASITE)
    return None if note is None else Settings.from_json(note)


def identity(item: Gimp.Item) -> str:
    """Read who an item is; "" where it has no identity yet."""
    note = (get_note(item, IDENTITY) or b"").decode("ascii", "replace")
    return note if note.isalnum() and len(note) <= 64 else ""


def identify(item: Gimp.Item) -> str:
    """Give an item an identity where it has none, and return it. One step of the undo history."""
    name = identity(item)
    if not name:
        name = uuid.uuid4().hex
        attach(item, IDENTITY, name)
    return name


def mark_hints(layer: Gimp.Layer, photo: Gimp.Layer) -> None:
    """Note that a layer holds hints for a photo."""
    identify(layer)
    attach(layer, HINTS, json.dumps({"photo": identify(photo)}))


def photo_of_hints(layer: Gimp.Layer) -> str:
    """Give the identity of the photo that a layer of hints belongs to; "" for other layers."""
    read = read_object(get_note(layer, HINTS) or b"") or {}
    return str(read.get("photo") or "")


def hint_layers(image: Gimp.Image, photo: Gimp.Layer) -> list[Gimp.Layer]:
    """List the layers of hints for a photo, wherever they are, from top to bottom."""
    name = identity(photo)
    return [layer for layer in every_layer(image) if name and photo_of_hints(layer) == name]


def is_ours(layer: Gimp.Layer) -> bool:
    """Tell whether a layer is a result or holds hints."""
    return get_note(layer, ORIGIN) is not None or get_note(layer, HINTS) is not None


def photo_of(image: Gimp.Image, layer: Gimp.Layer) -> Gimp.Layer:
    """Return the photo that a result or a layer of hints belongs to; any other layer is its own.

    Raises:
        Unusable: the photo is not in the image any more.
    """
    origin = Origin.of(layer)
    name = origin.source if origin is not None else photo_of_hints(layer)
    if not name:
        return layer
    every = list(every_layer(image))
    # The nearest one below: whoever duplicates a photo with its results has two of each.
    below = every[every.index(layer) :] if layer in every else []
    for other in (*below, *every):
        if identity(other) == name and not is_ours(other):
            return other
    raise Unusable(
        _(
            "the photo that the layer '{name}' belongs to is not in this image: select the "
            "photo that is to be colored"
        ).format(name=layer.get_name())
    )


def results_of(image: Gimp.Image, photo: Gimp.Layer) -> list[Gimp.Layer]:
    """List what was made from a photo, from top to bottom, a group and not its members."""
    name = identity(photo)
    found = []
    for layer in every_layer(image):
        origin = Origin.of(layer)
        if origin is not None and origin.source == name and layer.get_parent() not in found:
            found.append(layer)
    return found


def every_layer(image: Gimp.Image) -> Iterator[Gimp.Layer]:
    """Yield all layers with those in groups, from top to bottom."""
    waiting = list(image.get_layers())
    while waiting:
        layer = waiting.pop(0)
        yield layer
        if layer.is_group_layer():
            waiting[:0] = layer.get_children()


def attach(item: Gimp.Item | Gimp.Image, name: str, text: str, flags: int = KEPT) -> None:
    """Attach a note of ASCII letters; it is saved with the image."""
    item.attach_parasite(Gimp.Parasite.new(name, flags, list(text.encode("ascii"))))


def get_note(item: Gimp.Item | Gimp.Image, name: str) -> bytes | None:
    """Read a note; None where there is none."""
    parasite = item.get_parasite(name)
    return None if parasite is None else bytes(parasite.get_data())


def words_of(image: Gimp.Image) -> str:
    """Read the description that was used last in an image."""
    read = read_object(get_note(image, WORDS) or b"") or {}
    return str(read.get("description") or "")


def keep_words(image: Gimp.Image, description: str) -> None:
    """Note the description that was used last in an image; no step of the undo history."""
    if description.strip() != words_of(image):
        text = json.dumps({"description": description.strip()})
        attach(image, WORDS, text, Gimp.PARASITE_PERSISTENT)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()
