"""Options that several subcommands share, and values with a form of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from models.job import Hint, JobError, PaletteColor

TOKEN = "photochrom.token"  # where a command's context keeps what --token-file held


class HintType(click.ParamType[Hint]):
    """``X,Y,#RRGGBB`` or ``X,Y,#RRGGBB,RADIUS``."""

    name = "hint"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Hint:
        if isinstance(value, Hint):
            return value
        parts = [part.strip() for part in str(value).split(",")]
        if len(parts) not in (3, 4):
            self.fail(f"{value!r} is not X,Y,#RRGGBB[,RADIUS], such as 820,410,#7a4a2b", param, ctx)
        try:
            radius = float(parts[3]) if len(parts) == 4 else None
            return Hint(float(parts[0]), float(parts[1]), parts[2], radius)
        except JobError as problem:
            self.fail(str(problem), param, ctx)
        except ValueError:
            self.fail(f"{value!r}: X, Y and RADIUS must be numbers of pixels", param, ctx)


class PaletteType(click.ParamType[tuple[PaletteColor, ...]]):
    """``#RRGGBB[:WEIGHT],...``."""

    name = "palette"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[PaletteColor, ...]:
        if isinstance(value, tuple):
            return value
        colors = []
        for part in filter(None, str(value).split(",")):
            color, colon, weight = part.partition(":")
            try:
                colors.append(PaletteColor(color.strip(), float(weight) if colon else 1.0))
            except JobError as problem:
                self.fail(str(problem), param, ctx)
            except ValueError:
                self.fail(
                    f"{part.strip()!r} is not #RRGGBB[:WEIGHT], such as #2a6f4e:3", param, ctx
                )
        return tuple(colors)


clip_option = click.option(
    "--clip",
    default="embedded",
    show_default=True,
    metavar="NAME",
    envvar="PHOTOCHROM_CLIP",
    help="The model that reads descriptions: embedded, or an open_clip MODEL/PRETRAINED "
    "(which may be downloaded), for weights trained with it.",
)
weights_option = click.option(
    "--weights",
    type=click.Path(path_type=Path),
    envvar="PHOTOCHROM_WEIGHTS",
    help="A colorizer of your own, made by `photochrom train`.",
)


def token_options(text: str) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Make the options that give the ``token``: ``--token-file``, the environment, ``--token``."""

    def from_file(ctx: click.Context, _param: click.Parameter, file: Path | None) -> None:
        if file is None:
            return
        try:
            ctx.meta[TOKEN] = file.read_text("utf-8").strip()
        except (OSError, ValueError) as problem:
            raise click.BadParameter(f"{file} cannot be read ({problem})") from problem

    def choose(ctx: click.Context, _param: click.Parameter, token: str | None) -> str | None:
        found: str | None = ctx.meta.get(TOKEN, token)
        return found

    def decorate(command: Callable[..., object]) -> Callable[..., object]:
        given = click.option(
            "--token", envvar="PHOTOCHROM_TOKEN", show_envvar=True, callback=choose,
            help=f"{text} Every user of the machine can read a command line, so better in the "
            "environment or in a file.",
        )  # fmt: skip
        file = click.option(
            "--token-file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
            callback=from_file, is_eager=True, expose_value=False,
            help="A file that holds the token and nothing else.",
        )  # fmt: skip
        return given(file(command))

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
