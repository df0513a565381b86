"""``photochrom doctor``."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from models.networks.checkpoint import WeightsError
from plugin_server.commands import doctor
from plugin_server.config import Config
from plugin_server.service import Service
from retrieval.library import ExemplarLibrary
from tests.support.command import free_port, run
from tests.support.fakes import FakeClip


@pytest.mark.slow
def test_doctor_names_everything() -> None:
    result = run("doctor", "--port", free_port())
    assert result.exit_code in (0, 1)
    for subject in ("Photochrom", "Python", "torch", "weights", "processors", "memory", "models"):
        assert subject in result.stdout
    assert "fake-colorizer with fake-clip" in result.stdout


@pytest.mark.slow
def test_doctor_finds_models_that_do_not_load() -> None:
    def load(_config: Config) -> Service:
        raise WeightsError("the weights x are damaged")

    result = run("doctor", "--port", free_port(), load=load)
    assert result.exit_code == 1
    assert "the weights x are damaged" in result.stdout
    assert "broken" in result.stdout


def test_doctor_finds_a_package_that_is_missing() -> None:
    finding = doctor.examine_package("photochrom-no-such-package")
    assert finding.state is doctor.State.BROKEN
    assert "pip install photochrom-no-such-package" in finding.remedy


@pytest.mark.slow
def test_doctor_finds_every_package_that_photochrom_itself_needs() -> None:
    broken = [one for one in doctor.examine_packages() if one.state is doctor.State.BROKEN]
    assert broken == []


def test_doctor_looks_at_the_library_and_makes_none(tmp_path: Path) -> None:
    finding = doctor.examine_library(tmp_path / "library")
    assert (finding.state, finding.remedy) == (doctor.State.NOTE, "photochrom library add FOLDER")
    assert not (tmp_path / "library").exists()
    library = ExemplarLibrary.open(tmp_path / "library", clip=FakeClip())
    library.add([], samples=True)
    finding = doctor.examine_library(tmp_path / "library")
    assert finding.state is doctor.State.OK
    assert finding.found == f"{len(library)} exemplars in {tmp_path / 'library'}"
    library.close()
    (tmp_path / "library" / "library.sqlite").write_bytes(b"damaged" * 999)
    finding = doctor.examine_library(tmp_path / "library")
    assert finding.state is doctor.State.NOTE
    assert "is damaged" in finding.remedy


def test_doctor_looks_at_the_port() -> None:
    port = free_port()
    assert "free" in doctor.examine_port(Config(port=port)).found
    with socket.create_server(("127.0.0.1", port)) as other:

        def answer() -> None:
            connection, _ = other.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"220 hello, I am no web server\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        finding = doctor.examine_port(Config(port=port))
        thread.join(timeout=10)
    assert finding.state is doctor.State.NOTE
    assert "another program" in finding.found
    assert "--port" in finding.remedy


@pytest.mark.parametrize(("cores", "said"), [({0}, "1 thread for"), ({0, 1}, "2 threads for")])
def test_the_threads_are_counted_in_plain_words(
    cores: set[int], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _process: cores, raising=False)
    assert said in doctor.examine_threads().found
