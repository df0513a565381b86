"""Small files that have a reader look twice, kept in ``tests/corpus`` and fed to every run.

``python -m tests.fuzz.corpus`` writes them anew; what a run of the fuzzer found lies beside them.
"""

from __future__ import annotations

import hashlib
import struct
import tarfile
import zlib
from pathlib import Path
from typing import Final

import numpy as np

from tests.support import attacks
from tests.support.pictures import png_chunk, png_of, saved, tiff_of

CORPUS: Final = Path(__file__).parent.parent / "corpus"
MOST: Final = 2000  # bytes of a kept file
GRADIENT: Final = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)


def pictures() -> list[bytes]:
    """Make pictures that claim what they do not hold, or name one place again and again."""
    jpeg, webp = saved(GRADIENT, "JPEG", optimize=True), saved(GRADIENT, "WEBP", lossless=True)
    png, tiff = png_of(GRADIENT), tiff_of(GRADIENT, photometric="rgb")
    frame = jpeg.index(b"\xff\xc0") + 5
    wide = struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 16, 6, 0, 0, 1)
    text = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(attacks.xmp_settings(40_000), 9)
    scan = jpeg[jpeg.index(b"\xff\xda") : -2]
    return [
        png[:-20], png[:8] + png_chunk(b"IHDR", wide) + png[33:],
        png[:33] + png_chunk(b"iTXt", text) + png[33:],
        png[:33] + png_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(1_000_000), 9)) + png[33:],
        jpeg[:-3], jpeg[:frame] + b"\xff" * 4 + jpeg[frame + 4 :], jpeg[:-2] + 4 * scan,
        jpeg[:2] + b"\xff\xe1\xff\xff" + jpeg[2:], webp[:-2], webp[:4] + b"\xff" * 4 + webp[8:],
        tiff[:-1], attacks.tiff_tags(40), attacks.tiff_circle(40),
        attacks.tiff_pages(20, count=2), attacks.npy_header(b"-" * 500),
        attacks.npy_header(b"{'descr': '|u1', 'fortran_order': False, 'shape': (9" + b"9" * 99),
    ]  # fmt: skip


def profiles() -> list[bytes]:
    """Make profiles that count more tags than they have room for."""
    head = bytearray(132)
    head[8:24] = b"\x04\x20\0\0mntrRGB XYZ "
    head[36:40] = b"acsp"
    tags = b"".join(struct.pack(">4sII", name, 128, 2**32 - 1) for name in (b"A2B0", b"B2A0"))
    files = []
    for count in (0, 2, 100, 2**32 - 1):
        head[128:132] = struct.pack(">I", count)
        files.append(struct.pack(">I", len(head) + len(tags)) + bytes(head[4:]) + tags)
    return files


def shard() -> bytes:
    """Make the head of a tar whose one photo is larger than any disk."""
    entry = tarfile.TarInfo("a.jpg")
    entry.size = 2**60
    return entry.tobuf(tarfile.GNU_FORMAT)


def files() -> dict[str, list[bytes]]:
    """Name for each reader what it is fed."""
    directory = b"MM\0*\0\0\0\x08\0\x02" + struct.pack(">HHII", 0x8769, 4, 1, 8) * 2
    return {
        "picture": pictures(),
        "photo": pictures(),
        "xmp": [make(12) for make in attacks.XMP],
        "metadata": [
            b"8BIM\x04\x04\0\0\xff\xff\xff\xff" + b"\x1c\x02\x78\xff\xff" * 8,
            b"\n8bim\n" + b"9" * 300, b"Exif\0\0" + directory, attacks.tiff_circle(12),
        ],
        "profile": profiles(),
        "words": [
            b"[" * 900, b'["#ffffff", {"color": "#000000", "weight": -1' + b"0" * 400 + b"}]",
            b'[{"x": 1e999, "y": -0.0, "color": "#ffffff"}]', b'{"caption": ' * 90,
        ],
        "frames": [
            b'\0\0\0\x0e{"sizes":[-1]}', b'\0\0\0\x17{"sizes":[999999999999]}',
            b"\0\0\x03\x84" + b"[" * 900, b"\xff\xff\xff\xff",
        ],
        "files": [b'file;description\n"' + b'"' * 300, b"\xff\xfe\0;" * 60, shard()],
    }  # fmt: skip


def name_of(reader: str, data: bytes) -> str:
    """Name a kept file after its reader and its content."""
    return f"{reader}-{hashlib.sha256(data).hexdigest()[:12]}.bin"


def main() -> None:
    """Write all of them; those that are larger than a kept file may be are left out."""
    for reader, made in files().items():
        for data in made:
            if len(data) <= MOST:
                (CORPUS / name_of(reader, data)).write_bytes(data)


if __name__ == "__main__":
    main()
