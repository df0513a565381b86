"""Noun phrases of an English description: what it says that the picture shows.

A shallow parse by rules (chunks as of Abney 1991, "Parsing by chunks"): function words and verbs
end a phrase, and what stands between them names a thing. No dictionary of nouns is needed, so
names that nobody thought of are found too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from models.guidance.color_terms import COLORS, PLACEHOLDER


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


DETERMINERS = _words(
    "a an the this that these those my your his her its our their some any no every each all both "
    "another other several many few various numerous multiple more most half one two three four "
    "five six seven eight nine ten eleven twelve dozen dozens hundreds much"
)
PREPOSITIONS = _words(
    "in on at to of off by for from with without within into onto upon over under underneath above "
    "below beneath behind beside besides between among amongst across along alongside around round "
    "about against near next past through throughout toward towards up down out outside inside "
    "beyond before after during until since like unlike via per amid amidst atop aboard opposite"
)
# Words that are in no phrase, and end the one before them.
FUNCTION = PREPOSITIONS | _words(
    "and or but nor so than as if while when where which who whom whose what how because though "
    "i you he she it we they me him us them himself herself itself themselves someone somebody "
    "something everyone everything nobody nothing anyone others whilst "
    "is are was were be been being am has have had having do does did can could will would may "
    "might must should shall not let lets 's "
    "together away apart there here very just only also too still already again almost perhaps "
    "maybe then now later soon back forward ahead aside home upside outdoors indoors nearby "
    "someplace somewhere else well fast once twice asleep awake alone full downhill uphill"
)
# "A group of people" shows people.
QUANTITIES = _words(
    "group groups pair pairs bunch couple set lot lots number crowd pile row rows piece pieces "
    "series variety body amount kind kinds sort type assortment collection bit slice sea"
)
# Parts of a place, of a photo and of time: alone they name nothing that has a colour.
NO_THINGS = _words(
    "front top side sides edge middle center centre bottom end left right corner distance air mid "
    "midair mid-air direction way day night time photo photograph picture image view shot portrait "
    "scene part parts rest action fun place position look step steps turn lot lots bit kinds sort "
    "type amount number same"
)
ADJECTIVES = _words(
    "small large big little young old older elderly tall short long dark light bright pale deep "
    "soft dull vivid colored coloured colorful colourful blonde blond bald wet dry dirty clean "
    "happy sad new busy empty open closed crowded beautiful pretty cute lovely nice good great "
    "fluffy furry shaggy hairy scruffy thick thin wide narrow high low hot cold warm cool sunny "
    "cloudy rocky sandy grassy snowy wooden metal brick stone plastic wavy curly straight asian "
    "african american black white same different own main huge giant tiny fat skinny muddy foggy "
    "misty rusty shiny plain fancy striped plaid checkered floral first second"
)
# Verbs of captions by their plain forms: "a dog runs", "two dogs run".
VERBS = _words(
    "run sit stand walk play hold wear jump look ride carry climb smile lie lay lean pull push "
    "throw catch kick hit swim dive ski skate skateboard surf snowboard perform dance sing eat "
    "drink watch chase fetch bite lick sniff dig leap pose talk wait work read write stare gaze "
    "point race bike hike fish cook sell buy make take give get put cross enter leave fly fall "
    "slide swing bend crouch kneel squat rest sleep laugh cry hug kiss fight wrestle tackle "
    "practice compete prepare try attempt go come enjoy share show display face fill cover "
    "surround approach reach raise lift grab touch use drive sail row paddle float splash shake "
    "bounce balance hang drop chew wave blow cut build paint draw decorate hurry move turn spin "
    "roll crawl explore relax gather listen speak shout scream yell cheer celebrate appear seem "
    "begin start stop stay keep seat wade pass lead follow set spray toss grind lounge stroll "
    "attend observe examine inspect feed pet peer trek bat dress ready participate march shoot "
    "dribble pitch tie help travel wander overlook see has have"
)
# Those among them that are hardly ever nouns: "a woman and a man stand by a door".
PLAIN_VERBS = _words(
    "sit stand hold wear lie throw carry eat sing stare gaze sell buy make give enjoy crouch kneel"
)
PARTICIPLES = _words(  # without -ed and -ing
    "ran sat stood held wore worn lay lain threw thrown caught swam ate drank bit bitten dug leapt "
    "made took taken gave given got put left flew flown fell fallen swung bent knelt slept fought "
    "went gone came shown drove driven shook hung blew blown cut built drew drawn spun began kept "
    "led fed tied rode ridden rid seen known done set seated shot hidden stuck lit grown torn"
)
# Nouns that look like participles or verbs.
NOUNS = _words(
    "building buildings clothing string strings ring rings ceiling railing painting paintings wing "
    "wings king thing things morning evening wedding awning lightning spring swing swings sling "
    "sibling carving drawing crossing opening landing parking earring earrings stockings stocking "
    "icing frosting topping flooring paneling lining gathering pudding duckling seedling rigging "
    "scaffolding roofing housing fencing bed shed sled seed weed reed moped hundred watershed "
    "bunkbed tweed steed breed feed flatbed seabed waterbed red dress ski skis"
)
PEOPLE = _words(
    "man men woman women boy boys girl girls child children kid kids baby babies toddler person "
    "people lady ladies gentleman gentlemen guy guys couple family mother father grandmother "
    "grandfather grandma grandpa mom dad mum parents brother sister son daughter aunt uncle friend "
    "friends bride groom bridesmaid bridesmaids soldier soldiers officer sailor sailors nurse "
    "nurses doctor waiter waitress dancer dancers player players team teacher student students "
    "worker workers farmer priest nun monk monks king queen prince princess skier snowboarder "
    "cyclist biker rider surfer runner someone everyone teenager teen adult cheerleader clown "
    "astronaut astronauts"
)
PLURALS = _words("people men women children kids police cattle sheep team geese mice couple")
ADVERBS_NOT = _words(  # they end in -ly
    "family fly butterfly lily lovely elderly curly woolly wooly assembly jelly belly trolley"
)
ENDS = FUNCTION | DETERMINERS
_TOKEN = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*|\S")


@dataclass(frozen=True, slots=True)
class NounPhrase:
    """What names a thing, without articles: its words, and where in the text they stand."""

    words: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]


def names_of(english: str) -> tuple[str, ...]:
    """Name all things of an English description, without colours and articles, in their order.

    "A man in a red shirt beside a wooden pond fence" gives "man", "shirt", "wooden pond fence".
    """
    neutral = COLORS.sub(PLACEHOLDER, english)
    return tuple(dict.fromkeys(" ".join(phrase.words) for phrase in noun_phrases(neutral)))


def noun_phrases(english: str) -> tuple[NounPhrase, ...]:
    """Find the noun phrases of an English text; the placeholder of colours is in none."""
    return tuple(
        NounPhrase(tuple(word.lower() for word, _, _ in chunk), tuple((a, b) for _, a, b in chunk))
        for chunk in _chunks(english)
        if _names_a_thing([word.lower() for word, _, _ in chunk])
    )


_Token = tuple[str, int, int]  # a word, and where it begins and ends


def _chunks(text: str) -> Iterator[list[_Token]]:
    """Cut a text into what stands between function words and verbs."""
    tokens = [(m[0], m.start(), m.end()) for m in _TOKEN.finditer(text)]
    small = [word.lower().replace("’", "'") for word, _, _ in tokens]
    chunk: list[_Token] = []
    opening = ""  # the word before the chunk
    for i, ((written, start, _), word) in enumerate(zip(tokens, small, strict=True)):
        following = small[i + 1] if i + 1 < len(small) else "."
        before = [token[0].lower() for token in chunk]
        stem = word.removesuffix("'s")
        if word == "," and before and ADJECTIVES.issuperset(before):
            continue  # "a small, wet dog"
        if word == "of" and before and before[-1] in QUANTITIES:
            chunk, opening = [], "the"
        elif stem in ENDS or not word[0].isalnum():
            yield chunk
            chunk, opening = [], word
        elif word == PLACEHOLDER:
            if not ADJECTIVES.issuperset(before):
                yield chunk
                chunk = []
            opening = PLACEHOLDER
        elif _is_verb(word, before, opening, following):
            yield chunk
            chunk, opening = [], word
        elif word.endswith("ly") and word not in ADVERBS_NOT:
            continue  # "a brightly lit room"
        else:
            chunk.append((written[: len(stem)], start, start + len(stem)))
            if stem != word:  # "the dog's collar"
                yield chunk
                chunk, opening = [], "the"
    yield chunk


def _is_verb(word: str, before: list[str], opening: str, following: str) -> bool:
    """Tell whether a word is a verb or participle, not part of the phrase ``before`` it."""
    if word in NOUNS:
        return False
    if not before:
        goes_on = following[0].isalnum() and following not in ENDS and following != PLACEHOLDER
        leads_in = opening in PREPOSITIONS or opening in ("wearing", "and")
        if opening in DETERMINERS or (goes_on and leads_in and _is_participle(word)):
            return False  # "a running dog", "in swimming trunks"
        if opening == PLACEHOLDER:
            return _is_participle(word) and not goes_on  # "in red holding a hat"
        return _is_participle(word) or word in VERBS or _is_third_person(word)
    if all(word in ADJECTIVES or _is_participle(word) for word in before):
        return False  # "a big running dog"
    if _is_participle(word) or _is_third_person(word):
        return True
    if word in VERBS:
        plural = before[-1] in PLURALS or _ends_in_s(before[-1])
        return plural or (word in PLAIN_VERBS and following in ENDS)
    # "A man knocks his head": what follows "a" is no plural.
    return opening in ("a", "an") and _ends_in_s(word) and following in ENDS


def _is_participle(word: str) -> bool:
    if word in NOUNS:
        return False
    return word in PARTICIPLES or (len(word) > 4 and word.endswith(("ing", "ed")))


def _is_third_person(word: str) -> bool:
    if not word.endswith("s"):
        return False
    plain = {word[:-1], word.removesuffix("es"), word.removesuffix("ies") + "y"}
    return not plain.isdisjoint(VERBS)


def _ends_in_s(word: str) -> bool:
    return word.endswith("s") and not word.endswith(("ss", "us", "is"))


def _names_a_thing(words: list[str]) -> bool:
    """Tell whether words are more than adjectives and parts of a place."""
    nouns = [word for word in words if word not in ADJECTIVES and not word.isdecimal()]
    return bool(nouns) and not NO_THINGS.issuperset(nouns) and nouns != ["s"]
