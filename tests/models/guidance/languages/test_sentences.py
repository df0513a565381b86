"""Descriptions in eight languages whose English, things and colours are known."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from models.guidance.color_words import color_phrases
from models.guidance.languages.reader import read_description
from models.job import LANGUAGES

SENTENCES: list[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("sentences.toml").read_text("utf-8")
)["sentence"]
FOREIGN = [code for code in LANGUAGES if code != "en"]
CASES = [
    pytest.param(sentence, code, id=f"{code}-{number}")
    for number, sentence in enumerate(SENTENCES, 1)
    for code in FOREIGN
]


@cache
def expected(english: str) -> str:
    """Take articles away: half of the languages have none."""
    return " ".join(re.sub(r"\b(?:an?|the)\b", "", english).split())


def things(english: str) -> list[str]:
    return [f"{', '.join(p.colors)}: {p.thing}" for p in color_phrases(english)]


def test_there_are_forty_sentences_in_every_language() -> None:
    assert len(SENTENCES) == 40
    assert all(set(FOREIGN) <= sentence.keys() for sentence in SENTENCES)


@pytest.mark.parametrize("sentence", SENTENCES, ids=[s["english"] for s in SENTENCES])
def test_the_english_gives_these_things_their_colours(sentence: dict[str, Any]) -> None:
    assert things(sentence["english"]) == sentence["things"]


@pytest.mark.parametrize(("sentence", "code"), CASES)
def test_a_description_is_recognised_and_read(sentence: dict[str, Any], code: str) -> None:
    read = read_description(sentence[code], knows=lambda word: False)
    assert read.language == code
    assert expected(read.english) == expected(sentence.get(f"{code}_english", sentence["english"]))
    assert len(read.notices) == 1, "a word was not understood"
    if f"{code}_english" not in sentence:
        assert things(read.english) == sentence["things"]
