"""The container file and compose.yaml: linted, and their commands run as plain processes."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import click
import pytest
import yaml

from plugin_server.cli import main
from tests.support.crews import environment, wait_until
from tests.support.forms import FORM, form
from tests.support.pictures import encoded, grey_picture, opened
from tests.support.redis_server import REDIS, SOON, free_port, needs_redis
from tests.support.repository import ROOT

CONTAINERFILE = (ROOT / "Containerfile").read_text("utf-8")
SECRETS = {"REDIS_PASSWORD": "s3cretword", "PHOTOCHROM_TOKEN": "t0ken", "WORKERS": "1"}


def instructions() -> list[tuple[str, str]]:
    """Read the container file: name and text of each instruction, without comments."""
    lines = [line for line in CONTAINERFILE.splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    parts = (line.partition(" ") for line in joined.splitlines() if line.strip())
    return [(name, rest.strip()) for name, _, rest in parts]


def all_of(name: str) -> list[str]:
    return [text for other, text in instructions() if other == name]


def compose() -> dict[str, Any]:
    """Read compose.yaml with its variables filled in, as compose does."""
    text = (ROOT / "compose.yaml").read_text("utf-8")
    text = re.sub(r"\$\{(\w+)(?::[-?][^}]*)?\}", lambda found: SECRETS[found[1]], text)
    values: dict[str, Any] = yaml.safe_load(text)
    return values


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def test_the_image_is_small_pinned_and_runs_as_nobody_in_particular() -> None:
    bases = {text.split()[0] for text in all_of("FROM")}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", bases.pop()), "Debian slim, and never latest"
    last = [name for name, _ in instructions()][::-1]
    assert last.index("USER") < last.index("RUN"), "nothing is run as root any more"
    assert all(user.isdigit() and int(user) > 0 for user in all_of("USER"))
    assert all(json.loads(all_of(name)[0]) for name in ("ENTRYPOINT", "CMD"))
    assert "download.pytorch.org/whl/cpu" in all_of("ARG")[0]
    makefile = (ROOT / "Makefile").read_text("utf-8")
    pinned = set(re.findall(r"torch(?:vision)?==[\d.]+", CONTAINERFILE))
    assert pinned == set(re.findall(r"torch(?:vision)?==[\d.]+", makefile)), "as make setup has it"
    for text in (*all_of("ENV"), *all_of("ARG")):
        assert not re.search("TOKEN|PASSWORD", text), "secrets come from those who start it"


def test_what_is_built_is_not_what_lies_about() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert {".git", ".venv", "dist", "runs"} <= set(ignored)
    assert not {"models", "plugin_server", "retrieval", "gimp_plugin", "pyproject.toml"} & set(
        ignored
    )


@pytest.mark.parametrize("name", services())
def test_every_service_is_locked_in(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "always"
    assert service["image"].startswith(("photochrom", "redis:7"))
    for port in service.get("ports", ()):
        assert port.startswith("127.0.0.1:")
    volumes = {volume.partition(":")[0] for volume in service.get("volumes", ())}
    assert volumes <= set(compose()["volumes"])
    assert set(service["networks"]) <= set(compose()["networks"])
    assert set(service.get("depends_on", {})) <= set(services())


@pytest.mark.parametrize("name", ["server", "worker"])
def test_every_command_is_one_that_photochrom_knows(name: str) -> None:
    command, *arguments = services()[name]["command"]
    with click.Context(main) as context:
        known = main.get_command(context, command)
        assert known is not None
        known.make_parser(context).parse_args(list(arguments))
    assert set(services()[name]["environment"]) <= {"PHOTOCHROM_BROKER", "PHOTOCHROM_TOKEN"}


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint is not installed")
def test_hadolint_finds_nothing() -> None:
    done = subprocess.run(["hadolint", ROOT / "Containerfile"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(
    shutil.which("check-jsonschema") is None, reason="check-jsonschema is not installed"
)
def test_compose_has_its_schema() -> None:
    check = ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def engine() -> str | None:
    """Name a container engine that can build here."""
    for name in ("docker", "podman"):
        if (
            shutil.which(name)
            and subprocess.run([name, "info"], capture_output=True).returncode == 0
        ):
            return name
    return None


@pytest.mark.slow
@pytest.mark.skipif(engine() is None, reason="no container engine runs here")
def test_the_image_is_built_and_knows_its_commands() -> None:
    program = engine()
    assert program is not None
    subprocess.run(
        [program, "build", "-f", "Containerfile", "-t", "photochrom", "."], cwd=ROOT, check=True
    )
    ask = [
        program,
        "run",
        "--rm",
        "--read-only",
        "--tmpfs",
        "/tmp",
        "photochrom",
        "worker",
        "--help",
    ]
    assert "--concurrency" in subprocess.run(ask, capture_output=True, text=True, check=True).stdout


@contextmanager
def started(command: list[str], log: Path, environ: dict[str, str]) -> Iterator[None]:
    with log.open("wb") as out, subprocess.Popen(
        command, env=environ, stdout=out, stderr=subprocess.STDOUT
    ) as process:  # fmt: skip
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=2 * SOON)


@needs_redis
@pytest.mark.slow
def test_the_steps_run_as_plain_commands(tmp_path: Path) -> None:
    """The three services' own commands, on free ports, the health checks' own, and a photo."""
    assert REDIS is not None
    queue, port = free_port(), free_port()
    redis = services()["redis"]
    shell = redis["command"][-1].replace("$$", "$").replace("/data", str(tmp_path))
    shell = shell.replace("redis-server", f"{REDIS} --port {queue} --bind 127.0.0.1", 1)
    settings = services()["server"]["environment"]
    home = environment(**{**settings, **SECRETS}, HOME=str(tmp_path), PHOTOCHROM_PORT=str(port))
    home["PHOTOCHROM_BROKER"] = settings["PHOTOCHROM_BROKER"].replace(
        "redis:6379", f"127.0.0.1:{queue}"
    )
    program = [sys.executable, "-m", "plugin_server"]
    logs = {name: tmp_path / f"{name}.log" for name in services()}

    server = f"http://127.0.0.1:{port}"
    head = {"Authorization": f"Bearer {home['PHOTOCHROM_TOKEN']}"}

    def workers() -> int:
        try:
            with urlopen(Request(f"{server}/v1/health", headers=head), timeout=30) as answer:
                return int(json.load(answer)["workers"])
        except OSError:
            return 0

    def colour(**headers: str) -> tuple[bytes, str]:
        sent = Request(f"{server}/v1/colorize", form(photo), {"Content-Type": FORM, **headers})
        with urlopen(sent, timeout=120) as answer:
            return answer.read(), answer.headers["Content-Type"]

    photo = encoded(grey_picture(48, 64))
    with (
        started(["sh", "-c", shell], logs["redis"], home),
        started([*program, *services()["server"]["command"]], logs["server"], home),
        started([*program, *services()["worker"]["command"]], logs["worker"], home),
    ):
        wait_until(lambda: workers() == 1, "server, Redis and a worker found each other", 600)
        body, media_type = colour(**head)
        assert media_type == "image/png"
        assert (opened(body).size, opened(body).mode) == ((64, 48), "RGB")
        with pytest.raises(HTTPError, match="401"):
            colour(Authorization="Bearer another")
        check = (
            redis["healthcheck"]["test"][1]
            .replace("$$", "$")
            .replace("redis-cli", f"redis-cli -p {queue}")
        )
        assert subprocess.run(["sh", "-c", check], env=home).returncode == 0
        text = all_of("HEALTHCHECK")[0].partition("CMD ")[2].replace("18890", str(port))
        python, *arguments = json.loads(text)
        assert python == "python"
        assert subprocess.run([sys.executable, *arguments], env=home).returncode == 0
    assert all("s3cretword" not in log.read_text("utf-8") for log in logs.values())
    written = {path.name for path in tmp_path.iterdir()} - {log.name for log in logs.values()}
    assert written <= {"appendonlydir", ".local", ".cache", ".config"}, written
