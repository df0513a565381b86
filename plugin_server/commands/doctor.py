"""``photochrom doctor``: a table of what works, what does not, and the remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from plugin_server.commands.parameters import clip_option, weights_option
from plugin_server.config import DEFAULT_HOST, DEFAULT_PORT, Config, ConfigError
from plugin_server.doctor import Finding, State, examine

if TYPE_CHECKING:
    from pathlib import Path

    from plugin_server.service import Service

    LoadService = Callable[[Config], Service]

COLORS = {State.OK: "green", State.NOTE: "yellow", State.BROKEN: "bold red"}

EXAMPLES = """\b
Examples:
  photochrom doctor
  photochrom doctor --port 9000
"""


@click.command(epilog=EXAMPLES)
@click.option("--host", default=DEFAULT_HOST, show_default=True, envvar="PHOTOCHROM_HOST",
              help="Where to look for a running server.")  # fmt: skip
@click.option("--port", default=DEFAULT_PORT, show_default=True, envvar="PHOTOCHROM_PORT",
              type=click.IntRange(1, 65535), help="Its port.")  # fmt: skip
@click.option("--token", envvar="PHOTOCHROM_TOKEN", help="Its token.")
@clip_option
@weights_option
@click.pass_context
def doctor(
    ctx: click.Context, host: str, port: int, token: str | None, clip: str, weights: Path | None
) -> None:
    """Say what is installed, which weights are used, what is missing, and the remedy.

    The exit code is 1 where something keeps Photochrom from working.
    """
    try:
        config = Config(host=host, port=port, token=token or None, clip=clip, weights=weights)
    except ConfigError as problem:
        raise click.ClickException(str(problem)) from problem
    findings = list(examine(config, ctx.obj or _load))
    width = None if Console().is_terminal else 160  # piped into a report, lines must not be cut
    Console(width=width).print(table_of(findings))
    broken = sum(finding.state is State.BROKEN for finding in findings)
    click.echo(f"{broken} broken: see the remedies" if broken else "Everything needed is there.")
    ctx.exit(1 if broken else 0)


def table_of(findings: Iterable[Finding]) -> Table:
    """Draw the findings, one a row."""
    table = Table("What", "State", "Found", "Remedy")
    for finding in findings:
        state = Text(finding.state.value, style=COLORS[finding.state])
        table.add_row(Text(finding.subject), state, Text(finding.found), Text(finding.remedy))
    return table


def _load(config: Config) -> Service:
    from plugin_server.service import Service

    return Service.load(config)
