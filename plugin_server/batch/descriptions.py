"""What each photo of a batch shows: from a table, from beside the photo, or from inside it.

The first of these that says anything counts: the photo's row in the CSV file, a text or JSON file
beside the photo, the description given for all, the caption inside the photo's file.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

from models.job import JobError
from models.shown import shown
from plugin_server.batch.places import Places, places_of_row
from retrieval.ingest.captions import Captions, written_beside
from retrieval.ingest.photos import texts_in

Origin = Literal["", "csv", "sidecar", "option", "embedded"]
DELIMITERS: Final = ",;\t|"
LARGEST: Final = 256 * 1024 * 1024  # bytes of a table


class DescriptionsError(ValueError):
    """A table of descriptions that cannot be used; the message names the line and the remedy."""


@dataclass(frozen=True, slots=True)
class Described:
    """A description, where it came from, and notes about what was not taken for one.

    ``places`` are those of a table's row.
    """

    text: str
    by: Origin
    notes: tuple[str, ...] = ()
    places: Places = field(default_factory=Places)


@dataclass(frozen=True, slots=True)
class Descriptions:
    """Finds the description of each photo.

    ``rows`` maps the names of a table to its descriptions, ``default`` is for photos that have
    none of their own, and ``captions`` says whether sidecars and files are looked into.
    ``technical`` are texts that say nothing of a photo, beside those that are known. ``places``
    maps the names to their regions; a row with regions alone says all that it means.
    """

    rows: dict[str, str] = field(default_factory=dict)
    default: str = ""
    captions: bool = True
    technical: tuple[str, ...] = ()
    places: dict[str, Places] = field(default_factory=dict)
    _used: set[str] = field(default_factory=set, repr=False)

    def given(self, name: str, path: Path) -> Described | None:
        """Describe a photo without a look into it; None: what is inside it counts, if anything.

        ``name`` is its path below the folder that is coloured.
        """
        for key in _keys(name):
            if key in self.rows or key in self.places:
                self._used.add(key)
                return Described(
                    self.rows.get(key, self.default), "csv",
                    places=self.places.get(key, Places()),
                )  # fmt: skip
        if not self.captions:
            return Described(self.default, "option" if self.default else "")
        beside = written_beside(path, self.technical)
        notes = beside.problems + _set_aside("beside", beside.set_aside)
        if beside.texts:
            return Described(" ".join(beside.texts), "sidecar", notes)
        if self.default:
            return Described(self.default, "option", notes)
        return Described("", "", notes) if notes else None

    def completed(self, given: Described | None, data: bytes) -> Described:
        """Look into a photo where ``given`` found nothing that describes it."""
        if given is None:
            return self.inside(data)
        if given.text or not given.notes:
            return given
        inside = self.inside(data)
        return replace(inside, notes=given.notes + inside.notes)

    def inside(self, data: bytes) -> Described:
        """Read the caption inside a photo's file: XMP, IPTC or EXIF; damage counts as none."""
        found = Captions.of(texts_in(data), self.technical)
        notes = _set_aside("in", found.set_aside)
        return (
            Described(found.texts[0], "embedded", notes)
            if found.texts
            else Described("", "", notes)
        )

    def unused(self) -> list[str]:
        """Name the rows that described no photo so far."""
        return sorted((self.rows.keys() | self.places.keys()) - self._used)


def _set_aside(where: str, texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        f'The text {where} the photo, "{text[:60]}", says nothing of what it shows and was set '
        "aside."
        for text in texts
    )


def read_list(file: Path) -> tuple[str, ...]:
    """Read texts, one a line, as in ``technical_text.is_technical``.

    Raises:
        DescriptionsError: the file cannot be read.
    """
    try:
        if file.stat().st_size > LARGEST:
            raise DescriptionsError(
                f"{shown(file)} has more than {LARGEST >> 20} MB: is it the list?"
            )
        lines = _decode(file.read_bytes()).splitlines()
    except OSError as problem:
        raise DescriptionsError(f"cannot read {shown(file)}: {problem.strerror}") from problem
    return tuple(line.strip() for line in lines if line.strip())


def read_table(file: Path) -> dict[str, str]:
    """Read a table's descriptions; rows without one are passed over.

    Raises:
        DescriptionsError: no such table, or one photo is described in two ways.
    """
    rows: dict[str, str] = {}
    for line, name, cell in _cells(file, "description"):
        description = " ".join(cell.split())
        if not description:
            continue
        if rows.setdefault(_normal(name), description) != description:
            raise DescriptionsError(
                f"{shown(file)}, line {line}: {shown(name)} is described a second time, in other "
                "words: leave one of the rows"
            )
    return rows


def read_places(file: Path) -> dict[str, Places]:
    """Read a table's ``regions``: the JSON of the form's field, with a path for each mask.

    Paths start at the table's folder. Of two rows of a photo the last counts.

    Raises:
        DescriptionsError: no such table, or regions that make no sense.
    """
    places: dict[str, Places] = {}
    for line, name, cell in _cells(file, "regions"):
        if not cell.strip():
            continue
        try:
            places[_normal(name)] = places_of_row(cell, file.parent)
        except JobError as problem:
            raise DescriptionsError(f"{shown(file)}, line {line}: {problem}") from problem
    return places


def _cells(file: Path, wanted: str) -> Iterator[tuple[int, str, str]]:
    """Give line, ``file`` and the ``wanted`` column of a CSV file; nothing where it has none.

    Its header has ``file``, and ``description``, ``regions`` or both; others are ignored.

    Commas, semicolons, tabs or bars part the cells; the text is UTF-8, UTF-16 with a mark, or
    Windows-1252. ``file`` is a path below the folder that is coloured, or a name alone, with or
    without its suffix.

    Raises:
        DescriptionsError: no such table.
    """
    try:
        if file.stat().st_size > LARGEST:
            raise DescriptionsError(
                f"{shown(file)} has more than {LARGEST >> 20} MB: is it the CSV file?"
            )
        text = _decode(file.read_bytes())
    except OSError as problem:
        raise DescriptionsError(f"cannot read {shown(file)}: {problem.strerror}") from problem
    header = text.lstrip("\n").partition("\n")[0]
    for delimiter in DELIMITERS:
        columns = [
            cell.strip().casefold() for cell in next(csv.reader([header], delimiter=delimiter), [])
        ]
        if "file" in columns and not {"description", "regions"}.isdisjoint(columns):
            break
    else:
        begins = f"begins with {header[:60]!r}" if text.strip() else "is empty"
        raise DescriptionsError(
            f"{shown(file)} {begins}: its first line must name the columns "
            "file and description (or regions), parted by commas, semicolons or tabs"
        )
    if wanted not in columns:
        return
    at = columns.index("file"), columns.index(wanted)
    lines = io.StringIO(text.lstrip("\n"), newline="")
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    before = 0  # lines of the rows before
    try:
        for cells in reader:
            if reader.line_num > 1 and len(cells) > max(at) and _normal(cells[at[0]]):
                yield reader.line_num, cells[at[0]], cells[at[1]]
            before = reader.line_num
    except csv.Error as problem:
        raise DescriptionsError(
            f"{shown(file)}, line {before + 1}: {problem}; a quote that opens a cell must be "
            "closed at its end, and a quote inside of it written twice"
        ) from problem


def _keys(name: str) -> tuple[str, ...]:
    """List what a table may call a photo, the most exact first."""
    path = _normal(name)
    alone = path.rpartition("/")[2]
    stems = [key.rpartition(".")[0] or key for key in (path, alone)]
    return path, stems[0], alone, stems[1]


def _normal(name: str) -> str:
    """Write a name in one way: composed letters, forward slashes, without ``./`` before it."""
    return unicodedata.normalize("NFC", name.strip()).replace("\\", "/").removeprefix("./")


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", "replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")
