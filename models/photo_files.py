"""Files by their names: which are pictures, and which belong to a photo: its sidecars, its mask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

# MPO is what some cameras call a JPEG with a second picture behind the photo.
IMAGE_SUFFIXES: Final = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".tif", ".tiff"}
)
# Pictures that people have but that are not read.
UNREADABLE: Final = frozenset(
    {".heic", ".heics", ".heif", ".heifs", ".hif", ".avif", ".avifs", ".jxl", ".gif", ".apng",
     ".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx", ".jpm", ".jxr", ".wdp",
     ".bmp", ".dib", ".ico", ".icns", ".cur", ".pcx", ".dcx", ".tga", ".icb", ".vda", ".vst",
     ".pbm", ".pgm", ".ppm", ".pnm", ".pam", ".pfm", ".sgi", ".rgb", ".rgba", ".bw", ".ras",
     ".xbm", ".xpm", ".im", ".msp", ".palm", ".pxr", ".qoi", ".dds", ".exr", ".hdr", ".fit",
     ".fits", ".dcm", ".pcd", ".fpx", ".pdf", ".djvu", ".ps", ".eps", ".psd", ".psb", ".xcf",
     ".kra", ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".kdc",
     ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl",
     ".sr2", ".srf", ".srw", ".x3f"}
)  # fmt: skip

SIDECARS: Final = (".json", ".txt")  # the first is asked first
MASK: Final = ".png"


def sidecars(photo: Path) -> Iterator[Path]:
    """Name the files that may describe a photo, the first of them first.

    ``NAME.json``, Google Takeout's ``NAME.jpg.json``, and the same in ``.txt``.
    """
    for suffix in SIDECARS:
        yield photo.with_suffix(suffix)
        yield photo.with_name(photo.name + suffix)


def key_of(name: str) -> str:
    """Return what the files of one sample of a shard have in common, their names' WebDataset key.

    That is the name without its suffix, and ``a`` for Takeout's ``a.jpg.json`` as well.
    """
    stem, _, suffix = name.rpartition(".")
    stem_of_photo, _, inner = stem.rpartition(".")
    is_sidecar = f".{suffix.lower()}" in SIDECARS and f".{inner.lower()}" in IMAGE_SUFFIXES
    return stem_of_photo if is_sidecar else stem


def part_masks(pictures: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Part the pictures of one sample into photos and masks: a PNG beside another is its mask."""
    masks = [picture for picture in pictures if picture.suffix.lower() == MASK]
    photos = [picture for picture in pictures if picture.suffix.lower() != MASK]
    return (photos, masks) if photos else (masks, [])
