"""TIFF directories from anywhere, walked with bounds before a library reads them.

TIFF 6.0, section 2: a directory is a list of tags, each with a number of values, which may stand
anywhere in the file. A few hundred bytes of tags can so name the same megabyte a thousand times.
EXIF blocks are such files, too.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MAGICS: Final = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")  # the last two are BigTIFF
MOST_DIRECTORIES: Final = 64
MOST_TAGS: Final = 1000  # of a directory
SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8,
                13: 4, 16: 8, 17: 8, 18: 8}  # fmt: skip
POINTERS: Final = (34665, 34853, 40965)  # to the directories of EXIF, GPS and interoperability
SUB_IFDS: Final = 330
MOST_INNER: Final = 16
ROOM: Final = 2  # times the file's length: what all values together may have
_WIDTH, _LENGTH, _SAMPLES, _ROWS, _PLANAR = 256, 257, 277, 278, 284
_TILE_WIDTH, _TILE_LENGTH = 322, 323
_STRIPS, _TILES = (273, 279), (324, 325)  # offsets and byte counts


class TiffError(ValueError):
    """Directories that no program writes; the message says what is wrong with them."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag's type, how many values it has, and where they stand."""

    kind: int
    count: int
    at: int


class Directories:
    """The directories of a file, all within bounds.

    ``pages`` are those of the chain, the first one first; each maps its tags' numbers to them.
    ``inner`` are the SubIFDs of the first page, none of them where one is not sound.
    ``exif_is_bounded`` says whether the directories that they point to (EXIF, GPS) are as sound.
    """

    def __init__(self, data: bytes) -> None:
        """Walk them.

        Raises:
            TiffError: cut off, in a circle, too many, or larger than the file.
        """
        if data[:4] not in MAGICS:
            raise TiffError("it does not begin as TIFF does")
        self._data = data
        self._order = "<" if data[:2] == b"II" else ">"
        self._is_big = b"+" in data[:4]
        self._room = ROOM * len(data)
        self._seen: set[int] = set()
        self.pages: list[dict[int, Tag]] = []
        self.inner: list[dict[int, Tag]] = []
        self.exif_is_bounded = True
        try:
            self._walk()
        except struct.error as problem:
            raise TiffError("its directory is cut off") from problem
        try:
            self.inner = list(self._walk_below())
        except (struct.error, TiffError):
            self.inner = []
        try:
            self._walk_inner()
        except (struct.error, TiffError):
            self.exif_is_bounded = False

    def number(self, page: dict[int, Tag], tag: int, default: int) -> int:
        """Return a tag's first value where it is a whole number; ``default`` where it is absent."""
        found = page.get(tag)
        if found is None or found.count < 1:
            return default
        form = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}.get(found.kind)
        if form is None:
            return default
        return int(struct.unpack_from(self._order + form, self._data, found.at)[0])

    def is_reduced(self, page: dict[int, Tag]) -> bool:
        """Tell whether a page is a smaller copy of another one (NewSubfileType, SubfileType)."""
        return bool(self.number(page, 254, 0) & 1) or self.number(page, 255, 1) == 2

    def _walk(self) -> None:
        at = self._pointer(8 if self._is_big else 4)
        while at:
            page, at = self._directory(at)
            self._check_geometry(page)
            self.pages.append(page)

    def _walk_below(self) -> Iterator[dict[int, Tag]]:
        """Walk the SubIFDs of the first page (TIFF supplement 1); cameras write up to four."""
        found = self.pages[0].get(SUB_IFDS) if self.pages else None
        if found is None or found.kind not in (4, 13, 16, 18):
            return
        if found.count > MOST_INNER:
            raise TiffError(f"its first page has {found.count} SubIFDs")
        form = self._order + ("I" if found.kind in (4, 13) else "Q")
        for number in range(found.count):
            place = found.at + number * SIZES[found.kind]
            page, _ = self._directory(int(struct.unpack_from(form, self._data, place)[0]))
            self._check_geometry(page)
            yield page

    def _walk_inner(self) -> None:
        waiting = list(self.pages)
        while waiting:
            directory = waiting.pop()
            inner = [self.number(directory, tag, 0) for tag in POINTERS if tag in directory]
            waiting += [self._directory(at)[0] for at in inner]

    def _directory(self, at: int) -> tuple[dict[int, Tag], int]:
        """Read one directory and the place of the next."""
        if at in self._seen:
            raise TiffError("its directories lead in a circle")
        if len(self._seen) >= MOST_DIRECTORIES:
            raise TiffError(f"it has more than {MOST_DIRECTORIES} pages or directories")
        self._seen.add(at)
        head, entry, size = ("Q", "HHQ", 20) if self._is_big else ("H", "HHI", 12)
        inline = size - struct.calcsize("<" + entry)
        (count,) = struct.unpack_from(self._order + head, self._data, at)
        if count > MOST_TAGS:
            raise TiffError(f"a directory has {count} tags, and {MOST_TAGS} are the most")
        begin = at + struct.calcsize("<" + head)
        tags: dict[int, Tag] = {}
        for place in range(begin, begin + count * size, size):
            number, kind, values = struct.unpack_from(self._order + entry, self._data, place)
            length = values * SIZES.get(kind, 0)  # nobody reads a tag of another type
            value = place + size - inline
            if length > inline:
                value = self._pointer(value)
                self._room -= length
                if self._room < 0 or length > len(self._data):
                    raise TiffError(f"the tag {number} claims more than the whole file")
            tags.setdefault(number, Tag(kind, values, value))
        return tags, self._next(begin + count * size)

    def _next(self, at: int) -> int:
        """Return the place of the next directory; a file that ends before it has none."""
        length = 8 if self._is_big else 4
        return self._pointer(at) if at + length <= len(self._data) else 0

    def _pointer(self, at: int) -> int:
        form = "Q" if self._is_big else "I"
        return int(struct.unpack_from(self._order + form, self._data, at)[0])

    def _check_geometry(self, page: dict[int, Tag]) -> None:
        """Refuse more strips or tiles than the page's size has."""
        width, length = self.number(page, _WIDTH, 1), self.number(page, _LENGTH, 1)
        planes = self.number(page, _SAMPLES, 1) if self.number(page, _PLANAR, 1) == 2 else 1
        rows = max(self.number(page, _ROWS, length), 1)
        across = -(-width // max(self.number(page, _TILE_WIDTH, width), 1))
        down = -(-length // max(self.number(page, _TILE_LENGTH, length), 1))
        for tags, most in ((_STRIPS, -(-length // rows)), (_TILES, across * down)):
            for number in tags:
                if number in page and page[number].count > max(most, 1) * max(planes, 1):
                    raise TiffError(
                        f"it names {page[number].count} strips or tiles, and its size has {most}"
                    )


def is_bounded(block: bytes) -> bool:
    """Tell whether an EXIF block's directories can be read by a library without harm."""
    try:
        return Directories(block).exif_is_bounded
    except TiffError:
        return False
