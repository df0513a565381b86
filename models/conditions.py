"""Words, a palette and a reference become the condition of the network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.guidance.condition import (
    ChromaPredictor,
    Condition,
    Embedder,
    HintMap,
    TextEmbedding,
    join_embeddings,
)
from models.guidance.palette import Palette
from models.guidance.reference import Reference
from models.job import ColorizeJob
from models.scans import tone_of

FloatArray = NDArray[np.float32]

FEW_MATCHES = 0.25  # mean confidence below which hardly anything in a reference was found again


def condition_of(
    job: ColorizeJob,
    text_embedding: TextEmbedding | None,
    reference: Reference | None,
    lightness: FloatArray,
    *,
    colorizer: ChromaPredictor,
    clip: Embedder,
    has_painted: bool = False,
) -> tuple[Condition, HintMap | None, tuple[str, ...]]:
    """Turn words and a reference into a condition, and say what could not be used.

    ``text_embedding`` is the job's description as CLIP sees it. Beside the condition come the
    colours carried from the reference, for an overlay: hundreds of half-sure hints among the
    network's inputs drive its colours far off. ``has_painted`` says that there are painted hints,
    which are no part of a condition.
    """
    if job.strength == 0:
        given = (
            job.description, job.hints, job.palette, job.regions, job.things, reference, has_painted
        )  # fmt: skip
        notice = "The guidance was not used: strength is 0. Raise it."
        return Condition(strength=0.0), None, (notice,) if any(given) else ()
    notices: list[str] = []
    text = image = carried = None
    if text_embedding is not None:
        notices += text_embedding.notices
        # A colour belongs to a place, not to the scene.
        text = text_embedding.scene if colorizer.locates else text_embedding.vector
    if reference is not None:
        colours = reference.rgb
        if reference.is_colourless:
            notices.append(
                f"The {reference.name} has no colours and was not used: give a colour photo."
            )
        elif (tone := tone_of(colours)) is not None:
            notices.append(
                f"The {reference.name} is toned ({tone}): it has no colours to lend and was not "
                "used. Give a colour photo."
            )
        else:
            carried = colorizer.match(lightness, colours)
            if carried.mean_confidence >= FEW_MATCHES:
                image = clip.embed_image(colours)
            else:  # its scene says nothing about this one either
                notices.append(
                    f"The {reference.name} had little effect: nothing in it looks like what this "
                    "photo shows. Give one of a similar scene."
                )
    palette = Palette.of(job.palette).for_network() if job.palette else None
    condition = Condition(join_embeddings(text, image), job.strength, palette)
    return condition, carried, tuple(notices)
