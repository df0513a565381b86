"""A contact sheet of a batch: each photo before and after, with its name, on pages of HTML.

A page holds its pictures itself, so it can be moved and sent; the names link to the results.
"""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import escape
from itertools import islice
from pathlib import Path
from typing import Final
from urllib.parse import quote

import cv2
from PIL import Image

from models.shown import printable, shown
from plugin_server.batch.manifest import Record
from plugin_server.images.codec import ImageError, Limits, decode
from plugin_server.images.layer import to_depth
from retrieval.errors import PhotoRefused
from retrieval.ingest.photos import PhotoLimits, decode_small

PAGE: Final = 100  # photos on a page: about two megabytes
SIDE: Final = 220  # of a picture, in pixels

HEAD: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ margin: 1.5rem; background: #f8f7f4; color: #1e1e1e; font: 15px/1.4 system-ui, sans-serif }}
h1 {{ font-size: 1.2rem; margin: 0 0 .3rem }}
nav {{ margin: 0 0 1.2rem }}
nav a {{ margin-right: .8rem }}
main {{ display: grid; gap: 1.6rem 1.2rem;
  grid-template-columns: repeat(auto-fill, minmax(min({width}px, 100%), 1fr)) }}
figure {{ margin: 0 }}
.pair {{ display: flex; gap: 2px; align-items: flex-end; min-height: 3rem }}
.pair img {{ display: block; min-width: 0; max-width: 50% }}
figcaption {{ margin-top: .35rem; overflow-wrap: anywhere }}
small {{ display: block; color: #5c5c5c }}
.failed small {{ color: #a3211b }}
a {{ color: #1f4e79 }}
</style>
<h1>{title}</h1>
"""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet in ``file``, its further pages beside it, of the results in ``folder``."""

    file: Path
    folder: Path
    workers: int

    def draw(
        self,
        records: Iterable[Record],
        total: int,
        *,
        on_photo: Callable[[], None] = lambda: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> int:
        """Write the pages, one after the other in memory; return how many.

        Raises:
            OSError: a page cannot be written.
        """
        pages = max(-(-total // PAGE), 1)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        rest = iter(records)

        def card(record: Record) -> str:
            text = "" if should_stop() else self._card(record)
            on_photo()
            return text

        with ThreadPoolExecutor(self.workers, thread_name_prefix="sheet") as pool:
            for number in range(1, pages + 1):
                cards = "".join(pool.map(card, islice(rest, PAGE)))
                if should_stop():
                    return number - 1
                text = self._page(number, pages, cards)
                self.path_of(number).write_text(text, "utf-8", errors="backslashreplace")
        return pages

    def path_of(self, number: int) -> Path:
        """Name a page's file."""
        if number == 1:
            return self.file
        return self.file.with_name(f"{self.file.stem}-{number}{self.file.suffix}")

    def _page(self, number: int, pages: int, cards: str) -> str:
        name = shown(self.folder.resolve().name)
        title = escape(f"{name}, page {number} of {pages}" if pages > 1 else name)
        links = "".join(
            f'<a href="{_url(self.path_of(other).name)}"'
            f"{' aria-current=page' if other == number else ''}>{other}</a>"
            for other in range(1, pages + 1)
        )
        nav = f'<nav aria-label="Pages">{links}</nav>\n' if pages > 1 else ""
        return f"{HEAD.format(title=title, width=2 * SIDE)}{nav}<main>\n{cards}</main>\n</html>\n"

    def _card(self, record: Record) -> str:
        """Draw one photo; what cannot be shown is said."""
        name = escape(shown(record.name))
        before = _thumbnail(Path(record.path), "before") if record.path else ""
        if record.state != "done":
            before = before if before.startswith("<img") else ""
            return (
                f'<figure class="failed"><div class="pair">{before}</div><figcaption>{name}'
                f"<small>{escape(printable(record.error or 'not finished'))}</small>"
                "</figcaption></figure>\n"
            )
        result = self.folder / record.output
        link = _url(os.path.relpath(result.absolute(), self.file.parent.absolute()))
        said = (
            f"<small>{escape(printable(record.description))}</small>" if record.description else ""
        )
        return (
            f'<figure><div class="pair">{before}{_thumbnail(result, "after")}</div>'
            f'<figcaption><a href="{link}">{name}</a>{said}</figcaption></figure>\n'
        )


def _thumbnail(path: Path, kind: str) -> str:
    """Show a photo small, or say that it cannot be shown."""
    try:
        image = _small(path.read_bytes())
    except (OSError, ImageError):
        return f"<small>{kind}: cannot be shown</small>"
    image.thumbnail((SIDE, SIDE))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=80)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    size = f'width="{image.width}" height="{image.height}"'
    return f'<img alt="{kind}" {size} src="data:image/jpeg;base64,{data}">'


def _small(data: bytes) -> Image.Image:
    """Read a photo quickly and small; slowly what only the server's own reader knows."""
    try:
        return Image.fromarray(decode_small(data, PhotoLimits()).rgb)
    except PhotoRefused:
        pixels = to_depth(decode(data, limits=Limits()).pixels, 8)
    scale = min(SIDE / max(pixels.shape[:2]), 1.0)
    size = (max(round(pixels.shape[1] * scale), 1), max(round(pixels.shape[0] * scale), 1))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    small = small.reshape(size[1], size[0], pixels.shape[2])
    return Image.fromarray(small[..., 0] if small.shape[2] == 1 else small).convert("RGB")


def _url(path: str) -> str:
    return escape(quote(os.fsencode(path.replace(os.sep, "/"))))
