"""XML from anywhere, in one pass: elements with their names, attributes and places in the text.

Time and memory are linear in the text, whatever it holds. Expat does the parsing; names are
resolved here, because Expat would write a namespace's whole URI out for each of its elements.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

Name = tuple[str, str]  # (the namespace's URI, the name in it)

MOST_ELEMENTS: Final = 50_000
MOST_DEPTH: Final = 200
XML: Final = "http://www.w3.org/XML/1998/namespace"
_SPACE: Final = b" \t\r\n"


class XmlError(ValueError):
    """The text is no XML in UTF-8, has a document type, or is larger than any that is meant."""


@dataclass(slots=True)
class Element:
    """An element and where it stands in the text, in bytes.

    ``start`` to ``inside`` is its start tag, ``outside`` to ``end`` its end tag, which is empty
    where the element is written as one tag. ``text`` is what comes before its first child.
    """

    name: Name
    attributes: dict[Name, str]
    parent: Element | None
    start: int
    inside: int = 0
    outside: int = 0
    end: int = 0
    text: str = ""
    children: list[Element] = field(default_factory=list, repr=False)

    @property
    def is_one_tag(self) -> bool:
        """Tell whether it is written ``<a/>``."""
        return self.outside == self.end


def elements(text: bytes) -> list[Element]:
    """List the elements in the order of their start tags.

    Raises:
        XmlError: see there.
    """
    return _Reader().read(text)


def attribute_places(text: bytes, element: Element) -> Iterator[tuple[Name, int, int, int]]:
    """Yield each attribute's name, and where it, its value inside the quotes, and that end stand.

    Declarations of prefixes are no attributes.
    """
    names = iter(element.attributes)  # in the order of the text
    at = element.start + 1
    while at < element.inside and text[at] not in _SPACE + b"/>":
        at += 1
    while True:
        while at < element.inside and text[at] in _SPACE:
            at += 1
        equals = text.find(b"=", at, element.inside)
        if equals < 0:
            return
        opening = equals + 1
        while text[opening] in _SPACE:
            opening += 1
        closing = text.find(text[opening : opening + 1], opening + 1, element.inside)
        written = text[at:equals].rstrip(_SPACE)
        if written != b"xmlns" and not written.startswith(b"xmlns:"):
            yield next(names), at, opening + 1, closing
        at = closing + 1


class _Reader:
    """Gathers elements while Expat reads."""

    def __init__(self) -> None:
        self._found: list[Element] = []
        self._open: list[Element] = []
        self._declared: list[list[str]] = []  # prefixes that each open element declares
        self._scopes: dict[str, list[str]] = {"xml": [XML]}  # prefix -> URIs, the innermost last
        self._tag: tuple[Element, str] | None = None  # which ends where the next event is
        self._text: list[str] | None = None  # of the innermost element, before its first child
        # The encoding is said here, so that the text cannot choose another one.
        self._parser = expat.ParserCreate("utf-8")
        self._parser.ordered_attributes = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.DefaultHandler = self._other
        self._parser.StartDoctypeDeclHandler = self._doctype

    def read(self, text: bytes) -> list[Element]:
        """Read all of it."""
        if b"\0" in text:  # UTF-16, which Expat would take whatever it was told
            raise XmlError("it is not written in UTF-8")
        try:
            text.decode("utf-8")
            self._parser.Parse(text, True)
        except (expat.ExpatError, ValueError) as problem:
            raise XmlError(str(problem)) from problem
        self._place(len(text))
        return self._found

    def _start(self, name: str, pairs: list[str]) -> None:
        at = self._here()
        if len(self._found) >= MOST_ELEMENTS or len(self._open) >= MOST_DEPTH:
            raise XmlError("more elements, or deeper ones, than any metadata has")
        parent = self._open[-1] if self._open else None
        self._close_text(parent)
        attributes = dict(zip(pairs[::2], pairs[1::2], strict=True))
        declared = []
        for key, value in attributes.items():
            if key == "xmlns" or key.startswith("xmlns:"):
                prefix = key[6:]
                self._scopes.setdefault(prefix, []).append(value)
                declared.append(prefix)
        self._declared.append(declared)
        resolved = {
            self._resolve(key, ""): value
            for key, value in attributes.items()
            if key != "xmlns" and not key.startswith("xmlns:")
        }
        if len(resolved) + len(declared) < len(attributes):
            raise XmlError("an attribute is written twice")
        default = self._scopes.get("") or [""]
        element = Element(self._resolve(name, default[-1]), resolved, parent, at)
        if parent is not None:
            parent.children.append(element)
        self._found.append(element)
        self._open.append(element)
        self._text = []
        self._tag = element, "inside"

    def _end(self, _name: str) -> None:
        at = self._here()
        element = self._open.pop()
        self._close_text(element)
        for prefix in self._declared.pop():
            self._scopes[prefix].pop()
        element.outside = at
        self._tag = element, "end"

    def _characters(self, text: str) -> None:
        self._here()
        if self._text is not None:
            self._text.append(text)

    def _other(self, _text: str) -> None:
        self._here()

    def _doctype(self, *_: object) -> None:
        # It could declare entities that grow without end; metadata never has one.
        raise XmlError("a document type, which metadata never has")

    def _here(self) -> int:
        """Return the place of the event, which is where the one before it ends."""
        at = self._parser.CurrentByteIndex
        self._place(at)
        return at

    def _place(self, at: int) -> None:
        if self._tag is not None:
            element, edge = self._tag
            setattr(element, edge, at)
            self._tag = None

    def _close_text(self, element: Element | None) -> None:
        if self._text is not None and element is not None:
            element.text = "".join(self._text)
        self._text = None

    def _resolve(self, name: str, default: str) -> Name:
        prefix, colon, local = name.partition(":")
        if not colon:
            return default, name
        scope = self._scopes.get(prefix)
        if not scope:
            raise XmlError(f"the prefix {prefix[:40]!r} is declared nowhere")
        return scope[-1], local
