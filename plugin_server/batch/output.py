"""Where the results of a batch lie, and how they come to stand there whole."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from plugin_server.batch.writing import partial_of
from plugin_server.engine.requests import Exact
from plugin_server.images.layer import EIGHT_BIT, SUFFIX_OF, TYPE_OF

Format = Literal["same", "png", "tiff", "jpeg", "webp"]


@dataclass(frozen=True, slots=True)
class Output:
    """The output folder: a mirror of the photos' own, name for name.

    Where another ``format`` than the photo's is asked for, its suffix is added to the whole name
    (``a.jpg.png``), so that no two photos meet in one file.
    """

    folder: Path
    format: Format = "same"

    def place(self, name: str) -> tuple[str, Exact]:
        """Return the result's path below the folder, and its type."""
        suffix = os.path.splitext(name)[1].lower()
        if self.format == "same":
            return name, Exact(TYPE_OF[suffix])
        wanted = f"image/{self.format}"
        fits = TYPE_OF.get(suffix) == wanted
        return name if fits else name + SUFFIX_OF[wanted], Exact(wanted, wanted in EIGHT_BIT)

    def partial(self, output: str) -> Path:
        """Name the file that a result is written to before it gets its own name."""
        return partial_of(self.folder / output)
