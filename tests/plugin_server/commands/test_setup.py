"""``photochrom setup`` and its way back, in a fresh home folder."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from models.networks.checkpoint import WeightsError
from plugin_server.autostart import Autostart
from plugin_server.commands.setup import check
from plugin_server.config import Config
from plugin_server.service import Service
from tests.support.command import fake_service, run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into Linux's folders")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "PHOTOCHROM_LIBRARY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "")  # no systemctl: nothing of this machine is changed
    return tmp_path


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_setup_installs_and_undo_leaves_the_home_as_it_was(home: Path) -> None:
    profile = home / ".config" / "GIMP" / "3.2"
    profile.mkdir(parents=True)
    (profile / "gimprc").write_text("theirs\n")
    before = files(home)
    done = run("setup", "--at-login", load=fake_service)
    assert done.exit_code == 0, done.output
    assert f"the plug-in is in {profile / 'plug-ins' / 'photochrom'}" in done.output
    assert (profile / "plug-ins" / "photochrom" / "photochrom.py").is_file()
    unit = home / ".config" / "systemd" / "user" / "photochrom.service"
    assert unit.is_file()
    assert "systemctl --user enable --now photochrom.service" in done.output
    assert "run photochrom serve and open" in done.output, "it does not run yet"
    assert "in GIMP, start it again" in done.output

    assert "no longer starts" in run("setup", "--not-at-login", load=fake_service).output
    assert not unit.exists()

    undone = run("setup", "--undo")
    assert undone.exit_code == 0
    assert files(home) == before
    assert "There is nothing to undo." in run("setup", "--undo").output


def test_without_a_gimp_nothing_is_said_of_one(home: Path) -> None:
    done = run("setup", load=fake_service)
    assert "photochrom gimp install --folder DIR" in done.output
    assert "in GIMP, start it again" not in done.output
    assert files(home) == []


def test_what_is_broken_is_said_and_the_exit_code_tells(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(_config: Config) -> Service:
        raise WeightsError("the weights x are damaged")

    assert check(load)
    assert "broken: models: cannot be used: the weights x are damaged" in capsys.readouterr().out


def test_a_command_of_the_system_that_does_not_end_is_left_to_the_user(tmp_path: Path) -> None:
    never = (sys.executable, "-c", "import time; time.sleep(60)")
    started = Autostart(tmp_path / "unit", b"", on=(never,))
    assert started.write(timeout=0.5) == [" ".join(never)]
