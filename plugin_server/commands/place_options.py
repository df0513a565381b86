"""The options that say where: --region, --thing, --not and --hint-image."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from models.job import Box, JobError, Region, ThingChange
from plugin_server.batch.places import Places
from plugin_server.commands.parameters import hex_of

_BOX = re.compile(",".join([r"\s*(-?[\d.]+)\s*"] * 4) + ":(.*)", re.DOTALL)


class RegionType(click.ParamType[tuple[Path | Box, str]]):
    """``MASK.png:WORDS``, ``MASK.png:#RRGGBB``, both as ``WORDS=#RRGGBB``; or ``X,Y,W,H:...``."""

    name = "region"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Path | Box, str]:
        text = str(value)
        if box := _BOX.fullmatch(text):
            try:
                return Box(*(float(number) for number in box.groups()[:4])), box[5]
            except (JobError, ValueError) as problem:
                self.fail(f"{text!r}: {problem}", param, ctx)
        ends = [at for at, letter in enumerate(text) if letter == ":"]
        for at in ends:
            if Path(text[:at]).is_file():
                return Path(text[:at]), text[at + 1 :]
        if not ends:
            self.fail(
                f"{text!r} is not MASK.png:WORDS or X,Y,W,H:WORDS, such as "
                'shawl.png:"a green shawl"',
                param,
                ctx,
            )
        self.fail(f"there is no picture {text[: ends[-1]]!r}: name the mask's file", param, ctx)


class ThingType(click.ParamType[tuple[str, str]]):
    """``PHRASE=#RRGGBB``, ``PHRASE=navy`` or ``PHRASE=MASK.png``."""

    name = "thing"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        phrase, equals, meant = str(value).rpartition("=")
        if not equals or not phrase.strip():
            self.fail(f'{value!r} is not PHRASE=#RRGGBB, such as "green dress=#8a2030"', param, ctx)
        color = _color(meant)
        if color is None and not Path(meant).is_file():
            self.fail(
                f"{meant!r} is neither a colour (#RRGGBB, #RGB or a name) nor a mask's file",
                param,
                ctx,
            )
        return phrase, meant if Path(meant).is_file() else str(color)


OPTIONS = (
    click.option(
        "--region",
        "regions",
        multiple=True,
        type=RegionType(),
        metavar="MASK:WORDS",
        help="A place with words or a colour of its own: MASK is a picture of the photo's size "
        "that is white inside, or X,Y,W,H in pixels; WORDS are words, #RRGGBB, or WORDS=COLOR. May "
        "be repeated; later ones lie on top.",
    ),
    click.option(
        "--thing",
        "things",
        multiple=True,
        type=ThingType(),
        metavar="PHRASE=COLOR",
        help='Another colour for a thing that the description names ("green dress=#8a2030" or '
        '"green dress=navy"), or its place (=MASK.png); photochrom things lists them. May be '
        "repeated.",
    ),
    click.option(
        "--not",
        "without",
        multiple=True,
        metavar="PHRASE",
        help="A thing that the description names and that shall not be coloured. May be repeated.",
    ),
    click.option(
        "--hint-image",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        metavar="FILE",
        help="A picture of the photo's size, transparent but where it is painted: every painted "
        "pixel is a dab of its colour.",
    ),
)


def place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say where, as its argument ``places``."""

    @functools.wraps(command)
    def with_options(
        *args: Any,
        regions: tuple[tuple[Path | Box, str], ...],
        things: tuple[tuple[str, str], ...],
        without: tuple[str, ...],
        hint_image: Path | None,
        **others: Any,
    ) -> Any:
        try:
            places = places_of(regions, things, without, hint_image)
        except JobError as problem:
            raise click.ClickException(str(problem)) from problem
        return command(*args, places=places, **others)

    for option in reversed(OPTIONS):
        with_options = option(with_options)
    return with_options


def places_of(
    regions: tuple[tuple[Path | Box, str], ...],
    things: tuple[tuple[str, str], ...] = (),
    without: tuple[str, ...] = (),
    hint_image: Path | None = None,
) -> Places:
    """Gather what the options said.

    Raises:
        JobError: a region says nothing, or a phrase is none.
    """
    masks: dict[str, Path] = {}
    placed, changes = [], []
    for number, (where, said) in enumerate(regions):
        words, color = _words_and_color(said)
        if isinstance(where, Path):
            masks[f"region-{number}"] = where
            placed.append(Region(f"region-{number}", None, words, color))
        else:
            placed.append(Region(None, where, words, color))
    for number, (phrase, meant) in enumerate(things):
        if meant.startswith("#") and not Path(meant).is_file():
            changes.append(_change("--thing", phrase, color=meant))
        else:
            masks[f"thing-{number}"] = Path(meant)
            changes.append(_change("--thing", phrase, mask=f"thing-{number}"))
    changes += [_change("--not", phrase, use=False) for phrase in without]
    return Places(tuple(placed), tuple(changes), masks, hint_image)


def _change(
    option: str, phrase: str, *, color: str | None = None, mask: str | None = None, use: bool = True
) -> ThingChange:
    """Make a change of a thing; what is wrong with its phrase names the option."""
    try:
        return ThingChange(phrase, color, mask, use)
    except JobError as problem:
        raise JobError(f"{option} {phrase[:40]!r}: {problem}") from problem


def _words_and_color(said: str) -> tuple[str, str | None]:
    """Read what is said of a region: words, a colour's code, or ``WORDS=COLOUR``.

    A colour's name alone is a description: it is laid as photographs have it.
    """
    words, equals, meant = said.rpartition("=")
    color = _color(meant) if equals or meant.strip().startswith("#") else None
    return (words, color) if color is not None else (said, None)


def _color(text: str) -> str | None:
    """Write a colour as #rrggbb; None where it is none."""
    try:
        return hex_of(text)
    except ValueError:
        return None
