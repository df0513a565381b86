"""Which of a TIFF file's pictures is the photo: previews come before it, behind it or above it.

A reduced copy is marked by NewSubfileType (TIFF 6.0, section 8). TIFF/EP and DNG put it first and
the photo into one of its SubIFDs; other programs keep the photo first and append the copies.
"""

from __future__ import annotations

from typing import Any, Final

import tifffile

from plugin_server.images.layer import UnsupportedImage
from retrieval.containers.tiff import Directories, Tag

Page = dict[int, Tag]

RAW: Final = (32803, 34892)  # PhotometricInterpretation of what a sensor gave (TIFF/EP, DNG)
DNG_VERSION: Final = 50706
_WIDTH, _LENGTH, _PHOTOMETRIC, _SUBFILE = 256, 257, 262, 254
_MASK: Final = 4  # of NewSubfileType


def photo_of(file: tifffile.TiffFile, directories: Directories) -> Any:
    """Return the page that holds the photo itself.

    Raises:
        UnsupportedImage: the file holds several photos, or what a sensor gave.
    """
    pages, inner = directories.pages, directories.inner
    if (pages and DNG_VERSION in pages[0]) or any(
        directories.number(page, _PHOTOMETRIC, 0) in RAW for page in (*pages, *inner)
    ):
        raise UnsupportedImage(
            "the file is a camera's raw photo (DNG or alike), a small preview beside what the "
            "sensor gave: develop it in a raw converter, such as darktable or RawTherapee, and "
            "send the TIFF or JPEG"
        )
    whole = [page for page in pages if _is_whole(directories, page)]
    below = [page for page in inner if _is_whole(directories, page)]
    if whole and whole[0] is pages[0]:  # a larger picture below one that nobody marked as its copy
        larger = [page for page in below if _area(directories, page) > _area(directories, pages[0])]
        whole = larger + whole[1:] if larger else whole
    else:
        whole += below
    if len(whole) > 1:
        raise UnsupportedImage(
            f"the TIFF has {len(whole)} pages; send one page as a file of its own"
        )
    chosen = whole[0] if whole else max(pages, key=lambda page: _area(directories, page))
    for number, page in enumerate(pages):
        if page is chosen:
            return file.pages[number]
    first: Any = file.pages.first
    return first.pages[next(number for number, page in enumerate(inner) if page is chosen)]


def _is_whole(directories: Directories, page: Page) -> bool:
    is_mask = bool(directories.number(page, _SUBFILE, 0) & _MASK)
    return not is_mask and not directories.is_reduced(page)


def _area(directories: Directories, page: Page) -> int:
    return directories.number(page, _WIDTH, 0) * directories.number(page, _LENGTH, 0)
