"""``photochrom colorize --server``, against a real server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin_server.client import Client, ClientError
from plugin_server.config import Config
from plugin_server.engine.file_store import FileStore
from plugin_server.jobs.local import EmbeddedJobs
from plugin_server.service import Service
from tests.support.command import free_port, one_line, run
from tests.support.fakes import FakeClip, FakeColorizer
from tests.support.held_work import HeldWork
from tests.support.pictures import decoded, encoded, grey_picture
from tests.support.running_server import running

SOON = 10.0


@pytest.fixture
def address() -> Iterator[str]:
    service = Service(FakeColorizer(), FakeClip())
    with running(service, Config(port=0)) as port:
        yield f"http://127.0.0.1:{port}"
    service.close()


def nothing_loads(_config: Config) -> Service:
    raise AssertionError("models were loaded though a server does the work")


def test_the_server_gives_the_bytes_that_this_process_would(address: str, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(encoded(grey_picture(), "JPEG"))
    options = ["-d", "a red tram", "--hint", "5,6,#2040e0", "--saturation", "0.7"]
    options += ["--palette", "#2a6f4e:2.5,#e8d8b0"]
    result = run("colorize", photo, *options, "--server", address, load=nothing_loads)
    assert result.exit_code == 0, result.stderr
    written = tmp_path / "photo-color.png"
    assert one_line(result.stdout) == str(written)
    here = tmp_path / "here.png"
    assert run("colorize", photo, *options, "-o", here).exit_code == 0
    assert written.read_bytes() == here.read_bytes()


def test_a_folder_of_photos_each_in_its_type(address: str, tmp_path: Path) -> None:
    photos = [tmp_path / f"{n}.{kind}" for n, kind in enumerate(("png", "tif", "npy"))]
    for photo, kind in zip(photos, ("PNG", "TIFF", "npy"), strict=True):
        photo.write_bytes(encoded(grey_picture(seed=len(kind)), kind))
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    result = run("colorize", *photos, bad, "-o", tmp_path / "out", "--server", address)
    assert result.exit_code == 2
    assert "bad.png" in result.stderr.splitlines()[0]
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "0-color.png",
        "1-color.png",
        "2-color.npy",
    ]


def test_notices_of_the_server_are_shown(address: str, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(encoded(grey_picture()))
    result = run("colorize", photo, "-d", "grün, " + "weit " * 20, "--server", address)
    assert "the description has 21 words" in result.stderr
    assert "grün, weit" in result.stderr


def test_a_refusal_is_the_servers_own_words(address: str, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(encoded(grey_picture()))
    result = run("colorize", photo, "--hint", "500,6,#2040e0", "--server", address)
    assert result.exit_code == 2
    assert "x must be from 0 to 31" in one_line(result.stderr)


def test_a_server_that_is_not_there_and_an_address_that_is_none(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(encoded(grey_picture()))
    result = run("colorize", photo, "--server", f"http://127.0.0.1:{free_port()}")
    assert result.exit_code == 2
    assert "photochrom serve" in one_line(result.stderr)
    for nonsense in ("ftp://x", "http://", "http://[::1"):
        with pytest.raises(ClientError, match="HOST:PORT"):
            Client(nonsense)
    assert "library" in run("colorize", photo, "--server", "x", "--candidates", "3").stderr


def test_a_token_is_sent(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(encoded(grey_picture()))
    service = Service(FakeColorizer(), FakeClip())
    with running(service, Config(port=0, token="abc")) as port:
        address = f"http://127.0.0.1:{port}"
        refused = run("colorize", photo, "--server", address)
        assert "token" in one_line(refused.stderr)
        (tmp_path / "token").write_text("abc\n")
        sent = run("colorize", photo, "--server", address, "--token-file", tmp_path / "token")
        assert sent.exit_code == 0
    service.close()


def test_a_busy_server_is_asked_again_when_it_says(tmp_path: Path) -> None:
    work = HeldWork()
    service = Service(FakeColorizer(), FakeClip())
    service.jobs = EmbeddedJobs(
        work, workers=1, waiting=0, file_store=FileStore(seconds=60, count=5, size=10**6)
    )
    image = encoded(grey_picture())
    waited: list[float] = []
    states: list[str] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        work.release.set()
        holder.join(timeout=SOON)

    with running(service, Config(port=0)) as port:
        address = f"http://127.0.0.1:{port}"
        holder = threading.Thread(target=Client(address).colorize, args=(image,))
        holder.start()
        work.wait_for(1)
        client = Client(address, on_state=lambda stage, share: states.append(stage), sleep=sleep)
        answer = client.colorize(image)
    assert answer.data == b"colour of " + image
    assert answer.notices == ("a notice",)
    assert waited == [1.0]
    assert states[0] == "the server is busy"
    assert states[-1] == "done"
    service.close()


def test_an_interrupted_command_stops_the_work_on_the_server() -> None:
    work = HeldWork()
    service = Service(FakeColorizer(), FakeClip())
    service.jobs = EmbeddedJobs(
        work, workers=1, waiting=0, file_store=FileStore(seconds=60, count=5, size=10**6)
    )

    def interrupt(stage: str, share: float) -> None:
        raise KeyboardInterrupt

    with running(service, Config(port=0)) as port:
        client = Client(f"127.0.0.1:{port}", on_state=interrupt)
        with pytest.raises(KeyboardInterrupt):
            client.colorize(encoded(grey_picture()))
        work.wait_for_end()
        assert not work.release.is_set()
    service.close()


def test_pictures_come_back_whole(address: str) -> None:
    grey = grey_picture(200, 300)
    answer = Client(address).colorize(encoded(grey, "npy"))
    assert answer.media_type == "application/x-npy"
    assert decoded(answer.data).shape == (200, 300, 3)
