"""Names of files and texts of others, as a terminal or a log may have them."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from models.shown import printable, shown

NAMES = [
    ("grandma.jpg", "grandma.jpg"),
    ("C:\\photos\\it's 1.jpg", "C:\\photos\\it's 1.jpg"),
    ("Foto di Zoë 👩‍👧.jpg", "Foto di Zoë 👩‍👧.jpg"),
    ("3.00\u202fPM.png", "3.00\u202fPM.png"),  # as macOS names what it shot
    ("a\x1b[31mred.png", "$'a\\x1b[31mred.png'"),
    ("two\nlines.png", "$'two\\nlines.png'"),
    ("two\\nlines.png", "two\\nlines.png"),  # a backslash and an n
    ("it's\ttwo\\n.png", "$'it\\'s\\ttwo\\\\n.png'"),
    ("gpj.\u202egnp.exe", "$'gpj.\\u202egnp.exe'"),
    ("c1\x9bm", "$'c1\\u009bm'"),
    (os.fsdecode(b"caf\xe9.png"), "$'caf\\xe9.png'"),
    ("$'a\\nb'", "$'$\\'a\\\\nb\\''"),
]


@pytest.mark.parametrize(("name", "said"), NAMES)
def test_names_are_as_they_are_or_quoted(name: str, said: str) -> None:
    assert shown(name) == said


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_what_is_quoted_names_the_file_in_a_shell() -> None:
    quoted = [(name, said) for name, said in NAMES if said.startswith("$'")]
    for name, said in quoted:
        command = ["bash", "-c", f"printf %s {said}"]
        environ = os.environ | {"LC_ALL": "C.UTF-8"}
        assert subprocess.run(command, capture_output=True, env=environ).stdout == os.fsencode(name)


def test_a_text_stays_on_its_line_and_changes_no_terminal() -> None:
    assert printable("red\n\x1b[2Jand \\n blue") == "red\\n\\x1b[2Jand \\n blue"
