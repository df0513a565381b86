"""A sheet of exemplars: thumbnails in rows, each with its id, score and caption."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

PAPER, INK, FAINT = (248, 247, 244), (30, 30, 30), (110, 110, 110)
CELL = 240  # side of the square that a thumbnail is fitted into
MARGIN = 16
FONT_SIZE = 14
LINE = 19
COLUMNS = 4


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
    height = MARGIN + sum(tall + 2 * LINE + MARGIN for tall in tallest)
    sheet = Image.new("RGB", (columns * (CELL + MARGIN) + MARGIN, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=FONT_SIZE)
    below = MARGIN
    for row, tall in zip(rows, tallest, strict=True):
        below += tall  # pictures of a row stand on one line
        for column, index in enumerate(row):
            entry, picture, left = (
                entries[index],
                pictures[index],
                MARGIN + column * (CELL + MARGIN),
            )
            sheet.paste(picture, (left, below - picture.height))
            words = f"{index + 1}  {entry.id}  score {entry.score:.2f}"
            draw.text((left, below + 4), words, fill=INK, font=font)
            caption = _cut(entry.caption, draw, font)
            draw.text((left, below + 4 + LINE), caption, fill=FAINT, font=font)
        below += 2 * LINE + MARGIN
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()


def _fitted(thumbnail: bytes) -> Image.Image:
    """Decode a thumbnail and fit it into a cell."""
    with Image.open(io.BytesIO(thumbnail)) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((CELL, CELL))
    return picture


def _cut(
    text: str, draw: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont | ImageFont.ImageFont
) -> str:
    """Cut a text to the width of a cell."""
    if draw.textlength(text, font=font) <= CELL:
        return text
    while text and draw.textlength(text + "...", font=font) > CELL:
        text = text[:-1]
    return text.rstrip() + "..."
