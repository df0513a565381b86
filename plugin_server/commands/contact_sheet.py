"""Contact sheets: what exemplars would make of a photo, and exemplars in rows."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

PAPER, INK, FAINT = (248, 247, 244), (30, 30, 30), (110, 110, 110)
WIDTH = 340  # of a column, in pixels
TALLEST = 440  # a picture is shrunk to fit into WIDTH x TALLEST
EXEMPLAR = 170  # height of an exemplar's thumbnail
MARGIN = 18
FONT_SIZE = 17
CELL = 240  # side of the square that a thumbnail is fitted into
CELL_MARGIN = 16
CELL_FONT_SIZE = 14
LINE = 19
COLUMNS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One result, (H, W, 1..4) uint8, uint16 or float32, and what it was coloured by.

    ``thumbnail``, ``id`` and ``score`` are the exemplar's, where there is one.
    """

    pixels: NDArray[Any]
    thumbnail: bytes | None
    id: str
    score: float | None
    caption: str


def draw_sheet(target: NDArray[Any], candidates: Sequence[Candidate]) -> bytes:
    """Draw a PNG: the target, then each result with its number, its exemplar below it."""
    pictures = [_shrunk(target), *(_shrunk(candidate.pixels) for candidate in candidates)]
    font = ImageFont.load_default(size=FONT_SIZE)
    line = round(FONT_SIZE * 1.4)
    top = MARGIN + max(picture.height for picture in pictures)
    below = top + MARGIN // 2 + line + MARGIN // 2
    exemplar_height = EXEMPLAR if any(candidate.thumbnail for candidate in candidates) else 0
    height = below + exemplar_height + MARGIN // 2 + 2 * line + MARGIN
    sheet = Image.new("RGB", (len(pictures) * (WIDTH + MARGIN) + MARGIN, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    for column, picture in enumerate(pictures):
        left = MARGIN + column * (WIDTH + MARGIN)
        sheet.paste(picture, (left, top - picture.height))

        def write(text: str, y: int, ink: tuple[int, int, int] = INK, left: int = left) -> None:
            draw.text(
                (left, y), _cut(" ".join(text.split()), draw, font, WIDTH), fill=ink, font=font
            )

        if column == 0:
            write("the photo", top + MARGIN // 2)
            write("coloured from:", below + exemplar_height // 2, FAINT)
            continue
        candidate = candidates[column - 1]
        write(f"{column}", top + MARGIN // 2)
        words = below + exemplar_height + MARGIN // 2
        if candidate.thumbnail is not None:
            exemplar = Image.open(io.BytesIO(candidate.thumbnail)).convert("RGB")
            exemplar.thumbnail((WIDTH, EXEMPLAR))
            sheet.paste(exemplar, (left, below))
            write(f"{candidate.id}   score {candidate.score:.2f}", words)
        write(candidate.caption, words + line, FAINT)
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()


@dataclass(frozen=True, slots=True)
class Entry:
    """One exemplar of the sheet; ``thumbnail`` is an encoded picture."""

    thumbnail: bytes
    id: str
    score: float
    caption: str


def draw_exemplars(entries: Sequence[Entry]) -> bytes:
    """Draw a PNG, the entries in reading order."""
    pictures = [_fitted(entry.thumbnail) for entry in entries]
    columns = min(COLUMNS, len(entries))
    rows = [range(start, min(start + columns, len(entries)))
            for start in range(0, len(entries), columns)]  # fmt: skip
    tallest = [max(pictures[index].height for index in row) for row in rows]
    height = CELL_MARGIN + sum(tall + 2 * LINE + CELL_MARGIN for tall in tallest)
    sheet = Image.new("RGB", (columns * (CELL + CELL_MARGIN) + CELL_MARGIN, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=CELL_FONT_SIZE)
    below = CELL_MARGIN
    for row, tall in zip(rows, tallest, strict=True):
        below += tall  # pictures of a row stand on one line
        for column, index in enumerate(row):
            entry, picture, left = (
                entries[index],
                pictures[index],
                CELL_MARGIN + column * (CELL + CELL_MARGIN),
            )
            sheet.paste(picture, (left, below - picture.height))
            words = f"{index + 1}  {entry.id}  score {entry.score:.2f}"
            draw.text((left, below + 4), words, fill=INK, font=font)
            caption = _cut(entry.caption, draw, font, CELL)
            draw.text((left, below + 4 + LINE), caption, fill=FAINT, font=font)
        below += 2 * LINE + CELL_MARGIN
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()


def _shrunk(pixels: NDArray[Any]) -> Image.Image:
    """Show a picture, on paper where it is transparent, at the size of the sheet's columns."""
    height, width, channels = pixels.shape
    step = max(min(height // (2 * TALLEST), width // (2 * WIDTH)), 1)  # a scan is large
    near = pixels[::step, ::step]
    if near.dtype != np.uint8:
        scale = 1 if near.dtype == np.float32 else np.iinfo(near.dtype).max
        near = np.rint(near / scale * 255).astype(np.uint8)
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels]
    image = Image.fromarray(near[..., 0] if channels == 1 else near, mode).convert("RGBA")
    scale = min(WIDTH / width, TALLEST / height)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    image = image.resize(size, Image.Resampling.LANCZOS)
    paper = Image.new("RGBA", size, (*PAPER, 255))
    return Image.alpha_composite(paper, image).convert("RGB")


def _fitted(thumbnail: bytes) -> Image.Image:
    """Decode a thumbnail and fit it into a cell."""
    with Image.open(io.BytesIO(thumbnail)) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((CELL, CELL))
    return picture


def _cut(text: str, draw: ImageDraw.ImageDraw, font: Font, width: int) -> str:
    """Cut a text to a width in pixels."""
    if draw.textlength(text, font=font) <= width:
        return text
    while text and draw.textlength(text + "...", font=font) > width:
        text = text[:-1]
    return text.rstrip() + "..."
