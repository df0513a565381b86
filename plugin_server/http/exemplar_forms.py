"""The forms of the calls on exemplars."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import ConfigDict, Field

from plugin_server.engine.requests import AddExemplarRequest, SearchRequest
from plugin_server.errors import BadForm
from plugin_server.http.forms import Picture, StrictForm
from plugin_server.http.photo_forms import PhotoForm

MOST_HITS = 100
LONGEST_PAGE = 500


class SearchForm(PhotoForm):
    """The fields of `POST /v1/exemplars/search`. Unknown and repeated fields are refused."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": ["image"]},
                {"required": ["image_id"]},
                {"required": ["description"]},
            ]
        },
    )

    image: Picture | None = Field(
        None,
        description="The photo that wants colours: PNG, JPEG, TIFF, WebP or application/x-npy, "
        "sent as a file. It is read for its lightness.",
    )
    description: str = Field(
        "",
        description="What the exemplar shall show, in your own words.",
        examples=["a stone bridge over a river in autumn"],
    )
    k: int = Field(8, ge=1, le=MOST_HITS, description="How many results at most.")
    weight: float = Field(
        0.5,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="The photo's share where a description is sent too.",
    )
    colors: str = Field(
        "",
        description="Colours that the exemplar must have, with commas.",
        examples=["#c08040,#4060a0"],
    )
    tone: Literal["warm", "cool"] | None = Field(
        None, description="`warm` or `cool`: only exemplars of this tone."
    )
    diversity: float = Field(
        0.3,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="How much the results shall differ from one another; 0 for the best ones "
        "whatever they are.",
    )

    def request(self) -> SearchRequest:
        """Build the request.

        Raises:
            BadForm: there is nothing to look for, or two photos.
        """
        has_photo = self.image is not None or self.image_id is not None
        if not has_photo and not self.description.strip():
            raise BadForm(
                "there is nothing to look for; send 'description' as text, 'image' as a file, "
                "or both"
            )
        colors = tuple(filter(None, re.split(r"[,\s]+", self.colors)))
        return SearchRequest(
            self.photo() if has_photo else None,
            self.description,
            self.k,
            self.weight,
            colors,
            self.tone,
            self.diversity,
        )


class AddExemplarForm(StrictForm):
    """The fields of `POST /v1/exemplars`. Unknown and repeated fields are refused."""

    image: Picture = Field(
        description="A colour photo: JPEG, PNG, WebP or TIFF, sent as a file. Its filename is "
        "shown to people and used for nothing else."
    )
    caption: str = Field(
        "",
        max_length=2000,
        description="What it shows, which helps to find it; without it, what the file itself says.",
    )

    def request(self, name: str) -> AddExemplarRequest:
        """Build the request; ``name`` is the file's."""
        return AddExemplarRequest(self.image, name, self.caption)


class PageQuery(StrictForm):
    """Which part of the list: the query of `GET /v1/exemplars`."""

    offset: int = Field(0, ge=0, le=2**31, description="How many to pass over.")
    limit: int = Field(100, ge=1, le=LONGEST_PAGE, description="How many at most.")
    containing: str = Field("", max_length=200, description="Only with this text in the caption or "
                            "the source.")  # fmt: skip
