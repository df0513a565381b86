"""Draw the pictures of docs/first-hour.md: run the commands it shows on photos that are free.

python docs/first_hour.py
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import skimage.data
from PIL import Image

DOCS = Path(__file__).parent
PAPER, GAP = "white", 8
HEIGHT, QUALITY = 300, 80  # of a picture that is drawn, so that it stays below 100 kB
SCANS = {"cat": "chelsea", "cup": "coffee", "rocket": "rocket"}


def commands() -> list[list[str]]:
    """Find the commands of the page that colour something, or fill the library."""
    text = (DOCS / "first-hour.md").read_text("utf-8").replace("\\\n", " ")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [shlex.split(line) for block in blocks for line in block.splitlines() if line]
    return [words for words in lines if words[1:2] in (["colorize"], ["library"])]


def grey(name: str) -> Image.Image:
    """Take one of scikit-image's photos without its colours."""
    return Image.fromarray(getattr(skimage.data, name)()).convert("L")


def row(pictures: Sequence[Image.Image], height: int) -> Image.Image:
    """Set pictures in a row."""
    scaled = [
        p.convert("RGB").resize((round(p.width * height / p.height), height)) for p in pictures
    ]
    drawn = Image.new("RGB", (sum(p.width + GAP for p in scaled) - GAP, height), PAPER)
    left = 0
    for picture in scaled:
        drawn.paste(picture, (left, 0))
        left += picture.width + GAP
    return drawn


def save(picture: Image.Image, name: str) -> None:
    """Save one of the page's pictures."""
    path = DOCS / "images" / f"first-hour-{name}.jpg"
    picture.save(path, quality=QUALITY, optimize=True)
    print(f"{path.name}: {picture.width} x {picture.height}, {path.stat().st_size:,} bytes")


def main() -> None:
    """Run the commands in a folder of their own and draw what they make."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "scans").mkdir()
        grey("astronaut").save(folder / "portrait.png")
        grey("coffee").save(folder / "cup.png")
        for photo, source in SCANS.items():
            grey(source).save(folder / "scans" / f"{photo}.png")
        for words in commands():
            print("$", shlex.join(words), flush=True)
            subprocess.run(
                [sys.executable, "-m", "plugin_server", *words[1:]], cwd=folder, check=True
            )

        names = ("portrait.png", "told.png", "dabbed.png")
        save(row([Image.open(folder / file) for file in names], HEIGHT), "family")
        pairs = [
            Image.open(folder / kind / f"{p}.png") for p in SCANS for kind in ("scans", "coloured")
        ]
        save(row(pairs, HEIGHT // 2), "archive")
        sheet = Image.open(folder / "cup-color-candidates.png").convert("RGB")
        sheet.thumbnail((1000, 1000))
        save(sheet, "retouching")


if __name__ == "__main__":
    main()
