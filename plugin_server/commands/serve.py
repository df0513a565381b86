"""``photochrom serve``: the server, ready before its port opens."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from models.shown import shown
from plugin_server.broker import Broker, BrokerError
from plugin_server.commands.library_session import has_library
from plugin_server.commands.once import Command
from plugin_server.commands.parameters import (
    broker_option,
    clip_option,
    limits_options,
    token_options,
    weights_option,
)
from plugin_server.config import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    Config,
    ConfigError,
    is_loopback,
    library_folder,
)
from plugin_server.version import product_version

if TYPE_CHECKING:
    from plugin_server.service import Service

    LoadService = Callable[[Config], Service]

EXAMPLES = """\b
Examples:
  photochrom serve
  photochrom serve --port 9000
  photochrom serve --host 0.0.0.0 --token-file token.txt
"""


@click.command(cls=Command, epilog=EXAMPLES)
@click.option(
    "--host", default=DEFAULT_HOST, show_default=True, envvar="PHOTOCHROM_HOST",
    help="The address to listen on; any but this machine's own needs a token.",
)  # fmt: skip
@click.option(
    "--port", default=DEFAULT_PORT, show_default=True, envvar="PHOTOCHROM_PORT",
    type=click.IntRange(0, 65535), help="The port; 0 takes any free one.",
)  # fmt: skip
@token_options("What clients must send; made up and printed where one is needed and none is given.")
@limits_options("request")
@click.option(
    "--workers", default=2, show_default=True, type=click.IntRange(1),
    help="How many photos are coloured at a time; each needs memory of its own.",
)  # fmt: skip
@click.option(
    "--library", envvar="PHOTOCHROM_LIBRARY", type=click.Path(path_type=Path, file_okay=False),
    help="The folder of your exemplars; one in your data folder without it.",
)  # fmt: skip
@broker_option(required=False)
@click.option(
    "--idle-exit", metavar="MINUTES", type=click.FloatRange(0, min_open=True),
    help="End after so long without any work; without it the server runs until it is stopped.",
)  # fmt: skip
@click.option(
    "--log", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    help="Write messages to this file and nothing to the terminal.",
)  # fmt: skip
@clip_option
@weights_option
@click.pass_context
def serve(
    ctx: click.Context,
    host: str,
    port: int,
    token: str | None,
    max_megabytes: int,
    max_megapixels: int,
    workers: int,
    library: Path | None,
    broker: str | None,
    idle_exit: float | None,
    log: Path | None,
    clip: str,
    weights: Path | None,
) -> None:
    """Start the server for GIMP, the browser and other programs.

    It listens on this machine only, and its port opens when the models are ready.
    """
    if log is not None:
        begin_log(log)
    if not token and not is_loopback(host):
        token = secrets.token_urlsafe(24)
    try:
        config = Config(
            host=host,
            port=port,
            token=token or None,
            max_bytes=max_megabytes * 1024 * 1024,
            max_pixels=max_megapixels * 1_000_000,
            workers=workers,
            clip=clip,
            weights=weights,
            library=library or library_folder(),
            broker=Broker(broker) if broker else None,
        )
    except (ConfigError, BrokerError) as problem:
        raise click.ClickException(str(problem)) from problem
    if library is not None and not has_library(library):
        click.echo(f"There was no library in {shown(library)}: an empty one is made", err=True)
    run(config, ctx.obj, idle_minutes=idle_exit, to_log=log is not None)


def begin_log(file: Path) -> None:
    """Write to a file from now on."""
    from plugin_server.http import logfile

    click.echo(f"Photochrom writes to {file}")
    try:
        logfile.begin(file)
    except logfile.LogError as problem:
        raise click.ClickException(str(problem)) from problem


def run(
    config: Config,
    load: LoadService | None = None,
    *,
    idle_minutes: float | None = None,
    to_log: bool = False,
) -> None:
    """Take the port, load and warm the models, then listen until interrupted or idle."""
    started = time.perf_counter()
    from plugin_server.http import serving
    from plugin_server.http.addresses import EVERYWHERE, qr_code, reachable
    from plugin_server.jobs import malloc

    malloc.share_heaps()
    form = "%(asctime)s %(levelname)s: %(message)s" if to_log else "%(levelname)s: %(message)s"
    logging.basicConfig(format=form, level=logging.WARNING)
    # Requests that wait are expected here, and waitress would warn about each.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    try:
        bound = serving.reserve(config)
    except serving.PortError as problem:
        raise click.ClickException(str(problem)) from problem
    with bound:
        with malloc.nothing_collected():
            from models.networks.checkpoint import WeightsError
            from plugin_server.app import create_app
            from plugin_server.service import Service

        try:
            with malloc.nothing_collected():
                service = (load or Service.load)(config)
            service.warm()
            server = serving.Server(create_app(config, service), config, bound)
        except (WeightsError, serving.PortError) as problem:
            raise click.ClickException(str(problem)) from problem
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_: server.stop())
        found = [serving.address_of(bound)]
        if config.host.strip("[]") in EVERYWHERE:
            found = reachable(config.host, bound.getsockname()[1])
        text = welcome(found, config, time.perf_counter() - started)
        # A log is kept, and the token is no business of those who read it.
        click.echo(text.partition("\n")[0] if to_log else text)
        if not to_log and not is_loopback(config.host) and sys.stdout.isatty():
            click.echo(f"On a phone:\n{qr_code(found[0])}")
        seconds = None if idle_minutes is None else 60 * idle_minutes
        try:
            if server.run(idle_exit=seconds, is_working=service.is_working):
                click.echo(f"Photochrom ended after {idle_minutes:g} idle minutes")
        finally:
            has_ended = service.close()
        if not has_ended:  # a network in the middle of a block, which nobody waits for
            sys.stdout.flush()
            os._exit(0)


def welcome(addresses: Sequence[str], config: Config, seconds: float) -> str:
    """Say where the server is, for this machine and for others, and how to try it."""
    address = addresses[0]
    lines = [
        f"Photochrom {product_version()} on {address} (ready in {seconds:.1f} s; Ctrl+C stops it)"
    ]
    if len(addresses) > 1:
        lines.append(f"Also on {', '.join(addresses[1:])}")
    if config.token:
        lines.append(f"Token: {config.token}")
        lines.append("The page asks for it; programs send it as Authorization: Bearer TOKEN.")
    if config.token:  # which no command line should hold
        call = f'photochrom colorize photo.jpg -d "a red tram" --server {address} --token-file FILE'
    else:
        call = (
            'curl -F image=@photo.jpg -F description="a red tram" '
            f"{address}/v1/colorize -o photo-color.png"
        )
    lines.append(f"Try it: open {address} in a browser, or run: {call}")
    if config.broker:
        lines.append(f"Photos wait in {config.broker.shown} for photochrom worker --broker URL")
    return "\n".join(lines)
