"""How vivid named colours are on things, as photos, boxes and captions tell."""

from __future__ import annotations

import numpy as np
import pytest

from models.color.lab import lab_to_srgb_in_gamut
from models.guidance.named_colors import ab_at
from models.photos import Photo
from models.training.regions import Boxes
from models.training.vividness import shares_of

SIDE, LEVEL = 64, 60.0


def photo_of(*shares: float, caption: str) -> Photo:
    """Make a photo of upright strips of blue, so many times as vivid as blue usually is."""
    usual = ab_at(["blue"], np.float32(LEVEL))
    strips = np.repeat(np.array(shares, np.float32), SIDE // len(shares))
    ab = np.broadcast_to(strips[:, None] * usual, (SIDE, len(strips), 2))
    rgb = lab_to_srgb_in_gamut(np.full(ab.shape[:2], LEVEL, np.float32), ab.astype(np.float32))
    return Photo("a", (rgb * 255).round().astype(np.uint8), (caption,), "")


def box_of(name: str, left: float, right: float) -> Boxes:
    return Boxes(name, np.array([[left, 0, right, 1]], np.float32), ("blue",))


def test_what_is_drawn_is_judged_in_its_box_and_not_in_the_whole_photo() -> None:
    photo = photo_of(1.2, 0.6, 0.0, 0.0, caption="a blue ball")
    ((name, share),) = shares_of(photo, [box_of("ball", 0, 0.25)])
    assert name == "ball"
    assert share == pytest.approx(1.2, abs=0.05)


def test_what_nobody_has_drawn_is_judged_wherever_the_hue_is() -> None:
    photo = photo_of(1.2, 0.6, 0.0, 0.0, caption="a blue ball")
    ((name, share),) = shares_of(photo, [box_of("cup", 0.5, 1)])
    assert name == "ball"
    assert share == pytest.approx(0.9, abs=0.05)


def test_pale_pixels_do_not_count() -> None:
    photo = photo_of(1.0, 0.2, 0.2, 0.0, caption="a blue ball")
    ((_, share),) = shares_of(photo, [])
    assert share == pytest.approx(1.0, abs=0.05)


def test_two_colours_or_none_say_nothing() -> None:
    for caption in ("a blue and red ball", "a ball", "a black ball"):
        assert not list(shares_of(photo_of(1.0, 0.0, caption=caption), []))
