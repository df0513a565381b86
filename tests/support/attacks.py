"""Small files made to freeze or fill whoever reads them; each grows with its ``size``."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image

from tests.support.pictures import png_chunk, png_of, random_pixels, saved

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
OPEN = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">'
CLOSE = "</rdf:RDF></x:xmpmeta>"
PHOTO = random_pixels(40, 40, 3)


def xmp_descriptions(size: int) -> bytes:
    """Begin our own description again and again, and never end it as a search would wish."""
    one = '<rdf:Description xmlns:photochrom="urn:photochrom:1"/>'
    return (OPEN + one * size + CLOSE).encode()


def xmp_siblings(size: int) -> bytes:
    """Hang everything into one description that was never ours alone."""
    one = "<photochrom:settings/><photochrom:other/>"
    return (
        f'{OPEN}<rdf:Description xmlns:photochrom="urn:photochrom:1">{one * size}'
        f"</rdf:Description>{CLOSE}"
    ).encode()


def xmp_settings(size: int) -> bytes:
    """Begin settings again and again."""
    return b"<photochrom:settings>" * size


def xmp_attributes(size: int) -> bytes:
    """Give one element all attributes there are."""
    many = "".join(f' tiff:a{n}="6"' for n in range(size))
    return (
        f'{OPEN}<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/"{many} '
        f'tiff:Orientation="6"/>{CLOSE}'
    ).encode()


def xmp_namespace(size: int) -> bytes:
    """Name one long namespace in each of many elements."""
    return (
        f'{OPEN}<rdf:Description xmlns:a="{"u" * 20 * size}">{"<a:b/>" * size}'
        f"</rdf:Description>{CLOSE}"
    ).encode()


def xmp_captions(size: int) -> bytes:
    """Nest descriptions as deep as is read, again and again, a caption in each."""
    deep = 90
    nest = "<dc:description><rdf:li>a tram" * deep + "</rdf:li></dc:description>" * deep
    return (
        f'{OPEN}<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"{nest * max(size // deep, 1)}</rdf:Description>{CLOSE}"
    ).encode()


def xmp_text(size: int) -> bytes:
    """Break one text into as many pieces as it has letters."""
    return f"{OPEN}<rdf:Description>{'&amp;' * size}</rdf:Description>{CLOSE}".encode()


XMP = (xmp_descriptions, xmp_siblings, xmp_settings, xmp_attributes, xmp_namespace, xmp_captions,
       xmp_text)  # fmt: skip


def tiff_pages(size: int, *, count: int = 400) -> bytes:
    """Chain directories whose tags all name the same region of the file."""
    shared = bytes(size * 4)
    start = 8 + len(shared)
    parts, at = [struct.pack("<4sI", b"II*\0", start), shared], start
    for page in range(count):
        tags = [(256, 3, 1, 1), (257, 3, 1, 1), (273, 4, size, 8), (279, 4, size, 8)]
        following = at + 2 + 12 * len(tags) + 4
        parts.append(struct.pack("<H", len(tags)))
        parts += [struct.pack("<HHII", *tag) for tag in tags]
        parts.append(struct.pack("<I", following if page + 1 < count else 0))
        at = following
    return b"".join(parts)


def tiff_tags(size: int, *, mark: bytes = b"II*\0") -> bytes:
    """Let many tags of one directory name the same region; EXIF is such a file, too."""
    count = 500
    entries = [struct.pack("<HHII", 40_000 + n, 7, size, 8) for n in range(count)]
    return b"".join([
        struct.pack("<4sI", mark, 8 + size), bytes(size), struct.pack("<H", count), *entries,
        bytes(4),
    ])  # fmt: skip


def tiff_circle(size: int) -> bytes:
    """Lead from a directory to itself."""
    return struct.pack("<4sIHHHIII", b"II*\0", 8, 1, 256, 3, 1, 1, 8) + bytes(size)


def jpeg_scans(size: int) -> bytes:
    """Repeat the last scan of a progressive JPEG."""
    data = saved(PHOTO, "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * size + data[-2:]


def jpeg_exif(size: int) -> bytes:
    """Put a hostile EXIF block into a JPEG."""
    block = b"Exif\0\0" + tiff_tags(min(size, 60_000 - 6100))
    data = saved(PHOTO, "JPEG")
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]


def png_exif(size: int) -> bytes:
    """Put a hostile EXIF block into a PNG."""
    return png_of(PHOTO, png_chunk(b"eXIf", tiff_tags(size)))


def png_xmp(packet: bytes) -> bytes:
    """Put a packet into a PNG, compressed."""
    text = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(packet, 9)
    return png_of(PHOTO, png_chunk(b"iTXt", text))


def png_chunks(size: int) -> bytes:
    """Fill a PNG with chunks of nothing."""
    return png_of(PHOTO, png_chunk(b"teSt", b"") * size)


def webp_chunks(size: int) -> bytes:
    """Fill a WebP with chunks of nothing."""
    file = io.BytesIO()
    Image.fromarray(PHOTO).save(file, "WEBP", lossless=True)
    data = file.getvalue() + b"teSt\0\0\0\0" * size
    return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]


def npy_header(text: bytes) -> bytes:
    """Write an npy file with this text in place of its header."""
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", len(text)) + text


def npy_minus(size: int) -> bytes:
    """Negate nothing, again and again."""
    return npy_header(b"{'descr': " + b"-" * size + b"1, }\n")


PICTURES = (tiff_pages, tiff_tags, tiff_circle, jpeg_scans, jpeg_exif, png_exif, png_chunks,
            webp_chunks, npy_minus)  # fmt: skip
