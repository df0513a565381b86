"""Asks the server in a thread while a dialog stays alive.

Gtk, GIMP and GEGL are touched by the main thread only: answers come back through the main loop.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gi
from api.client import Client
from api.errors import Cancelled, Failure
from api.texts import _, sentence
from server.connect import connect, describe

gi.require_version("GLib", "2.0")
from gi.repository import GLib  # noqa: E402

OnProgress = Callable[[str, float], bool]
Question = Callable[[Client, OnProgress], Any]


class Latest:
    """Answers one question at a time, always the latest; older ones are given up.

    A question is called in the thread with a connected client and an ``on_progress`` that says
    when nobody wants the answer any more. ``show_text`` is given sentences for the person.
    """

    def __init__(self, folder: Path, show_text: Callable[[str], None]) -> None:
        self._folder, self._show_text = folder, show_text
        self._condition = threading.Condition()
        self._waiting: tuple[Question, Callable[[Any], None]] | None = None
        self._closed = False
        self._thread: threading.Thread | None = None
        self._client: Client | None = None

    def ask(self, question: Question, show: Callable[[Any], None]) -> None:
        """Have the question answered and the answer shown."""
        with self._condition:
            self._waiting = (question, show)
            self._condition.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="photochrom", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Show nothing any more, and let the thread end."""
        with self._condition:
            self._closed = True
            self._condition.notify()

    def _run(self) -> None:
        while (waiting := self._next()) is not None:
            question, show = waiting
            try:
                answer = question(self._connected(), self._goes_on)
            except Cancelled:
                continue
            except Failure as problem:
                self._client = None
                self._later(self._show_text, sentence(str(problem)))
            except Exception as problem:  # a stranger's answer must not silence the dialog
                self._client = None
                text = _("the server's answer cannot be used ({problem})").format(problem=problem)
                self._later(self._show_text, sentence(text))
            else:
                self._later(show, answer)

    def _next(self) -> tuple[Question, Callable[[Any], None]] | None:
        with self._condition:
            self._condition.wait_for(lambda: self._waiting is not None or self._closed)
            waiting, self._waiting = self._waiting, None
            return None if self._closed else waiting

    def _connected(self) -> Client:
        if self._client is None:
            self._client = connect(self._folder, on_progress=self._starting)
            self._later(self._show_text, describe(self._folder).text)
        return self._client

    def _starting(self, text: str, _fraction: float) -> bool:
        self._later(self._show_text, f"{text} …")
        return not self._closed

    def _goes_on(self, _text: str, _fraction: float) -> bool:
        return not self._closed and self._waiting is None

    def _later(self, show: Callable[[Any], None], what: object) -> None:
        def idle() -> bool:
            if not self._closed:
                show(what)
            return bool(GLib.SOURCE_REMOVE)

        GLib.idle_add(idle)


class Settled:
    """Calls a function once nothing has happened for a moment."""

    def __init__(self, call: Callable[[], None], milliseconds: int) -> None:
        self._call, self._milliseconds = call, milliseconds
        self._timer = 0

    def happened(self, *_: object) -> None:
        """Begin to wait anew."""
        self.cancel()
        self._timer = GLib.timeout_add(self._milliseconds, self._over)

    def cancel(self) -> None:
        """Wait no more."""
        if self._timer:
            GLib.source_remove(self._timer)
            self._timer = 0

    def _over(self) -> bool:
        self._timer = 0
        self._call()
        return bool(GLib.SOURCE_REMOVE)
