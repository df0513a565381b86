"""The decision records: numbered without holes, and what names one names it rightly."""

from __future__ import annotations

import re

from tests.support.repository import ROOT

DOCS = ROOT / "docs"
RECORDS = sorted((DOCS / "decisions").glob("*.md"))


def test_they_are_numbered_without_holes() -> None:
    assert [int(path.name[:4]) for path in RECORDS] == list(range(1, len(RECORDS) + 1))
    for number, path in enumerate(RECORDS, 1):
        assert path.read_text("utf-8").startswith(f"# {number}. "), path.name


def test_links_to_them_lead_to_the_number_that_they_say() -> None:
    names = {path.name for path in RECORDS}
    for page in DOCS.rglob("*.md"):
        for number, name in re.findall(
            r"\[decision\s+(\d+)\]\((?:decisions/)?(\d{4}-[\w-]+\.md)\)", page.read_text("utf-8")
        ):
            assert name in names, f"{page}: {name}"
            assert int(number) == int(name[:4]), f"{page}: {number} is {name}"
