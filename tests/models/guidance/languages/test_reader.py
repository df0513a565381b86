"""Recognising a language, words that are not understood, typing errors."""

from __future__ import annotations

import time

import pytest

from models.guidance.color_words import color_phrases
from models.guidance.languages.english import MATERIALS, mend_articles, plural
from models.guidance.languages.lexicon import FOLDER, PLURAL, SINGULAR, Kind, load_lexicon
from models.guidance.languages.reader import read_description
from models.guidance.languages.recognition import ONLY_ENGLISH, english_words
from models.guidance.languages.spelling import likely_word
from models.job import LANGUAGES

KNOWN = frozenset(("bicycle", "cobble", "stones", "palace", "well", "worn"))
FOREIGN = [code for code in LANGUAGES if code != "en"]


def knows(word: str) -> bool:
    return word in KNOWN


@pytest.mark.parametrize(
    "text",
    [
        "a woman in a red dress",
        "red",
        "orange",
        "A man and a dog, black and white",
        "piano",
        "two girls on a sofa",
        "",
        "1912",
        "#2a6f4e",
        "a bicycle on cobblestones near the palace of Karlsruhe",
        "an old sailor's hat, hand-painted and well-worn",
    ],
)
def test_english_stays_as_it_is(text: str) -> None:
    read = read_description(text, knows=knows)
    assert (read.english, read.language, read.notices) == (text, "en", ())


@pytest.mark.parametrize(
    ("text", "english", "said"),
    [
        ("a red dres", "a red dress", '"dres" was read as "dress".'),
        ("a womna in a gren hat", "a woman in a green hat", '"womna" was read as "woman".'),
        ("the blue qwxyzk", "the blue qwxyzk", 'Not understood: "qwxyzk".'),
        ("A RED DRES", "a red dress", '"dres" was read as "dress".'),
        ("THE BLUE QWXYZK", "the blue qwxyzk", 'Not understood: "qwxyzk".'),
    ],
)
def test_a_typing_error_in_english_is_mended_and_said(text: str, english: str, said: str) -> None:
    read = read_description(text, knows=knows)
    assert read.english == english
    assert any(notice.startswith(said) for notice in read.notices)


@pytest.mark.parametrize(
    ("text", "language", "named"),
    [
        ("ein rotes Kleid mit Quaste", "de", '"Quaste"'),
        ("ein rotes Kleit und ein Hut", "de", '"Kleit" (perhaps "kleid"?)'),
        ("une robe rouge avec un zigouigoui", "fr", '"zigouigoui"'),
        ("ein dunkelgrühnes Kleid", "de", '"dunkelgrühnes" (perhaps "dunkelgrünes"?)'),
        ("camiza blanca y falda negra", "es", '"camiza" (perhaps "camisa"?)'),
    ],
)
def test_words_that_are_not_understood_are_named(text: str, language: str, named: str) -> None:
    read = read_description(text, knows=knows)
    assert read.language == language
    assert read.notices[0].endswith(f"was read as: {read.english}")
    assert named in read.notices[1]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("en röd katt", '"röd"'),  # Swedish
        ("en röd bil framför ett hus", '"framför"'),
        ("en hvid hund på en rød stol", '"hvid"'),  # Danish
        ("punainen kissa", '"kissa" (perhaps "kiss"?)'),  # Finnish
        ("kissa", '"kissa" (perhaps "kiss"?)'),
        ("červená kočka na stole", '"kočka"'),  # Czech
        ("kırmızı elbiseli bir kadın", '"elbiseli"'),  # Turkish
        ("egy piros ruhás nő", '"piros"'),  # Hungarian
        ("o femeie în rochie roșie", '"femeie"'),  # Romanian
        ("жінка в червоній сукні", '"жінка"'),  # Ukrainian
    ],
)
def test_other_languages_are_not_taken_for_their_neighbours(text: str, named: str) -> None:
    read = read_description(text, knows=knows)
    assert (read.english, read.language) == (text, "en")
    (notice,) = read.notices
    assert notice.startswith("Not understood: ")
    assert named in notice
    assert notice.endswith(". Use another word for it, or the English one.")


@pytest.mark.parametrize(
    ("text", "language", "english"),
    [
        ("ein dunkelgruenes Wollkleid", "de", "a dark green wool dress"),
        ("ein dunkelgrunes Wollkleid", "de", "a dark green wool dress"),
        (
            "une robe a carreaux et un velo vert fonce",
            "fr",
            "a checked dress and a dark green bicycle",
        ),
        ("un nino con un gorro marron", "es", "a boy with a brown cap"),
        ("zolta sukienka", "pl", "yellow dress"),
        ("зеленое платье", "ru", "green dress"),
        ("EIN ROTES KLEID", "de", "a red dress"),
    ],
)
def test_accents_and_capitals_may_be_missing(text: str, language: str, english: str) -> None:
    read = read_description(text, knows=knows)
    assert (read.language, read.english) == (language, english)


@pytest.mark.parametrize(
    ("text", "language", "english"),
    [
        ("Der Mann trägt keinen roten Hut", "de", "the man wearing no red hat"),
        ("das Kleid ist nicht rot, sondern blau", "de", "the dress is not red, but blue"),
        ("la robe n'est pas rouge mais bleue", "fr", "the dress is not red but blue"),
        ("el coche no es rojo sino verde", "es", "the car is not red but green"),
        ("il vestito non è rosso ma blu", "it", "the dress is not red but blue"),
        ("de jurk is niet rood maar blauw", "nl", "the dress is not red but blue"),
        ("sukienka nie jest czerwona, ale niebieska", "pl", "dress is not red, but blue"),
        ("o vestido não é vermelho mas azul", "pt", "the dress is not red but blue"),
        ("платье не красное, а синее", "ru", "dress not red, but blue"),
        ("pas de chapeau rouge", "fr", "no red hat"),
        ("il n'y a pas de chapeau rouge", "fr", "there is no red hat"),
        ("aucun chapeau rouge", "fr", "no red hat"),
        ("la femme ne porte pas de chapeau rouge", "fr", "the woman wearing no red hat"),
        ("rien de rouge", "fr", "nothing red"),
        ("no hay sombrero rojo", "es", "there is no red hat"),
        ("ningún sombrero rojo", "es", "no red hat"),
        ("nessun cappello rosso", "it", "no red hat"),
        ("non c'è nessun cappello rosso", "it", "there is no red hat"),
        ("нет красной шляпы", "ru", "no red hat"),
        ("на женщине нет красной шляпы", "ru", "on woman no red hat"),
        ("nenhum chapéu vermelho", "pt", "no red hat"),
        ("żadnego czerwonego kapelusza", "pl", "no red hat"),
        ("nichts Rotes", "de", "nothing red"),
        ("niemand in Rot", "de", "nobody in red"),
        ("nada rojo", "es", "nothing red"),
        ("nada es rojo", "es", "nothing is red"),
        ("la mujer no lleva nada rojo", "es", "the woman wearing no nothing red"),
        ("nadie de rojo", "es", "nobody in red"),
        ("rien n'est rouge", "fr", "nothing is red"),
        ("jamais rouge", "fr", "never red"),
        ("niente di rosso", "it", "nothing red"),
        ("nulla di rosso", "it", "nothing red"),
        ("nada vermelho", "pt", "nothing red"),
        ("não há nada vermelho", "pt", "there is no nothing red"),
        ("niets roods", "nl", "nothing red"),
        ("niemand in rood", "nl", "nobody in red"),
        ("nic czerwonego", "pl", "nothing red"),
        ("nikt na czerwono", "pl", "nobody in red"),
        ("ничего красного", "ru", "nothing red"),
        ("никто в красном", "ru", "nobody in red"),
    ],
)
def test_what_is_denied_stays_denied(text: str, language: str, english: str) -> None:
    read = read_description(text, knows=knows)
    assert (read.language, read.english) == (language, english)
    assert "red" not in [color for phrase in color_phrases(read.english) for color in phrase.colors]


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("una mujer nada en agua azul", "a woman swimming in blue water"),
        ("la niña pequeña nada", "the small girl swimming"),
        ("uma mulher nada no lago azul", "a woman swimming in the blue lake"),
    ],
)
def test_who_swims_denies_nothing(text: str, english: str) -> None:
    assert read_description(text, knows=knows).english == english


@pytest.mark.parametrize(
    ("text", "language", "english"),
    [
        ("Kleid: blau; Hut: rot", "de", "dress: blue; hat: red"),
        ("das Kleid sollte blau sein", "de", "the dress should blue his"),
        ("mach das Kleid blau", "de", "make the blue dress"),
        ("vestido: azul", "es", "dress: blue"),
        ("el vestido debería ser azul", "es", "the dress should be blue"),
        ("robe (bleue)", "fr", "dress (blue)"),
        ("la robe doit être bleue", "fr", "the dress should be blue"),
        ("il vestito deve essere blu", "it", "the dress should be blue"),
        ("o vestido deve ser azul", "pt", "the dress should be blue"),
        ("de jurk moet blauw zijn", "nl", "the dress should blue his"),
        ("sukienka powinna być niebieska", "pl", "dress should be blue"),
        ("платье должно быть синим", "ru", "dress should be blue"),
    ],
)
def test_wishes_and_lists_are_read_in_every_language(
    text: str, language: str, english: str
) -> None:
    read = read_description(text, knows=knows)
    assert (read.language, read.english, len(read.notices)) == (language, english, 1)
    assert [(p.colors, p.thing) for p in color_phrases(read.english)] == [(("blue",), "dress")] + (
        [(("red",), "hat")] if "hat" in english else []
    )


@pytest.mark.parametrize(
    ("text", "language", "english"),
    [
        ("tons rouges, blancs et bleus", "fr", "red, white and blue tones"),
        ("nuances de rouge et de bleu", "fr", "hues in red and in blue"),
        ("rote, weiße und blaue Töne", "de", "red, white and blue tones"),
        ("rote und blaue Farbtöne", "de", "red and blue tones"),
        ("tonos rojos y azules", "es", "red and blue tones"),
        ("toni rossi e blu", "it", "red and blue tones"),
        ("rode en blauwe tinten", "nl", "red and blue tints"),
        ("czerwone i niebieskie tony", "pl", "red and blue tones"),
        ("tons de vermelho", "pt", "tones in red"),
        ("красные и синие тона", "ru", "red and blue tones"),
    ],
)
def test_tones_are_of_no_thing(text: str, language: str, english: str) -> None:
    read = read_description(text, knows=knows)
    assert (read.language, read.english) == (language, english)
    assert len(read.notices) == 1, "a word was not understood"
    assert color_phrases(read.english) == ()


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("une fillette aux cheveux roux", "a girl with rust hair"),
        ("dwie starsze panie bez kapeluszy", "two elderly ladies without hats"),
        ("pan w szarym garniturze i pani w sukience", "gentleman in grey suit and lady in dress"),
        ("dos ancianos con sombreros grises", "two old men with grey hats"),
        ("una mujer anciana con un chal negro", "an old woman with a black shawl"),
        ("saftig grüne Wiesen und verblasste Vorhänge", "lush green meadows and faded curtains"),
        ("женщина в тёмной обуви", "woman in dark shoes"),
        ("ein Mann mit a red scarf und braunen Schuhen", "a man with a red scarf and brown shoes"),
    ],
)
def test_odd_sentences(text: str, english: str) -> None:
    assert read_description(text, knows=knows).english == english


@pytest.mark.parametrize(
    ("text", "name", "is_understood"),
    [
        ("a green qwrt", "qwrt", False),
        ("the old qwrt's green", "old qwrt", False),
        ("a green qwrt hat", "qwrt hat", True),
        ("a woman in a green dress qwrt", "dress qwrt", True),
        ("a red Bugatti", "bugatti", True),  # it may be a name
        ("a brown cloche and grey jodhpurs", "cloche", True),
        ("a brown cloche and grey jodhpurs", "jodhpurs", True),
        ("ein grüner Qwrt", "qwrt", False),
        ("ein roter Kimono", "kimono", True),
        ("un boléro noir", "boléro", True),
        ("ein roter Palace", "palace", True),  # the text tower knows it
    ],
)
def test_a_name_is_understood_where_any_of_its_nouns_is(
    text: str, name: str, is_understood: bool
) -> None:
    assert read_description(text, knows=knows).understands(name) == is_understood


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("un kimono rouge", "fr"),
        ("kimono rojo", "es"),
        ("czerwone kimono", "pl"),
        ("a red kimono", "en"),
        ("pink roses in a green vase", "en"),
        ("kimono", "en"),
    ],
)
def test_an_english_word_may_stand_in_another_language(text: str, language: str) -> None:
    assert read_description(text, knows={"rouge", "roses"}.__contains__).language == language


def test_the_given_language_is_taken() -> None:
    assert read_description("rosa", "de", knows=knows).english == "pink"
    assert read_description("rosa Kleid", "en", knows=knows).language == "en"
    assert read_description("a red dress", "fr", knows=knows).language == "fr"


def test_the_notice_of_a_long_text_shows_its_beginning() -> None:
    short = "ein rotes Kleid und " * 10
    read = read_description(f"{short}ein blauer Hut", knows=knows)
    assert read.notices == (f"The German description was read as: {read.english}",)
    read = read_description(short * 30, knows=knows)
    (notice,) = read.notices
    shown = notice.removeprefix("The German description was read as: ")
    assert shown.endswith("...")
    assert 280 < len(shown) <= 303
    assert read.english.startswith(f"{shown.removesuffix('...')} ")


def test_a_word_without_end_is_named_by_its_beginning() -> None:
    read = read_description("ein rotes Kleid und " + "xqzkv" * 1000, "de", knows=knows)
    assert f'"{"xqzkv" * 8}..."' in read.notices[1]
    assert sum(map(len, read.notices)) < 600


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("Dress blue\nHat red", "Dress blue. Hat red"),
        ("- Dress: blue \n\n- Hat: red", "- Dress: blue. - Hat: red"),
        ("a woman in a blue\ndress", "a woman in a blue\ndress"),
        ("Kleid blau\nHut rot", "blue dress. red hat"),
    ],
)
def test_lists_end_with_their_lines(text: str, english: str) -> None:
    assert read_description(text, knows=str.isalpha).english == english


def test_names_are_no_unknown_words() -> None:
    read = read_description("une robe rouge devant la tour de Montparnasse", knows=knows)
    assert len(read.notices) == 1
    assert read.english.endswith("Montparnasse")


@pytest.mark.parametrize("code", FOREIGN)
def test_reading_takes_less_than_ten_milliseconds(code: str) -> None:
    texts = {"de": "ein alter Mann in einem dunkelgrünen Wollmantel vor dem Backsteinhaus"}
    text = texts.get(code, " ".join(list(load_lexicon(code).forms)[:12]))
    read_description(text, knows=knows)  # the files are read once
    start = time.process_time()
    for _ in range(20):
        read_description(text, knows=knows)
    assert (time.process_time() - start) / 20 < 0.01


@pytest.mark.parametrize("code", FOREIGN)
def test_a_whole_page_is_read_in_no_time(code: str) -> None:
    start = time.process_time()
    read_description("xqzkv wkrqz " * 1000, code, knows=knows)
    read_description("x" * 10_000, code, knows=knows)
    assert time.process_time() - start < 2


@pytest.mark.parametrize("word", ["青" * 6000, "белыйx" * 1000])
def test_one_long_word_in_another_script_is_read_in_no_time(word: str) -> None:
    start = time.process_time()
    read = read_description(word, knows=knows)
    assert time.process_time() - start < 2
    assert (read.english, read.language) == (word, "en")


@pytest.mark.parametrize("code", [None, "de"])
def test_a_compound_without_end_is_no_word(code: str | None) -> None:
    word = "blau" * 800
    read = read_description(word, code, knows=knows)
    assert read.english == word
    assert read_description("blau" * 5 + "auto", code, knows=knows).language == "de"


@pytest.mark.parametrize("code", FOREIGN)
def test_a_lexicon_has_what_photographs_show(code: str) -> None:
    lexicon = load_lexicon(code)
    sides: dict[Kind, set[str]] = {kind: set() for kind in Kind}
    for entries in lexicon.forms.values():
        for entry in entries:
            sides[entry.kind].add(entry.english)
    assert sum(map(len, sides.values())) >= 600
    colors = (
        "red orange yellow green blue purple pink brown black white grey beige turquoise golden"
    )
    assert set(colors.split()) <= sides[Kind.COLOR]
    assert {"dark", "light", "bright", "pale", "deep", "soft"} <= sides[Kind.SHADE]
    things = (
        "man woman girl boy child dress shirt hat coat house wall sky tree flower car dog horse"
    )
    assert set(things.split()) <= sides[Kind.NOUN]
    assert {"wool", "silk", "leather", "brick", "stone"} <= sides[Kind.NOUN] & set(MATERIALS)
    relations = {"in", "with", "next to", "behind", "in front of", "under", "between", "and"}
    assert relations <= sides[Kind.WORD]


def test_every_file_belongs_to_a_language() -> None:
    assert {path.stem for path in FOLDER.glob("*.toml")} == set(FOREIGN)


@pytest.mark.parametrize(
    ("code", "form", "english", "number"),
    [
        ("de", "kleidern", "dress", PLURAL),
        ("de", "hauses", "house", SINGULAR),
        ("fr", "chevaux", "horse", PLURAL),
        ("es", "luces", "light", PLURAL),
        ("it", "barche", "boat", PLURAL),
        ("nl", "auto's", "car", PLURAL),
        ("pt", "leões", "lion", PLURAL),
        ("pl", "kobietami", "woman", PLURAL),
        ("ru", "женщиной", "woman", SINGULAR),
        ("ru", "розами", "rose", PLURAL),
    ],
)
def test_words_are_found_in_all_their_forms(
    code: str, form: str, english: str, number: int
) -> None:
    (entry,) = (e for e in load_lexicon(code).find(form) if e.english == english)
    assert entry.number == number


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("dress", "dresses"),
        ("woman", "women"),
        ("fisherman", "fishermen"),
        ("cherry", "cherries"),
        ("toy", "toys"),
        ("trousers", "trousers"),
        ("scarf", "scarves"),
        ("wedding dress", "wedding dresses"),
        ("hair", "hair"),
        ("bus", "buses"),
    ],
)
def test_english_plurals(one: str, many: str) -> None:
    assert plural(one) == many


def test_articles_fit_the_next_word() -> None:
    assert mend_articles("a orange hat, an green one") == "an orange hat, a green one"
    assert mend_articles("A uniform and a hour") == "A uniform and a hour"
    assert mend_articles("a unironed shirt, an unicorn") == "an unironed shirt, a unicorn"


def test_the_likely_word_is_one_error_away() -> None:
    known = {"dress", "shirt"}
    found = [likely_word(w, known.__contains__, "abcdefghijklmnopqrstuvwxyz") for w in
             ("dres", "drses", "dresss", "drasss", "shrit", "hat", "dress")]  # fmt: skip
    assert found == ["dress", "dress", "dress", None, "shirt", None, None]


@pytest.mark.parametrize("word", sorted(ONLY_ENGLISH))
def test_what_only_english_has_is_in_no_other_lexicon(word: str) -> None:
    assert word in english_words()
    assert [code for code in FOREIGN if word in load_lexicon(code).forms] == []


@pytest.mark.parametrize(
    ("text", "language", "english"),
    [
        (
            "une marque rouge sur le front de la femme",
            "fr",
            "a red marque on the forehead of the woman",
        ),
        ("ein Haus mit roter Front", "de", "a house with red front"),
        ("red front", "en", "red front"),
        ("man in front of a red house", "en", "man in front of a red house"),
    ],
)
def test_a_front_is_of_more_than_one_language(text: str, language: str, english: str) -> None:
    read = read_description(text, knows=knows)
    assert (read.language, read.english) == (language, english)


def test_english_words_come_from_all_files() -> None:
    assert {"dress", "trampoline", "between", "turquoise"} <= english_words()
