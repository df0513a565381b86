"""Options that several subcommands share, and values with a form of their own."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path

import click

from models.job import Hint, PaletteColor
from models.shown import shown
from plugin_server.batch.relative_hint import RelativeHint

TOKEN_VARIABLE = "PHOTOCHROM_TOKEN"


def hex_of(color: str) -> str:
    """Write a colour as ``#rrggbb``: a name of CSS, such as ``red``, ``#f00``, ``rgb(255, 0, 0)``.

    Raises:
        ValueError: it is no colour.
    """
    from PIL import ImageColor

    text = color.strip()
    if len(text) in (6, 3) and not text.startswith("#") and text.isalnum() and not text.isalpha():
        text = f"#{text}"  # a # begins a comment in many shells
    try:
        red, green, blue, *_ = ImageColor.getrgb(text)
    except ValueError as problem:
        near = get_close_matches(text.lower().replace(" ", ""), ImageColor.colormap, n=1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(
            f"{color.strip()!r} is no colour: write #RRGGBB, #RGB or a name such as red{meant}"
        ) from problem
    return f"#{red:02x}{green:02x}{blue:02x}"


class HintType(click.ParamType[Hint | RelativeHint]):
    """``X,Y,COLOR`` or ``X,Y,COLOR,RADIUS``, all in pixels or all in percent."""

    name = "hint"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Hint | RelativeHint:
        if isinstance(value, Hint | RelativeHint):
            return value
        parts = [part.strip() for part in re.split(r",(?![^(]*\))", str(value))]
        if len(parts) not in (3, 4):
            self.fail(f"{value!r} is not X,Y,COLOR[,RADIUS], such as 820,410,#7a4a2b", param, ctx)
        numbers = [parts[0], parts[1], *parts[3:]]
        shares = [number.endswith("%") for number in numbers]
        if any(shares) and not all(shares):
            self.fail(f"{value!r}: give X, Y and RADIUS all in pixels or all in %", param, ctx)
        try:
            given = [float(number.removesuffix("%")) for number in numbers]
        except ValueError:
            self.fail(
                f"{value!r}: X, Y and RADIUS must be numbers of pixels, or percent with %",
                param, ctx,
            )  # fmt: skip
        try:
            color = hex_of(parts[2])
            if any(shares):
                x, y, *radius = (number / 100 for number in given)
                return RelativeHint(x, y, color, radius[0] if radius else None)
            x, y, *radius = given
            return Hint(x, y, color, radius[0] if radius else None)
        except ValueError as problem:  # JobError is one
            self.fail(str(problem), param, ctx)


class PaletteType(click.ParamType[tuple[PaletteColor, ...]]):
    """``COLOR[:WEIGHT],...``."""

    name = "palette"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[PaletteColor, ...]:
        if isinstance(value, tuple):
            return value
        colors = []
        for part in filter(None, re.split(r",(?![^(]*\))", str(value))):
            color, colon, weight = part.partition(":")
            try:
                share = float(weight) if colon else 1.0
            except ValueError:
                self.fail(f"{part.strip()!r} is not COLOR[:WEIGHT], such as #2a6f4e:3", param, ctx)
            try:
                colors.append(PaletteColor(hex_of(color), share))
            except ValueError as problem:
                self.fail(str(problem), param, ctx)
        if not colors:
            self.fail("it has no colour: give one to six, such as navy:3,beige", param, ctx)
        return tuple(colors)


clip_option = click.option(
    "--clip",
    default="embedded",
    show_default=True,
    metavar="NAME",
    envvar="PHOTOCHROM_CLIP",
    help="The model that reads descriptions: embedded, or an open_clip MODEL/PRETRAINED@SHA256 "
    "(which may be downloaded; without the digest you are told it), for weights trained with it.",
)
weights_option = click.option(
    "--weights",
    type=click.Path(path_type=Path),
    envvar="PHOTOCHROM_WEIGHTS",
    help="A colorizer of your own, made by `photochrom train`.",
)


def limits_options(what: str) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Make the options that bound ``what`` is sent: its megabytes, and a photo's megapixels."""

    def decorate(command: Callable[..., object]) -> Callable[..., object]:
        megapixels = click.option(
            "--max-megapixels", default=100, show_default=True, type=click.IntRange(1),
            help="The largest photo.",
        )  # fmt: skip
        megabytes = click.option(
            "--max-megabytes", default=512, show_default=True, type=click.IntRange(1),
            help=f"The largest {what}.",
        )  # fmt: skip
        return megabytes(megapixels(command))

    return decorate


def token_from(file: Path) -> str:
    """Read a token out of a file that holds nothing else.

    Raises:
        click.BadParameter: it cannot be read, or is empty.
    """
    try:
        token = file.read_text("utf-8").strip()
    except (OSError, ValueError) as problem:
        raise click.BadParameter(f"{shown(file)} cannot be read ({problem})") from problem
    if not token:
        raise click.BadParameter(f"{shown(file)} is empty; write the token into it")
    return token


def refused_token(remedy: str) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Make the ``--token`` of earlier versions, which says why it is gone and the ``remedy``."""

    def refuse(ctx: click.Context, _param: click.Parameter, token: str | None) -> None:
        if token is not None:
            raise click.UsageError(
                "--token is gone, because every user of the machine can read a command line; "
                + remedy,
                ctx,
            )

    return click.option(
        "--token", "token_said", hidden=True, expose_value=False, is_eager=True, callback=refuse
    )


def token_options(text: str) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Make the option that gives the ``token``: ``--token-file``, else the environment."""

    def read(_ctx: click.Context, _param: click.Parameter, file: Path | None) -> str | None:
        return token_from(file) if file else os.environ.get(TOKEN_VARIABLE) or None

    def decorate(command: Callable[..., object]) -> Callable[..., object]:
        file = click.option(
            "--token-file", "token", metavar="FILE", callback=read,
            type=click.Path(path_type=Path, dir_okay=False),
            help=f"{text} A file that holds the token and nothing else, or ${TOKEN_VARIABLE}.",
        )  # fmt: skip
        gone = refused_token(
            f"write it into a file and give --token-file FILE, or set {TOKEN_VARIABLE}"
        )
        return file(gone(command))

    return decorate


def broker_option(*, required: bool) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Make the option that names the Redis server which all machines share."""
    return click.option(
        "--broker",
        metavar="URL",
        required=required,
        envvar="PHOTOCHROM_BROKER",
        show_envvar=True,
        help="Let photochrom worker on any machine do the work: redis://[:PASSWORD@]HOST:PORT/0, "
        "rediss:// with TLS. A password is safer in the environment.",
    )
