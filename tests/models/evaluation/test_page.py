"""The report: all figures on one page that fetches nothing; the command that writes it."""

from __future__ import annotations

import copy
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from skimage import data

from models.evaluation.comparison import compare
from models.evaluation.evaluate import evaluate
from models.evaluation.figures import plain, summary
from models.evaluation.kinds import KINDS
from models.evaluation.page import charts, data_url, html_page
from models.evaluation.references import evaluate_references
from models.evaluation.report import number, sentences
from models.photos import Photo
from plugin_server.commands.evaluate import evaluate as command
from tests.support.fakes import FakeClip, FakeColorizer

PHOTOS = [
    Photo("cat", data.chelsea()[::8, ::8], ("a red <cat> & more",), "here"),
    Photo("cup", data.coffee()[::10, ::10], ("a cup",), "there"),
    Photo("bare", data.rocket()[::10, ::10], (), "there"),
]


class Tags(HTMLParser):
    """Checks that what is opened is closed, and collects the addresses that tags name."""

    VOID = frozenset({"meta", "img", "br", "link", "input", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.addresses += [str(known[name]) for name in ("src", "href") if name in known]
        self.ids += [str(known["id"])] if "id" in known else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An SVG shape closes itself."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes what is not open"


def checked(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    assert [tag for tag in tags.open if tag not in ("li", "td", "tr")] == []
    return tags


@pytest.fixture(scope="module")
def page_and_figures() -> tuple[str, dict[str, object]]:
    *_, result = evaluate(PHOTOS, colorizer=FakeColorizer(), clip=FakeClip(), keep_pictures=2)
    *_, matched = evaluate_references(
        PHOTOS, PHOTOS, colorizer=FakeColorizer(), clip=FakeClip(), keep_pictures=1
    )
    figures = summary(result, {"photos": 3}, matched)
    side_by_side = compare({"one": figures, "other": figures})
    return html_page(figures, result, matched, side_by_side), figures


def test_the_page_is_whole_and_fetches_nothing(page_and_figures) -> None:  # type: ignore[no-untyped-def]
    page, _ = page_and_figures
    tags = checked(page)
    inside = [a for a in tags.addresses if a.startswith("#")]
    assert {a[1:] for a in inside} <= set(tags.ids)
    assert len(tags.ids) == len(set(tags.ids))
    assert all(a.startswith(("#", "data:image/jpeg;base64,")) for a in tags.addresses)
    assert not re.search(r"https?://|@import|url\(", page.replace("http-equiv", ""))
    assert "&lt;cat&gt; &amp; more" in page
    assert "<cat>" not in page


def test_every_measure_is_told_with_its_deviation(page_and_figures) -> None:  # type: ignore[no-untyped-def]
    page, figures = page_and_figures
    for heading in ("PSNR", "SSIM", "CIEDE2000", "LPIPS", "colourfulness", "bleeding", "FID"):
        assert heading in page
    for title in ("One word changed", "A reference photo", "Finding the right photo", "Speed"):
        assert title in page
    none = figures["guidance"]["none"]
    values = [entry["guidance"]["none"]["psnr"] for entry in figures["photos"].values()]
    assert none["psnr"] == pytest.approx(np.mean(values))
    assert none["deviation"]["psnr"] == pytest.approx(np.std(values, ddof=1))
    assert f"{none['psnr']:.2f}" in page
    assert f"± {none['deviation']['psnr']:.2f}" in page
    assert set(figures["kinds"]) <= set(KINDS)
    assert sum(kind["photos"] for kind in figures["kinds"].values()) == 3
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    told = " ".join(sentences(figures))
    assert "Bleeding" in told
    assert "at the hints" in told
    assert page.count('class="photo"') == 3 + 2 + 1 + 1  # worst, random, one word, reference


def test_what_json_does_not_know_is_none_wherever_it_stands() -> None:
    figures = {"psnr": [math.inf, 1.0], "pairs": ((math.nan, 2), [{"a": -math.inf}]), "name": "x"}
    assert plain(figures) == {
        "psnr": [None, 1.0],
        "pairs": [[None, 2], [{"a": None}]],
        "name": "x",
    }


def test_a_curve_is_drawn_where_it_is_known(page_and_figures) -> None:  # type: ignore[no-untyped-def]
    figures = copy.deepcopy(page_and_figures[1])
    for row in figures["equally_colourful"].values():
        row["curve"]["psnr"][0] = None
    (before,), (after,) = (
        [chart.count(",") for title, chart in charts(some) if title.startswith("PSNR when")]
        for some in (page_and_figures[1], figures)
    )
    assert after == before - len(figures["equally_colourful"])


def test_the_worst_stand_first() -> None:
    *_, result = evaluate(PHOTOS, colorizer=FakeColorizer(), clip=FakeClip(), hints=False)
    off = [pictures.off for pictures in result.worst]
    assert off == sorted(off, reverse=True)
    assert off[0] == max(result.values("none", "ciede2000").values())


def test_hints_are_obeyed_where_they_lie() -> None:
    *_, result = evaluate(PHOTOS[:1], colorizer=FakeColorizer(), clip=FakeClip())
    off = summary(result, {})["hints"]["10 hints"]["median"]
    everywhere = result.mean("10 hints", "ciede2000")
    assert off < everywhere / 2


def test_a_large_photo_is_shrunk_and_what_is_missing_is_a_dash() -> None:
    large = np.zeros((2000, 1000, 3), np.uint8)
    assert len(data_url(large)) < 5000
    assert number(None, ".2f") == "–"
    assert number(-1.234, "+.2f") == "−1.23"


def test_the_command_compares_what_was_measured(page_and_figures, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    _, figures = page_and_figures
    file, page = tmp_path / "a.json", tmp_path / "out" / "models.html"
    file.write_text(json.dumps(figures), "utf-8")
    arguments = ["--compare", f"one={file}", "--compare", f"two={file}", "--report", str(page)]
    made = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert made.exit_code == 0, made.output
    assert "two" in page.read_text("utf-8")
    checked(page.read_text("utf-8"))


@pytest.mark.slow
def test_the_command_measures_and_writes_all_it_is_asked_for(tmp_path: Path) -> None:
    for photo in PHOTOS[:2]:
        Image.fromarray(photo.pixels).save(tmp_path / f"{photo.key}.png")
        (tmp_path / f"{photo.key}.txt").write_text(f"a red {photo.key}", "utf-8")
    report, blind, figures = (tmp_path / name for name in ("r.html", "t.html", "f.json"))
    first = [str(tmp_path), "--limit", "1", "--no-hints"]
    made = CliRunner().invoke(command, [*first, "--json", str(figures)], catch_exceptions=False)
    assert made.exit_code == 0, made.output
    assert json.loads(figures.read_text("utf-8"))["details"]["photos"] == 1
    asked = ["--report", str(report), "--turing", str(blind), "--compare", f"before={figures}"]
    made = CliRunner().invoke(command, [*first, *asked], catch_exceptions=False)
    assert made.exit_code == 0, made.output
    page = report.read_text("utf-8")
    checked(page)
    assert "+0.00 ± –" in page  # the same photo, the same model
    assert "A reference photo" in page
    assert blind.stat().st_size > 5000


@pytest.mark.slow
def test_one_photo_is_measured_without_references(tmp_path: Path) -> None:
    photo, report = tmp_path / "cat.png", tmp_path / "r.html"
    Image.fromarray(PHOTOS[0].pixels).save(photo)
    refused = CliRunner().invoke(command, [str(photo), "--references"])
    assert refused.exit_code == 2
    assert "name two photos" in refused.output
    arguments = [str(photo), "--no-hints", "--report", str(report)]
    made = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert made.exit_code == 0, made.output
    assert "References are not measured" in made.output
    assert "A reference photo" not in report.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name PHOTOS"),
        (["--compare", "nameless"], "write NAME=JSON"),
        (["--compare", "a=missing.json"], "missing.json cannot be read"),
    ],
)
def test_the_command_says_what_it_needs(arguments: list[str], said: str) -> None:
    refused = CliRunner().invoke(command, arguments)
    assert refused.exit_code == 2
    assert said in refused.output
