"""The plug-in's texts: all marked, all translated, and the catalogues up to date."""

from __future__ import annotations

import ast
import gettext
import re
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gimp_plugin.catalogs import (
    LOCALE,
    catalog_file,
    compiled,
    read_catalog,
    texts_of,
    write_catalog,
)
from gimp_plugin.install import SOURCE

LANGUAGES = ("de", "es", "fr", "it")
# Sentences that no person reads: for the log of GIMP's terminal, for a programmer, for a shell.
UNREAD = re.compile(
    r"^photochrom: |^dtype is|^shape is|bytes were given|^the list |^a layer |^IFS= |"
    r"^--- %Y|^no health|such option|cannot be imported|^no module named|cannot listen on|"
    r"^out of memory|^no such file|^the weights|meanwhile, |^a preview has|^the lock is|"
    r"^this machine|^it still runs|^The Photochrom authors|^Bearer |^photochrom serve: |"
    r"^base guess$|^ pixels with |hannels of |^form-data; |^multipart/|filename=|"
    r"^photochrom-gimp|^R'G'B'|^Y u8|^A u8|^'descr'"
)
SENTENCE = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,}")


def parts_of(text: str) -> set[str]:
    return {f"{name}:{form}" for _, name, form, _ in string.Formatter().parse(text) if name}


def unmarked(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield texts that look like a sentence and are in no call of ``_``."""
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="_")):
                skipped |= set(ast.walk(node))
            case ast.Module() | ast.ClassDef() | ast.FunctionDef() if node.body:
                if isinstance(node.body[0], ast.Expr):
                    skipped.add(node.body[0].value)  # its docstring
            case ast.Assert(msg=ast.expr() as message):
                skipped |= set(ast.walk(message))
            case ast.Call(func=ast.Name(id="print")):
                skipped |= set(ast.walk(node))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in skipped:
            is_sentence = SENTENCE.search(node.value) and not UNREAD.search(node.value)
            if is_sentence:
                yield node.lineno, node.value


@pytest.mark.parametrize(
    "file", sorted(SOURCE.rglob("*.py")), ids=lambda file: file.relative_to(SOURCE).as_posix()
)
def test_every_sentence_is_marked_for_translation(file: Path) -> None:
    assert list(unmarked(ast.parse(file.read_text(encoding="utf-8")))) == []


def test_an_unmarked_sentence_is_found() -> None:
    assert list(unmarked(ast.parse("fail('it did not work')"))) == [(1, "it did not work")]
    assert list(unmarked(ast.parse("fail(_('it did not work'))"))) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated_with_the_same_parts(language: str) -> None:
    translations = read_catalog(LOCALE / f"{language}.po")
    assert set(translations) == set(texts_of())
    for text, translation in translations.items():
        assert parts_of(translation) == parts_of(text), text
        assert translation.count("_") - translation.count("PHOTOCHROM_") == text.count(
            "_"
        ) - text.count("PHOTOCHROM_"), f"one mnemonic each: {translation}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_binary_catalogues_are_up_to_date(language: str) -> None:
    translations = read_catalog(LOCALE / f"{language}.po")
    assert catalog_file(language).read_bytes() == compiled(translations, language)
    with open(catalog_file(language), "rb") as file:
        catalog = gettext.GNUTranslations(file)
    for text, translation in translations.items():
        assert catalog.gettext(text) == translation


def test_a_catalogue_is_written_as_it_was_read(tmp_path: Path) -> None:
    translations = {'a "b"\n{c}': "ä “b”\n{c}", "_x": "_y"}
    write_catalog(tmp_path / "x.po", [*translations, "later"], translations)
    assert read_catalog(tmp_path / "x.po") == translations


def test_long_texts_are_read_as_editors_break_them(tmp_path: Path) -> None:
    """An editor puts an empty first line before a text of several, and translations too."""
    file = tmp_path / "x.po"
    file.write_text(EDITED, encoding="utf-8")
    translations = read_catalog(file)
    assert translations == {"one two": "eins zwei", "a long text": "ein langer Text"}
    write_catalog(file, list(translations), translations)
    assert read_catalog(file) == translations


EDITED = r"""
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Language: de\n"

#, python-brace-format
msgid "one two"
msgstr ""
"eins "
"zwei"

msgid ""
"a long "
"text"
msgstr ""
"ein langer "
"Text"

msgid "not yet"
msgstr ""
"""


@pytest.mark.parametrize(
    ("language", "words"), [("de_DE:en", "Nach _Beschreibung"), ("fr", "_description"), ("xx", "C")]
)
def test_the_language_is_gimps(language: str, words: str) -> None:
    code = "from api.texts import _; print(_('Colorize from _Description...'))"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(SOURCE)!r}); {code}"],
        env={"LANGUAGE": language, "PYTHONIOENCODING": "utf-8"},
        capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    assert words in done.stdout


def test_the_source_is_spelled_as_in_gimp() -> None:
    for text in texts_of():
        assert not re.search(r"colour|grey|centre|catalogue", text, re.IGNORECASE), text


RESERVED = "ocrhsl"  # of GIMP's own buttons: OK, Cancel, Reset, Help, Save and Load Settings


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_no_two_arguments_have_the_same_mnemonic(language: str) -> None:
    tree = ast.parse((SOURCE / "arguments.py").read_text(encoding="utf-8"))
    translations = {} if language == "en" else read_catalog(LOCALE / f"{language}.po")
    labels = [
        translations.get(node.args[0].value, node.args[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "_"
        and isinstance(node.args[0], ast.Constant)
        and "_" in node.args[0].value
    ]
    letters = [label[label.index("_") + 1].lower() for label in labels]
    assert len(letters) > 10
    assert len(set(letters)) == len(letters), labels
    assert not set(letters) & set(RESERVED), labels
