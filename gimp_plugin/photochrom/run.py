"""One run: the arguments of a procedure, read once, for one photo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gi
import history
from api.errors import Cancelled, Failure, Unusable
from api.pixels import Pixels
from api.request import AUTO, Region, Request
from api.settings import Settings, is_color
from api.texts import _
from layers.hint_layer import how, kept_paint, read_hints
from layers.parasites import (
    Origin,
    every_layer,
    hint_layers,
    identity,
    results_of,
    settings_of,
)
from layers.photo import Photo, is_blank
from layers.reference import Reference
from layers.regions import read_regions, regions_of, words_of_region

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp, Gio  # noqa: E402


@dataclass(frozen=True)
class Call:
    """One call of a procedure.

    Attributes:
        needs: the argument without which it makes no sense.
        confirm: asks the person a question; None where there is nobody.
        allowed: URIs of the files that the person let it read, who is asked once.
    """

    procedure: Gimp.ImageProcedure
    config: Gimp.ProcedureConfig
    image: Gimp.Image
    arguments: tuple[str, ...]
    needs: str = ""
    is_again: bool = False
    confirm: Callable[[str], bool] | None = None
    allowed: set[str] = field(default_factory=set, compare=False)

    @property
    def is_interactive(self) -> bool:
        """Whether somebody can be asked."""
        return self.confirm is not None

    def get(self, name: str) -> Any:
        """Read an argument as it is now: a dialog may still change it. None where it has none."""
        return self.config.get_property(name) if name in self.arguments else None

    def default(self, name: str) -> Any:
        """Give what an argument is where nobody gave one; None where the procedure has none."""
        given = self.config.find_property(name) if name in self.arguments else None
        return given and (given.get_default_value() or "")

    def photo(self, layer: Gimp.Layer) -> Photo:
        """Give what is colored: a layer, or all that is visible."""
        return Photo(self.image, layer, bool(self.get("visible")))

    def text(self, name: str) -> str:
        """Read a text, which is None in GIMP where nobody gave one."""
        return str(self.get(name) or "").strip()


@dataclass(frozen=True)
class Run:
    """What is colored, and how.

    Attributes:
        base: what guides the whole photo and has no place in it.
        exemplars: ids, or ``auto`` alone; each gives a layer.
        hint_layers: the layers with dabs; ``paint`` stands for them where they are gone.
        regions: channels with words.
        redone: the result whose mask is kept; ``replaced`` the one that makes way for the new.
    """

    photo: Photo
    base: Request
    output: str
    exemplars: tuple[str, ...] = ()
    reference: Reference | None = None
    hint_layers: tuple[Gimp.Layer, ...] = ()
    paint: Pixels | None = None
    regions: tuple[Gimp.Channel, ...] = ()
    redone: Gimp.Layer | None = None
    replaced: Gimp.Layer | None = None

    def region(self, scale: float = 1.0) -> Pixels | None:
        """Read where the colors shall be: the region of the result that is redone, or what is
        selected; None for everywhere."""
        origin = self.redone and Origin.of(self.redone)
        mask = self.redone.get_mask() if self.redone is not None else None
        if origin and origin.is_region and mask is not None:
            return self.photo.read_mask(mask, scale)
        return self.photo.selection(scale)

    def kept_mask(self) -> Pixels | None:
        """Read the mask that the result has besides a region: its own, or the photo's."""
        origin = self.redone and Origin.of(self.redone)
        if self.redone is not None and origin:
            mask = self.redone.get_mask()
            if not origin.is_region:
                return None if mask is None else self.photo.read_mask(mask)
            if mask is not None and self.redone.is_group_layer():
                return None  # the photo's is in the one that is read as the region
        layer = self.photo.layer
        if self.photo.is_visible or layer.get_mask() is None or not layer.get_apply_mask():
            return None
        return self.photo.read_mask(layer.get_mask())

    def request(self, scale: float = 1.0, region: Pixels | None = None) -> Request:
        """Make the request for the photo at a scale; words belong to the region if there is one.

        Raises:
            Failure: something that it names cannot be read.
        """
        hints = self.paint
        if self.hint_layers:
            hints = read_hints(self.hint_layers, self.photo, scale)
        regions = read_regions(self.regions, self.photo, scale)
        words = self.base.description
        if region is not None and words:
            regions, words = (Region(words, region), *regions), ""
        exemplar = self.exemplars[0] if self.exemplars else ""
        return replace(
            self.base, description=words, regions=regions, hint_image=hints, exemplar=exemplar
        )


def read_run(call: Call, layer: Gimp.Layer, selected: Gimp.Layer | None = None) -> Run:
    """Read the arguments for one photo; ``selected`` is the layer that was selected.

    Raises:
        Failure: what is given does not fit together, or cannot be read.
    """
    if call.is_again:
        return _read_again(call, layer, selected)
    file, drawable = call.get("reference"), call.get("reference-drawable")
    reference = None
    if file is not None:
        reference = Reference.from_file(file)
    elif drawable is not None:
        reference = Reference.from_drawable(drawable)
    exemplars = split(call.text("exemplar"))
    if reference is not None and exemplars == (AUTO,):
        exemplars = ()
    run = Run(
        call.photo(layer),
        _base(call, reference),
        call.get("output"),
        exemplars,
        reference,
        _given_hints(call, layer),
        regions=tuple(regions_of(call.image)) if call.get("regions") else (),
        replaced=next(iter(results_of(call.image, layer)), None) if call.get("replace") else None,
    )
    if reference is not None and exemplars:
        raise Failure(_("a reference and an exemplar were given: give one of them"))
    if call.needs == "reference" and reference is None:
        raise Failure(
            _("no reference was given: choose a picture file, or a layer of an open image")
        )
    if call.needs == "hint-layer" and not run.hint_layers:
        raise Unusable(
            _("the photo '{name}' has no layer with dabs of color: {how}").format(
                name=layer.get_name(), how=how()
            )
        )
    return run


def _base(call: Call, reference: Reference | None) -> Request:
    palette = split(call.text("palette"))
    for color in palette:
        if not is_color(color):
            raise Failure(
                _("'{color}' in the palette is no color: write it like #80a060").format(color=color)
            )
    return Request(
        call.text("description"),
        reference.picture if reference else None,
        palette=palette,
        saturation=call.get("saturation"),
        strength=call.get("strength"),
    )


def _given_hints(call: Call, photo: Gimp.Layer) -> tuple[Gimp.Layer, ...]:
    """Find the layers with dabs: the one that is given, else all that belong to the photo."""
    if "hint-layer" not in call.arguments:
        return ()
    given = call.get("hint-layer")
    if given is None:
        layers = hint_layers(call.image, photo)
        if call.needs != "hint-layer":  # empty ones are no mistake where hints are one part of many
            layers = [layer for layer in layers if not is_blank(layer)]
        return tuple(layers)
    if not isinstance(given, Gimp.Layer) or given == photo:
        raise Unusable(
            _("'{name}' cannot hold dabs for the photo: choose another layer, or {how}").format(
                name=given.get_name(), how=how()
            )
        )
    return (given,)


def made_by(call: Call, layer: Gimp.Layer, selected: Gimp.Layer | None) -> Gimp.Layer:
    """Return the result to redo: the selected one, else the uppermost that was made from a photo.

    Raises:
        Unusable: there is none.
    """
    if selected is not None and Origin.of(selected) is not None:
        parent = selected.get_parent()
        return parent if parent is not None and Origin.of(parent) is not None else selected
    found = results_of(call.image, layer)
    if not found:
        raise Unusable(
            _("the layer '{name}' was not made by Photochrom: select one that was").format(
                name=layer.get_name()
            )
        )
    return found[0]


def asked(settings: Settings, origin: Origin) -> dict[str, Any]:
    """Give the arguments of *again* as they were when a result was made."""
    return {
        "description": settings.description,
        "saturation": settings.saturation,
        "strength": settings.strength,
        "output": origin.output,
        "visible": origin.is_visible,
    }


def read_result(layer: Gimp.Layer) -> tuple[Settings, Origin]:
    """Read the notes of a result.

    Raises:
        Unusable: they are damaged.
    """
    settings, origin = settings_of(layer), Origin.of(layer)
    if settings is None or origin is None:
        raise Unusable(
            _("what made the layer '{name}' cannot be read: color the photo anew").format(
                name=layer.get_name()
            )
        )
    return settings, origin


def _read_again(call: Call, layer: Gimp.Layer, selected: Gimp.Layer | None) -> Run:
    """Color once more with the settings that made a layer, but for the arguments given.

    Without a dialog an argument at its default counts as not given.
    """
    made = made_by(call, layer, selected)
    settings, origin = read_result(made)
    given = asked(settings, origin)
    for name in given:
        value = call.get(name)
        if call.is_interactive or value != call.config.find_property(name).get_default_value():
            given[name] = value
    reference = _reference_again(call, settings, origin)
    ids = {identity(other): other for other in every_layer(call.image)}
    layers = tuple(ids[name] for name in origin.hint_layers if name in ids)
    photo = Photo(call.image, layer, given["visible"])
    paint = None
    if (settings.hint_image or settings.hints) and not layers:
        paint = kept_paint(made, photo)
        if paint is None:
            raise Unusable(
                _(
                    "the dabs that '{name}' followed cannot be placed any more: their layer is "
                    "gone, and the photo was cropped, turned or flipped since: {how}"
                ).format(name=made.get_name(), how=how())
            )
    words = {region["description"] for region in settings.regions}
    return Run(
        photo,
        Request(
            str(given["description"] or "").strip(),
            reference.picture if reference else None,
            palette=settings.palette,
            saturation=given["saturation"],
            strength=given["strength"],
        ),
        given["output"],
        (settings.exemplar,) if settings.exemplar else (),
        reference,
        layers,
        paint,
        tuple(one for one in regions_of(call.image) if words_of_region(one) in words),
        made,
        made if call.get("replace") else None,
    )


def _reference_again(call: Call, settings: Settings, origin: Origin) -> Reference | None:
    """Read the reference of a result; a file that the person has not used lately only if asked.

    The layer may come from a stranger, who could name any file.
    """
    if not settings.reference:
        return None
    if not origin.reference:
        raise Failure(
            _(
                "the reference of this layer was a layer of another image: choose "
                "Colors > Photochrom > Colorize from Reference"
            )
        )
    known = history.load(Path(Gimp.directory()), history.REFERENCES)
    if origin.reference not in call.allowed.union(known):
        question = _("This layer took its colors from the file {file}. Read that file?").format(
            file=origin.reference
        )
        if call.confirm is None:
            raise Failure(
                _(
                    "the layer names the file {file}, which you have not used lately: choose "
                    "Colors > Photochrom > Colorize from Reference"
                ).format(file=origin.reference)
            )
        if not call.confirm(question):
            raise Cancelled(_("cancelled; nothing was changed"))
        call.allowed.add(origin.reference)
    return Reference.from_file(Gio.File.new_for_uri(origin.reference))


def split(text: str) -> tuple[str, ...]:
    """Read words that commas or spaces separate, each once."""
    return tuple(dict.fromkeys(text.replace(",", " ").split()))
