"""What is asked of the server for one layer, and how it is written into the server's form."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from api.form import Form
from api.pixels import Buffer, Pixels, npy_header
from api.settings import Settings

AUTO = "auto"  # the exemplar that fits best
Picture = Pixels | Buffer  # pixels, or the bytes of a picture file


@dataclass(frozen=True)
class Region:
    """A place with words of its own; ``mask`` has the layer's size, white is inside."""

    description: str
    mask: Pixels


@dataclass(frozen=True)
class Request:
    """All that guides the colors of one layer.

    Attributes:
        reference: a photo to take colors from; ``exemplar`` is one of the library, by its id.
        palette: up to six colors, "#rrggbb".
        regions: places with words of their own.
        hint_image: RGBA of the layer's size; where alpha is, the layer gets these colors.
        mask: of the layer's size; where it is black the layer's own pixels come back.
    """

    description: str = ""
    reference: Picture | None = None
    exemplar: str = ""
    palette: tuple[str, ...] = ()
    regions: tuple[Region, ...] = ()
    hint_image: Pixels | None = None
    mask: Pixels | None = None
    saturation: float = 1.0
    strength: float = 1.0

    def form(self, pixels: Pixels) -> Form:
        """Write the form of ``/v1/colorize`` for these pixels."""
        form = Form()
        form.picture("image", pixels)
        form.text("description", self.description)
        if self.reference is not None:
            form.picture("reference", self.reference)
        form.text("exemplar", self.exemplar)
        form.text("palette", json.dumps(self.palette) if self.palette else "")
        self.add_regions(form)
        if self.hint_image is not None:
            form.picture("hint_image", self.hint_image)
        if self.mask is not None:
            form.picture("mask", self.mask)
        form.text("saturation", f"{self.saturation:.6g}")
        form.text("strength", f"{self.strength:.6g}")
        return form

    def add_regions(self, form: Form) -> None:
        """Write the places with words of their own."""
        regions = []
        for number, region in enumerate(self.regions):
            form.picture(f"region{number}", region.mask)
            regions.append({"mask": f"region{number}", "description": region.description})
        form.text("regions", json.dumps(regions) if regions else "")

    def settings(self, exemplar: str | None) -> Settings:
        """Note what was asked for the layer's parasite; ``exemplar`` is the one that was used."""
        return Settings(
            description=self.description.strip(),
            reference=_sha256(self.reference),
            mask=_sha256(self.mask),
            exemplar=exemplar or self.exemplar or None,
            hint_image=_sha256(self.hint_image),
            regions=tuple(
                {"description": region.description, "mask": str(_sha256(region.mask))}
                for region in self.regions
            ),
            palette=self.palette,
            saturation=self.saturation,
            strength=self.strength,
        )


def _sha256(picture: Picture | None) -> str | None:
    """Give the SHA-256 of a picture as it is sent."""
    if picture is None:
        return None
    digest = hashlib.sha256()
    if isinstance(picture, Pixels):
        digest.update(npy_header(picture))
        picture = picture.data
    digest.update(picture)
    return digest.hexdigest()
