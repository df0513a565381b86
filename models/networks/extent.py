"""Extent: how strongly a thing's colour is laid on each cell, by how the grounder found it.

A probability says whether a cell shows a thing; how much of its colour the cell should take is
another question. The answer follows edges of lightness, fills what belongs together, and holds back
where the place or the colour is doubtful. Learned on captions with colours, against the true
colours (``models.training.extent``). Shirts and skies reach differently, so the name modulates what
is read (FiLM, Perez et al. 2018, arXiv:1709.07871).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.guidance.named_colors import UNEXPECTED
from models.guidance.things import LIKELIEST
from models.networks.claims import Claims

INPUTS = 19
SUMMARY = 8  # channels of what cells look like
SURE = 0.15  # probabilities are judged against the likeliest cells, or this
# Shares that least squares give are those of a doubtful mind, a little everywhere: from LEAST on a
# cell takes the colour, from MOST on most of it. Greys only take colours away, and must be surer.
LEAST, MOST, MOST_GREY = 0.04, 0.15, 0.85
RISING = 0.2  # of a colour rises on with the share: most where the thing surely is
UNSURE = 0.5  # of a share is kept where the box head finds nothing of the thing
OUTSIDE = 0.65  # of the largest non-local mean of shares: what has less is thinned out
SMALL, LARGE = 0.01, 0.03  # of the picture: between them it begins
VIVID = 35.0  # ab; expected chroma of what has some colour, though perhaps another one


class Extent(nn.Module):
    """A few convolutions on a grid with stride 4; things are a batch.

    ``described`` is the width of the grounder's unit vectors.
    """

    def __init__(self, described: int, width: int = 32) -> None:
        super().__init__()
        self.summary = nn.Conv2d(described, SUMMARY, 1)
        self.read = nn.Conv2d(INPUTS + SUMMARY, width, 3, padding=1)
        self.to_gamma_beta = nn.Linear(described, 2 * width)
        self.blocks = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=gap, dilation=gap) for gap in (2, 4, 1)
        )
        self.write = nn.Conv2d(width, 1, 1)
        for layer in (self.to_gamma_beta, self.write):
            nn.init.zeros_(layer.weight)
        nn.init.zeros_(self.to_gamma_beta.bias)
        assert self.write.bias is not None
        nn.init.constant_(self.write.bias, -0.5)

    def forward(self, inputs: Tensor, cells: Tensor, phrases: Tensor) -> Tensor:
        """Turn (K, INPUTS, h, w) inputs into (K, h, w) logits of the share of a colour.

        ``cells`` is (D, h, w), ``phrases`` (K, D), unit vectors both.
        """
        summary = self.summary(cells[None]).expand(len(inputs), -1, -1, -1)
        gamma, beta = self.to_gamma_beta(phrases)[:, :, None, None].chunk(2, dim=1)
        read = self.read(torch.cat([inputs, summary], dim=1))
        x = torch.relu(torch.addcmul(beta, read, 1 + gamma))
        for block in self.blocks:
            x = x + torch.relu(block(x))
        logits: Tensor = self.write(x)[:, 0]
        return logits


def decided(shares: Tensor, neutral: Tensor) -> Tensor:
    """Make (K, h, w) shares clearer: a smooth step, and then a slope.

    ``neutral`` (K,) is 1 for names of greys.
    """
    most = MOST + (MOST_GREY - MOST) * neutral[:, None, None]
    clear = ((shares - LEAST) / (most - LEAST)).clamp(0, 1)
    return clear * clear * (3 - 2 * clear) * (1 - RISING + RISING * shares)


def held_back(shares: Tensor, boxed: Tensor) -> Tensor:
    """Lower (K, h, w) shares where the box head is less sure than at its surest.

    ``boxed`` are its logits, (K, h, w). Most colour is laid where the thing most likely is, and
    what was found beside it gets less.
    """
    in_box = torch.sigmoid(boxed)
    surest = in_box.amax((1, 2), keepdim=True)
    return shares * (UNSURE + (1 - UNSURE) * (in_box / surest).square())


def trimmed(shares: Tensor, evened: Tensor) -> Tensor:
    """Lower the (K, h, w) shares of soft rims: of cells that look like what takes little.

    ``evened`` are their non-local means. A rim lies on a wall that takes none; what lies on the
    thing looks like the rest of the thing. Small things keep their shares: what looks like one of
    their few cells lies elsewhere.
    """
    most = evened.amax((1, 2), keepdim=True).clamp_min(1e-6)
    kept = (evened / (OUTSIDE * most)).clamp_max(1)
    area = shares.mean((1, 2), keepdim=True)
    is_large = ((area - SMALL) / (LARGE - SMALL)).clamp(0, 1)
    return shares * torch.lerp(torch.ones_like(kept), kept, is_large)


def spared(shares: Tensor, evidence: Tensor, chroma: Tensor, neutral: Tensor) -> Tensor:
    """Lower (K, h, w) shares of parts that are unlikely to have the colour of the rest of a thing.

    The wheels and windows of a red car: they are less likely to be red than the rest of it, by the
    (K, h, w) ``evidence``. Where the (h, w) ``chroma`` that is expected is VIVID, this is no
    reason: the network was wrong about the hue of something colourful. Greys, where ``neutral``
    (K,) is 1, spare nothing.
    """
    total = shares.sum((1, 2), keepdim=True).clamp_min(1e-6)
    mean = (shares * evidence).sum((1, 2), keepdim=True) / total
    likely = ((evidence + UNEXPECTED) / (mean + UNEXPECTED)).clamp_max(1)
    kept = torch.maximum(likely, (chroma / VIVID).clamp_max(1).square())
    return shares * torch.lerp(kept, torch.ones_like(kept), neutral[:, None, None])


def awarded(shares: Tensor, evidence: Tensor, neutral: Tensor) -> Tensor:
    """Award cells that several things claim to the one whose colour the network expects there.

    Of two men, one in blue and one in red, each looks like both. (K, h, w) ``shares`` of the others
    are lowered by how much less likely they are, by their ``evidence``. Greys, where ``neutral``
    (K,) is 1, neither win nor lose.
    """
    has_hue = (1 - neutral)[:, None, None]
    claims = shares * (evidence + UNEXPECTED) * has_hue
    lost = 1 - claims / claims.amax(0).clamp_min(1e-9)
    return shares * (1 - lost * has_hue * (claims.amax(0) > 0))


def kept_where_expected(colors: Tensor, guess: Tensor, evidence: Tensor, neutral: Tensor) -> Tensor:
    """Draw (K, 2, h, w) named colours to the (2, h, w) guess where it has such colours anyway.

    ``evidence`` (K, h, w) says how far. A sky that is blue stays as blue as it is: means of what is
    called blue would be paler. Greys, where ``neutral`` (K,) is 1, take colour away as ever.
    """
    kept = evidence.square() * (1 - neutral)[:, None, None]
    return torch.lerp(colors, guess.expand_as(colors), kept[:, None])


def how_found(probability: Tensor) -> Tensor:
    """Return what ``models.guidance.things.how_found`` does, with a gradient: (K, h, w) -> (K,)."""
    cells = probability.flatten(1)
    return cells.topk(min(LIKELIEST, cells.shape[1]), dim=1).values.mean(1)


def extent_inputs(
    claims: Claims,
    *,
    evened: Tensor,
    evidence: Tensor,
    colors: Tensor,
    guess: Tensor,
    lightness: Tensor,
    neutral: Tensor,
) -> Tensor:
    """Gather what is known of things into (K, INPUTS, h, w).

    ``claims`` are what their names say of cells, ``evened`` (K, h, w) the non-local mean of their
    probability. The ``evidence`` for their colours is (K, h, w), the ``colors`` are (K, 2, h, w)
    ab, the network's ``guess`` is (2, h, w) ab; (h, w) ``lightness`` in [0, 100]; ``neutral`` (K,)
    is 1 for names of greys.
    """
    logits, probability, boxed = claims.logits, claims.probability, claims.boxed
    found = how_found(probability)[:, None, None]
    in_box = torch.sigmoid(boxed)
    box_found = how_found(in_box)[:, None, None]
    total = probability.sum((1, 2), keepdim=True).clamp_min(1e-6)
    mean = (probability * evidence).sum((1, 2), keepdim=True) / total
    ratio = ((evidence + UNEXPECTED) / (mean + UNEXPECTED)).log().clamp(-3, 3)
    everywhere = torch.ones_like(probability)
    planes = [
        logits / 10,
        (logits - claims.rivals).clamp(-20, 20) / 10,
        probability,
        evened,
        probability / found.clamp_min(SURE),
        claims.mates,
        evidence,
        ratio,
        (colors - guess).norm(dim=1) / 50,
        (lightness / 100 - 0.5).expand_as(probability),
        found * everywhere,
        probability.mean((1, 2), keepdim=True) * everywhere,
        neutral[:, None, None] * everywhere,
        torch.sigmoid(logits),
        boxed / 5,
        in_box,
        in_box / box_found.clamp_min(SURE),
        (boxed - claims.boxed_rivals).clamp(-10, 10) / 5,
        box_found * everywhere,
    ]
    return torch.stack(planes, dim=1)
