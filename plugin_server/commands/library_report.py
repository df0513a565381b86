"""What ``photochrom library`` says: tables, sums, and what was passed over and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from retrieval.exemplar import Exemplar
    from retrieval.ingest import AddReport, Refusal
    from retrieval.upkeep import CheckReport, Fault

SHOWN = 20  # photos that are named without --verbose
WIDE = 160  # columns where nobody watches: lines in a file must not be cut


def exemplar_table(exemplars: Iterable[Exemplar], scores: Sequence[float] = ()) -> Table:
    """Draw exemplars, one a row, with their colours where the terminal has any."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("ID", no_wrap=True)
    if scores:
        table.add_column("Score", justify="right")
    table.add_column("Size", justify="right", no_wrap=True)
    table.add_column("Colours", no_wrap=True)
    table.add_column("Photo and caption", ratio=1, overflow="ellipsis", no_wrap=True)
    for index, one in enumerate(exemplars):
        swatches = Text()
        for color in one.colors:
            swatches.append("██", style=color)
        words = Text(one.source)
        if one.caption:
            words.append(f"  {one.caption}", style="italic dim")
        cells = [Text(one.id), Text(f"{one.width}x{one.height}"), swatches, words]
        if scores:
            cells.insert(1, Text(f"{scores[index]:.2f}"))
        table.add_row(*cells)
    return table


def print_table(table: Table) -> None:
    """Print a table to stdout, wide where it goes into a file or a pipe."""
    console = Console()
    (console if console.is_terminal else Console(width=WIDE)).print(table)


def as_record(exemplar: Exemplar) -> dict[str, Any]:
    """Write an exemplar as JSON has it."""
    return {
        "id": exemplar.id,
        "source": exemplar.source,
        "caption": exemplar.caption,
        "width": exemplar.width,
        "height": exemplar.height,
        "sha256": exemplar.sha256,
        "colors": list(exemplar.colors),
    }


def passed_over(report: AddReport, *, verbose: bool) -> Iterator[str]:
    """Name the photos that were refused, and the duplicates too where all is asked for."""
    yield from _named(report.refused, verbose=verbose)
    if verbose:
        yield from _named([*report.duplicates, *report.near_duplicates], verbose=True)


def describe_add(report: AddReport) -> Iterator[str]:
    """Say what was added and how fast it went."""
    parts = [f"{len(report.added):,} added"]
    for count, words in (
        (report.unchanged, "known already"),
        (len(report.duplicates), "duplicates"),
        (len(report.near_duplicates), "near duplicates"),
        (len(report.refused), "refused"),
        (report.recaptioned, "with new captions"),
    ):
        if count:
            parts.append(f"{count:,} {words}")
    yield ", ".join(parts)
    if report.photos and report.seconds > 0:
        rate = f"{report.photos:,} photos read in {report.seconds:.1f} s: "
        rate += f"{report.photos / report.seconds:.1f} photos/s"
        if report.decode_seconds > 0:
            ratio = report.seconds / report.decode_seconds
            rate += f", {ratio:.1f} times as long as reading and decoding alone"
        yield rate


def describe_check(report: CheckReport) -> Iterator[str]:
    """Say what is wrong and what was or can be done about it."""
    yield from _faults("deleted", report.missing)
    yield from _faults("changed", report.changed)
    yield from _faults("not there now", report.absent)
    for count, words in (
        (report.without_vector, "exemplars without a vector"),
        (report.without_thumbnail, "exemplars without a thumbnail"),
        (report.orphans, "rows that belong to no exemplar"),
        (len(report.strays), "kept photos that belong to no exemplar"),
    ):
        if count:
            yield f"{count:,} {words}"
    if report.is_clean:
        yield f"{report.exemplars:,} exemplars, nothing wrong"
        return
    if report.absent:
        yield (
            "Photos that are not there now stay in the library: connect their disk, or remove "
            "them with photochrom library remove --under PATH."
        )
    if report.repaired:
        yield "Repaired." if not report.absent else "The rest is repaired."
    elif not (len(report.absent) and _is_only_absent(report)):
        yield "photochrom library check --repair puts this right."


def _is_only_absent(report: CheckReport) -> bool:
    from dataclasses import replace

    return replace(report, absent=()).is_clean


def _named(refusals: Sequence[Refusal], *, verbose: bool) -> Iterator[str]:
    shown = refusals if verbose else refusals[:SHOWN]
    for refusal in shown:
        yield f"{refusal.source}: {refusal.reason}"
    if len(shown) < len(refusals):
        yield f"... and {len(refusals) - len(shown):,} more (--verbose names all)"


def _faults(words: str, faults: Sequence[Fault]) -> Iterator[str]:
    for fault in faults[:SHOWN]:
        yield f"{fault.exemplar.id}  {words}: {fault.exemplar.source} ({fault.problem})"
    if len(faults) > SHOWN:
        yield f"... and {len(faults) - SHOWN:,} more {words}"
