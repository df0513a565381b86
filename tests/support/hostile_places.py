"""Requests that somebody might send to break what says where: regions, things, hint images."""

from __future__ import annotations

import json
import random
import secrets
from collections.abc import Sequence

from tests.support.hostile import TEXTS, Attack, any_change, mutated, part, whole
from tests.support.pictures import png_of, random_pixels, saved

PATHS = ("/v1/things", "/v1/colorize", "/v1/jobs")
WORDS = ("a red hat", "a red hat beside a #aabbcc door", "green", "an old wall", "")
NUMBERS = (0, 1, 2.5, 16, 23, -1, -0.0, 1e9, 1e300, float("nan"), float("inf"), "3", None, True, [])
COLORS = ("#102030", "#fff", "red", "", "#gggggg", "#1020304", 7, None, ["#102030"])
MASKS = ("r0", "r1", "thing-2", "image", "description", "regions", "", "../r0", "r0\0", 5, None)
TOKENS = ("a", "..", "%2e%2e", "%00", "x" * 4000, "Zr4vYd0nq0t1mJcW0T6sXo8a", "🎈")
PICTURES = (
    png_of(random_pixels(17, 23, 3)),
    png_of(random_pixels(17, 23, 3)),
    saved(random_pixels(17, 23, 4), "PNG"),
    png_of(random_pixels(23, 17, 3)),
    png_of(random_pixels(1, 1, 3)),
    png_of(random_pixels(300, 200, 3)),
    b"no picture",
    b"",
)


def any_place_attack(rng: random.Random, files: Sequence[bytes]) -> Attack:
    """Make up one request; every third is a good one, so that there is something to find."""
    if rng.random() < 0.35:
        return _good(rng)
    if rng.random() < 0.15:
        number = rng.choice((0, 0, 1, 31, 999, 10**30))
        token = rng.choice((*TOKENS, secrets.token_urlsafe(18)))
        return Attack(f"/v1/things/{token}/{number}", b"", "", method="GET")
    picture = rng.choice(PICTURES[:3])
    parts = [part("image", picture, filename="a"), part("description", rng.choice(WORDS).encode())]
    if rng.random() < 0.7:
        parts.append(part("regions", _written(rng, _region)))
    if rng.random() < 0.4:
        parts.append(part("things", _written(rng, _thing)))
    for name in ("r0", "r1", "thing-2"):
        if rng.random() < 0.6:
            mask = rng.choice(PICTURES)
            if rng.random() < 0.2:
                mask = mutated(rng.choice(files), [any_change(rng)])
            parts += [part(name, mask, filename=name)] * rng.choice((1, 1, 1, 2))
    if rng.random() < 0.25:
        parts.append(part("hint_image", rng.choice(PICTURES), filename="h"))
    rng.shuffle(parts)
    return Attack(rng.choice(PATHS), whole(*parts))


def _good(rng: random.Random) -> Attack:
    regions: list[dict[str, object]] = [
        {"box": [rng.randrange(20), rng.randrange(14), 3, 3], "description": "a blue wall"},
        {"mask": "r0", "color": "#2a6f4e"},
    ]
    regions = regions[: rng.randrange(3)]
    picture = rng.choice(PICTURES[:3])
    parts = [part("image", picture, filename="a"), part("description", b"a red hat")]
    if regions:
        parts.append(part("regions", json.dumps(regions).encode()))
    if len(regions) == 2:
        parts.append(part("r0", rng.choice(PICTURES[:3]), filename="r0"))
    path = rng.choice(PATHS)
    if path != PATHS[0] and rng.random() < 0.5:
        parts.append(part("things", b'[{"phrase": "red hat", "color": "#102030"}]'))
    return Attack(path, whole(*parts))


def _written(rng: random.Random, member: object) -> bytes:
    """Write a list of members as JSON, or something else in its place."""
    if rng.random() < 0.15:
        return rng.choice(TEXTS).encode("utf-8", "replace")
    assert callable(member)
    count = rng.choice((0, 1, 1, 1, 2, 3, 32, 33, 500))
    return json.dumps([member(rng) for _ in range(count)]).encode()


def _region(rng: random.Random) -> object:
    box = [rng.choice(NUMBERS) for _ in range(rng.choice((4, 4, 4, 4, 3, 0, 5)))]
    good_box = [rng.randrange(20), rng.randrange(14), 3, 3]
    return _some(
        rng,
        {
            "mask": rng.choice(MASKS[:1] if rng.random() < 0.5 else MASKS),
            "box": rng.choice((box, good_box, good_box)),
            "description": rng.choice((*WORDS, *WORDS, "a" * 5000, 7, None, "\0")),
            "color": rng.choice(COLORS[:1] if rng.random() < 0.5 else COLORS),
        },
    )


def _thing(rng: random.Random) -> object:
    return _some(
        rng,
        {
            "phrase": rng.choice(("red hat", "red hat", "#aabbcc door", "green", "", "x" * 999, 3)),
            "color": rng.choice(COLORS[:1] if rng.random() < 0.5 else COLORS),
            "mask": rng.choice(MASKS),
            "use": rng.choice((True, False, None, "no", 0)),
        },
    )


def _some(rng: random.Random, members: dict[str, object]) -> object:
    """Leave members out, or add one that nobody knows."""
    if rng.random() < 0.03:
        return rng.choice((None, 3, "r0", [], [[]]))
    kept = {name: value for name, value in members.items() if rng.random() < 0.5}
    return kept | ({"unknown": 1} if rng.random() < 0.03 else {})
