"""Where GIMP 3 looks for a user's plug-ins, on every system."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

FLATPAK = "org.gimp.GIMP"
_VERSION = re.compile(r"3\.\d+")


@dataclass(frozen=True)
class Root:
    """A folder of GIMP's settings.

    Attributes:
        kind: how that GIMP was installed, for the person: "GIMP", "GIMP (Flatpak)", ...
        path: the folder.
        has_versions: whether it holds one folder for each version (``3.0``, ``3.2``), or the
            settings themselves.
    """

    kind: str
    path: PurePath
    has_versions: bool = True


@dataclass(frozen=True)
class Place:
    """A folder for plug-ins of one GIMP; ``name`` is for the person.

    ``is_in_profile`` tells whether it is the one in GIMP's own profile.
    """

    name: str
    plug_ins: Path
    is_in_profile: bool = True

    @property
    def settings(self) -> Path:
        """The folder of the plug-in's settings: in the profile, else beside the code."""
        if self.is_in_profile:
            return self.plug_ins.parent / "photochrom"
        return self.plug_ins / "photochrom"


def roots(platform: str, home: str, environ: Mapping[str, str]) -> list[Root]:
    """Name the folders where a GIMP 3 may keep a user's settings.

    Args:
        platform: ``sys.platform``.
        home: the user's home folder.
        environ: of a GIMP that is started the same way as this program.
    """
    if platform == "win32":
        windows = PureWindowsPath(environ.get("APPDATA") or rf"{home}\AppData\Roaming")
        return _chosen(PureWindowsPath(home), environ) or [Root("GIMP", windows / "GIMP")]
    base = PurePosixPath(home)
    if platform == "darwin":
        support = base / "Library" / "Application Support" / "GIMP"
        return _chosen(base, environ) or [Root("GIMP", support)]
    config = environ.get("XDG_CONFIG_HOME", "")
    # A relative path there is invalid (XDG base directory specification).
    native = PurePosixPath(config) if config.startswith("/") else base / ".config"
    own = _chosen(base, environ) or [Root("GIMP", native / "GIMP")]
    # A Flatpak uses the first folder where that exists, and its own where it does not.
    return [
        *own,
        Root("GIMP (Flatpak)", base / ".var" / "app" / FLATPAK / "config" / "GIMP"),
        Root("GIMP (Snap)", base / "snap" / "gimp" / "current" / ".config" / "GIMP"),
    ]


def _chosen(home: PurePath, environ: Mapping[str, str]) -> list[Root]:
    """Follow ``$GIMP3_DIRECTORY``, which replaces the usual folder; relative to the home folder."""
    folder = environ.get("GIMP3_DIRECTORY")
    if not folder:
        return []
    return [Root("GIMP ($GIMP3_DIRECTORY)", home / folder, has_versions=False)]


def places(found: Iterable[Root]) -> list[Place]:
    """List the plug-in folders of every GIMP 3 that has been started once.

    A folder of settings that is not there is not made: GIMP would take it for its own and leave
    out what it does at its first start, such as taking over the settings of an older version.
    """
    result = []
    for root in found:
        path = Path(root.path)
        if not root.has_versions:
            result += [Place(root.kind, path / "plug-ins")] if path.is_dir() else []
            continue
        try:
            versions = [entry.name for entry in path.iterdir() if entry.is_dir()]
        except OSError:
            continue
        for version in sorted(filter(_VERSION.fullmatch, versions), key=_number):
            name = root.kind.replace("GIMP", f"GIMP {version}", 1)
            result.append(Place(name, path / version / "plug-ins"))
    return result


def _number(version: str) -> int:
    return int(version.partition(".")[2])
