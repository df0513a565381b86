"""HEIC, the photos of phones: read where the extra ``heic`` is installed, never written.

libheif and libde265, which pi-heif brings, are LGPL-3.0; nothing of them comes with Photochrom.
"""

from __future__ import annotations

import io
from importlib.util import find_spec

import numpy as np

from plugin_server.images import xmp
from plugin_server.images.exif import strip_mark
from plugin_server.images.layer import (
    READABLE,
    Limits,
    Metadata,
    Stored,
    UnsupportedImage,
    reading,
)

# ISO/IEC 23008-12: HEVC still pictures, of 8 bits and of more, and files of several pictures.
BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1")
MISSING = (
    "install what reads it on the machine that colours, pip install 'photochrom[heic]', or convert "
    f"it first, in GIMP for example (File > Export As), and send {READABLE}"
)
SUFFIXES = frozenset({".heic", ".heif", ".hif"})
SEVERAL = "The HEIC holds {} pictures; only its main one is read."


def can_be_read() -> bool:
    """Tell whether the extra is installed."""
    return find_spec("pi_heif") is not None


def is_heic(data: bytes) -> bool:
    """Tell a HEIC file by its first bytes."""
    return data[4:8] == b"ftyp" and data[8:12] in BRANDS


def read(data: bytes, limits: Limits) -> Stored:
    """Read the main picture: grey, RGB or RGBA of 8 or 16 bits, already upright.

    Raises:
        UnsupportedImage: pi-heif is not installed.
    """
    try:
        import pi_heif
    except ImportError as problem:
        raise UnsupportedImage(f"the file is a HEIC; {MISSING}") from problem
    with reading("HEIC"):
        file = pi_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False)
        photo = file[file.primary_index]
        limits.check_size(*photo.size)
        pixels = np.array(photo)
        notices = (SEVERAL.format(len(file)),) if len(file) > 1 else ()
    # libheif turns the picture, whatever its EXIF says.
    return Stored(
        pixels if pixels.ndim == 3 else pixels[..., None],
        profile=photo.info.get("icc_profile"),
        metadata=Metadata(
            exif=strip_mark(photo.info.get("exif")), xmp=xmp.readable(photo.info.get("xmp"))
        ),
        notices=notices,
    )
