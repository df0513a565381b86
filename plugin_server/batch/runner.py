"""The one loop over photos: a few at a time, and one bad photo stops no other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from models.progress import Stopped
from plugin_server.errors import is_out_of_memory

Item = TypeVar("Item")
Result = TypeVar("Result")


class CannotGoOn(Exception):
    """No photo can be coloured any more; the message says why. The run stops, and may go on."""


@dataclass(frozen=True, slots=True)
class Runner(Generic[Item, Result]):
    """Works on items, ``in_flight`` of them at once, each in a thread of its own.

    ``work`` turns its own failures into results; None is no result. It may raise ``Stopped``, which
    is passed over, and ``CannotGoOn``, which ends the run. ``on_result`` is called one at a time.
    """

    work: Callable[[Item], Result | None]
    on_result: Callable[[Result], None]
    in_flight: int = 1
    should_stop: Callable[[], bool] = lambda: False

    def run(self, found: Iterable[Item | None]) -> str:
        """Work on all that is found; say why it ended early, "" where it did not.

        ``found`` may wait for items; None is a moment in which there are none. What is in hand is
        finished after a stop.
        """
        fatal: list[str] = []
        lock = threading.Lock()

        def is_over() -> bool:
            return bool(fatal) or self.should_stop()

        def settle(one: Item) -> None:
            if is_over():
                return
            try:
                result = self.work(one)
            except Stopped:
                return
            except CannotGoOn as problem:
                fatal.append(str(problem))
                return
            except (
                BaseException
            ) as problem:  # a mistake of ours: it must not vanish with its thread
                fatal.append(f"{type(problem).__name__}: {problem}")
                raise
            if result is not None:
                with lock:
                    self.on_result(result)

        if self.in_flight == 1:  # in this thread, where Ctrl-C arrives
            for one in found:
                if is_over():
                    break
                if one is not None:
                    settle(one)
        else:
            self._side_by_side(found, settle, is_over)
        return fatal[0] if fatal else "stopped" if self.should_stop() else ""

    def _side_by_side(
        self,
        found: Iterable[Item | None],
        settle: Callable[[Item], None],
        is_over: Callable[[], bool],
    ) -> None:
        free = threading.BoundedSemaphore(2 * self.in_flight)

        def work(one: Item) -> None:
            try:
                settle(one)
            finally:
                free.release()

        pool = ThreadPoolExecutor(self.in_flight, thread_name_prefix="batch")
        try:
            for one in found:
                if is_over():
                    break
                if one is not None:
                    free.acquire()
                    pool.submit(work, one)
            pool.shutdown()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def explain(problem: Exception) -> str:
    """Say in one line what is wrong with a photo."""
    if is_out_of_memory(problem):
        return "there is not enough memory for this photo: scale it down or close other programs"
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    return " ".join(str(problem).split()) or type(problem).__name__
