"""The Redis server that all machines share: its address, and what to say when it is away."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from redis import Redis

    from plugin_server.errors import NoBroker, NoSpace

TIMEOUTS: Final = {  # seconds for one reply
    "socket_timeout": 5.0,
    "socket_connect_timeout": 5.0,
    "socket_keepalive": True,
}
KEY_VARIABLE = "PHOTOCHROM_BROKER_KEY"
KEY_LENGTH = 16  # characters, at least


class BrokerError(ValueError):
    """The address or this installation cannot work; the message names the remedy."""


@dataclass(frozen=True, slots=True)
class Broker:
    """A Redis server by its URL, whose password is never shown.

    ``key`` seals what servers and workers write there; all of them have the same.

    Raises:
        BrokerError: the URL is none of Redis, the key is short, or the extra is not installed.
    """

    url: str = field(repr=False)
    key: str = field(default_factory=lambda: os.environ.get(KEY_VARIABLE, ""), repr=False)

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            known = parts.scheme in ("redis", "rediss") and bool(parts.hostname)
            parts.port  # noqa: B018 - reading it checks it
        except ValueError:
            known = False
        if not known:
            raise BrokerError(
                "the broker's address is no URL of a Redis server: write redis://HOST:PORT/0, with "
                "a password redis://:PASSWORD@HOST:PORT/0, with TLS rediss://HOST:PORT/0"
            )
        if 0 < len(self.key) < KEY_LENGTH:
            raise BrokerError(
                f"{KEY_VARIABLE} has {len(self.key)} characters and needs {KEY_LENGTH} at least: "
                "openssl rand -hex 32 makes one"
            )
        if find_spec("celery") is None or find_spec("redis") is None:
            raise BrokerError(
                "a broker needs Celery and redis-py: pip install 'photochrom[cluster]'"
            )

    @property
    def shown(self) -> str:
        """The address without its user, password and options."""
        parts = urlsplit(self.url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{host}:{parts.port or 6379}{parts.path}"

    @property
    def secret(self) -> bytes:
        """What servers and workers know, and a stranger does not: the key, or the password."""
        return (self.key or unquote(urlsplit(self.url).password or "")).encode()

    def connect(self) -> Redis:
        """Make a client; nothing is sent before it is used. Threads may share it."""
        from redis import Redis
        from redis.backoff import ConstantBackoff
        from redis.retry import Retry

        client: Redis = Redis.from_url(
            self.url,
            **TIMEOUTS,
            # A connection that broke while nobody used it: once more, at once.
            retry=Retry(ConstantBackoff(0.05), 1),
        )
        return client

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Raise what Redis refuses as problems that name the remedy.

        Raises:
            NoBroker: it cannot be reached, is starting, or does not accept the password.
            NoSpace: its memory or its disk is full.
        """
        from kombu.exceptions import OperationalError
        from redis.exceptions import RedisError

        try:
            yield
        except RedisError as problem:
            raise self.explain(problem) from problem
        except OperationalError as problem:  # Celery's word for what Redis said
            raise self.explain(problem.__cause__ or problem) from problem

    def explain(self, problem: BaseException) -> NoBroker | NoSpace:
        """Word what Redis said."""
        from redis.exceptions import (
            AuthenticationError,
            BusyLoadingError,
            NoPermissionError,
            OutOfMemoryError,
        )

        from plugin_server.errors import NoBroker, NoSpace

        text, queue = str(problem), f"the queue at {self.shown}"
        match problem:
            case BusyLoadingError():
                return NoBroker(f"{queue} is reading its data after a restart; try again soon")
            case AuthenticationError() | NoPermissionError():
                return NoBroker(
                    f"{queue} does not accept this login; write the password that redis.conf names "
                    "into --broker redis://:PASSWORD@HOST:PORT/0"
                )
            case OutOfMemoryError():
                return NoSpace(
                    f"the memory of {queue} is full; try again when photos are done, or raise "
                    "maxmemory in redis.conf"
                )
        if text.startswith("MISCONF") or "No space left" in text:
            return NoSpace(
                f"{queue} cannot write to its disk; try again when there is room for its data "
                "folder (redis.conf: dir)"
            )
        return NoBroker(
            f"{queue} cannot be reached; the server tries again by itself: start redis-server "
            "there, or start this server with another --broker"
        )
