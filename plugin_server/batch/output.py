"""Where the results of a batch lie, and how they come to stand there whole."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from plugin_server.engine.answer_types import EIGHT_BIT, TYPE_OF, OutputType
from retrieval import whole_file

Format = Literal["same", "png", "tiff", "jpeg", "webp"]
FORMATS: Final = get_args(Format)
SUFFIX_OF: Final = {"png": ".png", "tiff": ".tif", "jpeg": ".jpg", "webp": ".webp"}


@dataclass(frozen=True, slots=True)
class Output:
    """The output folder: a mirror of the photos' own, name for name.

    Where another ``format`` than the photo's is asked for, its suffix is added to the whole name
    (``a.jpg.png``), so that no two photos meet in one file.
    """

    folder: Path
    format: Format = "same"

    def place(self, name: str) -> tuple[str, OutputType]:
        """Return the result's path below the folder, and its type."""
        suffix = os.path.splitext(name)[1].lower()
        if self.format == "same":
            return name, OutputType(TYPE_OF[suffix])
        wanted = TYPE_OF[SUFFIX_OF[self.format]]
        fits = TYPE_OF.get(suffix) == wanted
        return name if fits else name + SUFFIX_OF[self.format], OutputType(
            wanted, wanted in EIGHT_BIT
        )

    def partial(self, output: str) -> Path:
        """Name the file that a result is written to before it gets its own name.

        It lies in the same folder, so that renaming is a single step, and is short, because the
        result's name may be as long as a name can be.
        """
        digest = hashlib.sha256(output.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        return (self.folder / output).with_name(f".photochrom-{digest}.partial")


def write_whole(target: Path, partial: Path, data: bytes) -> None:
    """Write the whole file or none of it, on the disk before it gets its name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    whole_file.write_whole(target, data, partial=partial)
