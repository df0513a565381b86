"""Where GIMP keeps plug-ins, and what ``photochrom gimp`` puts there and takes away."""

from __future__ import annotations

import ast
import json
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath, PureWindowsPath
from xml.etree import ElementTree

import pytest
from server.installation import find, write_config

from gimp_plugin.archive import build_extension
from gimp_plugin.install import (
    SOURCE,
    InstallError,
    build_zip,
    inspect,
    install,
    plugin_files,
    uninstall,
)
from gimp_plugin.places import Place, Root, places, roots
from tests.support.command import one_line, run

CONFIG = {"address": "http://127.0.0.1:18890", "command": ["python"], "token": None}


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


# Where


def test_linux_has_three_ways_to_get_gimp() -> None:
    found = roots("linux", "/home/ann", {})
    assert [(root.kind, str(root.path)) for root in found] == [
        ("GIMP", "/home/ann/.config/GIMP"),
        ("GIMP (Flatpak)", "/home/ann/.var/app/org.gimp.GIMP/config/GIMP"),
        ("GIMP (Snap)", "/home/ann/snap/gimp/current/.config/GIMP"),
    ]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("/etc/ann", "/etc/ann/GIMP"),
        ("", "/home/ann/.config/GIMP"),
        ("x", "/home/ann/.config/GIMP"),
    ],
)
def test_xdg_config_home_counts_when_it_is_absolute(config: str, expected: str) -> None:
    found = roots("linux", "/home/ann", {"XDG_CONFIG_HOME": config})
    assert found[0].path == PurePosixPath(expected)


def test_windows_and_macos() -> None:
    (windows,) = roots("win32", r"C:\Users\Ann", {"APPDATA": r"D:\Roaming"})
    assert windows.path == PureWindowsPath(r"D:\Roaming\GIMP")
    (windows,) = roots("win32", r"C:\Users\Ann", {})
    assert windows.path == PureWindowsPath(r"C:\Users\Ann\AppData\Roaming\GIMP")
    (mac,) = roots("darwin", "/Users/ann", {"XDG_CONFIG_HOME": "/elsewhere"})
    assert mac.path == PurePosixPath("/Users/ann/Library/Application Support/GIMP")


@pytest.mark.parametrize(
    ("platform", "home", "folder", "expected"),
    [
        ("linux", "/home/ann", "/data/gimp", PurePosixPath("/data/gimp")),
        ("linux", "/home/ann", "gimp", PurePosixPath("/home/ann/gimp")),
        ("darwin", "/Users/ann", "gimp", PurePosixPath("/Users/ann/gimp")),
        ("win32", r"C:\Users\Ann", r"D:\gimp", PureWindowsPath(r"D:\gimp")),
        ("win32", r"C:\Users\Ann", "gimp", PureWindowsPath(r"C:\Users\Ann\gimp")),
    ],
)
def test_gimp3_directory_takes_the_place_of_the_usual_folder(
    platform: str, home: str, folder: str, expected: PurePosixPath
) -> None:
    first = roots(platform, home, {"GIMP3_DIRECTORY": folder})[0]
    assert first.path == expected
    assert not first.has_versions


def test_every_version_that_was_started_has_a_place(tmp_path: Path) -> None:
    for name in ("2.10", "3.0", "3.2", "3.10", "3.x", "notes"):
        (tmp_path / "GIMP" / name).mkdir(parents=True)
    (tmp_path / "GIMP" / "3.4").write_text("a file")
    assert places([Root("GIMP (Flatpak)", tmp_path / "GIMP"), Root("GIMP", tmp_path / "no")]) == [
        Place(f"GIMP {version} (Flatpak)", tmp_path / "GIMP" / version / "plug-ins")
        for version in ("3.0", "3.2", "3.10")
    ]
    assert places([Root("GIMP", tmp_path / "GIMP", has_versions=False)]) == [
        Place("GIMP", tmp_path / "GIMP" / "plug-ins")
    ]
    assert places([Root("GIMP", tmp_path / "absent", has_versions=False)]) == []


# What


def test_an_installed_plug_in_has_the_run_bit_and_a_private_config(tmp_path: Path) -> None:
    target = install(tmp_path / "plug-ins", CONFIG, version="1.0")
    assert target == tmp_path / "plug-ins" / "photochrom"
    assert (target / "photochrom.py").stat().st_mode & stat.S_IXUSR
    config = target / "config.json"
    assert json.loads(config.read_text()) == CONFIG
    if os.name == "posix":
        assert config.stat().st_mode & 0o777 == 0o600
    assert {name: (SOURCE / name).read_bytes() for name in plugin_files()}.items() <= snapshot(
        target
    ).items()
    assert inspect(tmp_path / "plug-ins", version="1.0").state == "current"


def test_a_copied_plug_in_works_alone(tmp_path: Path) -> None:
    target = install(tmp_path, CONFIG, version="1.0")
    code = (
        "from pathlib import Path; import history; from server.connect import describe; "
        "print(describe(Path('.')).text)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, '.'); {code}"],
        cwd=target, capture_output=True, text=True, check=True, timeout=60,
        env={"PHOTOCHROM_SERVER": "http://127.0.0.1:1"},
    )  # fmt: skip
    assert "does not run" in done.stdout


def test_modules_of_the_plug_in_are_written_for_python_3_10() -> None:
    for name in plugin_files():
        if name.endswith(".py"):
            ast.parse((SOURCE / name).read_text(encoding="utf-8"), name, feature_version=(3, 10))


def test_links_lead_to_the_source(tmp_path: Path) -> None:
    target = install(tmp_path, CONFIG, version="1.0", link=True)
    assert (target / "api/client.py").is_symlink()
    assert (target / "api/client.py").samefile(SOURCE / "api/client.py")
    assert not (target / "config.json").is_symlink()
    assert inspect(tmp_path, version="1.0").state == "current"
    before = snapshot(SOURCE)
    install(tmp_path, CONFIG, version="1.0")
    assert not (target / "api/client.py").is_symlink()
    assert uninstall(tmp_path) == []
    assert snapshot(SOURCE) == before


@pytest.mark.parametrize("link", [False, True])
def test_a_program_without_the_run_bit_gets_it(tmp_path: Path, link: bool) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "photochrom.py").write_text("#!/usr/bin/env python3\n")
    (source / "photochrom.py").chmod(0o644)
    target = install(tmp_path / "plug-ins", CONFIG, version="1.0", link=link, source=source)
    assert os.access(target / "photochrom.py", os.X_OK)


def test_an_older_plug_in_is_replaced_and_its_leftovers_removed(tmp_path: Path) -> None:
    old = tmp_path / "old"
    (old / "icons").mkdir(parents=True)
    for name in ("photochrom.py", "gone.py", "icons/gone.png"):
        (old / name).write_text("old")
    target = install(tmp_path, CONFIG, version="0.9", source=old)
    (target / "mine.txt").write_text("the person's own")
    assert inspect(tmp_path, version="1.0").state == "outdated"
    assert inspect(tmp_path, version="1.0").version == "0.9"
    install(tmp_path, CONFIG, version="1.0")
    assert inspect(tmp_path, version="1.0").state == "current"
    there = snapshot(target)
    assert "gone.py" not in there
    assert "icons/gone.png" not in there
    assert there["mine.txt"] == b"the person's own"


def test_a_changed_file_is_out_of_date(tmp_path: Path) -> None:
    target = install(tmp_path, CONFIG, version="1.0")
    (target / "api/client.py").write_text("changed")
    assert inspect(tmp_path, version="1.0").state == "outdated"


@pytest.mark.parametrize("manifest", [None, "not JSON", '{"plugin": "another"}'])
def test_a_foreign_folder_is_never_touched(tmp_path: Path, manifest: str | None) -> None:
    foreign = tmp_path / "photochrom"
    foreign.mkdir()
    (foreign / "photochrom.py").write_text("somebody else's")
    if manifest is not None:
        (foreign / "plugin.json").write_text(manifest)
    before = snapshot(tmp_path)
    assert inspect(tmp_path, version="1.0").state == "foreign"
    with pytest.raises(InstallError, match="was not made by Photochrom"):
        install(tmp_path, CONFIG, version="1.0")
    with pytest.raises(InstallError, match="stays as it is"):
        uninstall(tmp_path)
    assert snapshot(tmp_path) == before


def test_uninstalling_leaves_what_is_not_ours(tmp_path: Path) -> None:
    target = install(tmp_path, CONFIG, version="1.0")
    for name in ("server.log", "server.lock", "mine.txt"):
        (target / name).write_text("x")
    (target / "__pycache__").mkdir()
    (target / "__pycache__" / "client.pyc").write_text("x")
    (tmp_path / "neighbour").mkdir()
    assert uninstall(tmp_path) == [target / "mine.txt"]
    assert snapshot(tmp_path) == {"photochrom/mine.txt": b"x"}
    assert (tmp_path / "neighbour").is_dir()


def test_uninstalling_removes_the_folder(tmp_path: Path) -> None:
    install(tmp_path, CONFIG, version="1.0")
    assert uninstall(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_the_settings_lie_in_the_profile_and_go_with_the_plug_in(tmp_path: Path) -> None:
    place = Place("GIMP", tmp_path / "plug-ins")
    install(place.plug_ins, CONFIG, version="0.9")  # which kept them beside the code
    target = install(place.plug_ins, CONFIG, version="1.0", settings=place.settings)
    assert not (target / "config.json").exists()
    assert json.loads((tmp_path / "photochrom" / "config.json").read_text()) == CONFIG
    if os.name == "posix":
        assert (tmp_path / "photochrom" / "config.json").stat().st_mode & 0o777 == 0o600
    (tmp_path / "photochrom" / "server.log").write_text("x")
    assert uninstall(place.plug_ins, place.settings) == []
    assert not (tmp_path / "photochrom").exists()


def test_a_manifest_cannot_name_files_elsewhere(tmp_path: Path) -> None:
    plug_ins = tmp_path / "plug-ins"
    target = install(plug_ins, CONFIG, version="1.0")
    names = ["../../precious", str(tmp_path / "precious"), "api/client.py"]
    (tmp_path / "precious").write_text("x")
    (target / "plugin.json").write_text(json.dumps({"plugin": "photochrom", "files": names}))
    uninstall(plug_ins)
    assert (tmp_path / "precious").exists()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "plug-ins").write_text("a file")
    with pytest.raises(InstallError, match="plug-ins"):
        install(tmp_path / "plug-ins", CONFIG, version="1.0")


def test_the_zip_can_be_unpacked_by_hand(tmp_path: Path) -> None:
    file = build_zip(tmp_path / "dist" / "plugin.zip", version="1.0")
    with zipfile.ZipFile(file) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "plug-ins")
        modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
    assert names == {f"photochrom/{name}" for name in [*plugin_files(), "plugin.json"]}
    assert modes["photochrom/photochrom.py"] & 0o111 == 0o111
    assert modes["photochrom/api/client.py"] & 0o111 == 0
    assert inspect(tmp_path / "plug-ins", version="1.0").state == "current"
    again = build_zip(tmp_path / "again.zip", version="1.0")
    assert again.read_bytes() == file.read_bytes()
    assert uninstall(tmp_path / "plug-ins") == []


def test_archives_of_two_versions_have_two_dates(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(SOURCE, source)
    dates = []
    for number, seconds in (("1.0", 1_700_000_000), ("1.1", 1_700_001_000)):
        for file in source.rglob("*"):
            os.utime(file, (seconds, seconds))
        os.utime(source / "photochrom.py", (seconds - 500, seconds - 500))
        file = build_zip(tmp_path / f"{number}.zip", version=number, source=source)
        with zipfile.ZipFile(file) as archive:
            dates.append(archive.getinfo("photochrom/photochrom.py").date_time)
    assert dates[0] < dates[1]
    assert dates[0] == (2023, 11, 14, 22, 13, 20)


def test_the_extension_has_metadata_and_the_plug_in(tmp_path: Path) -> None:
    file = build_extension(tmp_path / "a.gex", version="1.0")
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        (metadata,) = [name for name in names if name.endswith(".metainfo.xml")]
        root = ElementTree.fromstring(archive.read(metadata))
        archive.extractall(tmp_path)
    identifier = root.findtext("id")
    assert metadata == f"{identifier}/{identifier}.metainfo.xml"
    assert root.get("type") == "addon"
    assert root.findtext("extends") == "org.gimp.GIMP"
    assert root.find("requires/id").get("version") == "3.0"  # type: ignore[union-attr]
    value = root.find("custom/value")
    assert value is not None
    assert value.get("key") == "GIMP::plug-in-path"
    program = tmp_path / str(identifier) / str(value.text)
    assert program.name == "photochrom.py"
    assert inspect(program.parents[1], version="1.0").state == "current"


# The command


def test_the_command_installs_says_and_removes(tmp_path: Path) -> None:
    folder = tmp_path / "plug-ins"
    assert run("gimp", "status", "--folder", folder).exit_code == 1
    done = run("gimp", "install", "--folder", folder, "--port", 9123, "--library", tmp_path / "lib")
    assert done.exit_code == 0, done.stderr
    assert "Colors > Photochrom" in done.stdout
    config = json.loads((folder / "photochrom" / "config.json").read_text())
    assert config["address"] == "http://127.0.0.1:9123"
    assert config["token"] is None
    assert config["command"][0] == sys.executable
    assert config["command"][config["command"].index("--port") + 1] == "9123"
    assert config["command"][-1] == str(tmp_path / "lib")
    assert Path(config["log"]).is_absolute()
    shown = run("gimp", "status", "--folder", folder)
    assert shown.exit_code == 0
    assert "no server is running" in shown.stdout
    assert config["log"] in shown.stdout.replace("\n", "")
    assert run("gimp", "uninstall", "--folder", folder).exit_code == 0
    assert list(folder.iterdir()) == []
    assert "not installed" in run("gimp", "uninstall", "--folder", folder).stdout


def test_installing_again_keeps_what_was_chosen(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("abc\n")
    run("gimp", "install", "--folder", tmp_path, "--port", 9123, "--token-file", token)
    run("gimp", "install", "--folder", tmp_path)
    config = json.loads((tmp_path / "photochrom" / "config.json").read_text())
    assert config["address"].endswith(":9123")
    assert config["token"] == "abc"
    assert "abc" not in config["command"], "every user of the machine can read command lines"
    run("gimp", "install", "--folder", tmp_path, "--no-token")
    assert json.loads((tmp_path / "photochrom" / "config.json").read_text())["token"] is None


def test_a_server_elsewhere_stays_where_it_is(tmp_path: Path) -> None:
    run("gimp", "install", "--folder", tmp_path)
    file = tmp_path / "photochrom" / "config.json"
    config = json.loads(file.read_text())
    del config["command"]  # as GIMP's settings dialog does for an address of the person's own
    write_config(file, config | {"address": "https://studio.example:444", "token": "abc"})
    assert file.stat().st_mode & 0o077 == 0
    run("gimp", "install", "--folder", tmp_path)
    config = json.loads(file.read_text())
    assert (config["address"], config["token"]) == ("https://studio.example:444", "abc")
    assert find(file.parent, {}).command == ()
    assert "another machine" in run("gimp", "status", "--folder", tmp_path).stdout
    run("gimp", "install", "--folder", tmp_path, "--port", 9123)
    assert find(file.parent, {}).address == "http://127.0.0.1:9123"
    assert find(file.parent, {}).command


def test_a_token_that_cannot_be_sent_is_refused(tmp_path: Path) -> None:
    token = tmp_path / "words"
    token.write_text("zwei Wörter\n", "utf-8")
    result = run("gimp", "install", "--folder", tmp_path, "--token-file", token)
    assert result.exit_code == 2
    assert "token" in one_line(result.stderr)
    assert list(tmp_path.iterdir()) == [token]


def test_the_command_refuses_a_foreign_folder(tmp_path: Path) -> None:
    (tmp_path / "photochrom").mkdir()
    (tmp_path / "photochrom" / "theirs.py").write_text("x")
    result = run("gimp", "install", "--folder", tmp_path)
    assert result.exit_code == 2
    assert "rename or remove it" in one_line(result.stderr)
    assert "something else" in run("gimp", "status", "--folder", tmp_path).stdout


def test_the_version_of_the_command_that_gimp_starts_can_be_asked(tmp_path: Path) -> None:
    run("gimp", "install", "--folder", tmp_path)
    config = json.loads((tmp_path / "photochrom" / "config.json").read_text())
    program = config["command"][: config["command"].index("serve")]
    done = subprocess.run(
        [*program, "--version"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == f"photochrom {config['version']}\n", done.stderr
