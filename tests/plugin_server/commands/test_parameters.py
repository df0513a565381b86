"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

from models.networks.checkpoint import WeightsError
from plugin_server.config import Config
from plugin_server.service import Service
from tests.support.command import one_line, run


def tokens(*args: object) -> list[str | None]:
    seen: list[str | None] = []

    def load(config: Config) -> Service:
        seen.append(config.token)
        raise WeightsError("enough seen")

    run("serve", "--port", "0", *args, load=load)
    return seen


def test_a_token_comes_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from-a-file\n")
    assert tokens("--token-file", file) == ["from-a-file"]
    assert tokens("--token", "said", "--token-file", file) == ["from-a-file"]
    assert tokens("--token", "said") == ["said"]
    assert tokens() == [None]


def test_a_token_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    result = run("serve", "--port", "0", "--token-file", tmp_path / "none")
    assert result.exit_code == 2
    assert "none" in one_line(result.stderr)
