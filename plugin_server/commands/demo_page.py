"""``photochrom demo``: the web page on a sample photo, with descriptions to click."""

from __future__ import annotations

import threading
import time
import webbrowser
from contextlib import suppress

import click

from plugin_server.commands.once import Command
from plugin_server.config import DEFAULT_HOST, DEFAULT_PORT, Config, library_folder

SAMPLE = "#sample"  # the page takes its sample photo where its address ends so
TIMEOUT = 180.0  # seconds that the models get to load


@click.command(cls=Command)
@click.option(
    "--port", default=DEFAULT_PORT, show_default=True, envvar="PHOTOCHROM_PORT",
    type=click.IntRange(1, 65535), help="The server's port.",
)  # fmt: skip
@click.option("--no-browser", is_flag=True, help="Only say where the page is.")
@click.pass_context
def demo(ctx: click.Context, port: int, no_browser: bool) -> None:
    """Open the web page on a sample photo; a server is started where none runs."""
    from plugin_server.commands.serve import run

    page = f"http://{DEFAULT_HOST}:{port}/{SAMPLE}"
    if answers(port):
        show(page, no_browser)
        return
    click.echo("Loading the models; the page opens in a few seconds. Ctrl+C ends the demo.")
    ready = threading.Thread(target=show_when_ready, args=(port, page, no_browser), daemon=True)
    ready.start()
    run(Config(port=port, library=library_folder()), ctx.obj)


def show_when_ready(port: int, page: str, no_browser: bool) -> None:
    """Wait for the server, then show the page."""
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        if answers(port):
            show(page, no_browser)
            return
        time.sleep(0.2)


def show(page: str, no_browser: bool) -> None:
    """Open the page, or say where it is."""
    if no_browser or not webbrowser.open(page):
        click.echo(f"Open {page} in a browser.")


def answers(port: int) -> bool:
    """Tell whether a Photochrom that needs no token listens there."""
    from plugin_server.http.neighbour import ask

    with suppress(ConnectionRefusedError):
        listener = ask(DEFAULT_HOST, port)
        return listener is not None and bool(listener.version)
    return False
