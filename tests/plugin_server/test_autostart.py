"""What starts the server with a session, as files."""

from __future__ import annotations

import configparser
import plistlib
import shlex
from pathlib import Path

from plugin_server.autostart import autostart

COMMAND = ["/opt/my env/bin/python", "-P", "-m", "plugin_server", "serve", "--log", "/тест/50%.log"]


def test_linux_has_a_unit_of_systemd(tmp_path: Path) -> None:
    found = autostart("linux", tmp_path, {}, COMMAND)
    assert found.path == tmp_path / ".config" / "systemd" / "user" / "photochrom.service"
    unit = configparser.RawConfigParser()
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(found.text.decode())
    words = shlex.split(unit["Service"]["ExecStart"])
    assert [word.replace("%%", "%") for word in words] == COMMAND
    elsewhere = autostart("linux", tmp_path, {"XDG_CONFIG_HOME": str(tmp_path / "c")}, COMMAND)
    assert elsewhere.path.is_relative_to(tmp_path / "c")


def test_macos_has_a_launch_agent(tmp_path: Path) -> None:
    found = autostart("darwin", tmp_path, {}, COMMAND)
    assert found.path.parent == tmp_path / "Library" / "LaunchAgents"
    agent = plistlib.loads(found.text)
    assert agent["ProgramArguments"] == COMMAND
    assert agent["RunAtLoad"] is True
    assert agent["Label"] == found.path.stem


def test_windows_has_a_file_in_startup(tmp_path: Path) -> None:
    (tmp_path / "pythonw.exe").touch()
    command = [str(tmp_path / "python.exe"), *COMMAND[1:]]
    found = autostart("win32", tmp_path, {"APPDATA": str(tmp_path / "Roaming")}, command)
    assert found.path.parent.parts[-3:] == ("Start Menu", "Programs", "Startup")
    lines = found.text.decode().split("\r\n")
    assert lines[0] == "@echo off"
    assert "\n" not in "".join(lines)
    assert f'"{tmp_path / "pythonw.exe"}" "-P"' in lines[2]
    assert '"/тест/50%%.log"' in lines[2]


def test_writing_and_removing_touch_one_file(tmp_path: Path) -> None:
    found = autostart("win32", tmp_path, {}, COMMAND)
    assert found.write() == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [found.path]
    assert found.remove()
    assert not found.remove()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
