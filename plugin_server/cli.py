"""The ``photochrom`` command: its subcommands are imported only when they are used."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

from models.shown import shown
from plugin_server.jobs.malloc import nothing_collected

# name -> (module, attribute, what the overview says); PyTorch takes seconds to import, so neither
# --help nor --version may import it.
COMMANDS = {
    "colorize": ("plugin_server.commands.colorize", "colorize", "Colour photos."),
    "things": ("plugin_server.commands.things", "things", "Show what a description names where."),
    "describe": (
        "plugin_server.commands.describe",
        "describe",
        "List what a folder's photos show.",
    ),
    "serve": ("plugin_server.commands.serve", "serve", "Start the server for GIMP and browsers."),
    "worker": ("plugin_server.commands.worker", "worker", "Colour what servers put on a queue."),
    "library": ("plugin_server.commands.library", "library", "Index your own colour photos."),
    "setup": ("plugin_server.commands.setup", "setup", "Check all, and install into GIMP."),
    "demo": ("plugin_server.commands.demo_page", "demo", "Open the web page on a sample photo."),
    "gimp": ("plugin_server.commands.gimp", "gimp", "Install the plug-in for GIMP 3."),
    "doctor": ("plugin_server.commands.doctor", "doctor", "Say what works and what is missing."),
    "evaluate": (
        "plugin_server.commands.evaluate",
        "evaluate",
        "Measure the colours against known photos.",
    ),
    "train": ("plugin_server.commands.train", "train", "Train on photos of your own."),
}

OURS = ("models", "plugin_server", "retrieval")
# What a disk refuses, wherever it happens: no mistake of ours.
DISK = frozenset(
    {errno.EACCES, errno.EDQUOT, errno.EIO, errno.EISDIR, errno.ENAMETOOLONG, errno.ENOSPC,
     errno.ENOTDIR, errno.EPERM, errno.EROFS}
)  # fmt: skip
INCOMPLETE = (
    "run photochrom doctor to see what is missing (training also needs: "
    "pip install 'photochrom[train]')"
)

EXAMPLES = """\b
Examples:
  photochrom colorize grandmother.jpg -d "a woman in a green dress"
  photochrom colorize scans/*.tif -o coloured/
  photochrom library add ~/Pictures
  photochrom serve
  photochrom doctor
"""


class Commands(click.Group):
    """Subcommands by name; a failure is one line on stderr and exit code 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        with nothing_collected():
            command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; where there is none, say which one may have been meant."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            meant = _nearest(args[0], COMMANDS)
            raise click.UsageError(
                f"there is no command {args[0]!r}{f'; did you mean {meant}?' if meant else ''}; "
                "photochrom --help lists them",
                ctx,
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, _, summary) in COMMANDS.items()])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line; unlike click's own, usage errors too are a single line."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, False, **extra)
        try:
            result = super().main(args, prog_name, complete_var, False, **extra)
        except click.exceptions.NoArgsIsHelpError as problem:
            click.echo(problem.format_message())
            sys.exit(0)
        except click.NoSuchOption as problem:
            click.echo(f"{_command_path(problem)}: {_no_such_option(problem)}", err=True)
            sys.exit(2)
        except click.ClickException as problem:
            click.echo(f"{_command_path(problem)}: {_one_line(problem.format_message())}", err=True)
            sys.exit(2)
        except ImportError as problem:
            if (problem.name or "").partition(".")[0] in OURS:
                raise
            click.echo(f"photochrom: {_one_line(str(problem))}; {INCOMPLETE}", err=True)
            sys.exit(2)
        except OSError as problem:
            if problem.errno not in DISK:
                raise
            name = f"{shown(problem.filename)}: " if problem.filename else ""
            click.echo(f"photochrom: {name}{problem.strerror}", err=True)
            sys.exit(2)
        except click.Abort:
            click.echo("stopped", err=True)
            sys.exit(130)
        sys.exit(result if isinstance(result, int) else 0)


def _no_such_option(problem: click.NoSuchOption) -> str:
    """Name the option that may have been meant, British spellings among them."""
    context = problem.ctx
    known = [
        option for parameter in (context.command.params if context else ())
        for option in parameter.opts if option.startswith("--")
    ]  # fmt: skip
    meant = _nearest(problem.option_name, known)
    return f"there is no option {problem.option_name}" + (
        f"; did you mean {meant}?" if meant else "; --help lists them"
    )


def _nearest(word: str, known: Iterable[str]) -> str | None:
    american = word.lower().replace("our", "or").replace("ise", "ize")
    near = get_close_matches(american, list(known), n=1, cutoff=0.6)
    return near[0] if near else None


def _command_path(problem: click.ClickException) -> str:
    context = problem.ctx if isinstance(problem, click.UsageError) else None
    return context.command_path if context is not None else "photochrom"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _show_version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    from plugin_server.version import product_version

    click.echo(f"photochrom {product_version()}")
    ctx.exit()


@click.group(
    cls=Commands,
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version,
    help="Show the version and exit.",
)  # fmt: skip
def main() -> None:
    """Put colour back into black-and-white photographs, steered by your own words."""
