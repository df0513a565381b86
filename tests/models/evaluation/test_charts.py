"""Charts: well-formed, in scale, and readable."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation.charts import WIDTH, Dot, Line, dots, lines, ticks


@given(st.floats(-1e4, 1e4), st.floats(0.001, 1e4))
def test_ticks_cover_what_is_drawn_in_equal_round_steps(low: float, span: float) -> None:
    marks = ticks(low, low + span)
    assert marks[0] <= low + 1e-6 * span
    assert marks[-1] >= low + span - 1e-6 * span
    assert 2 <= len(marks) <= 8
    steps = [b - a for a, b in pairwise(marks)]
    assert steps == pytest.approx([steps[0]] * len(steps))


def test_dots_lie_in_the_order_of_their_values() -> None:
    rows = [Dot("none", -1.0, 0.5), Dot("caption", 0.5, 0.25), Dot("10 hints", 3.0)]
    drawn = ElementTree.fromstring(dots("PSNR <of> all", rows, unit="dB"))
    places = [float(circle.attrib["cx"]) for circle in drawn.iter("circle")]
    assert places == sorted(places)
    assert (places[1] - places[0]) / (places[2] - places[0]) == pytest.approx(1.5 / 4, abs=0.01)
    whiskers = [line for line in drawn.iter("line") if line.attrib["class"] == "whisker"]
    reach = [float(line.attrib["x2"]) - float(line.attrib["x1"]) for line in whiskers]
    assert reach[0] == pytest.approx(2 * reach[1], abs=0.2)
    assert reach[2] == 0
    assert drawn.attrib["aria-label"] == "PSNR <of> all"


def test_lines_stay_inside_and_are_named() -> None:
    drawn = ElementTree.fromstring(
        lines(
            "two",
            [Line("a&b", [(0, 1), (2, 5)]), Line("other", [(1, 2), (3, 0)])],
            across="x",
            up="y",
            mark=1.0,
        )
    )
    points = [
        tuple(map(float, point.split(",")))
        for line in drawn.iter("polyline")
        for point in line.attrib["points"].split()
    ]
    assert len(points) == 4
    assert all(0 <= x <= WIDTH for x, _ in points)
    assert points[1][1] < points[0][1]  # up is up
    assert {"a&b", "other", "x", "y"} <= {text.text for text in drawn.iter("text")}


def test_nothing_to_draw_is_no_chart() -> None:
    assert not dots("empty", [], unit="dB")
    assert not lines("empty", [Line("a", [])], across="x", up="y")
