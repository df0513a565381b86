"""Typing errors: the word that was likely meant."""

from __future__ import annotations

from collections.abc import Callable

SHORTEST = 4  # letters; shorter words are too near to others


def likely_word(word: str, is_known: Callable[[str], bool], alphabet: str) -> str | None:
    """Return a known word that is one typing error away, None where there is none.

    Letters exchanged, left out, too many, and a wrong one (Damerau 1964), in this order.
    """
    if len(word) < SHORTEST:
        return None
    cuts = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    exchanged = (a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1)
    missing = (a + letter + b for a, b in reversed(cuts) for letter in alphabet)
    too_many = (a + b[1:] for a, b in reversed(cuts) if b)
    wrong = (a + letter + b[1:] for a, b in reversed(cuts) if b for letter in alphabet)
    for candidates in (exchanged, missing, too_many, wrong):
        for candidate in candidates:
            if candidate != word and is_known(candidate):
                return candidate
    return None
