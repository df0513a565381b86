"""The forms of the calls that are about a photo of the user's."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from models.job import LANGUAGES, ColorizeJob, Hint
from models.job_json import parse_hints, parse_palette, parse_regions, parse_things
from plugin_server.engine.requests import (
    OWN_TYPE,
    AnswerType,
    ColorizeRequest,
    ConfidenceRequest,
    Image,
    ImageId,
    SuggestionsRequest,
    ThingsRequest,
)
from plugin_server.errors import BadForm
from plugin_server.http.forms import Picture, StrictForm, shorten


class ImageForm(StrictForm):
    """A photo alone. Unknown and repeated fields are refused."""

    image: Picture = Field(
        description="The photo: PNG, JPEG, TIFF, WebP or application/x-npy, sent as a file."
    )


class PhotoForm(StrictForm):
    """A photo, sent now or kept before. Unknown and repeated fields are refused."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["image"]}, {"required": ["image_id"]}]}
    )

    image: Picture | None = Field(
        None,
        description="The photo: PNG, JPEG, TIFF, WebP or application/x-npy, sent as a file. "
        "A coloured one is read for its lightness.",
    )
    image_id: str | None = Field(
        None,
        description="In place of the photo: the id of one that `POST /v1/images` keeps.",
        min_length=1,
        max_length=64,
    )

    def photo(self) -> Image:
        """Return the photo's bytes, or the id of the one that is kept.

        Raises:
            BadForm: there are both or neither.
        """
        match self.image, self.image_id:
            case None, None:
                raise BadForm("the field 'image' is missing; send it as a file, or send 'image_id'")
            case bytes(image), None:
                return image
            case None, str(name):
                return ImageId(name)
            case _:
                raise BadForm("image and image_id were both sent; send one of them")


class GuidedForm(PhotoForm):
    """A photo with the words and dabs that steer its colours."""

    description: str = Field(
        "",
        description="What the photo shows and which colours it has, in your own words. "
        "Empty means none; one that is too long is cut, which Photochrom-Notice says.",
        examples=["a woman in a red coat in front of a brick house"],
    )
    language: str | None = Field(
        None,
        description=f"The description's language: {', '.join(LANGUAGES)}. It is recognised where "
        "none is given.",
        examples=["de"],
        max_length=35,
    )
    hints: str = Field(
        "",
        description="Dabs of colour as JSON: x and y are column and row of the centre in the "
        "upright image, and every pixel no farther than radius gets the colour. The default radius "
        "is 1 % of the short side.",
        examples=['[{"x": 120, "y": 80, "color": "#a03020", "radius": 4}]'],
        json_schema_extra={"contentMediaType": "application/json"},
    )
    strength: float = Field(
        1.0,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="How far the guidance outweighs the network's own guess.",
    )

    def job(self) -> ColorizeJob:
        """Build the job.

        Raises:
            JobError: the hints make no sense.
        """
        return ColorizeJob(
            self.description, self._hints(), strength=self.strength, language=self.language
        )

    def _hints(self) -> tuple[Hint, ...]:
        return parse_hints(self.hints) if self.hints.strip() else ()


class ConfidenceForm(GuidedForm):
    """The fields of `POST /v1/confidence`; a place may be named, as for `POST /v1/suggestions`."""

    x: float = Field(
        0, ge=0, allow_inf_nan=False, description="Not needed: the answer shows every place."
    )
    y: float = Field(
        0, ge=0, allow_inf_nan=False, description="Not needed: the answer shows every place."
    )

    def request(self) -> ConfidenceRequest:
        """Build the request."""
        return ConfidenceRequest(self.photo(), self.job())


class SuggestionsForm(GuidedForm):
    """The fields of `POST /v1/suggestions`."""

    x: float = Field(
        ge=0, allow_inf_nan=False, description="The column in the upright image, in pixels."
    )
    y: float = Field(
        ge=0, allow_inf_nan=False, description="The row in the upright image, in pixels."
    )
    k: int = Field(6, ge=1, le=12, description="How many colours at most.")

    def request(self) -> SuggestionsRequest:
        """Build the request."""
        return SuggestionsRequest(self.photo(), self.x, self.y, self.job(), self.k)


class PlacesForm(PhotoForm):
    """A photo with places in it. Files that its JSON names come along under these names."""

    model_config = ConfigDict(extra="allow")  # ``read_form`` lets files alone through
    __pydantic_extra__: dict[str, Picture] = Field(init=False)

    regions: str = Field(
        "",
        description="Places with words or a colour of their own, as JSON, at most 32, later ones "
        "on top: `mask` names a file part of this form, a picture of the image's size that is "
        "white inside; or `box` is [x, y, width, height] in pixels of the upright image.",
        examples=['[{"box": [40, 20, 60, 80], "description": "a green wool shawl"}]'],
        json_schema_extra={"contentMediaType": "application/json"},
    )

    def parts(self, job: ColorizeJob) -> dict[str, bytes]:
        """Return the masks that the job names.

        Raises:
            BadForm: one is missing, or a file came that nothing names.
        """
        files: dict[str, bytes] = self.model_extra or {}
        if missing := sorted(job.masks - files.keys()):
            raise BadForm(
                f"the mask {missing[0]!r} is named and no file part of the form has this name; "
                "send it as a file"
            )
        if unknown := sorted(files.keys() - job.masks):
            raise BadForm(
                f"the field {shorten(unknown[0])!r} is unknown, and no region or thing names it; "
                f"use {', '.join(type(self).model_fields)}"
            )
        return files


class ThingsForm(PlacesForm):
    """The fields of `POST /v1/things`."""

    description: str = Field(
        "",
        description="What the photo shows and which colours it has, in your own words.",
        examples=["a woman in a red coat in front of a brick house"],
    )
    language: str | None = Field(
        None, description="The description's language, as of `POST /v1/colorize`.", max_length=35
    )

    def request(self) -> ThingsRequest:
        """Build the request.

        Raises:
            BadForm: a mask is missing, or a file came that nothing names.
            JobError: the regions make no sense.
        """
        regions = parse_regions(self.regions) if self.regions.strip() else ()
        job = ColorizeJob(self.description, regions=regions, language=self.language)
        return ThingsRequest(self.photo(), job, self.parts(job))


class ColorizeForm(GuidedForm, PlacesForm):
    """The fields of `POST /v1/colorize` and `POST /v1/jobs`."""

    things: str = Field(
        "",
        description="Changes of what the description names, by its phrase, as JSON: another "
        "`color`, a `mask` (as of a region) in place of what was found, or `use`: false to leave "
        "it as it is.",
        examples=['[{"phrase": "green dress", "color": "#8a2030"}]'],
        json_schema_extra={"contentMediaType": "application/json"},
    )
    hint_image: Picture | None = Field(
        None,
        description="A picture of the image's size with transparency, sent as a file: every pixel "
        "is a hint of its colour, with its alpha as the confidence. `hints` lie over it.",
    )
    mask: Picture | None = Field(
        None,
        description="A picture of the image's size, sent as a file: white is coloured, grey "
        "partly, and where it is black the input's own pixels stay.",
    )
    saturation: float = Field(
        1.0, ge=0, le=2, allow_inf_nan=False, description="How vivid the colours are."
    )
    reference: Picture | None = Field(
        None,
        description="A colour photo to take colours from, sent as a file: any of the image's "
        "types, any size. Not together with exemplar.",
    )
    exemplar: str | None = Field(
        None,
        description="The id of a photo in the library to take colours from, or `auto` for the one "
        "that fits the image and the description best.",
        examples=["auto"],
    )
    palette: str = Field(
        "",
        description="Up to six colours that the whole picture should have, as JSON: each is "
        "`#rrggbb`, or an object with color and weight, its share beside the others' (default 1).",
        examples=['["#2a6f4e", {"color": "#e8d8b0", "weight": 2}]'],
        json_schema_extra={"contentMediaType": "application/json"},
    )

    def request(self, answer_type: AnswerType = OWN_TYPE) -> ColorizeRequest:
        """Build the request, whose answer has the type that is asked for.

        Raises:
            BadForm: two fields contradict each other.
            JobError: the hints or the palette make no sense.
        """
        job = self.job()
        return ColorizeRequest(
            self.photo(),
            job,
            mask=self.mask,
            reference=self.reference,
            answer_type=answer_type,
            parts=self.parts(job),
            hint_image=self.hint_image,
        )

    def job(self) -> ColorizeJob:
        """Build the job.

        Raises:
            BadForm: two fields contradict each other.
            JobError: the hints or the palette make no sense.
        """
        if self.reference is not None and self.exemplar is not None:
            raise BadForm("reference and exemplar were both sent; send one of them at most")
        return ColorizeJob(
            self.description,
            self._hints(),
            self.saturation,
            self.strength,
            self.exemplar,
            parse_palette(self.palette) if self.palette.strip() else (),
            parse_regions(self.regions) if self.regions.strip() else (),
            parse_things(self.things) if self.things.strip() else (),
            self.language,
        )
