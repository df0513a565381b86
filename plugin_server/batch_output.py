"""Where the results of a batch lie, what type they get, and how they come to stand there whole."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from plugin_server.images import Layer, UnsupportedImage

Format = Literal["same", "png", "tiff", "jpeg", "webp"]
FORMATS: Final = get_args(Format)
TYPE_OF: Final = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".jpe": "image/jpeg",
    ".jfif": "image/jpeg",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
    ".npy": "application/x-npy",
}
SUFFIX_OF: Final = {"png": ".png", "tiff": ".tif", "jpeg": ".jpg", "webp": ".webp"}
EIGHT_BIT: Final = ("image/jpeg", "image/webp")


@dataclass(frozen=True, slots=True)
class OutputType:
    """Answers in one media type; ``asked`` for by name, it may cost a photo's depth.

    A value rather than a function, so that it can travel to another process.
    """

    media_type: str
    asked: bool = False

    def __call__(self, layer: Layer) -> str:
        """Return the media type; UnsupportedImage where it would cut the depth unasked."""
        if not self.asked and layer.bits > 8 and self.media_type in EIGHT_BIT:
            raise UnsupportedImage(
                f"the photo has {layer.bits} bits and is a {layer.media_type.partition('/')[2]} by "
                f"its content, but its name says {self.media_type.partition('/')[2]}, which has 8: "
                "rename it, or choose a --format"
            )
        return self.media_type


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
    try:
        with open(partial, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
