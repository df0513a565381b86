"""What a batch did, for people and their spreadsheets: a CSV of all photos, a JSON of the sum."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Final

from models.plural import number_of
from models.shown import printable, shown
from plugin_server.batch.batch import Tally
from plugin_server.batch.manifest import Manifest, Record
from retrieval.whole_file import writing_whole

TABLE: Final = "photochrom-report.csv"
SUMMARY: Final = "photochrom-report.json"
COLUMNS: Final = (
    "file", "state", "error", "output", "description", "described_by", "exemplar", "notes",
    "confidence", "seconds", "at",
)  # fmt: skip
SHOWN = 10  # lines of a kind that the summary has; the report has them all
REVIEW: Final = "photochrom-review.csv"
UNSURE: Final = 0.1  # share of a run's photos that are put up for review
_QUOTED: Final = re.compile(r'"[^"]*"|\'[^\']*\'|\d[\d.,]*%?|\([^()]*\)|[^\s"]+\.(?:json|txt)\b')
_REPEATED: Final = re.compile(r"\.{3}(?:,? \.{3})+")  # a list of them, however long


@dataclass(frozen=True, slots=True)
class Report:
    """The report of one run, over the photos that it looked at."""

    folder: Path
    tally: Tally
    cores: int

    def write(self, manifest: Manifest) -> None:
        """Write both files, photo by photo.

        Raises:
            OSError: they cannot be written.
        """
        with _whole(self.folder / TABLE) as file:
            table = csv.writer(file)
            table.writerow(COLUMNS)
            for record in self._records(manifest):
                table.writerow(_cells(record))
        with _whole(self.folder / REVIEW) as file:
            table = csv.writer(file)
            table.writerow(("file", "confidence", "output", "description", "notes"))
            for record in self.unsure(manifest):
                table.writerow(
                    [record.name, record.confidence, record.output, _harmless(record.description),
                     _harmless(" ".join(record.notices))]
                )  # fmt: skip
        with _whole(self.folder / SUMMARY) as file:
            members = self.members() | {"notes": dict(self.kinds(manifest).most_common())}
            head = json.dumps(members, indent=2).removesuffix("\n}")
            file.write(head + ',\n  "failures": [')
            for number, record in enumerate(self.failures(manifest)):
                one = {"file": record.name, "error": record.error}
                file.write(("," if number else "") + "\n    " + json.dumps(one))
            file.write("\n  ]\n}\n")

    def members(self) -> dict[str, object]:
        """Give the sum as JSON has it."""
        tally, counts = self.tally, self.tally.counts
        return {
            "photos": tally.total,
            "coloured": counts["coloured"],
            "unchanged": counts["unchanged"],
            "failed": counts["failed"],
            "failed_before": counts["failed before"],
            "with_notes": len(tally.noted),
            "stopped": tally.stopped,
            "seconds": round(tally.seconds, 3),
            "cpu_seconds": round(tally.cpu_seconds, 3),
            "cores": self.cores,
            "busy": round(tally.cpu_seconds / (tally.seconds * self.cores), 3)
            if tally.seconds
            else 0.0,
        }

    def failures(self, manifest: Manifest) -> Iterator[Record]:
        """Yield the photos that have no result."""
        return (record for record in self._records(manifest) if record.state == "failed")

    def kinds(self, manifest: Manifest) -> Counter[str]:
        """Count the photos that have a note of each kind: what is quoted or counted is left out."""
        found: Counter[str] = Counter()
        for record in self._records(manifest):
            found.update({kind_of(notice) for notice in record.notices})
        return found

    def unsure(self, manifest: Manifest) -> list[Record]:
        """List the tenth of the photos of whose colours the model is least sure, those first."""
        known = [record for record in self._records(manifest) if record.confidence > 0]
        known.sort(key=lambda record: (record.confidence, record.name))
        return known[: math.ceil(UNSURE * len(known))]

    def lines(
        self, manifest: Manifest, unused: list[str], *, is_written: bool = True
    ) -> Iterator[str]:
        """Say it in a few lines, and where the report lies if it ``is_written``."""
        counts, tally = self.tally.counts, self.tally
        parts = [f"{counts['coloured']:,} coloured"]
        if counts["unchanged"]:
            were = "was" if counts["unchanged"] == 1 else "were"
            parts.append(f"{counts['unchanged']:,} {were} done before")
        if tally.failures:
            parts.append(f"{tally.failures:,} failed")
        rate = f", {counts['coloured'] / tally.seconds:.1f} a second" if counts["coloured"] else ""
        photos = number_of(tally.total, "photo")
        yield f"{photos}: {', '.join(parts)} ({duration(tally.seconds)}{rate})"
        if counts["failed before"]:
            # Those of this run were said when they failed.
            earlier = (
                record for record in self.failures(manifest)
                if tally.endings[record.name] == "failed before"
            )  # fmt: skip
            for record in islice(earlier, SHOWN):
                yield f"  {shown(record.name)}: {printable(record.error)}"
            if counts["failed before"] > SHOWN:
                yield f"  ... and {counts['failed before'] - SHOWN:,} more"
            yield (
                f"{number_of(counts['failed before'], 'photo')} failed in an earlier run and "
                f"{'was' if counts['failed before'] == 1 else 'were'} passed over: "
                "--retry-failed tries again"
            )
        if tally.noted:
            yield f"{number_of(len(tally.noted), 'photo')} with notes:"
            for kind, count in self.kinds(manifest).most_common(SHOWN):
                yield f"  {count:,}: {printable(kind)}"
        if unused:
            some = ", ".join(map(shown, unused[:3])) + (", ..." if len(unused) > 3 else "")
            rows = number_of(len(unused), "row")
            name = "names" if len(unused) == 1 else "name"
            yield f"{rows} of the descriptions {name} no photo here: {some}"
        if not is_written:
            return
        yield f"report: {shown(self.folder / TABLE)}"
        if unsure := len(self.unsure(manifest)):
            yield f"least sure of {number_of(unsure, 'photo')}: {shown(self.folder / REVIEW)}"

    def _records(self, manifest: Manifest) -> Iterable[Record]:
        return (record for record in manifest if record.name in self.tally.endings)


def kind_of(notice: str) -> str:
    """Leave out of a notice what differs from photo to photo."""
    return _REPEATED.sub("...", _QUOTED.sub("...", notice))


def duration(seconds: float) -> str:
    """Write a time as people say it: ``48 s``, ``12 min``, ``3 h 05 min``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"


def _cells(record: Record) -> list[object]:
    cells: list[object] = [
        record.name, record.state, record.error, record.output, record.description,
        record.described_by, record.exemplar, " ".join(record.notices),
        record.confidence or "", record.seconds, record.at,
    ]  # fmt: skip
    return [_harmless(cell) if isinstance(cell, str) else cell for cell in cells]


def _harmless(cell: str) -> str:
    """Keep a spreadsheet from taking a text for a formula (OWASP, CSV injection)."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


@contextmanager
def _whole(path: Path) -> Iterator[IO[str]]:
    """Open a text file that gets its name when it is written to the end."""
    # Names that are no text are written as \\xNN; Excel needs the mark to see UTF-8.
    encoding = "utf-8-sig" if path.suffix == ".csv" else "utf-8"
    with writing_whole(path) as file:
        text = io.TextIOWrapper(file, encoding, "backslashreplace", newline="")
        yield text
        text.detach()  # which writes all of it, and leaves the file to its owner
