"""Hostile requests: refused with a problem, never a fault, and the server goes on as before."""

from __future__ import annotations

import gc
import os
import random
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugin_server.app import create_app
from plugin_server.config import Config
from plugin_server.images.codec import Limits
from plugin_server.service import Service
from retrieval.library import ExemplarLibrary
from tests.support.fakes import FakeClip, FakeColorizer
from tests.support.forms import refusal
from tests.support.hostile import (
    FORM,
    KINDS,
    PATHS,
    Attack,
    Change,
    any_attack,
    bombs,
    deep_json,
    mutated,
    part,
    valid_files,
    whole,
)
from tests.support.pictures import decoded, encoded, grey_picture
from tests.support.repository import ROOT

FILES = valid_files()
REFUSED = {400, 404, 406, 409, 411, 413, 415, 422, 501}
MANY = 5_000
LEAK = 40 * 1024 * 1024  # bytes that an allocator may hold on to


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("library")


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[FlaskClient]:
    clip = FakeClip()
    library = ExemplarLibrary.open(folder, clip=clip)
    limits = Limits(max_bytes=2_000_000, max_pixels=2_000_000)
    service = Service(FakeColorizer(), clip, library=library, limits=limits, waiting=1000)
    app = create_app(Config(max_bytes=2_000_000, max_pixels=2_000_000), service)
    yield app.test_client()
    service.close()


def send(client: FlaskClient, attack: Attack) -> int:
    """Send it and check that the answer is an answer; a job is followed to its end."""
    response = client.post(attack.path, data=attack.body, content_type=attack.content_type)
    status = response.status_code
    if status not in REFUSED:
        assert status in (200, 201, 202), f"{status}: {response.text}\n{attack}"
    elif status != 501:
        assert len(refusal(response, status)) > 10
    if status == 202:
        place = response.headers["Location"]
        with client.get(f"{place}/events") as events:
            assert '"done"' in events.text or '"failed"' in events.text
        result = client.get(f"{place}/result")
        assert result.status_code == 200 or result.status_code in REFUSED, result.text
        client.delete(place)
    return status


def still_works(client: FlaskClient) -> None:
    body = whole(part("image", encoded(grey_picture()), filename="a"))
    response = client.post("/v1/colorize", data=body, content_type=FORM)
    assert decoded(response.data).shape == (24, 32, 3)


def test_the_files_are_valid_before_they_are_damaged(client: FlaskClient) -> None:
    for name, data in FILES.items():
        body = whole(part("image", data, filename="a"))
        assert send(client, Attack("/v1/colorize", body)) == 200, name


changes = st.builds(
    Change,
    st.sampled_from(KINDS),
    st.floats(0, 1, exclude_max=True),
    st.sampled_from([1, 2, 4, 16, 200]),
    st.integers(0, 255),
)


@settings(
    max_examples=100, deadline=None, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(
    name=st.sampled_from(sorted(FILES)),
    damage=st.lists(changes, min_size=1, max_size=4),
    field=st.sampled_from(["image", "mask", "reference"]),
)
def test_damaged_pictures(client: FlaskClient, name: str, damage: list[Change], field: str) -> None:
    parts = [part(field, mutated(FILES[name], damage), filename="a")]
    if field != "image":
        parts.append(part("image", FILES["png"], filename="b"))
    send(client, Attack("/v1/colorize", whole(*parts)))


@settings(
    max_examples=100, deadline=None, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(
    path=st.sampled_from(PATHS),
    damage=st.lists(changes, max_size=3),
    texts=st.dictionaries(
        st.sampled_from(["description", "hints", "x", "y", "k", "saturation", "image_id"])
        | st.text(max_size=8),
        st.text(max_size=40),
        max_size=4,
    ),
)
def test_malformed_forms(
    client: FlaskClient, path: str, damage: list[Change], texts: dict[str, str]
) -> None:
    words = [part(name, text.encode("utf-8", "replace")) for name, text in texts.items()]
    body = whole(part("image", FILES["npy"], filename="a"), *words)
    send(client, Attack(path, mutated(body, damage)))


def test_a_hundred_attacks_of_all_kinds_and_the_server_goes_on(client: FlaskClient) -> None:
    rng = random.Random(5)
    files = list(FILES.values())
    statuses = Counter(send(client, any_attack(rng, files)) for _ in range(150))
    assert len(statuses) >= 4, statuses
    still_works(client)


@pytest.mark.slow
def test_five_thousand_attacks_and_no_growth(client: FlaskClient) -> None:
    rng = random.Random(6)
    files = list(FILES.values())
    statuses: Counter[int] = Counter()
    for _ in range(500):  # the first ones fill caches and pools
        statuses[send(client, any_attack(rng, files))] += 1
    before = memory()
    for _ in range(MANY - 500):
        statuses[send(client, any_attack(rng, files))] += 1
    growth = memory() - before
    print(f"{sum(statuses.values())} attacks: {dict(sorted(statuses.items()))}, "
          f"{growth / 1e6:+.1f} MB")  # fmt: skip
    assert growth < LEAK
    assert all(status < 500 or status == 501 for status in statuses)
    still_works(client)


def memory() -> int:
    """Return the bytes of memory that the process has now."""
    gc.collect()
    pages = Path("/proc/self/statm")
    if not pages.exists():
        pytest.skip("this system does not tell the memory of a process")
    return int(pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


BOMBER = """
import resource, sys
sys.path.insert(0, {root!r})
from tests.plugin_server.http.test_hostile import bombed
print(bombed())
"""


def bombed() -> int:
    """Send all bombs in this process; return the bytes by which its memory peaked."""
    service = Service(FakeColorizer(), FakeClip(), limits=Limits(max_pixels=10_000_000))
    client = create_app(Config(max_pixels=10_000_000), service).test_client()
    files = bombs()
    still_works(client)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, data in files.items():
        for field in ("image", "mask", "reference"):
            parts = [part(field, data, filename="a")]
            if field != "image":
                parts.append(part("image", FILES["png"], filename="b"))
            body = whole(*parts)
            response = client.post("/v1/colorize", data=body, content_type=FORM)
            allowed = {200, 413, 415, 422} if " " in name else {413, 422}
            assert response.status_code in allowed, f"{name} as {field}: {response.text}"
    still_works(client)
    service.close()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has another unit elsewhere")
def test_bombs_are_refused_before_memory_is_taken() -> None:
    code = BOMBER.format(root=str(ROOT))
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False,
        cwd=ROOT,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) < 60_000_000, "3.6 gigapixels would take gigabytes"


@pytest.mark.parametrize("text", [deep_json(), "[" * 200_000, '{"a":' * 50_000, "1" * 300_000])
def test_json_that_is_too_deep_or_too_long(client: FlaskClient, text: str) -> None:
    body = whole(part("image", FILES["png"], filename="a"), part("hints", text.encode()))
    assert send(client, Attack("/v1/colorize", body)) == 422


@pytest.mark.parametrize(
    "name",
    ["../../../etc/passwd", "/etc/passwd", "..%2f..%2fetc%2fpasswd", "C:\\\\x", "a\x00b", ".."],
)
def test_no_name_reaches_the_file_system(client: FlaskClient, name: str, folder: Path) -> None:
    colours = encoded(np.dstack([grey_picture(96, 96, seed=s) for s in range(3)]))
    for path in ("/v1/colorize", "/v1/images", "/v1/exemplars"):
        body = whole(part("image", colours, filename=name))
        assert send(client, Attack(path, body)) in (200, 201, 400, 422)
    for id in (name, name.replace("/", "%2F"), name.replace(".", "%2e")):
        for path in ("/v1/jobs/{}", "/v1/jobs/{}/result", "/v1/exemplars/{}/image", "/web/{}"):
            with client.get(path.format(id)) as response:
                assert response.status_code in (308, 400, 404, 405), path.format(id)
                assert b"root:" not in response.data
    assert (folder / "photos").is_dir(), "the photo is kept"
    names = {file.stem for file in folder.rglob("*")} | {
        file.name for file in folder.parent.iterdir()
    }
    assert not names & {"passwd", "x", "a", "b"}


def test_too_many_parts_and_too_large_bodies(client: FlaskClient) -> None:
    many = whole(*(part(f"f{n}", b"x") for n in range(200)))
    assert send(client, Attack("/v1/colorize", many)) == 413
    large = whole(part("image", bytes(3_000_000), filename="a"))
    assert send(client, Attack("/v1/colorize", large)) == 413
