"""Noun phrases of an English description: what it says that the picture shows.

A shallow parse by rules (chunks as of Abney 1991, "Parsing by chunks"): function words and verbs
end a phrase, and what stands between them names a thing. No dictionary of nouns is needed, so
names that nobody thought of are found too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from models.guidance.color_terms import PLACEHOLDER, with_placeholders


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
    "and or but nor so than as if while when where which who whom whose what how because though i "
    "you he she it we they me him us them himself herself itself themselves someone somebody "
    "something everyone everything nobody nothing anyone others whilst is are was were be been "
    "being am has have had having do does did can could will would may might must should shall "
    "not let lets 's together away apart there here very just only also too still already again "
    "almost perhaps maybe then now later soon back forward ahead aside home upside outdoors "
    "indoors nearby someplace somewhere else well fast once twice asleep awake alone full "
    "downhill uphill overhead backwards barefoot bareback headfirst please never cannot none "
    "neither either"
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
    "misty rusty shiny plain fancy striped plaid checkered floral first second round haired headed "
    "sleeveless matching identical similar traditional tropical drab"
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
    "dribble pitch tie help travel wander overlook see has have bound frolic retrieve open smoke "
    "emerge rush knock hide peek poke browse teach grin pick flee fling scratch bring return "
    "sprint aim grasp stalk clutch lunge tug nibble rub extend navigate defend embrace "
    "congratulate weave stride gallop steal untangle receive steer pour collide juggle want change "
    "colorize colourize"
)
# Those among them that are hardly ever nouns: "a woman and a man stand by a door".
PLAIN_VERBS = _words(
    "sit stand hold wear lie throw carry eat sing stare gaze sell buy make give enjoy crouch kneel "
    "get wrestle kiss pass cross toss"
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
    "bunkbed tweed steed breed feed flatbed seabed waterbed red dress ski skis covering coverings "
    "writing lettering marking markings netting siding padding tubing matting shades"
)
GARMENTS = _words(
    "shirt shirts t-shirt t-shirts tshirt top tops blouse sweater sweaters sweatshirt sweatshirts "
    "hoodie jumper cardigan jacket jackets coat coats vest vests suit suits jersey jerseys "
    "uniform uniforms outfit outfits dress dresses gown gowns robe robes skirt skirts shorts "
    "pants trousers slacks jeans leggings tights overalls coveralls tunic kimono cape cloak "
    "costume costumes clothes clothing attire gear swimsuit swimsuits wetsuit bikini trunks "
    "pajamas shoes boots sneakers sandals socks stockings gloves mittens hat hats cap caps helmet "
    "helmets hood scarf scarves shawl headscarf tie ties apron leotard leotards jumpsuit snowsuit "
    "bodysuit glasses sunglasses goggles"
)
PEOPLE = _words(
    "man men woman women boy boys girl girls child children kid kids baby babies toddler person "
    "people lady ladies gentleman gentlemen guy guys couple family mother father grandmother "
    "grandfather grandma grandpa mom dad mum parents brother sister son daughter aunt uncle "
    "friend friends bride groom bridesmaid bridesmaids soldier soldiers officer sailor sailors "
    "nurse nurses doctor waiter waitress dancer dancers player players team teacher student "
    "students worker workers farmer priest nun monk monks king queen prince princess skier "
    "snowboarder cyclist biker rider surfer runner someone everyone teenager teen adult "
    "cheerleader clown astronaut astronauts female females male males individual crowd audience "
    "band choir crew grandparents toddlers infant infants bicyclist bicyclists motorcyclist "
    "motorcyclists skateboarder skateboarders snowboarders skiers cyclists bikers riders surfers "
    "runners jogger joggers hiker hikers climber climbers swimmer swimmers diver racer racers "
    "jockey jockeys cowboy cowboys acrobat gymnast gymnasts wrestler wrestlers boxer skater "
    "skaters footballer footballers ballplayer goalie goalkeeper catcher pitcher batter "
    "quarterback opponent opponents teammate teammates teams athlete athletes competitor "
    "competitors member members cheerleaders performer performers musician musicians guitarist "
    "guitarists singer drummer artist clowns officers policeman policemen guard guards fireman "
    "firemen businessman fisherman fishermen vendor passenger passengers pedestrian pedestrians "
    "visitor spectator spectators tourist tourists teenagers teens adults youth youths africans "
    "brides grandson granddaughter cousin cousins widow servant maid butler chef cook baker "
    "butcher blacksmith miner pilot elder peasant pirate ballerina ballerinas dancers captain judge"
)
PLURALS = _words("people men women children kids police cattle sheep team geese mice couple")
ADVERBS_NOT = _words(  # they end in -ly
    "family fly butterfly lily lovely elderly curly woolly wooly assembly jelly belly trolley rally"
)
ENDS = FUNCTION | DETERMINERS
COLOR_ITSELF = _words(
    "colour color colours colors"
)  # "colour the hair brown", "hair colour: brown"
QUOTES = "\"'“”‘’"
# "Black lab": as it is, it would be a room.
FULL_NAMES = {"lab": "labrador", "labs": "labradors"}


# "Watering can" and "rock climbing" are one word.
_TOKEN = re.compile(
    r"(?:watering|trash|garbage|beer|soda|tin|spray|gas) cans?\b"
    r"|(?:rock|ice|mountain|horse|roller) (?:climb|skat|bik|rid|blad)\w*ing\b"
    r"|[^\W_]+(?:[-'’][^\W_]+)*|\S",
    re.I,
)
SINGULAR = _words("a an one another each every")
WEARING = _words("in wearing wears wear wore donning")  # "in red", "wearing all black"


@dataclass(frozen=True, slots=True)
class NounPhrase:
    """What names a thing, without articles: its words, and where in the text they stand.

    ``color`` is where the placeholder stands of the colour that is said of it before its noun.
    """

    words: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    color: int | None = None

    @property
    def name(self) -> str:
        """Its words, the last in full."""
        *before, head = self.words
        return " ".join((*before, FULL_NAMES.get(head, head)))


def names_of(english: str) -> tuple[str, ...]:
    """Name all things of an English description, without colours and articles, in their order.

    "A man in a red shirt beside a wooden pond fence" gives "man", "shirt", "wooden pond fence".
    """
    phrases = noun_phrases(with_placeholders(english))
    return tuple(dict.fromkeys(phrase.name for phrase in phrases))


def noun_phrases(english: str) -> tuple[NounPhrase, ...]:
    """Find the noun phrases of an English text; the placeholder of colours is in none."""
    return tuple(
        NounPhrase(
            tuple(word.lower() for word, _, _ in chunk.tokens),
            tuple((start, end) for _, start, end in chunk.tokens),
            chunk.color,
        )
        for chunk in _chunks(english)
        if chunk.names_a_thing()
    )


_Token = tuple[str, int, int]  # a word, and where it begins and ends


@dataclass(slots=True)
class _Chunk:
    """The words of a phrase so far, and what stands before them.

    ``opening`` is the word before the chunk, the placeholder where there is one between;
    ``determiner`` its article or number, "" for none; ``is_worn``: "in" or "wearing" and at most
    "the" stand before a colour; ``leads``: an article stands there, or nothing at all.
    """

    opening: str = ""
    determiner: str = ""
    is_worn: bool = False
    leads: bool = False
    color: int | None = None
    tokens: list[_Token] = field(default_factory=list)

    @property
    def words(self) -> list[str]:
        return [word.lower() for word, _, _ in self.tokens]

    def follow(self, word: str) -> _Chunk:
        """Begin the next chunk, after a word that is in none."""
        if word in DETERMINERS:
            is_worn = self.is_worn and not self.tokens and word in ("the", "all")
            return _Chunk(word, word, is_worn)
        return _Chunk(word, "", word in WEARING)

    def names_a_thing(self) -> bool:
        """Tell whether its words are more than adjectives and parts of a place."""
        nouns = [word for word in self.words if word not in ADJECTIVES and not word.isdecimal()]
        is_garment = self.color is not None and nouns in (["top"], ["bottom"])
        return bool(nouns) and nouns != ["s"] and (is_garment or not NO_THINGS.issuperset(nouns))


def _chunks(text: str) -> Iterator[_Chunk]:
    """Cut a text into what stands between function words and verbs."""
    tokens = [(m[0], m.start(), m.end()) for m in _TOKEN.finditer(text)]
    small = [word.lower().replace("’", "'") for word, _, _ in tokens]
    chunk = _Chunk()
    for i, ((written, start, _), word) in enumerate(zip(tokens, small, strict=True)):
        following = small[i + 1] if i + 1 < len(small) else "."
        before = chunk.words
        stem = word.removesuffix("'s")
        if word == "," and _goes_on_after_comma(chunk, following):
            continue  # "a small, wet dog"
        if word in QUOTES and not before:
            continue  # a grey "labradoodle"
        if word in COLOR_ITSELF:  # "bright colours" name nothing
            if all(word in ADJECTIVES or is_participle(word) for word in before):
                chunk.tokens.clear()
            continue
        if word == "of" and before and before[-1] in QUANTITIES:
            chunk = _Chunk("the", "the")
        elif _ends_phrase(stem, chunk, following):
            if word in ":=" and following == PLACEHOLDER:
                chunk.color = None  # "dress: red hat: blue": what the hat has is said after it
            yield chunk
            chunk = chunk.follow(word)
        elif word == PLACEHOLDER:
            if not ADJECTIVES.issuperset(before):
                if not _is_attribute(before, chunk, following):
                    yield chunk
                chunk = _Chunk(PLACEHOLDER, chunk.determiner)
            chunk.leads = chunk.determiner != "" or not chunk.opening or chunk.opening in ",;."
            chunk.opening, chunk.color = PLACEHOLDER, start
        elif _is_verb(word, before, chunk, following):
            yield chunk
            chunk = chunk.follow(word)
        elif word.endswith("ly") and word not in ADVERBS_NOT:
            continue  # "a brightly lit room"
        else:
            chunk.tokens.append((written[: len(stem)], start, start + len(stem)))
            if stem != word:  # "the dog's collar"
                yield chunk
                chunk = _Chunk("the", "the")
    yield chunk


def _goes_on_after_comma(chunk: _Chunk, following: str) -> bool:
    """Tell whether a comma stands between adjectives: "a small, wet dog", "a white, fluffy cat"."""
    if chunk.tokens:
        return ADJECTIVES.issuperset(chunk.words)
    return chunk.opening == PLACEHOLDER and chunk.leads and following in ADJECTIVES


def _ends_phrase(word: str, chunk: _Chunk, following: str) -> bool:
    """Tell whether a word or mark is in no phrase: "isn't" is in none either."""
    if word in ENDS:
        return not _is_adjective(word, chunk, following)
    return word.endswith("n't") or not word[0].isalnum()


def _is_adjective(word: str, chunk: _Chunk, following: str) -> bool:
    """Tell whether a word that mostly is a preposition is an adjective: "a red round table"."""
    return (
        word == "round" and chunk.opening in (DETERMINERS | {PLACEHOLDER}) and _is_noun(following)
    )


def _is_attribute(before: list[str], chunk: _Chunk, following: str) -> bool:
    """Tell whether a word before a colour tells of the thing after it: "a sleeveless red shirt"."""
    return (
        len(before) == 1
        and chunk.opening in DETERMINERS
        and PEOPLE.isdisjoint(before)
        and _is_noun(following)
    )


def _is_noun(word: str) -> bool:
    return word[0].isalnum() and word not in ENDS and word != PLACEHOLDER


def _is_verb(word: str, before: list[str], chunk: _Chunk, following: str) -> bool:
    """Tell whether a word is a verb or participle, not part of the phrase ``before`` it."""
    opening = chunk.opening
    if opening == PLACEHOLDER and chunk.is_worn and not before:
        return _is_verb_after_worn_color(word, chunk.determiner, following)
    if word in NOUNS or word in GARMENTS:
        return False
    if not before:
        goes_on = _is_noun(following)
        if opening == PLACEHOLDER:
            return is_participle(word) and not goes_on  # "in red holding a hat"
        leads_in = opening in PREPOSITIONS or opening in ("wearing", "and")
        if opening in DETERMINERS or (goes_on and leads_in and is_participle(word)):
            return False  # "a running dog", "in swimming trunks"
        return is_participle(word) or word in VERBS or is_third_person(word)
    if all(word in ADJECTIVES or is_participle(word) for word in before):
        return False  # "a big running dog"
    if is_participle(word) or is_third_person(word):
        return True
    if word in VERBS:
        return is_plural(before[-1]) or (word in PLAIN_VERBS and following in ENDS)
    # "A man knocks his head": what follows "a" is no plural.
    ends = following in ENDS or following == PLACEHOLDER
    return chunk.determiner in SINGULAR and _ends_in_s(word) and ends


def _is_verb_after_worn_color(word: str, determiner: str, following: str) -> bool:
    """Tell whether a word after "in red" is a verb, not what is red: "in red holds a hat"."""
    if word in GARMENTS or following in GARMENTS:
        return False  # "in red swimming trunks", "in a white sports uniform"
    if is_third_person(word):
        return True
    if determiner:  # "in the red swimming pool"
        return is_participle(word) and not _is_noun(following)
    if word in VERBS or (word.endswith("ing") and word not in NOUNS):
        return True
    return is_participle(word) and not _is_noun(following)  # but "in red striped socks"


def is_participle(word: str) -> bool:
    """Tell whether a word is a participle, not a noun that looks like one."""
    if word in NOUNS:
        return False
    return word in PARTICIPLES or (len(word) > 4 and word.endswith(("ing", "ed")))


def is_third_person(word: str) -> bool:
    """Tell whether a word is a verb of captions as in "runs"; "kiss" is a plain form."""
    if not word.endswith("s") or word.endswith("ss"):
        return False
    plain = {word[:-1], word.removesuffix("es"), word.removesuffix("ies") + "y"}
    return not plain.isdisjoint(VERBS)


def is_plural(word: str) -> bool:
    """Tell whether a noun stands for several."""
    return word in PLURALS or _ends_in_s(word)


def _ends_in_s(word: str) -> bool:
    return word.endswith("s") and not word.endswith(("ss", "us", "is"))
