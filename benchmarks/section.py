"""One part of the report: figures for people, and the same for programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Section:
    """A table with its title, what it says beside, and the measurements that it is made of."""

    name: str
    title: str
    headings: tuple[str, ...]
    rows: list[tuple[str, ...]]
    note: str = ""
    measurements: list[Any] = field(default_factory=list)

    def drawn(self) -> Table:
        """Draw it for a terminal."""
        table = Table(*self.headings, title=self.title, caption=self.note or None)
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        """Write it for a document."""
        lines = [self.headings, ("---",) * len(self.headings), *self.rows]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"### {self.title}\n\n{text}\n" + (f"\n{self.note}\n" if self.note else "")

    def plain(self) -> list[dict[str, Any]]:
        """Return the measurements for JSON."""
        return [asdict(measurement) for measurement in self.measurements]


def spoken(seconds: float) -> str:
    """Write seconds with as many digits as matter."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def megabytes(count: float) -> str:
    """Write bytes as megabytes."""
    return f"{count / 1e6:,.0f} MB"
