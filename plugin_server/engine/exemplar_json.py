"""The JSON that calls on exemplars answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

if TYPE_CHECKING:
    from retrieval.database.exemplar import Exemplar


class ExemplarJson(BaseModel):
    """A colour photo of the library."""

    id: str = Field(description="Of letters and digits; the same photo has it in every library.")
    caption: str = Field(description="May be empty.")
    width: int = Field(description="Of the upright photo, in pixels.")
    height: int = Field(description="Of the upright photo, in pixels.")
    colors: list[str] = Field(description="Its dominant colours as #rrggbb, most frequent first.")
    source: str = Field(description="The photo's path relative to the folder that was added.")
    image: str = Field(description="Where to fetch the photo.")
    thumbnail: str = Field(description="Where to fetch a small JPEG of it.")


class HitJson(ExemplarJson):
    """A photo that was found."""

    score: float = Field(ge=0, le=1, description="How likely it shows the scene asked for.")


class ResultsJson(BaseModel):
    """What was found, best first."""

    results: list[HitJson]


class PageJson(BaseModel):
    """A part of the library, in the order in which its photos came."""

    exemplars: list[ExemplarJson]
    total: int = Field(description="How many the whole library has.")
    offset: int
    limit: int


def describe(exemplar: Exemplar) -> ExemplarJson:
    """Write an exemplar for the outside: nothing of where it lies on this machine."""
    place = f"/v1/exemplars/{exemplar.id}"
    return ExemplarJson(
        id=exemplar.id,
        caption=exemplar.caption,
        width=exemplar.width,
        height=exemplar.height,
        colors=list(exemplar.colors),
        source=exemplar.source,
        image=f"{place}/image",
        thumbnail=f"{place}/thumbnail",
    )
