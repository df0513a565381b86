"""Photos as the frozen parts see them, and what their captions ask: what the extent learns from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.color.lab import srgb_to_lab
from models.color.shrinking import shrunk, working_shape
from models.guidance.color_words import color_phrases
from models.guidance.condition import Condition, NamedThing
from models.guidance.named_colors import ab_of
from models.networks.clip import Clip
from models.networks.predictor import Predictor
from models.networks.seen import GRID
from models.training.color_naming import WORDS, named_area
from models.training.regions import UNKNOWN, RegionPhoto, box_mask
from models.training.strangers import ColoredName

FloatArray = NDArray[np.float32]
Area = NDArray[np.bool_]

MARGIN = 0.03  # of the sides: boxes may be off by so much
TURNABLE = (0.004, 0.5)  # of the picture: what is turned to another hue covers so much


@dataclass(frozen=True, slots=True, eq=False)
class Wish:
    """A thing in a colour: half precision on the chroma grid.

    ``ab`` (2, h, w) is what the colour would be in each cell, ``evidence`` (h, w) how far the
    colorizer expects it, ``truth`` (2, h, w) the photo's own ab, in which ``inside`` (h, w) has the
    named hue.
    """

    colors: tuple[str, ...]
    ab: Tensor
    evidence: Tensor
    truth: Tensor
    inside: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class AskedThing:
    """A thing that a caption gives a colour, as it is and perhaps turned to another hue.

    ``vector`` (D,) is its name's text vector, ``outside`` (h, w) lies outside of its mask or boxes.
    It is a ``stranger`` where the name comes from another photo's caption.
    """

    vector: Tensor
    wishes: tuple[Wish, ...]
    outside: Tensor | None = None
    stranger: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A photo as the frozen parts see it, in half precision, and what its captions ask.

    ``f4`` and ``f8`` are the encoder's features at strides 4 and 8, padded to multiples of 32
    pixels; ``lightness`` (h, w) and the colorizer's ``guess`` (2, h, w) are on the chroma grid, and
    what it ``expected`` (2, h, w): the guess before it was raised.
    ``asked`` holds for each caption the things with colours and the (M, D) vectors of others.
    ``is_masked``: masks say to the cell where the things are.
    """

    f4: Tensor
    f8: Tensor
    lightness: Tensor
    guess: Tensor
    expected: Tensor
    asked: tuple[tuple[tuple[AskedThing, ...], Tensor], ...]
    stranger: AskedThing | None
    is_masked: bool = False


@torch.no_grad()
def scene_of(
    photo: RegionPhoto,
    predictor: Predictor,
    clip: Clip,
    generator: np.random.Generator,
    *,
    captions: int,
    stranger: ColoredName | None = None,
) -> Scene | None:
    """Look at a photo and at most so many captions; None where none gives a thing a colour.

    Its masks and boxes say where the things are; the ``stranger`` is what it does not show.
    """
    grounder = predictor.grounder
    assert grounder is not None
    colored = [caption for caption in photo.captions if color_phrases(caption)]
    if not colored:
        return None
    height, width = photo.pixels.shape[:2]
    rows, columns = working_shape(height, width, predictor.working_size)
    rgb = cv2.resize(photo.pixels, (columns, rows), interpolation=cv2.INTER_AREA)
    lab = srgb_to_lab(rgb.astype(np.float32) / 255)
    lightness = np.ascontiguousarray(lab[..., 0])
    size = (columns // GRID, rows // GRID)
    small = np.asarray(cv2.resize(lab, size, interpolation=cv2.INTER_AREA), np.float32)
    looking = predictor.remembering()
    seen = looking.look(lightness)
    guess = torch.from_numpy(looking.predict(lightness, Condition(None)).ab).permute(2, 0, 1)

    def ask(vector: Tensor, turns: Sequence[tuple[tuple[str, ...], FloatArray, Any]]) -> AskedThing:
        vividness = grounder.vividness(vector[None]).expand(len(turns))
        named = seen.in_named_colors([colors for colors, _, _ in turns], vividness)
        return AskedThing(
            vector,
            tuple(
                Wish(
                    colors,
                    _half(named.ab[i].permute(2, 0, 1)),
                    _half(named.evidence[i]),
                    _half(torch.from_numpy(truth.transpose(2, 0, 1))),
                    torch.from_numpy(inside),
                )
                for i, (colors, truth, inside) in enumerate(turns)
            ),
        )

    asked = []
    for i in generator.permutation(len(colored))[:captions]:
        text = clip.embed_text(colored[int(i)], "en")
        if text.scene is None:
            continue
        things = []
        for thing in text.named:
            mask, outside = _places(photo, thing.thing.lower(), small.shape[:2])
            turns = list(_turns(thing, small, mask, generator))
            one = ask(torch.from_numpy(thing.vector), turns)
            if outside is not None:
                one = replace(one, outside=torch.from_numpy(outside))
            things.append(one)
        others = [torch.from_numpy(other.vector) for other in text.others]
        width = things[0].vector.shape[0]
        asked.append((tuple(things), torch.stack(others) if others else torch.zeros(0, width)))
    if not asked:
        return None
    strange = None
    if stranger is not None:
        vector = torch.from_numpy(clip.embed_texts([stranger.name])[0])
        nowhere = np.zeros(small.shape[:2], bool)
        strange = replace(ask(vector, [(stranger.colors, small[..., 1:], nowhere)]), stranger=True)
    f4, f8 = seen.features[:2]
    grey = torch.from_numpy(small[..., 0])
    return Scene(
        _half(f4[0]),
        _half(f8[0]),
        _half(grey),
        _half(guess),
        _half(seen.pale_guess),
        tuple(asked),
        strange,
        is_masked=photo.labels is not None,
    )


def _half(plane: Tensor) -> Tensor:
    return plane.detach().clone().contiguous().half()


def _places(
    photo: RegionPhoto, name: str, shape: tuple[int, int]
) -> tuple[Area | None, Area | None]:
    """Say on an (h, w) grid where the mask of a name is, and what lies outside of mask or boxes.

    None where nobody has drawn it.
    """
    if photo.labels is not None and name in photo.names:
        here, unknown = (
            shrunk((photo.labels == label).astype(np.float32), shape)
            for label in (photo.names.index(name), UNKNOWN)
        )
        return here > 0.5, (here == 0) & (unknown == 0)
    drawn = [one.boxes for one in photo.boxes if one.name == name]
    if not drawn:
        return None, None
    return None, ~np.any([box_mask(some, shape, MARGIN) for some in drawn], axis=0)


def _turns(
    thing: NamedThing, lab: FloatArray, mask: Area | None, generator: np.random.Generator
) -> Iterator[tuple[tuple[str, ...], FloatArray, Area]]:
    """Yield colours, (h, w, 2) true ab and where they have the hue: as it is, and turned.

    With an (h, w) ``mask`` only what lies in it counts.
    """
    ab = lab[..., 1:]
    area = named_area(lab, thing.colors)
    if area is not None and mask is not None:
        area &= mask
    if area is None:
        yield thing.colors, ab, np.zeros(ab.shape[:2], bool)
        return
    yield thing.colors, ab, area
    word = thing.colors[0].lower()
    if word not in WORDS or len(thing.colors) > 1:
        return
    if not TURNABLE[0] < area.mean() < TURNABLE[1]:
        return
    other = str(generator.choice([w for w in WORDS if w != word]))
    (a, b), (c, d) = ab_of([word]), ab_of([other])
    scale = 1 / (a * a + b * b)
    cosine, sine = (a * c + b * d) * scale, (a * d - b * c) * scale
    turn = np.array([[cosine, sine], [-sine, cosine]], np.float32)  # rows are a and b
    turned = np.where(area[..., None], ab @ turn, ab)
    yield (other,), np.asarray(turned, np.float32), area


def mirrored(scene: Scene) -> Scene:
    """Return a scene left to right."""

    def wish(one: Wish) -> Wish:
        planes = (one.ab, one.evidence, one.truth, one.inside)
        return Wish(one.colors, *(plane.flip(-1) for plane in planes))

    def thing(one: AskedThing) -> AskedThing:
        outside = None if one.outside is None else one.outside.flip(-1)
        return replace(one, wishes=tuple(map(wish, one.wishes)), outside=outside)

    return Scene(
        _flipped(scene.f4, scene.lightness.shape[1]),
        _flipped(scene.f8, (scene.lightness.shape[1] + 1) // 2),
        scene.lightness.flip(-1),
        scene.guess.flip(-1),
        scene.expected.flip(-1),
        tuple((tuple(map(thing, things)), others) for things, others in scene.asked),
        None if scene.stranger is None else thing(scene.stranger),
        scene.is_masked,
    )


def _flipped(features: Tensor, width: int) -> Tensor:
    """Mirror (C, H, W) features of which the first ``width`` columns are the picture's."""
    return torch.cat([features[..., :width].flip(-1), features[..., width:]], dim=-1)
