"""A real GIMP 3 for the tests: found, given an empty profile with the plug-in, and driven."""

from __future__ import annotations

import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.repository import ROOT

PLUGIN = ROOT / "gimp_plugin" / "photochrom"
SCRIPTS = Path(__file__).parent / "gimp_scripts"
BESIDE = ROOT.parent / "shared" / "tools" / "gimp3"
NEWER_ROOT = "/opt/gimp32"  # where the same tool keeps GIMP 3.2, if somebody set it up
GIMPS_OWN = Path(f"/usr/lib/{platform.machine()}-linux-gnu/gimp/3.0/plug-ins")  # in a chroot
NEEDED = ("python-eval", "file-png", "file-psd", "file-openraster")
PY_SECONDS = 240
SCREEN_SECONDS = 60
SESSION_SECONDS = 1200  # after so long a GIMP is ended


class NoGimp(Exception):
    """Why the GIMP tests cannot run here."""


@dataclass(frozen=True)
class Command:
    """How a GIMP is run: the ``gimp3`` tool, or an installed GIMP, which has no screen here."""

    words: tuple[str, ...]
    is_tool: bool
    environ: Mapping[str, str] = field(default_factory=dict)


def find_command(environ: Mapping[str, str] = os.environ) -> Command:
    """Find GIMP 3: ``$PHOTOCHROM_GIMP3``, else the tool beside the repository, else installed.

    Raises:
        NoGimp: with the reason.
    """
    if given := environ.get("PHOTOCHROM_GIMP3"):
        return _checked(Command(tuple(shlex.split(given)), is_tool=True))
    if BESIDE.is_file():
        return _checked(Command((str(BESIDE),), is_tool=True))
    for name in ("gimp-console-3.2", "gimp-console-3.0", "gimp-console"):
        if (program := shutil.which(name)) and " 3." in _output([program, "--version"]):
            return Command((program,), is_tool=False)
    raise NoGimp("no GIMP 3 here: set PHOTOCHROM_GIMP3 or install GIMP 3")


def find_newer(environ: Mapping[str, str] = os.environ) -> Command:
    """Find GIMP 3.2: ``$PHOTOCHROM_GIMP32``, else the second chroot of the same tool.

    Raises:
        NoGimp: with the reason.
    """
    if given := environ.get("PHOTOCHROM_GIMP32"):
        return _checked(Command(tuple(shlex.split(given)), is_tool=True))
    usual = find_command(environ)
    if not usual.is_tool or not Path(NEWER_ROOT, ".ready").is_file():
        raise NoGimp("no GIMP 3.2 here: set PHOTOCHROM_GIMP32")
    return _checked(Command(usual.words, is_tool=True, environ={"GIMP3_ROOT": NEWER_ROOT}))


class Gimp:
    """GIMP with an empty profile that holds the plug-in and nothing else."""

    def __init__(
        self, command: Command, folder: Path, *, language: str = "", **environ: str
    ) -> None:
        self._command = command
        self._folder = folder
        self._environ = {
            **{name: value for name, value in os.environ.items() if "PHOTOCHROM" not in name},
            **command.environ,
            **environ,
            "GIMP3_PROFILE": str(folder / "profile"),
            "GIMP3_DIRECTORY": str(folder / "profile"),
            "GIMP3_TIMEOUT": str(SESSION_SECONDS),
        }
        self._calls = 0
        self._hands: subprocess.Popen[str] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        if command.is_tool:
            self.tool("install-plugin", PLUGIN)
            self._leave_plugins_out()
            if language:
                self._prefer(f'(language "{language}")')
        else:
            shutil.copytree(PLUGIN, self.plugin)

    def _leave_plugins_out(self) -> None:
        """Let GIMP find the plug-ins that the tests need: asking all hundred takes a minute."""
        profile = self._folder / "profile"
        (profile / "few").mkdir()
        for name in NEEDED:
            (profile / "few" / name).symlink_to(GIMPS_OWN / name)
        self._prefer('(plug-in-path "${gimp_dir}/plug-ins:${gimp_dir}/few")')

    def _prefer(self, line: str) -> None:
        """Add a line to GIMP's preferences."""
        with open(self._folder / "profile" / "gimprc", "a", encoding="utf-8") as file:
            file.write(line + "\n")

    @property
    def has_screen(self) -> bool:
        return self._command.is_tool

    @property
    def plugin(self) -> Path:
        """The plug-in's folder in the profile."""
        return self._folder / "profile" / "plug-ins" / "photochrom"

    def tool(self, *words: object, seconds: float = SCREEN_SECONDS) -> str:
        """Run the tool and return what it printed.

        Raises:
            AssertionError: it failed; with what it said.
        """
        done = subprocess.run(
            [*self._command.words, *map(str, words)],
            env=self._environ,
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        assert done.returncode == 0, f"{words[:3]}: {done.stderr[-2000:]}"
        return done.stdout

    def py(self, script: str, *args: object) -> tuple[dict[str, Any], str]:
        """Run ``gimp_scripts/SCRIPT`` without a screen: the JSON it wrote, and the noise."""
        self._calls += 1
        answer = self._folder / f"answer{self._calls}.json"
        self._copy_scripts()
        words = [str(self._folder / script), str(answer), *map(str, args)]
        code = f"import sys; sys.argv = {words!r}; {RUN_SCRIPT}"
        command = ["py", *words] if self._command.is_tool else [
            "--quit", "--no-interface", "--batch-interpreter", "python-fu-eval", "-b", code
        ]  # fmt: skip
        done = subprocess.run(
            [*self._command.words, *command],
            env=self._environ,
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=PY_SECONDS,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(answer.read_text(encoding="utf-8")), done.stderr

    def start(self, picture: Path) -> None:
        """Open a picture on a virtual screen, with a Python inside that ``inside`` talks to."""
        self._copy_scripts()
        words = [str(self._folder / "remote.py"), str(self._folder)]
        code = f"import sys; sys.argv = {words!r}; {RUN_SCRIPT}"
        options = ("--no-fonts", "--batch-interpreter=python-fu-eval", f"--batch={code}")
        try:
            self.tool("start", picture, *options, seconds=120)
        except AssertionError:
            self.wait(" GIMP$", 120)  # the tool waits a minute, which a busy machine may exceed

    def inside(self, code: str, **values: object) -> Any:
        """Run code in the GIMP with the screen; return what it assigns to ``answer``.

        Raises:
            AssertionError: it failed; with the traceback.
        """
        self._calls += 1
        question = self._folder / f"{self._calls}.question"
        answer = self._folder / f"{self._calls}.answer"
        question.with_suffix(".new").write_text(json.dumps({"code": code, "values": values}))
        question.with_suffix(".new").rename(question)
        wait_until(answer.exists, lambda: f"no answer to {code[:200]!r}\n{self.log()[-3000:]}")
        read = json.loads(answer.read_text(encoding="utf-8"))
        assert "problem" not in read, read["problem"]
        return read["answer"]

    def ui(self, order: str, *words: object) -> Any:
        """Give an order of ``gimp_scripts/hands.py`` and return its answer.

        Raises:
            AssertionError: it failed; with the traceback.
        """
        hands = self._reach()
        assert hands.stdin is not None
        assert hands.stdout is not None
        hands.stdin.write(json.dumps([order, *words], default=str) + "\n")
        hands.stdin.flush()
        line = hands.stdout.readline()
        assert line, f"no answer to {order} {words}"
        read = json.loads(line)
        assert "problem" not in read, read["problem"]
        return read["answer"]

    def _reach(self) -> subprocess.Popen[str]:
        """Start what moves the widgets, once: each start of its own takes a second."""
        if self._hands is None:
            command = [*self._command.words, "x", "python3", "-W", "ignore"]
            self._hands = subprocess.Popen(
                [*command, str(self._folder / "hands.py")],
                env=self._environ,
                cwd=self._folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        return self._hands

    def menu(self, entry: str) -> None:
        """Choose an entry of Colors > Photochrom."""
        self.ui("menu", "Colors", "Photochrom", entry)

    def wait(self, title: str, seconds: float = 40) -> None:
        """Wait until a window whose title matches is there."""
        self._wait_for_window(title, True, seconds)

    def gone(self, title: str, seconds: float = 40) -> None:
        """Wait until no window has such a title."""
        self._wait_for_window(title, False, seconds)

    def press_until_gone(self, title: str, keys: str, seconds: float = 40) -> None:
        """Press keys in a window, again and again, until it is gone."""

        def is_gone() -> bool:
            if not any(re.search(title, one) for one in self.ui("titles")):
                return True
            self.ui("keys", title, keys)
            time.sleep(1)
            return False

        wait_until(is_gone, f"{title} is still there", seconds)

    def _wait_for_window(self, title: str, wanted: bool, seconds: float) -> None:
        titles: list[str] = []

        def holds() -> bool:
            titles[:] = self.ui("titles")
            return any(re.search(title, one) for one in titles) == wanted

        wait_until(holds, lambda: f"{title} {wanted}: {titles}\n{self.log()[-2000:]}", seconds)

    def wait_for_text(self, window: str, text: str, seconds: float = 40) -> list[str]:
        """Wait until a window shows a text; return all its texts."""
        texts: list[str] = []

        def is_there() -> bool:
            texts[:] = self.ui("texts", window)
            return any(text in one for one in texts)

        wait_until(is_there, lambda: f"{window} does not show {text!r} but {texts}", seconds)
        return texts

    def undo(self) -> None:
        """Press Ctrl+Z in the image's window."""
        self.ui("keys", " GIMP$", "ctrl+z")

    def shot(self, name: str) -> None:
        """Take a picture of the screen, into ``$PHOTOCHROM_SHOTS`` if that is set."""
        if folder := os.environ.get("PHOTOCHROM_SHOTS"):
            self.ui("shot", Path(folder) / f"{name}.png")

    def log(self) -> str:
        """What GIMP and the plug-in printed since ``start``."""
        return self.tool("log")

    def stop(self) -> None:
        """End GIMP and its screen."""
        if self._hands is not None:
            with self._hands as hands:
                assert hands.stdin is not None
                hands.stdin.close()
        if self.has_screen:
            self.tool("stop")

    def _copy_scripts(self) -> None:
        # The folder is in sight from inside a chroot too.
        for script in SCRIPTS.glob("*.py"):
            shutil.copy(script, self._folder)


RUN_SCRIPT = (
    "import os, gi; gi.require_version('Gegl', '0.4'); "
    "from gi.repository import Gegl, Gimp, Gio, GLib, GObject; Gegl.init(None); "
    "sys.path.insert(0, os.path.dirname(sys.argv[0])); "
    "exec(compile(open(sys.argv[0]).read(), sys.argv[0], 'exec'), "
    "dict(globals(), __name__='__main__'))"
)


def wait_until(
    holds: Callable[[], bool], problem: str | Callable[[], str], seconds: float = 60
) -> None:
    """Look again and again until something holds.

    Raises:
        AssertionError: it did not within ``seconds``.
    """
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, problem if isinstance(problem, str) else problem()
        time.sleep(0.05)


def _checked(command: Command) -> Command:
    version = _output([*command.words, "version"], command.environ)
    if "GIMP 3" not in version:
        name = shlex.join(command.words)
        raise NoGimp(f"{name} has no GIMP yet ({version.strip() or 'it says nothing'})")
    return command


def _output(words: Sequence[str], environ: Mapping[str, str] | None = None) -> str:
    try:
        done = subprocess.run(
            words,
            env={**os.environ, **(environ or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        return str(problem)
    return done.stdout
