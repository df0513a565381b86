"""Regions: places of an image with words of their own, kept as channels that GIMP moves along."""

from __future__ import annotations

import json

import gi
from api.errors import Unusable
from api.request import Region
from api.settings import read_object
from api.texts import _

from layers.parasites import attach, get_note
from layers.photo import Photo

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp  # noqa: E402

REGION = "photochrom-region"  # on a channel: its words


def regions_of(image: Gimp.Image) -> list[Gimp.Channel]:
    """List the regions of an image, the oldest first."""
    return [channel for channel in reversed(image.get_channels()) if words_of_region(channel)]


def words_of_region(channel: Gimp.Channel) -> str:
    """Read the words of a region; "" for any other channel."""
    read = read_object(get_note(channel, REGION) or b"") or {}
    return str(read.get("description") or "")


def add_region(image: Gimp.Image, description: str) -> Gimp.Channel:
    """Make a region of the selection. Call it inside ``one_undo_step``.

    Raises:
        Unusable: nothing is selected, or there are no words.
    """
    if Gimp.Selection.is_empty(image) or not description.strip():
        raise Unusable(_("select a place and say what it shows, to make a region"))
    selected = image.get_selected_drawables()
    channel = Gimp.Selection.save(image)
    channel.set_name(description.strip())
    channel.set_visible(False)
    attach(channel, REGION, json.dumps({"description": description.strip()}))
    # GIMP selects the new channel; what is done next is meant for the layers.
    image.set_selected_layers([item for item in selected if isinstance(item, Gimp.Layer)])
    return channel


def read_regions(
    channels: tuple[Gimp.Channel, ...], photo: Photo, scale: float = 1.0
) -> tuple[Region, ...]:
    """Read regions where they lie on the photo; those outside of it are left out."""
    regions = [
        Region(words_of_region(channel), photo.read_mask(channel, scale)) for channel in channels
    ]
    return tuple(region for region in regions if any(bytes(region.mask.data)))
