"""Whose turn it is: a queue that is fair between clients."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks: the machine, and the program on it."""

    address: str
    program: str = ""


class FairQueue(Generic[Item]):
    """Items that wait, taken in turn from each machine, and on it from each program.

    So fifty photos of one client do not stand before the one of another, and a client that gives
    itself many names only shares its own machine's turns. Not safe for threads by itself.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, dict[str, deque[Item]]] = {}  # address -> program -> items

    def add(self, client: Client, item: Item) -> None:
        """Let an item wait behind the client's own."""
        programs = self._waiting.setdefault(client.address, {})
        programs.setdefault(client.program, deque()).append(item)

    def take(self) -> Item | None:
        """Take the item whose turn it is; its client goes to the end of the row."""
        if not self._waiting:
            return None
        address = next(iter(self._waiting))
        programs = self._waiting.pop(address)
        program = next(iter(programs))
        items = programs.pop(program)
        item = items.popleft()
        if items:
            programs[program] = items
        if programs:
            self._waiting[address] = programs
        return item

    def remove(self, client: Client, item: Item) -> bool:
        """Take an item out of the row; False where it does not wait."""
        programs = self._waiting.get(client.address, {})
        items = programs.get(client.program)
        if items is None or item not in items:
            return False
        items.remove(item)
        if not items:
            del programs[client.program]
        if not programs:
            del self._waiting[client.address]
        return True

    def order(self) -> list[Item]:
        """List all items in the order in which they would be taken now."""
        machines = (_in_turn(programs.values()) for programs in self._waiting.values())
        return list(_in_turn(machines))

    def count_of(self, address: str) -> int:
        """Count what waits for a machine."""
        return sum(map(len, self._waiting.get(address, {}).values()))

    def __len__(self) -> int:
        return sum(map(self.count_of, self._waiting))


def _in_turn(rows: Iterable[Iterable[Item]]) -> Iterator[Item]:
    """Take one item of each row, again and again."""
    ahead = deque(iter(row) for row in rows)
    while ahead:
        row = ahead.popleft()
        for item in row:
            yield item
            ahead.append(row)
            break
