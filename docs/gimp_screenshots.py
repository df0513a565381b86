"""Draw the pictures of the GIMP guide, docs/images/gimp-*.png, with the weights that are installed.

python docs/gimp_screenshots.py
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from pathlib import Path

import skimage.data
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))
from screenshots import COLOURS, IMAGES, server

from tests.support.gimp_screen import Screen, on_screen
from tests.support.real_gimp import find_command

WORDS = "an astronaut in an orange suit in front of a red flag"
SECONDS = 120  # that the server may take for a preview
DRAWN = 20  # seconds until a result's layers are filled and drawn, and its progress bar is gone
OPEN = """
image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))
KEPT.update(image=image, display=Gimp.Display.new(image))
Gimp.displays_flush()
answer = True
"""
CLOSE = "KEPT['display'].delete()"
DABS = """
image = KEPT["image"]
layer = image.get_layers()[0]
Gimp.context_push()
for x, y, color in places:
    Gimp.context_set_foreground(Gegl.Color.new(color))
    image.select_ellipse(Gimp.ChannelOps.REPLACE, x - 9, y - 9, 18, 18)
    layer.edit_fill(Gimp.FillType.FOREGROUND)
Gimp.Selection.none(image)
Gimp.context_pop()
Gimp.displays_flush()
answer = True
"""
PLACES = [(190, 50, "#9a7048"), (120, 330, "#e08030"), (300, 320, "#e08030"), (33, 262, "#a02030"),
          (330, 60, "#c8c4bc"), (205, 122, "#d8a888")]  # fmt: skip


def grey(folder: Path, name: str) -> Path:
    """Write one of scikit-image's photos in grey."""
    file = folder / f"{name}.png"
    Image.fromarray(getattr(skimage.data, name)()).convert("L").save(file)
    return file


def shoot(screen: Screen, folder: Path, name: str, window: str = "") -> None:
    """Save the screen, or a window of it, with few colours."""
    screen.gimp.ui("shot", folder / "screen.png", window)
    picture = Image.open(folder / "screen.png").convert("RGB")
    reduced = picture.quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    data = io.BytesIO()
    reduced.save(data, "PNG", optimize=True)
    (IMAGES / f"gimp-{name}.png").write_bytes(data.getvalue())
    print(f"gimp-{name}.png: {len(data.getvalue()):,} bytes")


def draw(screen: Screen, folder: Path) -> None:
    """Go through the plug-in as its users do."""
    gimp = screen.gimp
    gimp.inside(OPEN, path=str(grey(folder, "astronaut")))
    gimp.wait("Untitled.*512x512")
    title = screen.open("Colorize from Description...")
    gimp.wait_for_text(title, "is ready", SECONDS)
    gimp.ui("put", title, "Description", WORDS)
    gimp.wait_for_text(title, "orange suit", SECONDS)
    x, y, width, height = gimp.ui("place", title, "orange suit")
    gimp.ui("point", x + width // 2, y + height // 2)
    shoot(screen, folder, "place", title)
    gimp.ui("point", 5, 5)
    shoot(screen, folder, "description", title)
    gimp.ui("click", title, "Candidates")
    gimp.wait_for_text(title, "nearest", SECONDS)
    shoot(screen, folder, "candidates", title)
    gimp.ui("put", title, "New layer", "A group with a layer for each thing")
    screen.close(title, "OK")
    gimp.wait("[2-9] layers", SECONDS)
    time.sleep(DRAWN)
    shoot(screen, folder, "result")
    gimp.inside(CLOSE)
    gimp.inside(OPEN, path=str(grey(folder, "astronaut")))
    gimp.wait("Untitled.*512x512")
    title = screen.open("Find Exemplar Photos...")
    gimp.wait_for_text(title, "Pick one photo", SECONDS)
    shoot(screen, folder, "exemplars", title)
    screen.close(title, "Cancel")
    gimp.menu("New Dab Layer")
    screen.wait_for_layers(2)
    gimp.inside(DABS, places=PLACES)
    title = screen.open("Colorize with Hints...")
    gimp.wait_for_text(title, "is ready", SECONDS)
    screen.close(title, "OK")
    gimp.wait("3 layers", SECONDS)
    time.sleep(DRAWN)
    shoot(screen, folder, "hints")
    gimp.inside(CLOSE)


def main() -> None:
    """Draw every picture."""
    with tempfile.TemporaryDirectory() as name, server() as address:
        folder = Path(name)
        with on_screen(find_command(), folder / "gimp", PHOTOCHROM_SERVER=address) as screen:
            draw(screen, folder)


if __name__ == "__main__":
    main()
