"""The seeds of the field, small: what Photochrom is measured against.

Each is written from its paper's description, narrowed so that it trains on an ordinary CPU, and
says in its file what was reduced.
"""

from __future__ import annotations

OURS = "photochrom"
LEARNED = (
    "zhang2016",
    "iizuka2016",
    "resnet18-mse",
    "resnet18-ce",
    "resnet34-unet",
    "dcgan",
)
HINTED = "levin2004"
REFERENCED = "sample-colorize"
UNLEARNED = (HINTED, REFERENCED)
