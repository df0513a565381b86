"""Where a reference shows the same thing: its colours carried over to the target.

features of both pictures (strides 4-32, the colorizer's own encoder)
-> one descriptor for every cell, coarse (stride 8) and fine (stride 4)
-> how alike every coarse cell of the target is to every one of the reference
-> ab carried over twice: softly, the mean of all that is alike, and finely, from around the best
-> trust in each of the two or in neither, from how well and how consistently they match

Colours over a soft correlation of features: He et al. 2018 (arXiv:1807.06587), Zhang et al. 2019
(arXiv:1906.09909). Coarse matches looked at again more finely: LoFTR (arXiv:2104.00680).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.networks.checkpoint import MATCHER, WEIGHTS, load_network
from models.networks.colorizer import ENCODER_CHANNELS

CHECKPOINT = WEIGHTS / "correspondence.safetensors"
AROUND = (
    -1,
    0,
    1,
    2,
)  # fine cells looked at in both directions, counted from a coarse cell's first
FAR = 6.0  # coarse cells; matches that lie farther apart are equally wrong
STATISTICS = 16
# The kinship of a strange scene and of a familiar one: three in four photos drawn at random lie
# below 0.8, a piece of cloth at 0.4 to 0.6, nine in ten of those that CLIP finds above, parts of
# the photo itself above 0.94.
STRANGE, FAMILIAR = 0.8, 0.95
# In a familiar scene: the confidence of the palette alone, where nothing matches. In a strange one:
# the share of a match's confidence that is left, because cloth takes a hand for its like, too.
PALETTE, BY_CHANCE = 0.7, 0.3


@dataclass(frozen=True, slots=True)
class MatcherConfig:
    """Everything needed to build the matcher again.

    ``encoder`` is the digest of the encoder whose features it reads; ``candidates`` is how many of
    the best coarse cells are looked at again.
    """

    encoder: str
    hidden: int = 128
    width: int = 64
    fine_width: int = 32
    context: int = 24
    candidates: int = 4


class Descriptors(NamedTuple):
    """A batch of pictures as the matcher compares them.

    ``coarse`` (N, D, h/2, w/2) and ``fine`` (N, E, h, w) are of unit length over the channels;
    ``context`` is (N, hidden, h/2, w/2); ``lightness`` (N, 1, h, w) in [0, 100].
    """

    coarse: Tensor
    fine: Tensor
    context: Tensor
    lightness: Tensor


class Carried(NamedTuple):
    """Colours for K fine cells of every target, and what they rest on.

    ``soft`` and ``exact`` are (N, K, 2) ab; ``trust`` is (N, K, 3): the shares of neither, of the
    soft and of the exact colour. ``sharp`` (N, n, m) are the logits of the coarse matches,
    ``fine_logits`` and ``fine_cells`` (N, K, C) those of the fine cells looked at, and which.
    ``kinship`` (N,) is the cosine of the two pictures' mean descriptors: of like scenes or not.
    """

    soft: Tensor
    exact: Tensor
    trust: Tensor
    sharp: Tensor
    fine_logits: Tensor
    fine_cells: Tensor
    kinship: Tensor

    @property
    def confidence(self) -> Tensor:
        """How far the reference is trusted at all: (N, K) in [0, 1]."""
        return 1 - self.trust[..., 0]

    @property
    def ab(self) -> Tensor:
        """The colour that it gives: (N, K, 2)."""
        soft, exact = self.trust[..., 1:2], self.trust[..., 2:]
        return (soft * self.soft + exact * self.exact) / (soft + exact).clamp_min(1e-6)


class Matcher(nn.Module):
    """Find a target's cells in a reference and say how far to trust what was found."""

    def __init__(self, config: MatcherConfig) -> None:
        super().__init__()
        self.config = config
        hidden, width, fine = config.hidden, config.width, config.fine_width
        self.norms = nn.ModuleList(nn.BatchNorm2d(c, affine=False) for c in ENCODER_CHANNELS)
        self.read = nn.ModuleList(nn.Conv2d(c, hidden, 1) for c in ENCODER_CHANNELS)
        self.mix = nn.Conv2d(hidden, hidden, 3, padding=1)
        self.write = nn.Conv2d(hidden, width, 1)
        self.read_fine = nn.Conv2d(ENCODER_CHANNELS[0] + 1, fine, 1)
        self.read_coarse = nn.Conv2d(hidden, fine, 1)
        self.mix_fine = nn.Conv2d(fine, fine, 3, padding=1)
        # How sharply likeness decides; their logarithms, which training moves.
        self.sharpness = nn.Parameter(torch.tensor([25.0, 12.0, 25.0]).log())
        self.read_context = nn.Linear(hidden, config.context)
        self.head = nn.Sequential(
            nn.Linear(STATISTICS + config.context, 64), nn.SiLU(), nn.Linear(64, 3)
        )

    def describe(self, features: list[Tensor], lightness: Tensor) -> Descriptors:
        """Describe pictures from (N, C, H/s, W/s) features and (N, 1, H, W) lightness."""
        f4, f8, f16, f32 = (norm(f) for norm, f in zip(self.norms, features, strict=True))
        size = f8.shape[2:]
        small = F.avg_pool2d(lightness, 4)
        x = self.read[0](F.avg_pool2d(f4, 2)) + self.read[1](f8)
        for read, f in zip(self.read[2:], (f16, f32), strict=True):
            x = x + F.interpolate(read(f), size, mode="bilinear", align_corners=False)
        x = x + self.mix(F.silu(x))
        detail = self.read_fine(torch.cat([f4, small / 50 - 1], 1))
        around = self.read_coarse(F.silu(x))
        y = detail + F.interpolate(around, f4.shape[2:], mode="bilinear", align_corners=False)
        y = y + self.mix_fine(F.silu(y))
        return Descriptors(
            F.normalize(self.write(F.silu(x)), dim=1), F.normalize(y, dim=1), x, small
        )

    def forward(
        self,
        target: Descriptors,
        reference: Descriptors,
        reference_ab: Tensor,
        cells: Tensor | None = None,
    ) -> Carried:
        """Carry (N, 2, h, w) ab of the reference over to the target.

        ``cells`` are the fine cells wanted, (N, K) in reading order; None means all.
        """
        count, _, rows, columns = target.fine.shape
        if cells is None:
            cells = torch.arange(rows * columns).expand(count, -1)
        parent = (cells // columns // 2) * (columns // 2) + cells % columns // 2
        sharpness, softness, fineness = self.sharpness.exp()

        ours, theirs = _cells(target.coarse), _cells(reference.coarse)
        similarity = ours @ theirs.mT  # (N, n, m)
        best, where = similarity.topk(self.config.candidates, dim=2)
        soft = torch.softmax(similarity * softness, dim=2)
        known = torch.cat([reference_ab, reference.lightness], 1)
        known_coarse = _cells(F.avg_pool2d(known, 2))
        mean = soft @ known_coarse  # (N, n, 3)
        spread = (soft @ known_coarse[..., :2].square() - mean[..., :2].square()).sum(2)

        around = _around(where, reference.coarse.shape[3], reference.fine.shape[2:])
        fine_cells = _take(around, parent)  # (N, K, C)
        near = _take(_cells(reference.fine), fine_cells.flatten(1)).unflatten(
            1, fine_cells.shape[1:]
        )
        likeness = (near @ _take(_cells(target.fine), cells)[..., None])[..., 0]
        from_coarse = _take(best * sharpness, parent).repeat_interleave(len(AROUND) ** 2, dim=2)
        fine_logits = likeness * fineness + from_coarse
        weight = torch.softmax(fine_logits, dim=2)
        values = _take(_cells(known), fine_cells.flatten(1)).unflatten(1, fine_cells.shape[1:])
        exact = (weight[:, :, None] @ values)[:, :, 0]  # (N, K, 3)
        scatter = (weight[..., None] * (values - exact[:, :, None]).square())[..., :2].sum((2, 3))

        carried = _take(mean, parent)
        lightness = _take(_cells(target.lightness), cells)[..., 0]
        with torch.no_grad():
            coarse = _coarse_statistics(similarity, best, where, soft, target, reference)
            fine = torch.stack(
                [
                    likeness.max(2).values,
                    weight.max(2).values,
                    (lightness - exact[..., 2]).abs() / 25,
                    (lightness - carried[..., 2]).abs() / 25,
                    _take(spread[..., None], parent)[..., 0].clamp_min(0).sqrt() / 15,
                    scatter.clamp_min(0).sqrt() / 15,
                    (exact[..., :2] - carried[..., :2]).norm(dim=2) / 15,
                    exact[..., :2].norm(dim=2) / 25,
                    carried[..., :2].norm(dim=2) / 25,
                    lightness / 50 - 1,
                ],
                dim=2,
            )
            statistics = torch.cat([_take(coarse, parent), fine], 2)
        context = self.read_context(F.silu(_take(_cells(target.context), parent)))
        trust = torch.softmax(self.head(torch.cat([statistics, context], 2)), dim=2)
        mine, its = (picture.coarse.mean((2, 3)) for picture in (target, reference))
        return Carried(
            carried[..., :2],
            exact[..., :2],
            trust,
            similarity * sharpness,
            fine_logits,
            fine_cells,
            F.cosine_similarity(mine, its),
        )


def lay_over(carried: Carried, tinted: Tensor) -> tuple[Tensor, Tensor]:
    """Lay colours that were carried over upon (h, w, 2) tinted ones: ab and confidence.

    The tinted ones are the guess in the reference's palette, which has the more to say the more
    the two scenes are alike; in a strange one matches are trusted less and nothing else is said.
    """
    size = tinted.shape[:2]
    alike = min(max((float(carried.kinship) - STRANGE) / (FAMILIAR - STRANGE), 0.0), 1.0)
    confidence = carried.confidence[0].unflatten(0, size)
    confidence = confidence * (BY_CHANCE + (1 - BY_CHANCE) * alike)
    share = PALETTE * alike
    rest = (1 - confidence) * share
    total = confidence + rest
    own, other = confidence / total.clamp_min(1e-6), rest / total.clamp_min(1e-6)
    return own[..., None] * carried.ab[0].unflatten(0, size) + other[..., None] * tinted, total


def _coarse_statistics(
    similarity: Tensor,
    best: Tensor,
    where: Tensor,
    soft: Tensor,
    target: Descriptors,
    reference: Descriptors,
) -> Tensor:
    """Say how well and how consistently coarse cells match: (N, n, 6)."""
    rows, columns = target.coarse.shape[2:]
    first = where[..., 0]
    back = _take(similarity.argmax(1)[..., None], first)[..., 0]  # the target's cell liked most
    here = torch.arange(rows * columns)
    across = (back % columns - here % columns).float()
    away = torch.hypot((back // columns - here // columns).float(), across)
    cycle = 1 - away.clamp(max=FAR) / FAR
    width = reference.coarse.shape[3]
    place = torch.stack([first // width, first % width], 1).float().unflatten(2, (rows, columns))
    # Neighbours whose matches are neighbours too lie on one thing, whichever way it is turned.
    apart = place.new_zeros(len(place), rows, columns)
    padded = F.pad(place, (1, 1, 1, 1), mode="replicate")
    for y, x in ((0, 1), (2, 1), (1, 0), (1, 2)):
        gap = (padded[:, :, y : y + rows, x : x + columns] - place).norm(dim=1)
        apart += gap.clamp(max=FAR) / (4 * FAR)
    entropy = -(soft * soft.clamp_min(1e-9).log()).sum(2) / torch.log(torch.tensor(soft.shape[2]))
    whole = (target.coarse.mean((2, 3)) * reference.coarse.mean((2, 3))).sum(1)
    cells = [best[..., 0], cycle, apart.flatten(1), entropy]
    picture = [whole, cycle.mean(1)]
    wide = [value[:, None].expand_as(cycle) for value in picture]
    return torch.stack([*cells, *wide], dim=2)


def _around(where: Tensor, coarse_columns: int, fine_size: torch.Size) -> Tensor:
    """Name the fine cells around (N, n, k) coarse ones: (N, n, k * 16), the border's repeated."""
    rows, columns = fine_size
    steps = torch.tensor(AROUND)
    y = (2 * (where // coarse_columns)[..., None] + steps).clamp(0, rows - 1)
    x = (2 * (where % coarse_columns)[..., None] + steps).clamp(0, columns - 1)
    return (y[..., :, None] * columns + x[..., None, :]).flatten(2)


def _cells(planes: Tensor) -> Tensor:
    """Turn (N, C, h, w) into (N, h * w, C)."""
    return planes.flatten(2).mT


def _take(rows: Tensor, index: Tensor) -> Tensor:
    """Pick rows of (N, n, C) by (N, K): (N, K, C)."""
    count, length, channels = rows.shape
    flat = index + torch.arange(count)[:, None] * length
    return rows.reshape(-1, channels)[flat.reshape(-1)].view(count, -1, channels)


def load_matcher(path: Path = CHECKPOINT) -> Matcher:
    """Load the matcher that came with Photochrom, or that of a training run.

    Raises:
        WeightsError: the file is missing, damaged or of another kind.
    """
    return load_network(path, lambda config: Matcher(MatcherConfig(**config)), kind=MATCHER)
