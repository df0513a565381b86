"""What the wheel and the source archive hold, and what they weigh."""

from __future__ import annotations

import tarfile
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from tests.release.conftest import PACKAGES
from tests.support.repository import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.release]

DATA_FOLDERS = ("models/evaluation/pages", "models/weights", "plugin_server/web")
HEAVIEST = 60e6  # bytes


def expected() -> set[str]:
    """List every module and data file of the packages."""
    sources = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    typed = [ROOT / package / "py.typed" for package in PACKAGES]
    data = [file for folder in DATA_FOLDERS for file in (ROOT / folder).rglob("*")]
    data += (ROOT / "models/guidance/languages").glob("*.t*")
    for folder in ("help", "icons", "locale"):
        data += (ROOT / "gimp_plugin/photochrom" / folder).rglob("*")
    return {
        file.relative_to(ROOT).as_posix()
        for file in [*sources, *typed, *data]
        if file.is_file() and "__pycache__" not in file.parts
    }


def test_wheel_holds_every_module_and_data_file(wheel: Path) -> None:
    files = expected()
    assert {Path(name).suffix for name in files} >= {".py", ".safetensors", ".json", ".toml", ".mo"}
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == files


def test_source_archive_holds_them_too(dist: Path) -> None:
    (archive,) = dist.glob("photochrom-*.tar.gz")
    with tarfile.open(archive) as files:
        held = {name.partition("/")[2] for name in files.getnames()}
    assert held >= expected() | {"pyproject.toml", "README.md", "LICENSE"}


def test_wheel_carries_its_licence(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_both_are_light(dist: Path, wheel: Path) -> None:
    sizes: Counter[str] = Counter()
    for file in zipfile.ZipFile(wheel).infolist():
        sizes["/".join(file.filename.split("/")[:2])] += file.compress_size
    for name, size in sizes.most_common(12):
        print(f"{size / 1e6:8.2f} MB  {name}")
    for file in sorted(dist.iterdir()):
        print(f"{file.stat().st_size / 1e6:8.2f} MB  {file.name} in all")
        assert file.stat().st_size < HEAVIEST
