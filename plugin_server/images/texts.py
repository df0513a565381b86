"""Short texts that a photo came with, under PNG's keywords, which TIFF and JPEG know in part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

Texts = tuple[tuple[str, str], ...]

COMMENT: Final = "Comment"  # all that JPEG has
# DocumentName, ImageDescription, Make, Model, DateTime, Artist, Copyright (TIFF 6.0, section 8);
# PNG 3rd edition, 11.3.3.2, has a keyword for most.
KEYWORD_OF: Final = {
    269: "Title", 270: "Description", 271: "Make", 272: "Model", 306: "Creation Time",
    315: "Author", 33432: "Copyright",
}  # fmt: skip
TAG_OF: Final = {keyword: tag for tag, keyword in KEYWORD_OF.items()}
# Descriptions that tifffile, ImageJ and OME read as the layout of the pixels, which changes.
LAYOUTS: Final = ('{"shape"', "ImageJ=", "<?xml", "<OME")
MOST: Final = 64
LONGEST: Final = 1 << 20  # letters of them all


def bounded(found: Iterable[tuple[str, str]]) -> Texts:
    """Keep the first text of each keyword, as many as a photo may have."""
    kept: dict[str, str] = {}
    letters = 0
    for keyword, text in found:
        text = text.strip("\0 \r\n\t")
        letters += len(text)
        if len(kept) == MOST or letters > LONGEST:
            break
        if text:
            kept.setdefault(keyword, text)
    return tuple(kept.items())


def from_tags(values: Mapping[int, object]) -> Texts:
    """Read TIFF's text tags; what programs say there about the layout of pixels is none."""
    return bounded(
        (keyword, value)
        for tag, keyword in KEYWORD_OF.items()
        if isinstance(value := values.get(tag), str) and not value.startswith(LAYOUTS)
    )


def to_tags(texts: Texts) -> dict[int, str]:
    """Choose TIFF's tags, in their order; a comment becomes the description where there is none."""
    known = {TAG_OF[keyword]: text for keyword, text in texts if keyword in TAG_OF}
    if (comment := dict(texts).get(COMMENT)) is not None:
        known.setdefault(TAG_OF["Description"], comment)
    return dict(sorted(known.items()))


def from_jpeg(comments: Iterable[bytes]) -> Texts:
    """Read a JPEG's comments, which say nothing of their encoding."""
    return bounded([(COMMENT, "\n".join(map(_text_of, comments)))])


def to_jpeg(texts: Texts) -> bytes:
    """Write the comment."""
    return dict(texts).get(COMMENT, "").encode()


def _text_of(comment: bytes) -> str:
    try:
        return comment.decode("utf-8")
    except UnicodeDecodeError:
        return comment.decode("latin-1")
