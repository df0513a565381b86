"""``photochrom setup``: from an installed package to a colorizer in GIMP, and back."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click
from platformdirs import user_log_path

from plugin_server.autostart import Autostart, autostart
from plugin_server.commands import doctor, gimp
from plugin_server.commands.once import Command
from plugin_server.config import DEFAULT_HOST, DEFAULT_PORT, Config
from plugin_server.version import product_version

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugin_server.service import Service

CPU_ONLY = (
    f"Photochrom needs no graphics card; torch without one is far smaller: {sys.executable} -m pip "
    "install --force-reinstall --index-url https://download.pytorch.org/whl/cpu torch torchvision"
)
EXAMPLES = """\b
Examples:
  photochrom setup
  photochrom setup --at-login
  photochrom setup --undo
"""


@click.command(cls=Command, epilog=EXAMPLES)
@click.option("--undo", is_flag=True, help="Take away all that setup wrote; photos stay.")
@click.option(
    "--at-login/--not-at-login", default=None,
    help="Start the server with your session, or not; asked where neither is given.",
)  # fmt: skip
@click.pass_context
def setup(ctx: click.Context, undo: bool, at_login: bool | None) -> None:
    """Check everything, install the plug-in into every GIMP 3, and say what to do next.

    Nothing is written outside your own folders.
    """
    started = starts_with_session()
    if undo:
        take_back(started)
        return
    broken = check(ctx.obj or doctor._load)
    has_gimp = install_plug_ins()
    if at_login is None and sys.stdin.isatty():
        at_login = click.confirm("Start the Photochrom server with your session?", default=False)
    is_running = False
    if at_login:
        left = started.write()
        is_running = not left
        click.echo(f"The server starts with your session: {started.path}")
        if left:
            click.echo("To start it now, run:\n  " + "\n  ".join(left))
    elif at_login is False and started.remove():
        click.echo(f"The server no longer starts with your session: {started.path} is removed")
    click.echo(next_steps(has_gimp=has_gimp, is_running=is_running))
    ctx.exit(1 if broken else 0)


def starts_with_session() -> Autostart:
    """Say what starts the server with this user's session."""
    log = user_log_path("photochrom", appauthor=False) / "server.log"
    command = [sys.executable, "-P", "-m", "plugin_server", "serve", "--log", str(log)]
    return autostart(sys.platform, Path.home(), os.environ, command)


def check(load: Callable[[Config], Service]) -> bool:
    """Run the doctor and show what is not as it should be; tell whether anything is broken."""
    click.echo(f"Photochrom {product_version()}: checking what it needs (up to a minute) ...")
    wrong = [f for f in doctor.examine(Config(), load) if f.state is not doctor.State.OK]
    for finding in wrong:
        remedy = f"; {finding.remedy}" if finding.remedy else ""
        click.echo(f"  {finding.state.value}: {finding.subject}: {finding.found}{remedy}")
    if not wrong:
        click.echo("  Everything needed is there.")
    if has_cuda_build():
        click.echo(f"  {CPU_ONLY}")
    return any(finding.state is doctor.State.BROKEN for finding in wrong)


def has_cuda_build() -> bool:
    """Tell whether torch was built for a graphics card that this machine does not have."""
    import torch

    return torch.version.cuda is not None and not torch.cuda.is_available()


def install_plug_ins() -> bool:
    """Install the plug-in into every GIMP and say where; tell whether any has it."""
    try:
        places = gimp.find_places(None)
    except click.ClickException as problem:
        click.echo(f"No plug-in was installed: {problem.format_message()}")
        return False
    is_installed = False
    for place in places:
        try:
            target = gimp.install_into(place)
        except import_module(gimp.INSTALLER).InstallError as problem:
            click.echo(f"{place.name}: {problem}")
        else:
            click.echo(f"{place.name}: the plug-in is in {target}")
            is_installed = True
    return is_installed


def take_back(started: Autostart) -> None:
    """Undo a setup: the plug-in out of every GIMP, the server out of the session."""
    installer = import_module(gimp.INSTALLER)
    try:
        places = gimp.find_places(None)
    except click.ClickException:
        places = []
    removed = False
    for place in places:
        if gimp.inspect(place.plug_ins).state == "absent":
            continue
        try:
            left = installer.uninstall(place.plug_ins, place.settings)
        except installer.InstallError as problem:
            raise click.ClickException(str(problem)) from problem
        removed = True
        click.echo(f"{place.name}: the plug-in is removed from {place.plug_ins}")
        for file in left:
            click.echo(f"  {file} is not Photochrom's, and stays")
    if started.remove():
        removed = True
        click.echo(f"The server no longer starts with your session: {started.path} is removed")
    if not removed:
        click.echo("There is nothing to undo.")
    click.echo("To remove Photochrom itself: pip uninstall photochrom (or pipx, or uv)")


def next_steps(*, has_gimp: bool, is_running: bool) -> str:
    """Say what to do next."""
    page = f"http://{DEFAULT_HOST}:{DEFAULT_PORT}/"
    open_page = f"open {page}" if is_running else f"run photochrom serve and open {page}"
    lines = [
        "What next:",
        f"  in the browser: {open_page}, or try it on a sample photo: photochrom demo",
        '  here: photochrom colorize PHOTO -d "a woman in a green dress"',
    ]
    if has_gimp:
        lines.insert(
            1, "  in GIMP, start it again: Colors > Photochrom (it starts the server itself)"
        )
    return "\n".join(lines)
