"""The web page in the languages that there are texts in."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from models.guidance.languages.reader import read_description
from models.job import LANGUAGES
from plugin_server.app import create_app
from plugin_server.config import Config
from plugin_server.http.routes.page import WEB, languages, render
from plugin_server.service import Service
from tests.support.fakes import FakeClip, FakeColorizer

PLACEHOLDER = re.compile(r"\{\w+\}")


def texts(language: str) -> dict[str, str]:
    read: dict[str, str] = json.loads((WEB / "texts" / f"{language}.json").read_text("utf-8"))
    return read


def test_the_page_speaks_every_language_that_descriptions_are_read_in() -> None:
    assert set(languages()) == set(LANGUAGES)


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_no_text_is_missing_and_none_is_too_many(language: str) -> None:
    own, english = texts(language), texts("en")
    assert list(own) == list(english)
    assert own["lang"] == language
    for name, text in english.items():
        assert own[name].strip(), name
        assert sorted(PLACEHOLDER.findall(own[name])) == sorted(PLACEHOLDER.findall(text)), name


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_texts_are_translated(language: str) -> None:
    if language == "en":
        return
    own, english = texts(language), texts("en")
    same = [name for name, text in english.items() if text == own[name] and len(text) > 15]
    assert len(same) <= 4, same  # "{name}, {width} × {height}" is the same everywhere


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("pt-BR", "pt"),
        ("ja", "en"),
        ("", "en"),
        ("ja,fr;q=0.3", "fr"),
        ("en-GB,de", "en"),
    ],
)
def test_the_browser_chooses(asked: str, given: str) -> None:
    service = Service(FakeColorizer(), FakeClip())
    client = create_app(Config(), service).test_client()
    answer: Any = client.get("/", headers={"Accept-Language": asked})
    assert answer.headers["Content-Language"] == given
    assert "Accept-Language" in answer.headers["Vary"]
    assert f'lang="{given}"' in answer.text
    service.close()


def test_a_page_holds_its_texts() -> None:
    assert texts("ru")["subtitle"] in render("ru")


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_the_examples_are_understood(language: str) -> None:
    for name in ("example1", "example2", "example3", "descriptionPlaceholder"):
        read = read_description(texts(language)[name], knows=lambda word: False)
        assert read.language == language
        assert not any("Not understood" in notice for notice in read.notices), read.notices
