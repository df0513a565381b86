"""What the plug-in keeps: a result's settings with its layer, and the descriptions used before."""

from __future__ import annotations

import json
import os
from pathlib import Path

import history
import pytest
from api.settings import Settings
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from models.job import ColorizeJob
from models.job_json import parse_hints, parse_palette
from plugin_server.engine.requests import ColorizeRequest, Exact
from plugin_server.images.codec import read_settings
from plugin_server.service import Service
from tests.support.fakes import FakeClip, FakeColorizer
from tests.support.pictures import encoded, grey_picture

FULL = Settings(
    version="1.2.3",
    model="color clip",
    description="ein grüner Hut, 緑の帽子",
    reference="ab" * 32,
    mask="cd" * 32,
    exemplar="photo-7",
    hints=({"x": 1, "y": 2.5, "color": "#a03020", "radius": None},),
    hint_image="ef" * 32,
    regions=({"description": "a red hat", "mask": "ab" * 32},),
    palette=("#112233",),
    saturation=0.5,
    strength=0.25,
)


def test_settings_survive_the_layer() -> None:
    text = FULL.to_json()
    assert text.isascii(), "a parasite holds ASCII only"
    assert Settings.from_json(text) == FULL
    assert Settings.from_json(text.encode()) == FULL


def test_the_names_are_those_of_the_contract() -> None:
    assert set(json.loads(FULL.to_json())) == {
        "version", "model", "description", "reference", "mask", "exemplar", "hints", "hint_image",
        "regions", "palette", "saturation", "strength",
    }  # fmt: skip


def test_what_a_servers_picture_has_in_common_with_a_layer_is_understood() -> None:
    hints = parse_hints('[{"x": 3, "y": 4, "color": "#A03020"}]')
    service = Service(FakeColorizer(), FakeClip())
    palette = parse_palette('["#112233", {"color": "#445566", "weight": 2}]')
    job = ColorizeJob("a red tram", hints, palette=palette, saturation=0.5)
    answer = service.answer(
        ColorizeRequest(encoded(grey_picture()), job, answer_type=Exact("image/webp"))
    )
    settings = Settings.from_json(read_settings(answer.body) or "")
    assert settings is not None
    assert settings.description == "a red tram"
    assert settings.saturation == 0.5
    assert parse_hints(json.dumps(settings.hints)) == hints
    assert settings.palette == (), "no layer of ours has weights"


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "1" * 10, b"\xff\xfe", "[" * 100_000])
def test_what_is_no_settings_is_none(text: str | bytes) -> None:
    assert Settings.from_json(text) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text("a#1é", max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["x", "y", "color", "radius", "z"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@examples(derandomize=True, deadline=None, max_examples=60)
@given(st.dictionaries(st.sampled_from([*json.loads(FULL.to_json()), "later"]), JSON))
def test_settings_from_anywhere_become_something_the_server_takes(read: dict[str, object]) -> None:
    settings = Settings.from_json(json.dumps(read))
    assert settings is not None
    assert 0 <= settings.saturation <= 2
    assert 0 <= settings.strength <= 1
    assert isinstance(settings.description, str)
    assert all(set(hint) <= {"x", "y", "color", "radius"} for hint in settings.hints)
    again = Settings.from_json(settings.to_json())
    assert again is not None
    assert again.to_json() == settings.to_json()


def test_history_has_the_newest_first_and_each_once(tmp_path: Path) -> None:
    assert history.load(tmp_path) == []
    for text in ("a red tram", "  ein grüner Hut ", "a red tram", "", "   "):
        history.remember(tmp_path, text)
    assert history.load(tmp_path) == ["a red tram", "ein grüner Hut"]
    assert [file.name for file in tmp_path.iterdir()] == [history.FILE]


@pytest.mark.parametrize("name", [history.FILE, history.REFERENCES])
def test_history_is_bounded(tmp_path: Path, name: str) -> None:
    length = history.LENGTHS[name]
    older = [f"{number} " + "x" * (history.MAX_LETTERS - 9) for number in range(length)]
    (tmp_path / name).write_text(json.dumps(older))
    for number in ("the last but one", "the last"):
        history.remember(tmp_path, f"{number} " + "x" * 2 * history.MAX_LETTERS, name)
    kept = history.load(tmp_path, name)
    assert len(kept) == length
    assert kept[0].startswith("the last ")
    assert kept[2:] == older[:-2]
    assert max(map(len, kept)) == history.MAX_LETTERS


@pytest.mark.parametrize(
    "damage", [b"", b"{}", b"[1, null, [], {}]", b'["cut off', b"\xff\x00", b"[" * 100_000]
)
def test_a_damaged_history_is_empty_and_is_mended(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / history.FILE).write_bytes(damage)
    assert history.load(tmp_path) == []
    history.remember(tmp_path, "a red tram")
    assert history.load(tmp_path) == ["a red tram"]


def test_a_history_that_cannot_be_kept_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history.remember(tmp_path / "absent", "a red tram")
    assert "history was not kept" in capsys.readouterr().err
    (tmp_path / history.FILE).mkdir()
    history.remember(tmp_path, "a red tram")
    assert "history was not kept" in capsys.readouterr().err
    assert os.listdir(tmp_path) == [history.FILE], "the half-made file is left behind"
