"""The networks that came with Photochrom, or those of a training run, ready for use."""

from __future__ import annotations

from pathlib import Path

from models.networks.affinity import CHECKPOINT as AFFINITY
from models.networks.affinity import Affinity, load_affinity
from models.networks.checkpoint import (
    WEIGHTS,
    WeightsError,
    WeightsFile,
    encoder_digest,
    inspect_file,
    known_checksums,
    load_network,
)
from models.networks.clip import EMBEDDED, Clip, inspect_clip, load_clip
from models.networks.colorizer import build_colorizer, read_config
from models.networks.correspondence import CHECKPOINT as MATCHER
from models.networks.correspondence import load_matcher
from models.networks.grounding import CHECKPOINT as GROUNDER
from models.networks.grounding import load_grounder, shared_digest
from models.networks.predictor import Predictor

CHECKPOINT = WEIGHTS / "colorizer.safetensors"


def load_colorizer(path: Path | None = None, *, alone: bool = False) -> Predictor:
    """Load the weights that came with Photochrom, or those of a training run.

    The matcher for references, the grounder for named things and the affinity, for dabs and for
    what has one colour, are those beside them, else those that came with Photochrom, where they
    were trained on this colorizer's encoder. ``alone``: none of them, such as where they are still
    to be trained.

    Raises:
        WeightsError: a file is missing, damaged or of another kind.
    """
    path = CHECKPOINT if path is None else path
    model = load_network(path, lambda config: build_colorizer(read_config(config)))
    if alone:
        return Predictor(model, name=path.stem)

    matcher = load_matcher(_beside(path, MATCHER))
    grounder = load_grounder(_beside(path, GROUNDER))
    digest = encoder_digest(model.encoder)
    return Predictor(
        model,
        name=path.stem,
        matcher=matcher if matcher.config.encoder == digest else None,
        grounder=grounder if grounder.config.encoder == shared_digest(model.encoder) else None,
        affinity=fitting_affinity(digest, path),
    )


def fitting_affinity(digest: str, path: Path | None = None) -> Affinity | None:
    """Load the affinity beside a colorizer's weights, else the released one.

    ``digest`` is that of the colorizer's encoder; None where the affinity was trained on another.

    Raises:
        WeightsError: the file is missing, damaged or of another kind.
    """
    affinity = load_affinity(_beside(CHECKPOINT if path is None else path, AFFINITY))
    return affinity if affinity.config.encoder == digest else None


def _beside(path: Path, released: Path) -> Path:
    """Return the file that stands beside a colorizer's weights, else the released one."""
    own = path.with_name(released.name)
    return own if own.is_file() else released


def load_pair(
    weights: Path | None = None, clip: str = EMBEDDED, *, alone: bool = False
) -> tuple[Predictor, Clip]:
    """Load a colorizer, perhaps ``alone``, and the CLIP model it was trained with.

    Raises:
        WeightsError: a file is missing or damaged, or the two do not belong together.
    """
    colorizer = load_colorizer(weights, alone=alone)
    wanted = colorizer.model.config.clip
    if clip != wanted:
        raise WeightsError(
            f"the colorizer {colorizer.name!r} was trained with the CLIP model {wanted!r} and "
            f"cannot read the embeddings of {clip!r}: use the CLIP model {wanted!r}"
        )
    return colorizer, load_clip(clip)


def inspect_weights() -> list[WeightsFile]:
    """Describe every file of weights that came with Photochrom, for ``photochrom doctor``."""
    checksums = known_checksums()
    colorizer = inspect_file("colorizer", CHECKPOINT, checksums.get(CHECKPOINT.name))
    matcher = inspect_file("matcher", MATCHER, checksums.get(MATCHER.name))
    grounder = inspect_file("grounder", GROUNDER, checksums.get(GROUNDER.name))
    affinity = inspect_file("affinity", AFFINITY, checksums.get(AFFINITY.name))
    return [colorizer, matcher, grounder, affinity, *inspect_clip(checksums)]
