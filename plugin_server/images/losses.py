"""What of a photo's metadata an answer's format has no room for, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from plugin_server.images import iptc, jpeg, texts, xmp
from plugin_server.images.layer import Layer

NAMES: Final = {"image/jpeg": "JPEG", "image/tiff": "TIFF", "image/webp": "WebP"}


def losses(layer: Layer, media_type: str, settings: str | None) -> tuple[str, ...]:
    """Say in one notice what ``codec.encode`` leaves out; npy is for programs and holds nothing."""
    left = list(_left_out(layer, media_type, settings))
    if not left:
        return ()
    others = "PNG or TIFF" if media_type in ("image/jpeg", "image/webp") else "PNG"
    return (
        f"{NAMES[media_type]} has no room for what the photo came with: {', '.join(left)} "
        f"{'was' if len(left) == 1 else 'were'} left out. Ask for {others} to keep it.",
    )


def _left_out(layer: Layer, media_type: str, settings: str | None) -> Iterator[str]:
    metadata = layer.metadata
    words = {keyword for keyword, _ in metadata.texts}
    match media_type:
        case "image/jpeg":
            if metadata.exif is not None and len(metadata.exif) > jpeg.MAX_EXIF:
                yield f"its EXIF ({len(metadata.exif):,} bytes)"
            packet = xmp.joined(metadata.xmp, settings) if metadata.xmp is not None else None
            if packet is not None and len(packet) > jpeg.MAX_XMP:
                yield f"its XMP ({len(packet):,} bytes)"
            if metadata.iptc is not None and not iptc.to_segment(metadata.iptc):
                yield f"its IPTC ({len(metadata.iptc):,} bytes)"
            words -= {texts.COMMENT}
        case "image/webp":
            if metadata.iptc is not None:
                yield "its IPTC"
        case "image/tiff":
            if "Description" not in words:
                words -= {texts.COMMENT}
            words -= texts.TAG_OF.keys()
        case _:
            return
    if words:
        yield "its texts " + ", ".join(sorted(words))
