"""Forms read strictly: one pydantic model says what is read, and what the API document shows."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar, get_args, get_type_hints

from flask import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails
from werkzeug.datastructures import MultiDict

from plugin_server.errors import BadForm, BadValue, NotAForm
from plugin_server.images.codec import MEDIA_TYPES

Picture = Annotated[bytes, Field(json_schema_extra={"contentMediaType": ", ".join(MEDIA_TYPES)})]
Form = TypeVar("Form", bound=BaseModel)


class StrictForm(BaseModel):
    """A form whose unknown and repeated fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def read_form(request: Request, model: type[Form]) -> Form:
    """Read a multipart form strictly.

    A text field that is empty and a file field without a file count as not sent, which is what a
    browser's form does.

    Raises:
        NotAForm: the body is something else.
        BadForm: a field is unknown, repeated, missing, or of the wrong kind.
        BadValue: a value is out of its range.
    """
    if request.mimetype not in ("multipart/form-data", "application/x-www-form-urlencoded"):
        sent = request.mimetype or "nothing"
        raise NotAForm(
            f"the body's Content-Type is {sent!r}; send multipart/form-data with the photo as the "
            "file field 'image'"
        )
    texts, files = request.form, request.files
    _check_names(model, texts, files)
    values: dict[str, Any] = {name: value for name, value in texts.items() if value}
    for name, file in files.items():
        data = file.stream.read()
        if data or file.filename:
            values[name] = data
    try:
        return model.model_validate(values)
    except ValidationError as problem:
        raise _explain(problem.errors(include_url=False)[0], model) from problem


def read_query(request: Request, model: type[Form]) -> Form:
    """Read what follows the ``?`` of an address as strictly as a form.

    Raises:
        BadForm: a name is unknown or repeated.
        BadValue: a value is out of its range.
    """
    _check_names(model, request.args, MultiDict())
    try:
        return model.model_validate(request.args.to_dict())
    except ValidationError as problem:
        raise _explain(problem.errors(include_url=False)[0], model) from problem


def is_file(model: type[BaseModel], name: str) -> bool:
    """Tell whether a field of the form is sent as a file."""
    hint = get_type_hints(model)[name]
    return bytes in (hint, *get_args(hint))


def shorten(text: str) -> str:
    """Cut what was sent to what a message has room for."""
    return text if len(text) <= 60 else f"{text[:57]}..."


def _check_names(
    model: type[BaseModel], texts: MultiDict[str, str], files: MultiDict[str, Any]
) -> None:
    known = model.model_fields
    for name in (*texts, *files):
        if name is None:  # whatever Werkzeug's types say: a part whose header is damaged
            raise BadForm("a part of the form has no name; name each one in its header")
        if name not in known and not (name in files and model.model_config["extra"] == "allow"):
            raise BadForm(f"the field {shorten(name)!r} is unknown; use {', '.join(known)}")
        count = len(texts.getlist(name)) + len(files.getlist(name))
        if count > 1:
            raise BadForm(f"the field {name!r} was sent {count} times; send it once")
    for name in texts:
        if is_file(model, name):
            raise BadForm(f"{name!r} was sent as text; send it as a file (with a filename)")
    for name in files:
        if name in known and not is_file(model, name):
            raise BadForm(f"{name!r} was sent as a file; send it as text (without a filename)")


def _explain(error: ErrorDetails, model: type[BaseModel]) -> BadForm | BadValue:
    """Word pydantic's first complaint: the value, the limit, the remedy."""
    name = str(error["loc"][0])
    if error["type"] == "missing":
        kind = "file" if is_file(model, name) else "text"
        return BadForm(f"the field {name!r} is missing; send it as a {kind}")
    schema = model.model_json_schema()["properties"][name]
    remedy = f"send {_wanted(schema)}"
    return BadValue(f"{name} is {shorten(str(error['input']))!r}; {remedy}")


def _wanted(schema: dict[str, Any]) -> str:
    match schema:
        case {"type": "number", "minimum": low, "maximum": high}:
            return f"a number from {low:g} to {high:g}"
        case {"type": "integer", "minimum": low, "maximum": high}:
            return f"a whole number from {low} to {high}"
        case {"type": "number", "minimum": low}:
            return f"a number of at least {low:g}"
        case {"type": "string", "maxLength": most}:
            return f"a text of at most {most} letters"
        case {"anyOf": [{"enum": [*values]}, *_]}:
            return " or ".join(map(str, values))
        case {"type": str(kind)}:
            return f"a {kind}"
        case _:
            return "something else"
