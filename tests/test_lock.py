"""The lock holds what pyproject.toml asks for, with hashes."""

from __future__ import annotations

import re
import tomllib
from itertools import pairwise

from tests.support.repository import ROOT

PINNED = re.compile(r"^([a-z0-9._-]+)==\S+.*\\$")
LEFT_OUT = {"torch", "torchvision"}  # their builds differ from index to index


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_requirement_is_locked_with_hashes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        asked += extra
    names = {normal(re.split(r"[\[<>=!~; ]", one, maxsplit=1)[0]) for one in asked}
    lines = (ROOT / "requirements.lock").read_text("utf-8").splitlines()
    locked = {
        normal(found[1])
        for line, after in pairwise(lines)
        if (found := PINNED.match(line)) and after.strip().startswith("--hash=sha256:")
    }
    missing = sorted(names - locked - LEFT_OUT)
    assert not missing, f"not in requirements.lock: {missing}; run make lock"
    assert not locked & LEFT_OUT
