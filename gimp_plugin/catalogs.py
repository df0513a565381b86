"""``python -m gimp_plugin.catalogs`` brings the translations up to date.

The texts are read from the plug-in's source, the translations from ``locale/LANGUAGE.po``; GIMP's
Python reads ``locale/LANGUAGE/LC_MESSAGES/photochrom.mo``, which is written here.
"""

from __future__ import annotations

import ast
import re
import struct
from collections.abc import Iterator
from pathlib import Path

from gimp_plugin.install import NAME, SOURCE

LOCALE = SOURCE / "locale"
MAGIC = 0x950412DE  # of gettext's binary catalogs, little-endian
HEADER = "Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\nLanguage: {}\n"
LINE = re.compile(r'^(msgid|msgstr)? ?(".*")$')


def texts_of(source: Path = SOURCE) -> list[str]:
    """List the texts that are marked for translation, each once, by file and line."""
    found: dict[str, None] = {}
    for file in sorted(source.rglob("*.py")):
        for text in _marked(ast.parse(file.read_text(encoding="utf-8"))):
            found[text] = None
    return list(found)


def _marked(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="_"), args=[ast.Constant(value=str(text))]):
                yield text


def read_catalog(file: Path) -> dict[str, str]:
    """Read a .po file: text -> translation."""
    entries: list[list[str]] = []
    at = 0  # what a line without a keyword goes on with: 0 the text, 1 its translation
    for line in file.read_text(encoding="utf-8").splitlines():
        if (match := LINE.match(line.strip())) is None:
            continue
        kind, text = match[1], ast.literal_eval(match[2])
        if kind == "msgid":
            entries.append(["", ""])
        at = {"msgid": 0, "msgstr": 1}.get(kind, at)
        entries[-1][at] += text
    return {text: translation for text, translation in entries if text and translation}


def write_catalog(file: Path, texts: list[str], translations: dict[str, str]) -> None:
    """Write a .po file with every text in order; what is not translated is empty."""
    lines = ['msgid ""', 'msgstr ""', r'"Content-Type: text/plain; charset=UTF-8\n"', ""]
    for text in texts:
        lines += [f"msgid {_quoted(text)}", f"msgstr {_quoted(translations.get(text, ''))}", ""]
    file.write_text("\n".join(lines), encoding="utf-8")


def compiled(translations: dict[str, str], language: str) -> bytes:
    """Write gettext's binary form (GNU gettext manual, "The Format of GNU MO Files")."""
    entries = sorted({"": HEADER.format(language), **translations}.items())
    keys = [text.encode() for text, _ in entries]
    values = [translation.encode() for _, translation in entries]
    start = 28 + 16 * len(entries)
    tables, blob = b"", b""
    for column in (keys, values):
        for data in column:
            tables += struct.pack("<2I", len(data), start + len(blob))
            blob += data + b"\0"
    head = struct.pack("<7I", MAGIC, 0, len(entries), 28, 28 + 8 * len(entries), 0, 0)
    return head + tables + blob


def catalog_file(language: str) -> Path:
    """Name the binary catalog of a language."""
    return LOCALE / language / "LC_MESSAGES" / f"{NAME}.mo"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


if __name__ == "__main__":
    texts = texts_of()
    for po in sorted(LOCALE.glob("*.po")):
        translations = read_catalog(po)
        write_catalog(po, texts, translations)
        target = catalog_file(po.stem)
        target.parent.mkdir(parents=True, exist_ok=True)
        kept = {text: translations[text] for text in texts if text in translations}
        target.write_bytes(compiled(kept, po.stem))
        print(f"{po.stem}: {len(kept)} of {len(texts)} texts")
