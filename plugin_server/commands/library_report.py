"""What ``photochrom library`` says: tables, sums, and what was passed over and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from models.plural import number_of, plural
from models.shown import printable, shown

if TYPE_CHECKING:
    from retrieval.database.exemplar import Exemplar
    from retrieval.ingest.maintenance import CheckReport, Fault
    from retrieval.ingest.report import AddReport, Refusal

SHOWN = 20  # photos that are named without --verbose
SWATCHES = 7  # columns for colours: as wide as their heading
ID_LENGTH = 12
WIDE = 160  # columns where nobody watches: lines in a file must not be cut


def print_exemplars(exemplars: Sequence[Exemplar], scores: Sequence[float] = ()) -> None:
    """Print a table to stdout, one exemplar a line, wide where it goes into a file or a pipe."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(width=WIDE, highlight=False)
    console.print(exemplar_table(exemplars, scores, width=console.width))


def exemplar_table(
    exemplars: Sequence[Exemplar], scores: Sequence[float] = (), *, width: int
) -> Table:
    """Draw exemplars, one a row, with their colours where the terminal has any."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("ID", no_wrap=True)
    if scores:
        table.add_column("Score", justify="right", no_wrap=True)
    table.add_column("Size", justify="right", no_wrap=True)
    table.add_column("Colours", no_wrap=True)
    table.add_column("Caption and photo", no_wrap=True)
    sizes = [f"{one.width}x{one.height}" for one in exemplars]
    taken = ID_LENGTH + max(map(len, [*sizes, "Size"])) + SWATCHES + 2 * 3 + 1
    taken += len("Score") + 2 if scores else 0
    for index, one in enumerate(exemplars):
        swatches = Text()
        for color in one.colors[:SWATCHES]:
            swatches.append("█", style=color)
        words = Text(f"{printable(one.caption)}  " if one.caption else "")
        words.append(shown(one.source), style="dim" if one.caption else "")
        words.truncate(max(width - taken, 20), overflow="ellipsis")
        cells = [Text(one.id), Text(sizes[index]), swatches, words]
        if scores:
            cells.insert(1, Text(f"{scores[index]:.2f}"))
        table.add_row(*cells)
    return table


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
    """Name the photos that were refused; the moved ones and duplicates too where all is asked."""
    yield from _named(report.refused, verbose=verbose)
    if verbose:
        yield from _named(
            [*report.moved, *report.duplicates, *report.near_duplicates], verbose=True
        )


def describe_add(report: AddReport) -> Iterator[str]:
    """Say what was added and how fast it went."""
    parts = [f"{len(report.added):,} added"]
    for count, words in (
        (report.unchanged, "known already"),
        (len(report.moved), "moved since, known by their new place"),
        (len(report.duplicates), plural(len(report.duplicates), "duplicate")),
        (len(report.near_duplicates), plural(len(report.near_duplicates), "near duplicate")),
        (len(report.refused), "refused"),
        (report.recaptioned, "with new captions"),
    ):
        if count:
            parts.append(f"{count:,} {words}")
    yield ", ".join(parts)
    if report.photos and report.seconds > 0:
        rate = f"{number_of(report.photos, 'photo')} read in {report.seconds:.1f} s: "
        rate += f"{report.photos / report.seconds:.1f} photos/s"
        yield rate


def describe_check(report: CheckReport) -> Iterator[str]:
    """Say what is wrong and what was or can be done about it."""
    yield from _faults("deleted", report.missing)
    yield from _faults("moved", report.moved)
    yield from _faults("changed", report.changed)
    yield from _faults("not there now", report.absent)
    for count, words in (
        (report.without_vector, "exemplar{} without a vector"),
        (report.without_thumbnail, "exemplar{} without a thumbnail"),
        (report.orphans, "row{} that belong{} to no exemplar"),
        (len(report.strays), "kept photo{} that belong{} to no exemplar"),
    ):
        if count:
            ends = ("", "s") if count == 1 else ("s", "")
            yield f"{count:,} {words.format(*ends)}"
    if report.is_clean:
        yield f"{number_of(report.exemplars, 'exemplar')}, nothing wrong"
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
    named = refusals if verbose else refusals[:SHOWN]
    for refusal in named:
        yield f"{shown(refusal.source)}: {refusal.reason}"
    if len(named) < len(refusals):
        yield f"... and {len(refusals) - len(named):,} more (--verbose names all)"


def _faults(words: str, faults: Sequence[Fault]) -> Iterator[str]:
    for fault in faults[:SHOWN]:
        yield f"{fault.exemplar.id}  {words}: {shown(fault.exemplar.source)} ({fault.problem})"
    if len(faults) > SHOWN:
        yield f"... and {len(faults) - SHOWN:,} more {words}"
