"""A blind test as one HTML page: is this photo the original, or coloured?

The field's "Turing test" (Zhang et al. 2016). Each photo is shown once, as it was or coloured, both
encoded alike; which one, and the order, is drawn anew whenever the page starts. The page works from
a file, asks and counts by itself, and sends nothing.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from models.evaluation.page import data_url, environment
from models.evaluation.results import ORIGINAL, Pictures

ROWS = 400  # of a photo on the page, at most
COLOURED = "none"


def turing_page(photos: Sequence[Pictures], *, seed: int = 0) -> str:
    """Make the page from photos with an original and a coloured version.

    The two versions of a photo stand in an order drawn by ``seed``. The answers lie in the page,
    as they must, but not in plain words: a version's place says nothing, and which is which is
    masked, so that looking at the page's source by accident tells nothing either.
    """
    generator = np.random.default_rng(seed)
    items = []
    for photo in photos:
        both = (photo.pictures[ORIGINAL], photo.pictures[COLOURED])
        first = int(generator.integers(2))  # the place of the coloured one
        mask = int(generator.integers(1 << 16))
        pair = both if first else both[::-1]
        items.append(
            {
                "pictures": [data_url(picture, height=ROWS) for picture in pair],
                "size": [photo.pictures[ORIGINAL].shape[1], photo.pictures[ORIGINAL].shape[0]],
                "mask": mask,
                "mark": ((int(generator.integers(1 << 15)) << 1) | first) ^ mask,
            }
        )
    data = base64.b64encode(json.dumps(items).encode()).decode("ascii")
    page = environment().get_template("turing.html")
    return page.render(count=len(items), data=Markup(data))  # base64 needs no escaping
