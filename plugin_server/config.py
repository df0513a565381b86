"""What one server process is started with."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from platformdirs import user_data_path

from plugin_server.broker import Broker, BrokerError

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 18890
EVENT_STREAMS = 32  # programs that may follow jobs at the same time
# Forms and answers of up to so many bytes stay in memory; larger ones take temporary files.
IN_MEMORY = 128 << 20


class ConfigError(ValueError):
    """A setting that cannot work; the message names the value and the remedy."""


def is_loopback(host: str) -> bool:
    """Tell whether ``host`` (a name or an address) can only be reached from this machine."""
    name = host.strip("[]").lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Settings of the server; the defaults suit one person on one machine.

    ``workers`` photos are decoded, coloured and encoded at a time; up to ``waiting`` more requests
    wait for their turn, and what comes after them is answered with 429. ``clip`` is ``embedded`` or
    an open_clip ``MODEL/PRETRAINED@SHA256``; ``weights`` the colorizer's file where it is not the
    one that comes with Photochrom; ``library`` the folder of the exemplars, or None for no library.
    With a ``broker`` workers on any machine colour the photos.

    Raises:
        ConfigError: a value is out of its range, or the server could be reached from other
            machines without a token.
    """

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    token: str | None = field(default=None, repr=False)
    max_bytes: int = 512 * 1024 * 1024
    max_pixels: int = 100_000_000
    workers: int = 2
    waiting: int = 48
    clip: str = "embedded"
    weights: Path | None = None
    library: Path | None = None
    broker: Broker | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ConfigError(f"port {self.port} does not exist: give a number from 0 to 65535")
        for name in ("max_bytes", "max_pixels", "workers"):
            if (value := getattr(self, name)) < 1:
                raise ConfigError(f"{name} is {value}: give at least 1")
        if self.waiting < 0:
            raise ConfigError(f"waiting is {self.waiting}: give 0 or more")
        if self.token is not None and not _is_sendable(self.token):
            raise ConfigError(
                "the token is empty or holds a space or a character that a header cannot carry: "
                "use letters, digits and -._~+/="
            )
        if self.token is None and not is_loopback(self.host):
            raise ConfigError(
                f"{self.host} can be reached from other machines and no token is set: "
                "give a token, or stay on 127.0.0.1"
            )

    @property
    def threads(self) -> int:
        """Threads that answer requests.

        Every admitted photo may have one, everybody who follows a job too, and four answer the
        rest.
        """
        return self.workers + self.waiting + EVENT_STREAMS + 4

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Config:
        """Read ``PHOTOCHROM_HOST``, ``_PORT``, ``_TOKEN``, ``_CLIP``, ``_WEIGHTS``, ``_LIBRARY``,
        ``_BROKER``.

        Raises:
            ConfigError: a value cannot be used.
        """
        port = environ.get("PHOTOCHROM_PORT", str(DEFAULT_PORT))
        if not port.isascii() or not port.isdigit():
            raise ConfigError(f"PHOTOCHROM_PORT is {port!r}: give a number from 0 to 65535")
        weights = environ.get("PHOTOCHROM_WEIGHTS")
        try:
            broker = Broker(url) if (url := environ.get("PHOTOCHROM_BROKER")) else None
        except BrokerError as problem:
            raise ConfigError(f"PHOTOCHROM_BROKER: {problem}") from problem
        return cls(
            host=environ.get("PHOTOCHROM_HOST", DEFAULT_HOST),
            port=int(port),
            token=environ.get("PHOTOCHROM_TOKEN") or None,
            clip=environ.get("PHOTOCHROM_CLIP") or "embedded",
            weights=Path(weights) if weights else None,
            library=library_folder(environ),
            broker=broker,
        )


def library_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Name the library's folder: ``$PHOTOCHROM_LIBRARY``, or its place in the user's data folder.

    The latter is ``$XDG_DATA_HOME/photochrom`` on Linux, and what is usual elsewhere.
    """
    if folder := environ.get("PHOTOCHROM_LIBRARY"):
        return Path(folder).expanduser()
    return user_data_path("photochrom", appauthor=False)


def _is_sendable(token: str) -> bool:
    """Tell whether the token is RFC 6750's b64token, which every client can send."""
    allowed = "-._~+/="
    return bool(token) and all((c.isascii() and c.isalnum()) or c in allowed for c in token)
