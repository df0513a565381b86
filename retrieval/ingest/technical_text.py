"""Texts that programs, scanners and cameras put where a description belongs.

They say nothing of what a photo shows, and their words would colour it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

LONGEST: Final = 200  # letters; machines write shorter lines, but for JSON and XML
MAKERS: Final = (
    "agfa|apple|brother|canon|casio|contax|creo|epson|fuji(?:film)?|fujitsu|google|hasselblad|"
    "hewlett[- ]?packard|hp|imacon|kodak|konica|kyocera|leica|microtek|minolta|motorola|mustek|"
    "nikon|nokia|olympus|panasonic|pentax|plustek|reflecta|ricoh|samsung|sanyo|sharp|sigma|sony|"
    "umax|xerox|xiaomi"
)
PROGRAMS: Final = (
    "acdsee|adobe|affinity|capture one|darktable|digikam|gd-jpeg|gimp|imagej|imagemagick|"
    "irfanview|krita|lead technologies|lightroom|paint\\.net|paint shop|photoshop|picasa|pillow|"
    "rawtherapee|silverfast|snapseed|tifffile|vuescan|xnview|xsane"
)
EDITIONS: Final = (
    "cc|classic|copyright|cs\\d?|elements|express|for|inc|linux|mac|macintosh|on|os|pro|version|"
    "windows|x"
)
DEVICES: Final = "camera|digital|dsc|dslr|image|imaging|perfection|scan\\w*|scanner|series"
UNTITLED: Final = (
    "untitled|no title|no description|unnamed|default|none|null|n/?a|image|photo|picture|bild|foto|"
    "unbenannt|ohne titel|sans titre|sin t[ií]tulo|senza titolo|sem t[ií]tulo|без названия|無題"
)
_KINDS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?:{UNTITLED})(?:[ _-]?\(?\d+\)?)?",
        # names that devices and programs give: Scan_0034, IMG-20190304-WA0001, DSCN1234, P1010001
        r"(?:scan|scanned image|img|image|dsc[a-z]?|dscf|dscn|pict?|picture|photo|foto|bild|file|"
        r"page|mvi|pxl|screenshot|p|imgp|sam|sany|hpim|cimg|dcp)[ _-]?[\d _.()-]+(?:wa\d+)?",
        r"[\w() -]{1,60}\.(?:jpe?g|jpe|jfif|tiff?|png|gif|bmp|psd|webp|heic|cr2|nef|dng|xcf|pdf)",
        rf"(?:{MAKERS})\b.{{0,40}}\b(?:{DEVICES})\b.{{0,40}}",
        rf"(?:.{{0,30}}\b(?:with|by|in|using|mit|avec|con|von|par) )?(?:the )?(?:{PROGRAMS})"
        rf"(?:[ \d.,:()v_-]|\b(?:{PROGRAMS}|{EDITIONS})\b){{0,60}}",
        r"(?:scanned|digiti[sz]ed|gescannt|numérisé)"
        r"(?: (?:by|with|on|at|from|image|mit|am|par)\b.*)?",
        r"(?:digital camera|dcim|sony dsc|exif[_ ]jpeg[_ ]picture|jpeg image|ascii|screenshot.*)",
        r"(?:imagej=|<\?xml|<ome|<svg|<x:xmpmeta|creator:|file (?:source|written)).*",
        r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{32,64}",
        r"[\d\W_]*",  # no letter in it
    )
)


def is_technical(text: str, more: Iterable[str] = ()) -> bool:
    """Tell whether a text was written by a machine about itself.

    ``more`` are such texts of the user's own, in which ``*`` stands for anything.
    """
    line = " ".join(text.split()).strip("\0 .").casefold()
    if any(fnmatchcase(line, " ".join(pattern.split()).casefold()) for pattern in more):
        return True
    if line[:1] in ("{", "[") and line[-1:] in ("}", "]"):
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return False
        return True
    return len(line) <= LONGEST and any(kind.fullmatch(line) for kind in _KINDS)
