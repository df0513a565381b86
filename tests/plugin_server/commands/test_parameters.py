"""Options that several commands share."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from models.networks.checkpoint import WeightsError
from plugin_server.cli import COMMANDS
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
    assert tokens() == [None]


def test_a_token_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOTOCHROM_TOKEN", "from-outside")
    file = tmp_path / "token"
    file.write_text("from-a-file\n")
    assert tokens() == ["from-outside"]
    assert tokens("--token-file", file) == ["from-a-file"]


def test_a_token_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    result = run("serve", "--port", "0", "--token-file", tmp_path / "none")
    assert result.exit_code == 2
    assert "none" in one_line(result.stderr)
    (tmp_path / "nothing").touch()
    result = run("serve", "--port", "0", "--token-file", tmp_path / "nothing")
    assert "nothing is empty" in one_line(result.stderr)


@pytest.mark.parametrize(
    "command",
    [("serve",), ("doctor",), ("colorize", "photo.png"), ("gimp", "install")],
    ids=lambda words: words[0],
)
def test_a_token_on_the_command_line_is_refused_with_what_to_do(command: tuple[str, ...]) -> None:
    result = run(*command, "--token", "s3cret")
    assert result.exit_code == 2
    said = one_line(result.stderr)
    assert "--token-file FILE" in said
    assert "s3cret" not in said
    assert "--token " not in run(*command[: 1 + (command[0] == "gimp")], "--help").stdout


def test_no_option_of_any_command_takes_a_token() -> None:
    """Names and help of all options, hidden ones too."""
    for name, (module, attribute, _) in COMMANDS.items():
        command = getattr(import_module(module), attribute)
        for one in [command, *getattr(command, "commands", {}).values()]:
            for parameter in one.params:
                if "--token" in parameter.opts:
                    assert parameter.hidden, name
