"""``make audit`` tells a registry without answers from packages without faults."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.repository import ROOT

PYTHON = "#!/bin/sh\necho pillow==1.0\n"  # stands for ``pip list``
TOOL = """#!/bin/sh
case "$*" in
  *cyclonedx-py*) echo "{}" >out/sbom.json ;;
  *) %s ;;
esac
"""


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize(
    ("auditor", "code", "said"),
    [
        ("echo 'No known vulnerabilities found' >&2", 0, ""),
        ("echo 'Found 1 known vulnerability' >&2; exit 1", 1, "Found 1 known"),
        ("echo 'ERROR:pip_audit._cli: not found on PyPI' >&2; exit 1", 3, "nothing was looked up"),
    ],
)
def test_what_cannot_be_looked_up_is_no_clean_bill(
    tmp_path: Path, auditor: str, code: int, said: str
) -> None:
    for name, text in (("python", PYTHON), ("tool", TOOL % auditor)):
        (tmp_path / name).write_text(text, "utf-8")
        (tmp_path / name).chmod(0o755)
    programs = (f"BIN={tmp_path}", f"TOOL={tmp_path / 'tool'}")
    done = subprocess.run(
        ["make", "-f", ROOT / "Makefile", "-o", "setup", "audit", *programs],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode == 0) == (code == 0), done.stderr
    assert said in done.stderr
    if code:
        assert f"Error {code}" in done.stderr
    assert (tmp_path / "out" / "sbom.json").is_file()
