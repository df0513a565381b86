"""What scene a photo shows, as far as its captions tell: labels for a joint classification."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from models.baselines.baseline import UNKNOWN_SCENE

SCENES: dict[str, frozenset[str]] = {
    name: frozenset(words.split())
    for name, words in (
        ("snow", "snow snowy ski skier skiing snowboard snowboarder ice glacier sled"),
        ("water", "water ocean sea lake river pool wave waves surfer swimming boat splash"),
        ("beach", "beach sand sandy shore desert"),
        ("grass", "grass grassy field lawn meadow park soccer football baseball"),
        ("forest", "forest woods tree trees wooded bamboo leaves"),
        ("mountain", "mountain mountains cliff rock rocks rocky climber climbing"),
        ("street", "street road sidewalk city building buildings car traffic"),
        ("sky", "sky clouds airplane"),
        ("indoors", "room kitchen table couch indoor indoors stage airport auditorium"),
        ("food", "food plate cake soup salad steak"),
    )
}


def scene_of(captions: Sequence[str]) -> int:
    """Return the number of the scene that most words of the captions name, else -1."""
    words = Counter(word for text in captions for word in re.findall("[a-z]+", text.lower()))
    named = [sum(words[word] for word in known) for known in SCENES.values()]
    return named.index(max(named)) if any(named) else UNKNOWN_SCENE
