"""The typographic apostrophe in English descriptions."""

from __future__ import annotations

import pytest

from models.guidance.color_words import color_phrases
from models.guidance.languages.reader import read_description

PLAIN = [
    "don't make the dress red",
    "the girl's red dress",
    "the girl's dress is red",
    "the dress isn't red",
    "a dog that's brown",
]


@pytest.mark.parametrize("text", PLAIN)
def test_a_typographic_apostrophe_is_read_as_the_plain_one(text: str) -> None:
    read = read_description(text.replace("'", "’"), knows=lambda _: False)
    assert (read.english, read.notices, read.unknown) == (text, (), frozenset())


@pytest.mark.parametrize(
    "text", ["“the dress” is red, ‘the hat’ is blue", "the girls’ dresses are red", "a ‘red’ hat"]
)
def test_after_the_last_letter_it_stays_and_is_no_error(text: str) -> None:
    read = read_description(text, knows=lambda _: False)
    assert (read.english, read.notices) == (text, ())


def test_the_plural_of_several_owners_is_read_with_either() -> None:
    (typographic,) = color_phrases("the girls’ red dresses")
    assert (typographic,) == color_phrases("the girls' red dresses")
    assert typographic.thing == "dresses"
