"""How vivid are named colours on things of a name? Bricks are paler than coats.

One ridge regression from names' text vectors to the logarithm of the chroma of the pixels that have
the named hue, as a share of what the colour usually has, over the phrases of drawn boxes, and of
captions where nobody has drawn the thing. Pixels count as people would call them: pale ones, which
lie in every photo, would make everything pale.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from models.color.lab import srgb_to_lab
from models.guidance.color_words import color_phrases
from models.guidance.named_colors import ab_at
from models.networks.clip import Clip
from models.photos import Photo
from models.training.color_naming import HUES, off_hue
from models.training.grounding import embed_names
from models.training.regions import Boxes, box_mask

NEAR_HUE = 25.0  # degrees
LEAST_CHROMA = 14.0
LEAST_FILL = 0.15  # of a box that must have the hue
AREA = (0.006, 0.6)  # of the picture, where there is no box
LEAST_PIXELS = 12
RIDGE = 3.0


def shares_of(photo: Photo, boxes: Sequence[Boxes]) -> Iterator[tuple[str, float]]:
    """Yield names of things and the chroma that they have, as a share of the colour's usual one."""
    drawn = [(one.colors[0].lower(), one.name, one) for one in boxes if len(one.colors) == 1]
    boxed = {(color, name) for color, name, _ in drawn}
    told = dict.fromkeys(
        (phrase.colors[0].lower(), phrase.thing.lower())
        for caption in photo.captions
        for phrase in color_phrases(caption)
        if len(phrase.colors) == 1 and phrase.thing
    )
    said = [*drawn, *((color, name, None) for color, name in told if (color, name) not in boxed)]
    said = [one for one in said if one[0] in HUES]
    if not said:
        return
    lab = srgb_to_lab(photo.pixels[::2, ::2].astype(np.float32) / 255)
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    for color, name, box in said:
        area = (off_hue(lab[..., 1:], color) < NEAR_HUE) & (chroma > LEAST_CHROMA)
        if box is not None:
            inside = box_mask(box.boxes, area.shape)
            area &= inside
            if area.sum() < max(LEAST_FILL * inside.sum(), LEAST_PIXELS):
                continue
        elif not AREA[0] < area.mean() < AREA[1]:
            continue
        usual = ab_at([color], lab[..., 0][area])
        yield name, float(chroma[area].mean() / np.hypot(usual[:, 0], usual[:, 1]).mean())


def fit_vividness(
    photos: Iterable[Photo], boxes: Mapping[str, Sequence[Boxes]], clip: Clip
) -> tuple[Tensor, Tensor, int]:
    """Return the (1, D) weight and the (1,) bias of ``Grounder.read_vividness``, and the phrases.

    Raises:
        ValueError: no photo has a phrase whose colour it shows.
    """
    shares = [one for photo in photos for one in shares_of(photo, boxes.get(photo.key, ()))]
    if not shares:
        raise ValueError("no photo shows a colour that its captions or boxes name")
    vectors = embed_names(sorted({name for name, _ in shares}), clip)
    x = torch.stack([vectors[name] for name, _ in shares]).double()
    y = torch.tensor([share for _, share in shares]).double().clamp_min(0.05).log()
    mean_x, mean_y = x.mean(0), y.mean()
    centred = x - mean_x
    gram = centred.T @ centred + RIDGE * torch.eye(x.shape[1], dtype=torch.float64)
    weight = torch.linalg.solve(gram, centred.T @ (y - mean_y))
    bias = mean_y - mean_x @ weight
    return weight[None].float(), bias[None].float(), len(shares)
