"""Names of colours in descriptions."""

from __future__ import annotations

import time

import pytest

from models.color.lab import parse_hex
from models.guidance.color_terms import NAMED, with_placeholders
from models.guidance.color_words import color_phrases, without_colors
from models.guidance.languages.reader import read_description
from models.guidance.phrases import names_of


@pytest.mark.parametrize(
    ("description", "scene"),
    [
        ("A man in a dark blue and white shirt", "A man in a shirt"),
        ("a red car", "a car"),
        ("an orange ball", "a ball"),
        ("A blue umbrella", "An umbrella"),
        ("a blue uniform and a red unicycle", "a uniform and a unicycle"),
        ("a white one-storey house, a brown ukulele", "a one-storey house, a ukulele"),
        ("a red-haired unidentified man", "an unidentified man"),
        ("a #2a6f4e dress", "a dress"),
        ("a black-and-white dog on light-green grass", "a dog on grass"),
        ("blue, yellow and red flags", "flags"),
        ("a greenish sea", "a sea"),
        ("a cream-coloured wall", "a wall"),
        ("red", ""),
        ("the hat is red", "the hat"),
        ("a dress in dark green by a red car", "a dress by a car"),
        ("A man in white and a woman wearing all black", "A man and a woman"),
        ("a black and white photo of a street", "a photo of a street"),
        ("Red, green and blue.", ""),
        ("a predominantly tired bluebird", "a predominantly tired bluebird"),
        ("a light room", "a light room"),
        ("warm golden light on a red car", "warm golden light on a car"),
        ("cold blue tones", "cold blue tones"),
        (
            "pale blue and red coloured tones on a red car",
            "pale blue and red coloured tones on a car",
        ),
        ("", ""),
    ],
)
def test_the_scene_is_what_is_left_without_colours(description: str, scene: str) -> None:
    assert without_colors(description) == scene


@pytest.mark.parametrize("name", NAMED)
def test_every_name_is_a_colour_and_is_taken_out(name: str) -> None:
    assert parse_hex(NAMED[name]).shape == (3,)
    assert without_colors(f"a {name} thing") == "a thing"


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("a red car", [(("red",), "car")]),
        (
            "A man in a dark blue and white striped shirt and red shoes",
            [(("dark blue", "white"), "striped shirt"), (("red",), "shoes")],
        ),
        ("the car is red", [(("red",), "car")]),
        ("a dress in dark green", [(("dark green",), "dress")]),
        ("a wall painted blue", [(("blue",), "wall")]),
        ("hat: green, hair brown", [(("green",), "hat"), (("brown",), "hair")]),
        ("the sky was bright blue", [(("bright blue",), "sky")]),
        ("women dressed in purple holding a lily", [(("purple",), "clothes")]),
        ("a large red dog", [(("red",), "large dog")]),
        ("two dogs, one black", [(("black",), "dogs")]),
        ("a black and white photo of a red bus", [(("red",), "bus")]),
        ("ice cream, an orange on a plate, olive trees", []),
        ("navy blue sky over golden fields", [(("navy blue",), "sky"), (("golden",), "fields")]),
        ("a #2a6f4e dress, and a hat", [(("#2a6f4e",), "dress")]),
        ("teal", [(("teal",), "")]),
        ("cold blue evening", []),
        ("a dog", []),
    ],
)
def test_things_with_colours_are_found(
    description: str, expected: list[tuple[tuple[str, ...], str]]
) -> None:
    assert [(p.colors, p.thing) for p in color_phrases(description)] == expected


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        # What a person wears, whatever follows.
        ("a bicyclist in blue goes up a hill", ["blue: clothes"]),
        ("two men in red fight", ["red: clothes"]),
        ("a girl in red playing cricket", ["red: clothes"]),
        ("a man in red rock climbing", ["red: clothes"]),
        ("a girl wearing pink swings on a swing", ["pink: clothes"]),
        ("two boys, one in orange and the other in teal", ["orange: clothes", "teal: clothes"]),
        ("a dog and a cat, both dressed in mostly green", ["green: clothes"]),
        ("a boy in red and a girl pink", ["red: clothes", "pink: clothes"]),
        ("a man in red swimming trunks", ["red: swimming trunks"]),
        ("a man in a white sports uniform", ["white: sports uniform"]),
        ("a girl in a blue top", ["blue: top"]),
        ("the red top of the page", ["red: top"]),
        # People's skin is no paint; teams have shirts.
        ("a black man in a red shirt beside two white women", ["red: shirt"]),
        ("the white team", ["white: clothes"]),
        # Hair, and parts of one word.
        ("a blonde woman", ["blonde: hair"]),
        ("a black haired girl with a red-roofed house", ["black: hair", "red: roof"]),
        ("a curly redheaded boy", ["red: hair"]),
        ("a green-shirted man", ["green: shirt"]),
        ("two blond dogs", ["blond: dogs"]),
        # Verbs after a thing.
        ("a black dog bounds across the sand", ["black: dog"]),
        ("a black dog nurses white puppies", ["black: dog", "white: puppies"]),
        ("a boy in a blue shirt knocks on a door", ["blue: shirt"]),
        # One colour for two things, two words for one.
        ("a red hat and scarf", ["red: hat", "red: scarf"]),
        ("a blue shirt and jeans", ["blue: shirt"]),
        ("a red shirt and a hat", ["red: shirt"]),
        ("a black and a white dog", ["black: dog", "white: dog"]),
        ("two dogs play, a brown one and a white one", ["brown: dogs", "white: dogs"]),
        ("red/white flags", ["red, white: flags"]),
        ("an orange and white dog", ["orange, white: dog"]),
        ("a tan, white and black dog", ["tan, white, black: dog"]),
        # What stands between a colour and its thing.
        ("her white, fluffy cat", ["white: fluffy cat"]),
        ('a grey "labradoodle" jumps', ["grey: labradoodle"]),
        ("a blue rally car", ["blue: rally car"]),
        (
            "a blue watering can behind a red round table",
            ["blue: watering can", "red: round table"],
        ),
        ("a sleeveless blue shirt", ["blue: sleeveless shirt"]),
        ("a neon yellow bike", ["neon yellow: bike"]),
        # Of nothing that is named, and no colours at all.
        ("a dog carrying something orange", ["orange: "]),
        ("a woman playing guitar in red and blue light", []),
        ("sour cream, a coral reef, a white water raft, a Red Bull sign", []),
        ("a black lab", ["black: labrador"]),
        # Tones of the whole picture, and those of a thing.
        ("shades of red, white, and blue", []),
        ("a house by the sea, hues of blue and of green", []),
        ("a dress in different shades of red and blue", ["red, blue: dress"]),
        ("a man in red shades", ["red: shades"]),
    ],
)
def test_captions_are_read_as_people_mean_them(description: str, expected: list[str]) -> None:
    assert [f"{', '.join(p.colors)}: {p.thing}" for p in color_phrases(description)] == expected


@pytest.mark.parametrize(
    ("description", "expected", "scene"),
    [
        # As lists are written.
        ("a dress, blue", ["blue: dress"], "a dress"),
        ("dress - blue; hat - red", ["blue: dress", "red: hat"], "dress; hat"),
        ("dress – blue, hat – red", ["blue: dress", "red: hat"], "dress, hat"),
        ("coat: dark green; scarf: red", ["dark green: coat", "red: scarf"], "coat; scarf"),
        ("dress: blue hat: red", ["blue: dress", "red: hat"], "dress hat"),
        ("a dress: a pale blue", ["pale blue: dress"], "a dress"),
        ("car -> red", ["red: car"], "car"),
        ("a car (red)", ["red: car"], "a car"),
        ("hair colour: brown", ["brown: hair"], "hair"),
        ("Tunic, dark blue; collar, red.", ["dark blue: tunic", "red: collar"], "Tunic; collar"),
        ("a woman, blonde, in a coat", ["blonde: hair"], "a woman, in a coat"),
        ("blue, long dress", ["blue: long dress"], "long dress"),
        ("a 'red' dress and a “green” hat", ["red: dress", "green: hat"], "a dress and a hat"),
        ("hat and scarf: red", ["red: scarf", "red: hat"], "hat and scarf"),
        ("the hat and the coat are red", ["red: coat", "red: hat"], "the hat and the coat"),
        # As wishes.
        ("the car should be red", ["red: car"], "the car"),
        ("please colour her hat blue", ["blue: hat"], "please colour her hat"),
        ("change the dress to blue", ["blue: dress"], "change the dress"),
        ("blue for the dress", ["blue: dress"], "for the dress"),
        (
            "red for the sky and blue for a hat",
            ["red: sky", "blue: hat"],
            "for the sky and for a hat",
        ),
        # As people tell.
        ("the dress was probably blue", ["blue: dress"], "the dress"),
        ("her coat may have been green", ["green: coat"], "her coat"),
        ("the dress she is wearing is red", ["red: dress"], "the dress"),
        (
            "the car's red, the dog's collar blue",
            ["red: car", "blue: collar"],
            "the car, the dog's collar",
        ),
        (
            "the sofa, which was green, and the red curtains",
            ["green: sofa", "red: curtains"],
            "the sofa, and the curtains",
        ),
        ("the dog is big and brown", ["brown: dog"], "the dog"),
        ("the dress is sky blue", ["blue: dress"], "the dress"),
        ("hair: ash brown; hat: brick red", ["brown: hair", "red: hat"], "hair; hat"),
        ("a girl wearing sky blue", ["blue: clothes"], "a girl"),
        ("a girl in skirt blue", ["blue: skirt"], "a girl in skirt"),
        ("the sky is blue, grass green", ["blue: sky", "green: grass"], "the sky, grass"),
        # What things are made of.
        ("a coat of brown wool", ["brown: coat"], "a coat of wool"),
        ("a man in blue silk", ["blue: clothes"], "a man in silk"),
        ("a box of red paper", ["red: box"], "a box of paper"),
        ("a table beside red leather", ["red: leather"], "a table beside leather"),
        # Which red it is.
        ("a wine-red velvet curtain", ["wine-red: velvet curtain"], "a velvet curtain"),
        (
            "an off-white dress, navy-blue hat",
            ["off-white: dress", "navy-blue: hat"],
            "a dress, hat",
        ),
        ("a reddish-brown horse", ["reddish, brown: horse"], "a horse"),
        ("a blue-green sea", ["blue, green: sea"], "a sea"),
    ],
)
def test_people_write_what_they_want_in_many_ways(
    description: str, expected: list[str], scene: str
) -> None:
    assert [f"{', '.join(p.colors)}: {p.thing}" for p in color_phrases(description)] == expected
    assert without_colors(description) == scene


@pytest.mark.parametrize(
    ("description", "scene"),
    [
        ("a black man", "a black man"),
        ("a red-haired boy, wearing green, and a dog", "a boy, and a dog"),
        ("two boys, one in orange", "two boys, one"),
    ],
)
def test_the_scene_keeps_what_is_no_paint(description: str, scene: str) -> None:
    assert without_colors(description) == scene


@pytest.mark.parametrize(
    "description",
    [
        "a man in white and a woman wearing all black by a red car in front of a blue house",
        "the grass is green, a large red dog, two girls in blue hats",
        "a wall painted in light blue behind a green wooden fence",
        "a black lab beside two labs, one yellow",
        "the lab is black",
    ],
)
def test_what_has_a_colour_is_among_the_names(description: str) -> None:
    names = {*names_of(description), "clothes"}
    assert {phrase.thing for phrase in color_phrases(description)} <= names


@pytest.mark.parametrize(
    ("description", "colors", "scene"),
    [
        ("a man wearing no red hat", [], "a man wearing no hat"),
        ("two ladies without a black hat", [], "two ladies without a hat"),
        ("the dress is not red but dark blue", [(("dark blue",), "dress")], "the dress"),
        ("the dress isn't red, but blue", [(("blue",), "dress")], "the dress"),
        ("neither red nor blue, a green car", [(("green",), "car")], "neither nor, a car"),
        (
            "a man without a hat in a red coat",
            [(("red",), "coat")],
            "a man without a hat in a coat",
        ),
        ("nothing red", [], "nothing"),
        ("nothing red but a blue hat", [(("blue",), "hat")], "a hat"),
        ("nothing but a red hat", [(("red",), "hat")], "nothing but a hat"),
        ("anything but a red hat", [], "anything but a hat"),
        ("a man without anything red", [], "a man without anything"),
        ("nothing should be red", [], "nothing should be"),
        ("the dress must not be red", [], "the dress must not be"),
        ("nobody is wearing red", [], "nobody is wearing"),
        ("a knot of red ribbon", [(("red",), "ribbon")], "a knot of ribbon"),
        ("don't make the hat red", [], "don't make the hat"),
        ("do not paint the door green", [], "do not paint the door"),
        ("do not paint the door green but blue", [(("blue",), "door")], "the door"),
        (
            "don't make the hat red but the dress blue",
            [(("blue",), "dress")],
            "don't make the hat but the dress",
        ),
        ("none of the hats are red", [], "none of the hats are"),
        ("no hat is red", [], "no hat is"),
        ("none wear red", [], "none wear"),
        ("don't use any red", [], "don't use any"),
        ("neither the hat nor the dress is red", [], "neither the hat nor the dress is"),
        ("no one wears red", [], "no one wears"),
        ("the dress cannot be red", [], "the dress cannot be"),
        ("the dress can't be red", [], "the dress can't be"),
        ("the dress won't be red, a blue hat", [(("blue",), "hat")], "the dress won't be, a hat"),
        ("the dress shouldn't be red", [], "the dress shouldn't be"),
        ("the hat does not look red", [], "the hat does not look"),
        ("the hat isn't painted red", [], "the hat isn't painted"),
    ],
)
def test_a_colour_that_is_denied_colours_nothing(
    description: str, colors: list[tuple[tuple[str, ...], str]], scene: str
) -> None:
    assert [(p.colors, p.thing) for p in color_phrases(description)] == colors
    assert without_colors(description) == scene


@pytest.mark.parametrize(
    ("description", "color", "thing"),
    [
        ("a man with no hat is in a red coat", "red", "coat"),
        ("a man not wearing a shirt stands by a blue wall", "blue", "wall"),
        ("a dog that is not on a leash runs across green grass", "green", "grass"),
        ("there is no dog in the red car", "red", "car"),
        ("a girl does not look at the red ball", "red", "ball"),
        ("don't paint the old red car", "red", "old car"),
        ("don't make the blue hat red", "blue", "hat"),
    ],
)
def test_a_denial_of_something_else_leaves_a_colour(
    description: str, color: str, thing: str
) -> None:
    assert [(p.colors, p.thing) for p in color_phrases(description)] == [((color,), thing)]


@pytest.mark.parametrize(
    ("description", "scene"),
    [
        ("the dress was red, is blue", "the dress"),
        ("the dress was blue-green and is blue", "the dress"),
        ("the hat red, was blue", "the hat"),
        ("a red-haired girl in a hat that is blue", "a girl in a hat"),
        ("the coat is olive, was blue, will be red", "the coat"),
        ("a man in a khaki coat and a hat painted red", "a man in a coat and a hat"),
        ("the “dress” is red", "the “dress"),
    ],
)
def test_what_is_said_of_two_colours_leaves_the_words_before_it(
    description: str, scene: str
) -> None:
    assert without_colors(description) == scene


def seconds_to_read(colors: int) -> float:
    """Measure how long a run of so many colours takes that says nothing of any thing."""
    text = "red " * colors + "tones"
    taken = []
    for _ in range(5):
        start = time.process_time()
        assert with_placeholders(text) == text
        taken.append(time.process_time() - start)
    return min(taken)


def test_a_long_run_of_colours_takes_time_by_its_length_alone() -> None:
    # Eight times as long: 64 times the time where each colour starts a search of all that follow.
    assert seconds_to_read(800) < 30 * seconds_to_read(100)


def test_thousands_of_colours_are_read() -> None:
    text = "red " * 2000
    assert color_phrases(f"{text}tones") == ()
    (phrase,) = color_phrases(f"a {text}hat")
    assert (len(phrase.colors), phrase.thing) == (2000, "hat")
    assert without_colors(f"no {text}tones on a {text}hat") == f"no {text}tones on a hat"


@pytest.mark.parametrize(
    ("description", "color", "thing"),
    [
        ("a man in an olive drab uniform", "olive drab", "uniform"),
        ("olive-drab tents", "olive-drab", "tents"),
        ("the car is olive drab", "olive drab", "car"),
        ("a drab olive coat", "olive", "drab coat"),
    ],
)
def test_olive_drab_is_a_kind_of_olive(description: str, color: str, thing: str) -> None:
    read = read_description(description, knows=lambda _: False)
    assert (read.english, read.notices) == (description, ())
    assert [(p.colors, p.thing) for p in color_phrases(description)] == [((color,), thing)]
    assert NAMED["olive drab"] == NAMED["olive"]
