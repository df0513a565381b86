"""A photo's bytes, read just well enough to index it: small, upright, sRGB.

A JPEG is decoded at an eighth, a quarter or half of its size where that suffices, which is many
times faster than all of it. Only what the server can use as a reference is accepted.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from models.color.lab import srgb_to_lab
from retrieval.containers.jpeg import check_scans, with_bounded_exif
from retrieval.containers.tiff import MAGICS, Directories
from retrieval.database.exemplar import Prepared
from retrieval.errors import PhotoRefused
from retrieval.ingest.captions import captions_inside, exif_of, texts_inside
from retrieval.ingest.dominant_colors import dominant_colors

# The size is checked below, before a pixel is decoded; Pillow's own warning comes at 89 megapixels.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

FORMATS: Final = ("JPEG", "PNG", "WEBP", "TIFF")
JPEG: Final = b"\xff\xd8\xff"
SMALL_SIDE: Final = 256  # the short side that is decoded at least; image towers see 192 to 224
LONGEST: Final = 1024  # of the small picture: a panorama must not become a large one
THUMBNAIL_SIDE: Final = 256
LEAST_SIDE: Final = 32  # anything smaller is an icon
# A photo is grey where nearly all of it is within GREY_CHROMA of neutral, and toned (sepia, cyan)
# where a and b follow from L alone, up to a residue. On 1,500 colour photos and as many sepia JPEGs
# made of them, this refused 95 % of the sepia ones and 0.13 % of the others.
GREY_CHROMA: Final = 6.0
TONED_RESIDUE: Final = 1.5  # toned for certain
LARGEST_RESIDUE: Final = 2.5  # toned only if that is little of the chroma:
TONED_SHARE: Final = 0.12
# EXIF 2.32, orientation: what brings the stored picture upright.
TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
QUARTER_TURNS: Final = frozenset(TURNS[value] for value in (5, 6, 7, 8))


@dataclass(frozen=True, slots=True)
class PhotoLimits:
    """The largest file and picture that are read; the server's own defaults."""

    max_bytes: int = 512 * 1024 * 1024
    max_pixels: int = 100_000_000

    def check_bytes(self, size: int) -> None:
        """Raise PhotoRefused for a file that is too large."""
        if size > self.max_bytes:
            raise PhotoRefused(
                f"too large: {size / 1e6:,.0f} MB, and the limit is {self.max_bytes / 1e6:,.0f} MB"
            )

    def check_size(self, width: int, height: int) -> None:
        """Raise PhotoRefused for a picture that is too large or too small."""
        if width * height > self.max_pixels:
            raise PhotoRefused(
                f"too large: {width} x {height} pixels, and the limit is "
                f"{self.max_pixels / 1e6:,.0f} megapixels"
            )
        if min(width, height) < LEAST_SIDE:
            raise PhotoRefused(
                f"too small: {width} x {height} pixels, and the short side must have at least "
                f"{LEAST_SIDE}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class SmallPhoto:
    """A decoded photo.

    ``rgb`` is (h, w, 3) uint8 sRGB, upright and small; ``width`` and ``height`` are the upright
    photo's own; ``captions`` are those inside the file.
    """

    rgb: NDArray[np.uint8]
    width: int
    height: int
    captions: tuple[str, ...]


DecodeSmall = Callable[[bytes, PhotoLimits], SmallPhoto]  # decode_small, wherever it is done


def describe(data: bytes, small: SmallPhoto, captions: tuple[str, ...] = ()) -> Prepared:
    """Derive all that the library keeps of a photo, the embedding aside.

    ``captions`` from beside the photo go before those inside it.

    Raises:
        PhotoRefused: grey or toned.
    """
    swatch = cv2.resize(small.rgb, (64, 64), interpolation=cv2.INTER_AREA)
    lab = srgb_to_lab(swatch.astype(np.float32) / np.float32(255))
    if is_grey(lab):
        raise PhotoRefused("grey: it has no colours to lend")
    return Prepared(
        sha256=hashlib.sha256(data).hexdigest(),
        width=small.width,
        height=small.height,
        rgb=small.rgb,
        thumbnail=encode_thumbnail(small.rgb),
        colors=dominant_colors(lab),
        dhash=difference_hash(small.rgb),
        captions=captions or small.captions,
    )


def is_grey(lab: NDArray[np.float32]) -> bool:
    """Tell whether (H, W, 3) CIELAB is neutral, or a single tone that follows from L."""
    ab = lab[..., 1:].reshape(-1, 2)
    chroma = np.percentile(np.hypot(ab[:, 0], ab[:, 1]), 98)
    if chroma < GREY_CHROMA:
        return True
    share = lab[..., 0].reshape(-1) / np.float32(100)
    terms = np.stack([np.ones_like(share), share, share**2, share**3], axis=1)
    fit, *_ = np.linalg.lstsq(terms, ab, rcond=None)
    residue = np.sqrt(np.mean(np.sum((ab - terms @ fit) ** 2, axis=1)))
    if residue < TONED_RESIDUE:
        return True
    return bool(residue < min(LARGEST_RESIDUE, TONED_SHARE * chroma))


def difference_hash(rgb: NDArray[np.uint8]) -> int:
    """Return 64 bits: whether each of 8x8 cells is brighter than its right neighbour (dHash)."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    cells = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA).astype(np.int16)
    bits = (cells[:, :-1] > cells[:, 1:]).reshape(-1)
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def encode_thumbnail(rgb: NDArray[np.uint8]) -> bytes:
    """Write a small JPEG of (h, w, 3) uint8 sRGB."""
    image = Image.fromarray(rgb)
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=82)
    return file.getvalue()


def decode_small(data: bytes, limits: PhotoLimits) -> SmallPhoto:
    """Decode a photo at the smallest size that serves.

    Raises:
        PhotoRefused: broken, too large, too small, or of an unknown format.
    """
    limits.check_bytes(len(data))
    if not data:
        raise PhotoRefused("broken: the file is empty")
    try:
        with Image.open(io.BytesIO(checked(data)), formats=FORMATS) as image:
            width, height = image.size
            limits.check_size(width, height)
            captions = captions_inside(image)
            scale = min(1.0, SMALL_SIDE / min(width, height))
            scale = min(scale, LONGEST / max(width, height))
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            image.draft(None, size)
            # Photos of other depths and colour models: Pillow brings all to 8-bit RGB.
            small = image if image.mode in ("RGB", "CMYK", "LAB") else _flatten(image)
            if scale < 1:
                small = small.resize(size, Image.Resampling.BOX, reducing_gap=None)
            small = _to_srgb(small, image.info.get("icc_profile"))
            turn = TURNS.get(exif_of(image).get(ExifTags.Base.Orientation, 1))
    except PhotoRefused:
        raise
    except UnidentifiedImageError as problem:
        raise PhotoRefused("broken: no JPEG, PNG, WebP or TIFF picture") from problem
    except Image.DecompressionBombError as problem:
        raise PhotoRefused(
            f"too large: more than {limits.max_pixels / 1e6:,.0f} megapixels"
        ) from problem
    except MemoryError:
        raise
    except Exception as problem:  # Pillow's decoders raise nearly everything on damaged files
        raise PhotoRefused(f"broken: {' '.join(str(problem).split()) or 'damaged'}") from problem
    if turn is not None:
        small = small.transpose(turn)
        if turn in QUARTER_TURNS:
            width, height = height, width
    return SmallPhoto(np.asarray(small, np.uint8), width, height, captions)


def texts_in(data: bytes) -> tuple[str, ...]:
    """Read what stands where captions belong in a photo's file, whoever wrote it.

    It is XMP's, IPTC's or EXIF's; damage counts as none.
    """
    try:
        with Image.open(io.BytesIO(checked(data)), formats=FORMATS) as image:
            return texts_inside(image)
    except MemoryError:
        raise
    except Exception:  # Pillow raises nearly anything; whoever decodes the photo says what is wrong
        return ()


def checked(data: bytes) -> bytes:
    """Return a photo's bytes as Pillow may see them: without EXIF that would harm it.

    Raises:
        ValueError: directories or scans that no photo has.
    """
    if data.startswith(JPEG):
        check_scans(data)
        return with_bounded_exif(data)
    if data[:4] in MAGICS:
        Directories(data)
    return data


def _flatten(image: Image.Image) -> Image.Image:
    """Bring any mode to RGB; what is transparent becomes white, as on paper."""
    if image.mode.startswith("I;16"):  # Pillow would cut it at 255
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        paper = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(paper, rgba).convert("RGB")
    return image.convert("RGB")


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert the small picture by its colour profile; a damaged profile counts as none."""
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            converted = None
        if converted is not None:
            return converted
    return image.convert("RGB")
