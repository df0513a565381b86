"""How the plug-in finds its server, starts one, and says what is wrong; real processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from api.client import Client
from api.deadline import OutOfTime
from api.errors import BrokenConnection, Cancelled, Failure, ForeignServer, ServerMissing
from api.pixels import Pixels
from server.connect import check_version, connect, describe
from server.file_lock import FileLock
from server.installation import DEFAULT_ADDRESS, Installation, find, find_program, write_config
from server.process import environment_for, explain, through_flatpak

from tests.support.command import free_port
from tests.support.pictures import grey_picture
from tests.support.repository import ROOT
from tests.support.scripted_server import HEALTH, Reply, scripted

GREY = Pixels(grey_picture().tobytes(), (24, 32, 1), "uint8")
posix = pytest.mark.skipif(os.name != "posix", reason="signals")

# A server with fake models that says who it is.
SERVER = """
import os, sys
sys.path[:0] = [{root!r}]
with open({pids!r}, "a") as pids:
    print(os.getpid(), file=pids)
from tests.support.fakes import FakeClip, FakeColorizer, HeldColorizer
from plugin_server.cli import main
from plugin_server.service import Service

class HeldAfterWarming(HeldColorizer):
    warm = False

    def predict(self, *args):
        if self.warm:
            return super().predict(*args)
        self.warm = True
        return FakeColorizer.predict(self, *args)

main(obj=lambda config: Service({colorizer}(), FakeClip(), workers=1))
"""


@dataclass
class Plugin:
    """A plug-in's folder whose server has fake models."""

    folder: Path
    address: str

    @property
    def log(self) -> str:
        return (self.folder / "logs" / "server.log").read_text()

    @property
    def pids(self) -> list[int]:
        file = self.folder / "pids"
        return [int(line) for line in file.read_text().split()] if file.exists() else []

    def configure(self, *, colorizer: str = "FakeColorizer", **changes: object) -> None:
        """Write config.json as ``photochrom gimp install`` would."""
        port = self.address.rpartition(":")[2]
        code = SERVER.format(
            root=str(ROOT), pids=str(self.folder / "pids"),
            colorizer=colorizer,
        )  # fmt: skip
        config: dict[str, object] = {
            "address": self.address,
            "command": [sys.executable, "-c", code, "serve", "--port", port, "--idle-exit", "1"],
            "log": str(self.folder / "logs" / "server.log"),
        }
        (self.folder / "config.json").write_text(json.dumps(config | changes))


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[Plugin]:
    plugin = Plugin(tmp_path, f"http://127.0.0.1:{free_port()}")
    plugin.configure()
    yield plugin
    for pid in plugin.pids:
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            continue  # it ended in the test


def until(condition: object, seconds: float = 30.0) -> None:
    """Wait for something that another process does."""
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        threading.Event().wait(0.02)


# Finding it


def test_the_environment_comes_before_the_config(plugin: Plugin) -> None:
    environ = {"PHOTOCHROM_SERVER": "http://far:1", "PHOTOCHROM_TOKEN": "abc"}
    found = find(plugin.folder, environ)
    assert (found.address, found.token, found.command) == ("http://far:1", "abc", ())
    plugin.configure(token="xyz", version="1.2.3")
    found = find(plugin.folder, {})
    assert (found.address, found.token, found.version) == (plugin.address, "xyz", "1.2.3")
    assert found.command[0] == sys.executable
    assert found.log == plugin.folder / "logs" / "server.log"


def test_a_plug_in_unpacked_by_hand_looks_for_the_command(tmp_path: Path) -> None:
    (tmp_path / "plugin.json").write_text('{"plugin": "photochrom", "version": "1.2.3"}')
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / ("photochrom.exe" if os.name == "nt" else "photochrom")
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    found = find(tmp_path, {"PATH": str(folder)})
    assert found.address == DEFAULT_ADDRESS
    assert found.command[:2] == (str(program), "serve")
    assert "--idle-exit" in found.command
    assert found.version == "1.2.3"
    assert find_program({"FLATPAK_ID": "org.gimp.GIMP", "PATH": ""}) == "photochrom"


def test_a_sandbox_has_its_log_where_it_can_read_it(plugin: Plugin) -> None:
    for environ in ({"FLATPAK_ID": "org.gimp.GIMP"}, {"SNAP": "/snap/gimp", "SNAP_NAME": "gimp"}):
        assert find(plugin.folder, environ).log == plugin.folder / "server.log"


@pytest.mark.parametrize("text", ["{", "[]", '{"command": "photochrom"}', "\xff"])
def test_a_damaged_config_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text, encoding="latin-1")
    with pytest.raises(Failure, match="photochrom gimp install"):
        find(tmp_path, {})
    assert "config.json" in describe(tmp_path).text


def test_a_server_of_the_environment_is_never_started(
    plugin: Plugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOTOCHROM_SERVER", plugin.address)
    with pytest.raises(ServerMissing, match="start it there"):
        connect(plugin.folder)
    assert plugin.pids == []


def test_the_servers_environment_is_not_gimps() -> None:
    gimps = {
        "PYTHONHOME": "/gimp", "PYTHONPATH": "/gimp", "LD_LIBRARY_PATH": "/gimp", "HOME": "/home/a",
        "PHOTOCHROM_TOKEN": "another", "PHOTOCHROM_PORT": "1",
    }  # fmt: skip
    kept = environment_for(Installation(token=None), gimps)
    assert kept == {"HOME": "/home/a", "PYTHONUNBUFFERED": "1"}
    assert environment_for(Installation(token="abc"), gimps)["PHOTOCHROM_TOKEN"] == "abc"


def test_a_flatpak_starts_it_on_the_host_and_no_command_line_has_the_token() -> None:
    command, spoken = through_flatpak(["python", "-m", "plugin_server"], Installation(token="abc"))
    assert command[:2] == ["flatpak-spawn", "--host"]
    assert command[-3:] == ["python", "-m", "plugin_server"]
    assert not any("abc" in word for word in command)
    # What the host's shell makes of it.
    show = [sys.executable, "-c", "import os, sys; print(os.environ['PHOTOCHROM_TOKEN'])"]
    command, spoken = through_flatpak(show, Installation(token="abc"))
    done = subprocess.run(command[2:], input=spoken, capture_output=True, check=True)
    assert done.stdout == b"abc\n"
    assert through_flatpak(["python"], Installation())[1] is None


# Which version


@pytest.mark.parametrize(
    ("ours", "theirs", "fits"),
    [
        ("0.1.0", "0.1.7", True),
        ("1.2.0", "1.9.0", True),
        ("", "0.9.0", True),
        ("0.1.0", "unknown", True),
        ("0.1.0", "0.2.0", False),
        ("0.2.0", "0.1.0", False),
        ("1.0.0", "2.0.0", False),
    ],
)
def test_versions_that_fit(ours: str, theirs: str, fits: bool) -> None:
    with scripted(get_v1_health=Reply.of({**HEALTH, "version": theirs})) as (address, _):
        health = Client(address).health()
    if fits:
        check_version(health, Installation(version=ours))
        return
    with pytest.raises(Failure) as caught:
        check_version(health, Installation(version=ours))
    assert ours in str(caught.value)
    assert theirs in str(caught.value)


def test_a_server_of_another_version_is_said_and_not_used(plugin: Plugin) -> None:
    with scripted(get_v1_health=Reply.of({**HEALTH, "version": "9.0.0"})) as (address, _):
        plugin.configure(address=address, version="0.1.0")
        with pytest.raises(Failure, match="restart GIMP"):
            connect(plugin.folder)
        assert not describe(plugin.folder).running
    assert plugin.pids == []


# Starting it


@posix
@pytest.mark.slow
def test_a_server_that_does_not_run_is_started_and_used(plugin: Plugin) -> None:
    assert "starts when it is needed" in describe(plugin.folder).text
    seen: list[tuple[str, float]] = []
    client = connect(
        plugin.folder, lambda text, fraction: seen.append((text, fraction)), timeout=60
    )
    assert client.colorize(GREY).pixels is not None
    assert {text for text, _ in seen} == {"Starting the Photochrom server"}
    fractions = [fraction for _, fraction in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] < 1
    status = describe(plugin.folder)
    assert status.running, status.text
    assert status.health is not None
    connect(plugin.folder)
    assert len(plugin.pids) == 1
    assert "started by GIMP" in plugin.log
    assert f"on {plugin.address}" in plugin.log


@posix
@pytest.mark.slow
def test_one_server_however_many_ask_at_once(plugin: Plugin) -> None:
    code = f"""
        import sys
        sys.path.insert(0, {str(ROOT / "gimp_plugin" / "photochrom")!r})
        from pathlib import Path
        from server.connect import connect
        sys.stdin.readline()
        print(connect(Path({str(plugin.folder)!r})).health().version)
    """
    asking = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(8)
    ]  # fmt: skip
    for process in asking:  # all of them have imported what they need, or will soon
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=120)[0].strip() for process in asking]
    assert len(set(answers)) == 1, answers
    assert answers[0]
    assert len(plugin.pids) == 1


@posix
@pytest.mark.slow
def test_two_gimps_with_folders_of_their_own_share_a_server(plugin: Plugin) -> None:
    """They do not see each other's lock, so the port decides."""
    other = plugin.folder / "other"
    other.mkdir()
    shutil.copy(plugin.folder / "config.json", other)
    clients: list[Client] = []
    asking = [
        threading.Thread(target=lambda place=place: clients.append(connect(place)))
        for place in (plugin.folder, other)
    ]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert all(client.colorize(GREY).pixels for client in clients)
    assert len(clients) == 2


@posix
@pytest.mark.slow
def test_a_server_ends_itself_when_nobody_needs_it(plugin: Plugin) -> None:
    config = json.loads((plugin.folder / "config.json").read_text())
    config["command"][-1] = "0.02"  # minutes
    (plugin.folder / "config.json").write_text(json.dumps(config))
    client = connect(plugin.folder)
    client.colorize(GREY)
    until(lambda: "idle minutes" in plugin.log)
    with pytest.raises(ServerMissing):
        client.health()
    # And the next one who needs it has it started again.
    connect(plugin.folder)
    assert len(plugin.pids) == 2


@posix
@pytest.mark.slow
def test_a_server_killed_in_the_middle_is_a_clear_message(plugin: Plugin) -> None:
    plugin.configure(colorizer="HeldAfterWarming")
    client = connect(plugin.folder)

    def kill(text: str, _fraction: float) -> None:
        if text == "Choosing colors":
            os.kill(plugin.pids[0], signal.SIGKILL)

    with pytest.raises(BrokenConnection, match="nothing was changed") as caught:
        client.colorize(GREY, on_progress=kill)
    assert str(plugin.folder / "logs" / "server.log") in str(caught.value)


def test_waiting_for_the_server_can_be_cancelled(plugin: Plugin) -> None:
    with pytest.raises(Cancelled):
        connect(plugin.folder, lambda *_: False)


def test_waiting_for_the_server_ends(plugin: Plugin) -> None:
    plugin.configure(command=[sys.executable, "-c", "import time; time.sleep(9)"])
    with pytest.raises(OutOfTime):
        connect(plugin.folder, start_timeout=0.5)


@posix
@pytest.mark.slow
def test_a_token_is_used_and_not_logged(plugin: Plugin) -> None:
    plugin.configure(token="abc")
    connect(plugin.folder)
    assert "abc" not in plugin.log


@posix
@pytest.mark.slow
def test_another_program_on_the_port_is_left_alone_and_a_free_port_remembered(
    plugin: Plugin,
) -> None:
    with scripted(get_v1_health=Reply(200, b"<html>")) as (address, script):
        plugin.address = address
        plugin.configure(token="abc")
        client = connect(plugin.folder)
        assert client.address != address
        assert client.colorize(GREY).pixels is not None
        written = json.loads((plugin.folder / "config.json").read_text())
        assert written["address"] == client.address
        assert written["command"][written["command"].index("--port") + 1] in client.address
        assert connect(plugin.folder).address == client.address
        assert not any("Authorization" in headers for headers in script.headers)
    assert len(plugin.pids) == 1
    assert (plugin.folder / "config.json").stat().st_mode & 0o077 == 0


def test_another_program_on_the_port_is_said_where_nothing_can_be_started(plugin: Plugin) -> None:
    with scripted(get_v1_health=Reply(200, b"<html>")) as (address, _):
        plugin.configure(address=address, command=[])
        with pytest.raises(ForeignServer, match="--port"):
            connect(plugin.folder)
        assert "nother program" in describe(plugin.folder).text
    assert plugin.pids == []


def test_the_profile_comes_before_the_folder_of_the_code(tmp_path: Path) -> None:
    profile, code = tmp_path / "profile", tmp_path / "code"
    code.mkdir()
    (code / "config.json").write_text('{"address": "http://beside:1"}')
    (code / "plugin.json").write_text('{"version": "1.2.3"}')
    assert find(profile, {}, code).address == "http://beside:1"
    write_config(profile / "config.json", {"address": "http://profile:1", "version": "1.2.0"})
    found = find(profile, {}, code)
    assert (found.address, found.version) == ("http://profile:1", "1.2.3")


# What is wrong


def failure(plugin: Plugin, command: list[str]) -> str:
    """Start a server that cannot start; return what is said, and check that it names no riddle."""
    plugin.configure(command=command)
    with pytest.raises(ServerMissing) as caught:
        connect(plugin.folder, start_timeout=60)
    assert isinstance(caught.value, Failure)
    return str(caught.value)


def test_a_program_that_is_gone_is_said(plugin: Plugin, tmp_path: Path) -> None:
    text = failure(plugin, [str(tmp_path / "moved" / "python"), "-m", "plugin_server"])
    assert "install it again" in text
    assert str(tmp_path / "moved") in text


@posix
def test_a_program_that_may_not_be_run_is_said(plugin: Plugin, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert "cannot be started" in failure(plugin, [str(tmp_path / "file")])


def test_an_incomplete_installation_is_said(plugin: Plugin) -> None:
    text = failure(plugin, [sys.executable, "-c", "import photochrom_is_not_here"])
    assert "incomplete or was moved" in text
    assert "photochrom_is_not_here" in text


@pytest.mark.parametrize("code", ["raise MemoryError", "import os; os.kill(os.getpid(), 9)"])
def test_a_lack_of_memory_is_said(plugin: Plugin, code: str) -> None:
    assert "not enough free memory" in failure(plugin, [sys.executable, "-c", code])


def test_anything_else_is_said_with_its_last_words_and_the_log(plugin: Plugin) -> None:
    text = failure(plugin, [sys.executable, "-c", "raise SystemExit('the stars are wrong')"])
    assert "the stars are wrong" in text
    assert str(plugin.folder / "logs" / "server.log") in text
    assert "photochrom doctor" in text
    silent = failure(plugin, [sys.executable, "-c", "raise SystemExit(3)"])
    assert "exit code 3" in silent
    assert "the stars" not in silent, "the words of an earlier start"


@pytest.mark.slow
def test_missing_weights_are_said(plugin: Plugin, tmp_path: Path) -> None:
    text = failure(
        plugin,
        [
            *(sys.executable, "-m", "plugin_server", "serve", "--port", str(free_port())),
            *("--weights", str(tmp_path / "none.safetensors")),
        ],
    )
    assert "could not load its models" in text
    assert "none.safetensors" in text


def test_a_port_that_was_taken_meanwhile_is_said() -> None:
    text = explain(
        2,
        "photochrom serve: cannot listen on 127.0.0.1 port 18890 (Address already in use); ...",
        Installation(),
        Path("log"),
    )
    assert "another program" in text
    assert "--port" in text


@posix
def test_a_flatpak_that_may_not_start_programs_is_said(
    plugin: Plugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawn = plugin.folder / "flatpak-spawn"
    said = "Portal call failed: org.freedesktop.DBus.Error.ServiceUnknown"
    spawn.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
    spawn.chmod(0o755)
    monkeypatch.setenv("FLATPAK_ID", "org.gimp.GIMP")
    monkeypatch.setenv("PATH", f"{plugin.folder}:{os.environ['PATH']}")
    with pytest.raises(ServerMissing, match="flatpak override --user"):
        connect(plugin.folder)
    assert said in (plugin.folder / "server.log").read_text()


@posix
@pytest.mark.slow
def test_a_flatpak_starts_its_server_outside(
    plugin: Plugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawn = plugin.folder / "flatpak-spawn"
    spawn.write_text('#!/bin/sh\n[ "$1" = --host ] || exit 9\nshift\nexec "$@"\n')
    spawn.chmod(0o755)
    monkeypatch.setenv("FLATPAK_ID", "org.gimp.GIMP")
    monkeypatch.setenv("PATH", f"{plugin.folder}:{os.environ['PATH']}")
    assert connect(plugin.folder).health().version
    assert len(plugin.pids) == 1
    assert plugin.address in (plugin.folder / "server.log").read_text()


def test_a_snap_says_that_it_cannot(plugin: Plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAP", "/snap/gimp/1")
    monkeypatch.setenv("SNAP_NAME", "gimp")
    with pytest.raises(ServerMissing, match="photochrom serve"):
        connect(plugin.folder)
    assert plugin.pids == []


def test_an_old_photochrom_is_said() -> None:
    output = "photochrom serve: No such option: --idle-exit"
    assert "older than this plug-in" in explain(2, output, Installation(), Path("log"))


# The lock


def test_a_lock_has_one_holder_and_ends_with_it(tmp_path: Path) -> None:
    file = tmp_path / "server.lock"
    code = f"""
        import sys
        from pathlib import Path
        sys.path.insert(0, {str(ROOT / "gimp_plugin" / "photochrom")!r})
        from server.file_lock import FileLock
        print(FileLock(Path({str(file)!r})).acquire(), flush=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with FileLock(file) as lock:
        assert lock.acquire()
        assert subprocess.check_output(command, text=True).strip() == "False"
    # Each of these held it and ended without giving it back.
    for _ in range(2):
        assert subprocess.check_output(command, text=True).strip() == "True"
    assert FileLock(file).acquire()


def test_a_lock_in_a_folder_that_cannot_be_written_is_elsewhere(tmp_path: Path) -> None:
    with FileLock(tmp_path / "absent" / f"{tmp_path.name}.lock") as lock:
        assert lock.acquire()
