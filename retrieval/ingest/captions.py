"""What people wrote about a photo: beside it, inside it, or in its shard.

The first of these that says anything counts: a JSON or text file beside the photo (Google Takeout's
``photo.jpg.json`` too), XMP's ``dc:description``, IPTC's caption, EXIF's image description.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import ExifTags, Image, ImageFile, IptcImagePlugin

from models.captions import LARGEST_SIDECAR, captions_in_sidecar, clean, decoded, is_json
from models.photo_files import sidecars
from retrieval.containers.tiff import is_bounded
from retrieval.containers.xml import XmlError, elements
from retrieval.ingest.technical_text import is_technical

DESCRIPTION: Final = ("http://purl.org/dc/elements/1.1/", "description")
ENTRY: Final = ("http://www.w3.org/1999/02/22-rdf-syntax-ns#", "li")
IPTC_CAPTION: Final = (2, 120)


@dataclass(frozen=True, slots=True)
class Captions:
    """What was written about a photo, the texts that say nothing of it, and what was passed over.

    ``problems`` are sentences about sidecars that could not be used.
    """

    texts: tuple[str, ...] = ()
    set_aside: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @classmethod
    def of(cls, texts: tuple[str, ...], more: Iterable[str] = ()) -> Captions:
        """Part the texts of machines (``technical_text``) from those of people."""
        more = tuple(more)
        technical = tuple(text for text in texts if is_technical(text, more))
        return cls(tuple(text for text in texts if text not in technical), technical)


def captions_beside(photo: Path) -> tuple[str, ...]:
    """Read the sidecar of a photo: ``NAME.json``, ``NAME.jpg.json``, or the same in ``.txt``.

    A sidecar that cannot be read is passed over: it must not keep the photo out.
    """
    return written_beside(photo).texts


def written_beside(photo: Path, more: Iterable[str] = ()) -> Captions:
    """Read the sidecar of a photo as ``captions_beside``, and say what was passed over.

    ``more`` are texts that say nothing, as in ``technical_text.is_technical``.
    """
    problems: list[str] = []
    set_aside: tuple[str, ...] = ()
    for sidecar in sidecars(photo):
        try:
            status = sidecar.stat()
            size = status.st_size
            if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
                problems.append(f"{sidecar.name} is no file and was passed over.")
                continue
            if size > LARGEST_SIDECAR:
                problems.append(
                    f"{sidecar.name} has {size:,} bytes, too many for a description, and was "
                    "passed over."
                )
                continue
            data = sidecar.read_bytes()
        except FileNotFoundError:
            continue
        except OSError as problem:
            problems.append(f"{sidecar.name} cannot be read: {problem.strerror}.")
            continue
        if sidecar.suffix == ".json" and not is_json(data):
            problems.append(f"{sidecar.name} is damaged JSON and was passed over.")
            continue
        found = Captions.of(captions_in_sidecar(sidecar.suffix, data), more)
        set_aside += found.set_aside
        if found.texts:
            return Captions(found.texts, set_aside, tuple(problems))
    return Captions((), set_aside, tuple(problems))


def captions_inside(image: ImageFile.ImageFile) -> tuple[str, ...]:
    """Read the captions in an opened photo's XMP, IPTC or EXIF; damaged ones count as none.

    What machines wrote there is none either.
    """
    return Captions.of(texts_inside(image)).texts


def texts_inside(image: ImageFile.ImageFile) -> tuple[str, ...]:
    """Read what stands where captions belong, whoever wrote it."""
    if found := captions_in_xmp(image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")):
        return found
    try:
        iptc = (IptcImagePlugin.getiptcinfo(image) or {}).get(IPTC_CAPTION, b"")
        exif = exif_of(image).get(ExifTags.Base.ImageDescription, "")
    except (OSError, SyntaxError, ValueError, KeyError, IndexError):
        return ()
    entries = iptc if isinstance(iptc, list) else [iptc]
    if found := clean(decoded(entry) for entry in entries):
        return found
    text = decoded(exif) if isinstance(exif, bytes) else str(exif)
    return clean([text])


def exif_of(image: Image.Image) -> Image.Exif:
    """Return an opened photo's EXIF, none where its directories could harm who reads them."""
    block = image.info.get("exif")
    if isinstance(block, bytes) and not is_bounded(block.removeprefix(b"Exif\0\0")):
        return Image.Exif()
    return image.getexif()


def captions_in_xmp(packet: bytes | str | None) -> tuple[str, ...]:
    """Read ``dc:description`` of an XMP packet."""
    if isinstance(packet, str):
        packet = packet.encode("utf-8", "replace")
    if not packet or len(packet) > LARGEST_SIDECAR:
        return ()
    try:
        found = elements(packet.strip(b"\0 \r\n\t"))
    except XmlError:
        return ()
    inside: set[int] = set()  # elements within a description, by identity
    texts = []
    for element in found:  # parents come before their children
        if element.name == DESCRIPTION or id(element.parent) in inside:
            inside.add(id(element))
            if element.name == ENTRY:
                texts.append(element.text)
    texts += [element.attributes.get(DESCRIPTION, "") for element in found]
    return clean(texts)
