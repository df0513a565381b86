"""Regions, changed things and a painted hint image that lie in files beside a photo."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from models.job import MAX_REGIONS, JobError, Region, ThingChange
from models.job_json import read_list, regions_of
from models.shown import shown
from plugin_server.batch.sources import read_file
from plugin_server.engine.requests import ColorizeRequest


@dataclass(frozen=True, slots=True)
class Places:
    """What a run, or the row of a table, says of places; ``masks`` are their files by name."""

    regions: tuple[Region, ...] = ()
    things: tuple[ThingChange, ...] = ()
    masks: Mapping[str, Path] = field(default_factory=dict)
    hint_image: Path | None = None

    def __bool__(self) -> bool:
        return bool(self.regions or self.things or self.hint_image)

    def on(self, request: ColorizeRequest) -> ColorizeRequest:
        """Add them to a request; these regions lie over those that it has.

        Raises:
            JobError: a file cannot be read, or there are too many regions.
        """
        if not self:
            return request
        job = request.job
        job = replace(job, regions=job.regions + self.regions, things=job.things + self.things)
        painted = request.hint_image
        if self.hint_image is not None:
            painted = _read(self.hint_image)
        parts = {**request.parts, **{name: _read(file) for name, file in self.masks.items()}}
        return replace(request, job=job, parts=parts, hint_image=painted)

    def digest(self) -> str | None:
        """Tell these from others by their contents; None where there are none."""
        if not self:
            return None
        told = [region.members() for region in self.regions]
        told += [change.members() for change in self.things]
        files = [*self.masks.items(), *([("", self.hint_image)] if self.hint_image else [])]
        content = [(name, hashlib.sha256(_read(file)).hexdigest()) for name, file in files]
        return hashlib.sha256(json.dumps([told, content]).encode()).hexdigest()[:16]


def places_of_row(text: str, folder: Path) -> Places:
    """Read a table's ``regions``: the form's JSON, but with a file's path for each mask.

    Paths start at the table's ``folder``.

    Raises:
        JobError: no JSON, or regions that make no sense.
    """
    entries = read_list(text, "regions", '[{"mask": "shawl.png", "color": "#2a6f4e"}]', MAX_REGIONS)
    masks: dict[str, Path] = {}
    for number, entry in enumerate(entries):
        if isinstance(entry, dict) and isinstance(entry.get("mask"), str):
            masks[f"row-{number}"] = folder / entry["mask"]
            entry["mask"] = f"row-{number}"
    return Places(regions_of(entries), masks=masks)


def _read(file: Path) -> bytes:
    try:
        return read_file(file)
    except OSError as problem:
        raise JobError(f"cannot read {shown(file)}: {problem.strerror}") from problem
