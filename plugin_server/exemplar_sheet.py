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
    columns = min(COLUMNS, len(entries))
    lines = -(-len(entries) // columns)
    step_x, step_y = CELL + MARGIN, CELL + 2 * LINE + MARGIN
    size = (columns * step_x + MARGIN, lines * step_y + MARGIN)
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=FONT_SIZE)
    for index, entry in enumerate(entries):
        left = MARGIN + index % columns * step_x
        top = MARGIN + index // columns * step_y
        picture = Image.open(io.BytesIO(entry.thumbnail)).convert("RGB")
        picture.thumbnail((CELL, CELL))
        sheet.paste(picture, (left, top + CELL - picture.height))
        words = f"{index + 1}  {entry.id}  score {entry.score:.2f}"
        draw.text((left, top + CELL + 4), words, fill=INK, font=font)
        caption = _cut(entry.caption, draw, font)
        draw.text((left, top + CELL + 4 + LINE), caption, fill=FAINT, font=font)
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()


def _cut(
    text: str, draw: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont | ImageFont.ImageFont
) -> str:
    """Cut a text to the width of a cell."""
    if draw.textlength(text, font=font) <= CELL:
        return text
    while text and draw.textlength(text + "...", font=font) > CELL:
        text = text[:-1]
    return text.rstrip() + "..."
