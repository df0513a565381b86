"""The Python client, against a real server."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from models.job import Hint, JobError
from plugin_server.client import Client, ClientError, Found, Unreachable
from plugin_server.config import Config
from plugin_server.service import Service
from retrieval.library import ExemplarLibrary
from tests.support.albums import write_album
from tests.support.command import free_port
from tests.support.fakes import LocatingColorizer, NamingClip
from tests.support.pictures import decoded, encoded, grey_picture
from tests.support.running_server import running

PHOTO = encoded(grey_picture(48, 64))
TOKEN = "a-token-of-the-tests"


@pytest.fixture
def address() -> Iterator[str]:
    """Serve models that find everything in the left half of a photo."""
    service = Service(LocatingColorizer(), NamingClip())
    with running(service, Config(port=0, token=TOKEN)) as port:
        yield f"http://127.0.0.1:{port}"
    service.close()


@pytest.fixture
def client(address: str) -> Iterator[Client]:
    with Client(address, TOKEN) as client:
        yield client


def test_a_photo_may_be_bytes_a_path_or_an_open_file(client: Client, tmp_path: Path) -> None:
    (file := tmp_path / "photo.png").write_bytes(PHOTO)
    heard: list[tuple[str, float]] = []
    with Client(client.address, TOKEN, on_state=lambda *state: heard.append(state)) as listening:
        results = [
            listening.colorize(photo, description="a red tram", hints=[Hint(5, 6, "#2040e0")])
            for photo in (PHOTO, file, str(file), io.BytesIO(PHOTO))
        ]
    assert len({result.data for result in results}) == 1
    assert decoded(results[0].data).shape == (48, 64, 3)
    assert results[0].media_type == "image/png"
    assert results[0].seconds["network"] > 0
    assert 0 <= results[0].confidence <= 1
    assert heard[-1][1] == 1


def test_everything_that_is_asked_for_arrives(client: Client) -> None:
    plain = client.colorize(PHOTO, media_type="application/x-npy")
    assert plain.media_type == "application/x-npy"
    mask = encoded(np.zeros((48, 64), np.uint8))
    for asked in (
        {"description": "a green dress"}, {"hints": [Hint(20, 20, "#ff0000", 9)]},
        {"palette": ["#ff0000"]}, {"saturation": 0.0}, {"mask": mask},
    ):  # fmt: skip
        other = client.colorize(PHOTO, media_type="application/x-npy", **asked)
        assert other.data != plain.data, asked


def test_notices_and_things(client: Client) -> None:
    pixels = np.full((48, 64), 1.0001, np.float32)
    result = client.colorize(encoded(pixels, "npy"), description="a green dress, 5 % off")
    (cut,) = (notice for notice in result.notices if "were cut to [0, 1]" in notice)
    assert cut.startswith("The picture's floats reach from 1.0001 to 1.0001;")  # as it was sent
    assert json.loads(result.things or "")[0]["thing"] == "dress"
    (dress,) = client.things(PHOTO, "a woman in a green dress")
    assert (dress["thing"], dress["colors"]) == ("dress", ["green"])


def test_suggestions(client: Client) -> None:
    suggested = client.suggestions(PHOTO, 30, 20)
    assert suggested
    assert all(one["color"].startswith("#") and one["weight"] > 0 for one in suggested)


def test_a_list_tells_what_the_user_should_know(client: Client) -> None:
    long = "a woman in a green dress before a house with a garden full of tall trees"
    for found in (
        client.things(PHOTO, long),
        client.suggestions(PHOTO, 30, 20, description=long),
    ):
        (cut,) = found.notices
        assert cut.startswith("the description has 16 words")
        assert found[0] == next(iter(found))
        assert found[:1] == (found[0],)
        assert len(found) == len(list(found)) > 0
    nothing = client.things(PHOTO, "a woman")
    assert not nothing
    assert nothing == Found(())


def test_search(tmp_path: Path) -> None:
    clip = NamingClip()
    library = ExemplarLibrary.open(tmp_path / "library", clip=clip)
    library.add(write_album(tmp_path / "album", 3))
    service = Service(LocatingColorizer(), clip, library=library)
    with running(service, Config(port=0)) as port, Client(f"127.0.0.1:{port}") as client:
        assert client.health()["exemplars"] == 3
        found = client.search(PHOTO, k=2)
        assert len(found) == 2
        assert client.search(description="a boat", k=1).notices == ()
        coloured = client.colorize(PHOTO, exemplar=found[0]["id"])
        assert (coloured.exemplar or "").startswith(found[0]["id"])
    service.close()


def test_what_is_refused_is_said(client: Client) -> None:
    with pytest.raises(JobError):
        client.colorize(PHOTO, saturation=9)
    with pytest.raises(ClientError, match="no kind of picture") as refused:
        client.colorize(b"no picture")
    assert not isinstance(refused.value, Unreachable)
    assert refused.value.status == 415
    cut_off = PHOTO[: len(PHOTO) // 2]
    with pytest.raises(ClientError) as damaged:  # found by the job, after it was taken in
        client.colorize(cut_off)
    assert damaged.value.status == 422
    with (
        Client(client.address, "another token") as stranger,
        pytest.raises(ClientError) as unknown,
    ):
        stranger.colorize(PHOTO)
    assert unknown.value.status == 401
    with (
        Client(f"127.0.0.1:{free_port()}") as alone,
        pytest.raises(Unreachable, match="cannot be reached"),
    ):
        alone.health()
    with pytest.raises(ClientError, match="is no address"):
        Client("ftp://x")
