"""A photo that was looked at before gets the same bytes as one that is new, whatever is asked."""

from __future__ import annotations

from skimage import data

from models.job import ColorizeJob
from models.networks.clip import Clip
from models.networks.predictor import Predictor
from models.pipeline import colorize, view_of


def test_a_view_changes_no_bit(released: tuple[Predictor, Clip]) -> None:
    colorizer, clip = released
    photo = data.coffee()[::4, ::4]
    view = view_of(photo, colorizer)
    answers = set()
    for text in ("a red cup", "", "a red cup on a blue table", "a red cup"):
        job = ColorizeJob(text)
        new, known = (
            colorize(photo, job, colorizer=colorizer, clip=clip, view=seen).pixels.tobytes()
            for seen in (None, view)
        )
        assert new == known
        answers.add(new)
    assert len(answers) > 1
