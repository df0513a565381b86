"""The page's files without a browser: every text is there and used, and nothing breaks the CSP."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from plugin_server.http.routes import page

WEB = page.WEB
TEXTS: dict[str, str] = json.loads((WEB / "texts" / "en.json").read_text("utf-8"))
SCRIPTS = {path.name: path.read_text("utf-8") for path in sorted(WEB.glob("*.js"))}


class Elements(HTMLParser):
    """Collects every start tag with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def strings_of_scripts() -> set[str]:
    """Every word in quotes in a script."""
    return set(re.findall(r'"(\w+)"', "\n".join(SCRIPTS.values())))


def test_every_text_a_script_names_exists() -> None:
    named = set(re.findall(r'\bt\("(\w+)"', "\n".join(SCRIPTS.values())))
    assert len(named) > 30
    assert named <= set(TEXTS)


def test_the_words_are_plain() -> None:
    jargon = re.compile("exemplar|unsure|only here|guidance|chroma|inference", re.IGNORECASE)
    assert {name: text for name, text in TEXTS.items() if jargon.search(text)} == {}


def test_no_text_is_left_over() -> None:
    html = (WEB / "index.html").read_text("utf-8")
    used = strings_of_scripts() | set(re.findall(r"\bt\.(\w+)", html))
    assert {name for name in TEXTS if not name.startswith("stage_")} - used == set()


@pytest.mark.parametrize("name", SCRIPTS)
def test_placeholders_are_those_of_the_text(name: str) -> None:
    for text, values in re.findall(r'\bt\("(\w+)", \{([^{}]*)\}\)', SCRIPTS[name]):
        given = set(re.findall(r"(\w+)(?=\s*[:,]|\s*$)", re.sub(r":[^,]*", "", values)))
        assert set(re.findall(r"\{(\w+)\}", TEXTS[text])) <= given, text


def test_the_page_has_nothing_that_its_content_security_policy_forbids() -> None:
    for tag, attributes in Elements(page.render("en")).found:
        assert not any(name.startswith("on") or name == "style" for name in attributes), tag
        if tag == "script":
            assert "src" in attributes or attributes["type"] == "application/json"
        for name in ("src", "href", "action"):
            assert not (attributes.get(name) or "/").startswith(("http", "//", "data:")), tag


def test_ids_are_unique_and_every_reference_leads_somewhere() -> None:
    elements = Elements(page.render("en")).found
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in elements:
        for name in ("for", "aria-labelledby", "aria-describedby"):
            assert set((attributes.get(name) or "").split()) <= set(ids)
    wanted = re.findall(
        r'(?:byId|getElementById|onClick|on)\("([\w-]+)"', "\n".join(SCRIPTS.values())
    )
    events = {"input", "change", "click", "keydown", "wheel"}
    assert {name for name in wanted if "-" in name} - set(ids) - events == set()
