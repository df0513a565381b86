"""Answers that are asked for again and again, kept in a bounded memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Generic, TypeVar

from cachetools import LRUCache

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Memory(Generic[Key, Value]):
    """The values used last, as many as fit; safe for threads."""

    def __init__(self, room: int, size_of: Callable[[Value], int] = lambda _: 1) -> None:
        self._lock = threading.Lock()
        self._values: LRUCache[Key, Value] = LRUCache(room, size_of)

    def get(self, key: Key) -> Value | None:
        """Return what is remembered of a key."""
        with self._lock:
            return self._values.get(key)

    def put(self, key: Key, value: Value) -> None:
        """Remember a value where it fits, and forget others for it."""
        with self._lock, suppress(ValueError):  # larger than all the room
            self._values[key] = value

    def forget(self, key: Key) -> None:
        """Forget the value of a key, if there is one."""
        with self._lock:
            self._values.pop(key, None)
