"""``photochrom gimp``: puts the plug-in where GIMP finds it, and says how it stands."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from platformdirs import user_log_path

from plugin_server.commands.doctor import examine_port
from plugin_server.commands.once import Group
from plugin_server.commands.parameters import refused_token, token_from
from plugin_server.config import DEFAULT_HOST, DEFAULT_PORT, Config, ConfigError, is_loopback
from plugin_server.version import product_version

IDLE_MINUTES = 60  # a server that GIMP started ends itself after so long without work

# The plug-in comes with its own installer. It is called by name, as the command line calls all of
# its parts: nothing in the server builds on the plug-in.
INSTALLER, PLACES = "gimp_plugin.install", "gimp_plugin.places"

EXAMPLES = """\b
Examples:
  photochrom gimp install
  photochrom gimp status
  photochrom gimp install --folder ~/gimp/plug-ins
  photochrom gimp uninstall
"""

folder_option = click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="A folder for plug-ins that GIMP looks into (Preferences > Folders > Plug-ins); without "
    "it those of every GIMP 3 that is found.",
)  # fmt: skip


@click.group(cls=Group, epilog=EXAMPLES)
def gimp() -> None:
    """Install the plug-in for GIMP 3, remove it, or say how it stands."""


@gimp.command()
@folder_option
@click.option("--link", is_flag=True, help="Link to the files instead of copying them.")
@click.option(
    "--port", type=click.IntRange(1, 65535),
    help=f"The port of the server that GIMP starts; {DEFAULT_PORT}, or what was chosen before.",
)  # fmt: skip
@click.option(
    "--token-file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="A file that holds a token for that server, which other programs then need as well; none "
    "at first.",
)  # fmt: skip
@click.option("--no-token", is_flag=True, help="Take an earlier token away.")
@refused_token("write it into a file and give --token-file FILE, or --no-token to take it away")
@click.option(
    "--library", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="The folder of the exemplars for that server.",
)  # fmt: skip
def install(
    folder: Path | None,
    link: bool,
    port: int | None,
    token_file: Path | None,
    no_token: bool,
    library: Path | None,
) -> None:
    """Put the plug-in into GIMP's folders, over an older one if there is one."""
    if token_file and no_token:
        raise click.UsageError("--token-file and --no-token exclude each other")
    token = token_from(token_file) if token_file else "" if no_token else None
    for place in find_places(folder):
        try:
            target = install_into(place, link=link, port=port, token=token, library=library)
        except import_module(INSTALLER).InstallError as problem:
            raise click.ClickException(str(problem)) from problem
        click.echo(f"{place.name}: Photochrom {product_version()} is in {target}")
    click.echo("Start GIMP again; the plug-in is in the menu Colors > Photochrom.")


@gimp.command()
@folder_option
def uninstall(folder: Path | None) -> None:
    """Remove the plug-in, and nothing else, from GIMP's folders."""
    installer = import_module(INSTALLER)
    removed = 0
    for place in find_places(folder):
        if inspect(place.plug_ins).state == "absent":
            continue
        try:
            left = installer.uninstall(place.plug_ins, place.settings)
        except installer.InstallError as problem:
            raise click.ClickException(str(problem)) from problem
        removed += 1
        click.echo(f"{place.name}: removed from {place.plug_ins}")
        for file in left:
            click.echo(f"  {file} is not Photochrom's, and stays")
    if not removed:
        click.echo("The plug-in is not installed.")


@gimp.command()
@folder_option
@click.pass_context
def status(ctx: click.Context, folder: Path | None) -> None:
    """Say which GIMP has which version, and whether the server runs.

    The exit code is 1 where no GIMP has the plug-in.
    """
    installer = import_module(INSTALLER)
    configs = {}
    for place in find_places(folder):
        there = inspect(place.plug_ins)
        text = {
            "absent": "not installed (photochrom gimp install)",
            "current": f"version {there.version}",
            "outdated": f"version {there.version}, out of date (photochrom gimp install)",
            "foreign": f"something else is in {place.plug_ins / installer.NAME}",
        }[there.state]
        click.echo(f"{place.name}: {text}")
        click.echo(f"  {place.plug_ins / installer.NAME}")
        if there.version:
            config = read_config(place)
            configs[str(config.get("address"))] = config
    for config in configs.values():
        click.echo(server_status(config))
        if not config.get("command"):
            continue
        click.echo(f"  its log when GIMP starts it: {config.get('log')}")
        if missing := missing_command(config):
            click.echo(f"  {missing}")
    ctx.exit(0 if configs else 1)


def find_places(folder: Path | None) -> list[Any]:
    """List GIMP's folders for plug-ins, or the one that was asked for.

    Raises:
        click.ClickException: there is none.
    """
    places = import_module(PLACES)
    if folder is not None:
        return [places.Place("GIMP", folder.expanduser().absolute(), is_in_profile=False)]
    roots = places.roots(sys.platform, str(Path.home()), os.environ)
    if found := places.places(roots):
        return list(found)
    looked = ", ".join(str(root.path) for root in roots)
    raise click.ClickException(
        f"no GIMP 3 was found (looked into {looked}); start GIMP once, so that it makes its "
        "folder, or name its folder for plug-ins: photochrom gimp install --folder DIR"
    )


def read_config(place: Any) -> dict[str, Any]:
    """Read what was installed before; an earlier version kept it beside the code."""
    installer = import_module(INSTALLER)
    for folder in (place.settings, place.plug_ins / installer.NAME):
        if config := installer.read_json(folder / installer.CONFIG):
            return dict(config)
    return {}


def install_into(
    place: Any,
    *,
    link: bool = False,
    port: int | None = None,
    token: str | None = None,
    library: Path | None = None,
) -> Path:
    """Put the plug-in into one of GIMP's folders; what is not given stays as it was chosen before.

    Raises:
        gimp_plugin.install.InstallError: it cannot be written.
        click.ClickException: the token cannot be used.
    """
    version = product_version()
    config = make_config(
        read_config(place), version=version, port=port, token=token, library=library
    )
    installer = import_module(INSTALLER)
    target: Path = installer.install(
        place.plug_ins, config, version=version, link=link, settings=place.settings
    )
    return target


def inspect(plug_ins: Path) -> Any:
    """Look what is installed in a folder for plug-ins."""
    return import_module(INSTALLER).inspect(plug_ins, version=product_version())


def make_config(
    earlier: dict[str, Any],
    *,
    version: str,
    port: int | None,
    token: str | None,
    library: Path | None,
) -> dict[str, Any]:
    """Write what the plug-in needs to know; what is not given stays as it was ``earlier``.

    The server listens on this machine only and refuses web pages from elsewhere, so it has a
    token only where one is asked for. One that somebody else takes care of (in GIMP's settings
    dialog another address was given) stays that, unless a port asks for one of our own.

    Raises:
        click.ClickException: the token cannot be used.
    """
    is_elsewhere = bool(earlier.get("address")) and not earlier.get("command") and port is None
    port = port or _port_of(earlier) or DEFAULT_PORT
    token = token if token is not None else earlier.get("token")
    folder = str(library.expanduser().absolute()) if library else earlier.get("library")
    try:
        Config(host=DEFAULT_HOST, port=port, token=token or None)
    except ConfigError as problem:
        raise click.ClickException(str(problem)) from problem
    # -P keeps Python from taking modules out of whatever folder the server is started in.
    command = [sys.executable, "-P", "-m", "plugin_server", "serve"]
    command += ["--host", DEFAULT_HOST, "--port", str(port), "--idle-exit", str(IDLE_MINUTES)]
    if folder:
        command += ["--library", folder]
    return {
        "version": version,
        "address": earlier["address"] if is_elsewhere else f"http://{DEFAULT_HOST}:{port}",
        "token": token or None,
        "library": folder,
        "command": [] if is_elsewhere else command,
        "log": str(user_log_path("photochrom", appauthor=False) / "server.log"),
    }


def server_status(config: dict[str, Any]) -> str:
    """Say whether the server of an installed plug-in runs."""
    parts = urlsplit(str(config.get("address")))
    if parts.scheme != "http" or not is_loopback(parts.hostname or ""):
        return f"Server at {config.get('address')}: on another machine, where it is started"
    finding = examine_port(
        Config(
            host=parts.hostname or DEFAULT_HOST,
            port=parts.port or DEFAULT_PORT,
            token=config.get("token") or None,
        )
    )
    return f"Server at {config.get('address')}: {finding.found}"


def missing_command(config: dict[str, Any]) -> str:
    """Complain about a command that cannot start the server any more."""
    command = config.get("command")
    program = Path(str(command[0])) if isinstance(command, list) and command else None
    if program is None or program.is_file():
        return ""
    return f"{program} is missing, so GIMP cannot start the server: photochrom gimp install"


def _port_of(config: dict[str, Any]) -> int | None:
    try:
        return urlsplit(str(config.get("address") or "")).port
    except ValueError:
        return None
