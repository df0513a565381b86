"""Names of people that are colours."""

from __future__ import annotations

import time

import pytest

from models.guidance.color_words import color_phrases
from models.guidance.languages.reader import read_description


def read(text: str) -> tuple[str, list[str]]:
    english = read_description(text, knows=str.isalpha).english
    return english, [f"{', '.join(p.colors)}: {p.thing}" for p in color_phrases(english)]


@pytest.mark.parametrize(
    ("text", "english", "colors"),
    [
        ("Mrs. Brown in a blue dress", "woman in a blue dress", ["blue: dress"]),
        ("Mrs. Brown in blue", "woman in blue", ["blue: clothes"]),
        ("Mrs. Brown's blue hat", "woman's blue hat", ["blue: hat"]),
        ("Mrs. Smith in blue", "woman in blue", ["blue: clothes"]),
        ("Mr. White", "man", []),
        ("mr white in a grey suit", "man in a grey suit", ["grey: suit"]),
        ("MRS BROWN IN A BLUE HAT", "woman in a blue hat", ["blue: hat"]),
        ("Mrs Brown Wearing A Blue Hat", "woman Wearing A Blue Hat", ["Blue: hat"]),
        ("Mr and Mrs Gray by a green car", "man and woman by a green car", ["green: car"]),
        ("Dr. A. B. Green and a white dog", "person and a white dog", ["white: dog"]),
        ("Mrs. Eloise J. Brown (right)", "woman (right)", []),
        ("Lt. Col. Gray in uniform", "person in uniform", []),
        ("Tom Green", "person", []),
        ("Tom A. Green sits on a red chair", "person sits on a red chair", ["red: chair"]),
        ("a photo of Rose White in pink", "a photo of person in pink", ["pink: clothes"]),
        ("a dog next to Tom Green", "a dog next to person", []),
        ("Left: Tom Green, hat red", "Left: person, hat red", ["red: hat"]),
        ("two men (Jack White and Tom Green)", "two men (person and person)", []),
        ("Aunt Violet in a green dress", "Aunt in a green dress", ["green: dress"]),
        ("Captain J. Brown", "Captain", []),
        ("the Green family by a red house", "the family by a red house", ["red: house"]),
        ("Violet sits on a red chair", "person sits on a red chair", ["red: chair"]),
        ("Violet kisses a man in red", "person kisses a man in red", ["red: clothes"]),
        ("James Brown in a red hat", "person in a red hat", ["red: hat"]),
        ("Olive and Tom in a blue boat", "person and Tom in a blue boat", ["blue: boat"]),
    ],
)
def test_names_of_people_are_no_colours(text: str, english: str, colors: list[str]) -> None:
    assert read(text) == (english, colors)


@pytest.mark.parametrize(
    ("text", "colors"),
    [
        ("Woman In A Red Dress", ["Red: dress"]),
        ("Girl In Blue Dress", ["Blue: dress"]),
        ("Lady Wearing Red", ["Red: clothes"]),
        ("Red Car, Green Grass", ["Red: car", "Green: grass"]),
        ("Car Red", ["Red: car"]),
        ("Coat: Dark Green; Scarf: Red", ["Dark Green: coat", "Red: scarf"]),
        ("Dress Blue, hat brown", ["Blue: dress", "brown: hat"]),
        ("a woman in a Royal Blue dress", ["Royal Blue: dress"]),
        ("the coat is Racing Green", ["Green: coat"]),
        ("hair: Ash Brown", ["Brown: hair"]),
        ("Baby Blue dress", ["Blue: dress"]),
        ("a man in a Red shirt", ["Red: shirt"]),
        ("Violet flowers", ["Violet: flowers"]),
        ("Ruby sits on a red chair", ["red: chair"]),
        ("Amber", []),
        ("picking cotton near Clarksdale, Miss. White fields", ["White: fields"]),
        ("Green.", ["Green: "]),
        (
            "Vest Green, Walls White, Shirt Violet",
            ["Green: vest", "White: walls", "Violet: shirt"],
        ),
        ("Walls White, Curtains Red", ["White: walls", "Red: curtains"]),
        ("a brown dog, Walls White", ["brown: dog", "White: walls"]),
        ("Eyes Blue", ["Blue: eyes"]),
        ("Roses Red", ["Red: roses"]),
        ("Doors Green", ["Green: doors"]),
        ("Shelves Green and a red hat", ["Green: shelves", "red: hat"]),
        ("Violet dress, green hat", ["Violet: dress", "green: hat"]),
        ("Violet dresses, green hats", ["Violet: dresses", "green: hats"]),
        ("Violet and Blue dress", ["Violet, Blue: dress"]),
        ("Olive and Cream walls", ["Olive, Cream: walls"]),
        ("Olive and Dark Blue walls", ["Olive, Dark Blue: walls"]),
    ],
)
def test_capitals_make_no_names_of_colours(text: str, colors: list[str]) -> None:
    assert read(text) == (text, colors)


def test_a_colour_that_was_taken_for_a_name_is_said() -> None:
    said = read_description("Mrs. Smith and Tom Green", knows=str.isalpha).notices
    assert said == ('"Tom Green" was read as "person".',)


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("Frau Braun in einem blauen Kleid", "woman in a blue dress"),
        ("eine Frau in Braun", "a woman in brown"),
        ("Madame Blanc en robe bleue", "lady in blue dress"),
        ("Señor Rojo", "gentleman"),
        ("Vestido Rojo", "red dress"),
        ("Signora Bianchi", "lady"),
        ("Mevrouw Groen in een blauwe jurk", "lady in a blue dress"),
        ("Pani Zielona", "lady"),
    ],
)
def test_other_languages_have_such_names_too(text: str, english: str) -> None:
    assert read_description(text, knows=lambda _: False).english == english


@pytest.mark.parametrize("text", ["A. " * 4000, "Mr " * 4000, "Tom Green " * 1200])
def test_thousands_of_names_are_read_in_no_time(text: str) -> None:
    start = time.process_time()
    read_description(text, "en", knows=str.isalpha)
    assert time.process_time() - start < 2
