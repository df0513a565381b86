"""Names of things in English descriptions."""

from __future__ import annotations

import pytest

from models.guidance.phrases import names_of, noun_phrases

SENTENCES = [
    (
        "a man in a red shirt beside a wooden pond fence",
        ["man", "shirt", "wooden pond fence"],
    ),
    ("A black dog runs through the snow", ["dog", "snow"]),
    ("Two young girls are playing with colorful toys", ["young girls", "colorful toys"]),
    ("a group of people dressed in blue and white uniforms", ["people", "uniforms"]),
    (
        "grandmother in a green dress in front of a brick house",
        ["grandmother", "dress", "brick house"],
    ),
    ("a woman and a man stand by a door", ["woman", "man", "door"]),
    ("three children sit on a pair of old stairs", ["children", "old stairs"]),
    ("the swimming pool behind the railing", ["swimming pool", "railing"]),
    ("a boy in swimming trunks is jumping off a pier", ["boy", "swimming trunks", "pier"]),
    ("a brightly lit room with a painting of a king", ["lit room", "painting", "king"]),
    ("the dog's collar, a small, wet ball", ["dog", "collar", "small wet ball"]),
    ("a man knocks his head", ["man", "head"]),
    ("white wooden house with a red roof", ["wooden house", "roof"]),
    ("a hat worn by an old sailor smoking a pipe", ["hat", "old sailor", "pipe"]),
    ("the top of the left side", []),
    ("a black dog runs by a girl in red riding a horse", ["dog", "girl", "horse"]),
    (
        "a girl in a red coat throws snow at a player's shin guards",
        ["girl", "coat", "snow", "player", "shin guards"],
    ),
    ("a black lab and two big labs", ["labrador", "big labradors"]),
    ("please colour the girl's hair brown", ["girl", "hair"]),
    ("the colour of the car isn't red", ["car"]),
    ("I want the hat red", ["hat"]),
    ("cyclists in different colors by a bus", ["cyclists", "bus"]),
    ("a bride and groom kiss in a park", ["bride", "groom", "park"]),
    ("a boy and a girl cross the street", ["boy", "girl", "street"]),
    ("a man on either side of a dog", ["man", "dog"]),
    ("the dress cannot be red, none of the hats, neither coat", ["dress", "hats", "coat"]),
    ("red", []),
    ("", []),
]


@pytest.mark.parametrize(("sentence", "names"), SENTENCES)
def test_every_thing_is_named_once(sentence: str, names: list[str]) -> None:
    assert list(names_of(sentence)) == names


def test_a_colour_changes_no_name() -> None:
    plain = names_of("a man in a shirt by the tall house and a car")
    assert names_of("a man in a dark blue shirt by the tall white house and a #2a6f4e car") == plain


@pytest.mark.parametrize("sentence", [sentence for sentence, _ in SENTENCES])
def test_spans_are_where_the_words_stand(sentence: str) -> None:
    for phrase in noun_phrases(sentence):
        assert [sentence[a:b].lower() for a, b in phrase.spans] == list(phrase.words)
