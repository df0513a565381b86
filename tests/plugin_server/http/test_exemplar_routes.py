"""The library over HTTP: what it answers, and that nothing else can be read through it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator
from PIL import Image
from werkzeug.test import TestResponse

from plugin_server.engine.library import UnusableLibrary
from plugin_server.service import Service
from retrieval.library import ExemplarLibrary
from tests.support.albums import OtherClip, color_photo, jpeg, write_album, write_shard
from tests.support.fakes import FakeClip, FakeColorizer
from tests.support.forms import refusal
from tests.support.pictures import encoded, grey_picture

ALL_CALLS = (
    ("POST", "/v1/exemplars/search"),
    ("GET", "/v1/exemplars"),
    ("POST", "/v1/exemplars"),
    ("GET", "/v1/exemplars/abc"),
    ("DELETE", "/v1/exemplars/abc"),
    ("GET", "/v1/exemplars/abc/image"),
    ("GET", "/v1/exemplars/abc/thumbnail"),
)
BAD_IDS = (
    "nothere",
    "..",
    "%2e%2e",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..%5c..%5csecret",
    "%252e%252e%252fsecret",
    "abc%00",
    "%00",
    "%0a",
    "abc%00.jpg",
    "photo-0000.jpg",
    "%c0%ae%c0%ae",
    "%ff",
    "a" * 65,
    "a" * 5000,
    "*",
    "'%20OR%201=1--",
    "-1",
    "auto",
    "library.sqlite",
)


@pytest.fixture
def library(tmp_path: Path) -> ExemplarLibrary:
    return ExemplarLibrary.open(tmp_path / "library", clip=FakeClip())


@pytest.fixture
def client(library: ExemplarLibrary, make_client: Callable[..., FlaskClient]) -> FlaskClient:
    return make_client(Service(FakeColorizer(), FakeClip(), library=library))


@pytest.fixture
def album(library: ExemplarLibrary, tmp_path: Path) -> list[Path]:
    """Five photos that are in the library, the first with a caption."""
    paths = write_album(tmp_path / "album", 5)
    paths[0].with_suffix(".txt").write_text("a red tram & a dog")
    library.add([tmp_path / "album"])
    return paths


def search(client: FlaskClient, image: bytes | None = None, **fields: object) -> TestResponse:
    files: dict[str, Any] = {} if image is None else {"image": (io.BytesIO(image), "grey.png")}
    return client.post(
        "/v1/exemplars/search", data=files | fields, content_type="multipart/form-data"
    )


def add(client: FlaskClient, data: bytes, name: str = "photo.jpg", **fields: str) -> TestResponse:
    form = {"image": (io.BytesIO(data), name), **fields}
    return client.post("/v1/exemplars", data=form)


def listed(client: FlaskClient, query: str = "") -> list[dict[str, Any]]:
    answer = client.get(f"/v1/exemplars{query}")
    assert answer.status_code == 200, answer.text
    return list(answer.get_json()["exemplars"])


def test_a_search_says_all_about_its_hits(client: FlaskClient, album: list[Path]) -> None:
    answer = search(client, description="anything", k=3)
    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    results = answer.get_json()["results"]
    assert len(results) == 3
    scores = [hit["score"] for hit in results]
    assert scores == sorted(scores, reverse=True)
    for hit in results:
        assert set(hit) == {
            "id", "score", "caption", "width", "height", "image", "thumbnail", "source", "colors",
        }  # fmt: skip
        assert isinstance(hit["id"], str)
        assert 0 <= hit["score"] <= 1
        assert (hit["width"], hit["height"]) == (48, 40)
        assert hit["image"] == f"/v1/exemplars/{hit['id']}/image"
        photo = client.get(hit["image"])
        assert photo.content_type == "image/jpeg"
        assert photo.data == (album[0].parent / hit["source"]).read_bytes()
        small = client.get(hit["thumbnail"])
        assert small.content_type == "image/jpeg"
        assert Image.open(io.BytesIO(small.data)).size == (48, 40)


def test_a_search_says_what_it_made_of_the_description(client: FlaskClient) -> None:
    assert "Photochrom-Notice" not in search(client, description="a tram").headers
    notice = search(client, description="en röd tram").headers["Photochrom-Notice"]
    assert unquote(notice) == "some letters of “en röd tram” are not known to the model"


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "npy", "JPEG"])
def test_a_search_takes_any_kind_of_photo(
    client: FlaskClient, album: list[Path], kind: str
) -> None:
    picture = grey_picture(seed=3)
    answer = search(client, encoded(picture, kind))
    assert len(answer.get_json()["results"]) == len(album)
    both = search(client, encoded(picture, kind), description="x", weight="1")
    assert both.get_json() == answer.get_json()


def test_a_search_takes_a_photo_that_is_kept(client: FlaskClient, album: list[Path]) -> None:
    picture = encoded(grey_picture(seed=3))
    kept = client.post("/v1/images", data={"image": (io.BytesIO(picture), "a.png")}).get_json()
    answer = search(client, image_id=kept["id"])
    assert answer.get_json() == search(client, picture).get_json()
    assert "not any more" in refusal(search(client, image_id="nothere"), 404)
    assert "both" in refusal(search(client, picture, image_id=kept["id"]), 400)


def test_colours_and_tone_filter(client: FlaskClient, library: ExemplarLibrary) -> None:
    for color in ((200, 120, 60), (60, 110, 190)):
        pixels = color_photo(1) // 8 + np.array(color) * 7 // 8
        library.add_photo(jpeg(pixels.astype(np.uint8)), name=f"{color}.jpg")
    for fields in ({"colors": "#c8783c"}, {"tone": "warm"}, {"colors": "#c8783c, #c8783d"}):
        (hit,) = search(client, description="x", **fields).get_json()["results"]
        assert hit["source"] == "(200, 120, 60).jpg"
    assert search(client, description="x", colors="#00ff00").get_json() == {"results": []}


def test_an_empty_library_finds_and_lists_nothing(client: FlaskClient) -> None:
    assert search(client, description="x").get_json() == {"results": []}
    page = client.get("/v1/exemplars").get_json()
    assert page == {"exemplars": [], "total": 0, "offset": 0, "limit": 100}


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({}, 400, "nothing to look for"),
        ({"description": "  "}, 400, "nothing to look for"),
        ({"description": "x", "k": "0"}, 422, "k is '0'; send a whole number from 1 to 100"),
        ({"description": "x", "k": "101"}, 422, "k is '101'"),
        ({"description": "x", "k": "many"}, 422, "k is 'many'"),
        ({"description": "x", "weight": "nan"}, 422, "weight is 'nan'"),
        ({"description": "x", "diversity": "2"}, 422, "diversity is '2'"),
        ({"description": "x", "tone": "sepia"}, 422, "tone is 'sepia'; send warm or cool"),
        ({"description": "x", "colors": "red"}, 422, "'red' is no colour"),
        ({"description": "x", "colors": ",".join(["#112233"] * 7)}, 422, "at most 6"),
        ({"description": "x", "nonsense": "1"}, 400, "'nonsense' is unknown"),
    ],
)
def test_searches_that_make_no_sense(
    client: FlaskClient, fields: dict[str, str], status: int, message: str
) -> None:
    assert message in refusal(search(client, **fields), status)


@pytest.mark.parametrize(
    ("data", "status"), [(b"", 422), (b"GIF89a", 415), (b"\x89PNG\r\n\x1a\n", 422)]
)
def test_a_photo_that_cannot_be_read_is_refused(
    client: FlaskClient, data: bytes, status: int
) -> None:
    refusal(search(client, data), status)


def test_a_body_that_is_no_form_is_refused(client: FlaskClient) -> None:
    for path in ("/v1/exemplars/search", "/v1/exemplars"):
        refusal(client.post(path, json={"description": "x"}), 415)


def test_the_list_comes_in_pages(client: FlaskClient, album: list[Path]) -> None:
    every = listed(client)
    assert [one["source"] for one in every] == [path.name for path in album]
    assert every[0]["caption"] == "a red tram & a dog"
    page = client.get("/v1/exemplars?offset=1&limit=2").get_json()
    assert page == {"exemplars": every[1:3], "total": 5, "offset": 1, "limit": 2}
    assert listed(client, "?offset=99") == []
    assert listed(client, "?containing=TRAM%20%26") == every[:1]
    assert client.get(f"/v1/exemplars/{every[2]['id']}").get_json() == every[2]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("offset=-1", 422), ("limit=0", 422), ("limit=501", 422), ("limit=x", 422),
        ("offset=99999999999999999999", 422), ("page=2", 400), ("limit=1&limit=2", 400),
        ("containing=" + "x" * 201, 422),
    ],
)  # fmt: skip
def test_pages_that_make_no_sense(client: FlaskClient, query: str, status: int) -> None:
    refusal(client.get(f"/v1/exemplars?{query}"), status)


def test_an_added_photo_is_kept_found_and_removed(
    client: FlaskClient, library: ExemplarLibrary
) -> None:
    data = jpeg(color_photo(7))
    answer = add(client, data, "trips/../sea & sun.jpg", caption="the sea")
    assert answer.status_code == 201
    added = answer.get_json()
    assert answer.headers["Location"] == f"/v1/exemplars/{added['id']}"
    assert (added["caption"], added["source"]) == ("the sea", "sea & sun.jpg")
    assert client.get(answer.headers["Location"]).get_json() == added
    assert client.get(added["image"]).data == data
    assert client.get("/v1/health").get_json()["exemplars"] == 1
    assert [hit["id"] for hit in search(client, description="x").get_json()["results"]] == [
        added["id"]
    ]
    again = add(client, data)
    assert (again.status_code, again.get_json()) == (201, added)
    is_disconnected = client.delete(f"/v1/exemplars/{added['id']}")
    assert (is_disconnected.status_code, is_disconnected.data) == (204, b"")
    for method, path in (
        ("GET", f"/v1/exemplars/{added['id']}"), ("GET", added["image"]),
        ("GET", added["thumbnail"]), ("DELETE", f"/v1/exemplars/{added['id']}"),
    ):  # fmt: skip
        assert added["id"] in refusal(client.open(path, method=method), 404)
    assert client.get("/v1/health").get_json()["exemplars"] == 0
    assert list(library.folder.rglob("*.jpg")) == []


@pytest.mark.parametrize(
    "name", ["../../escape.jpg", "/etc/passwd", "a\0b.jpg", "", "..", "x" * 3000, "nul", "ü😀.jpg"]
)
def test_the_name_of_an_added_photo_names_no_file(
    client: FlaskClient, library: ExemplarLibrary, tmp_path: Path, name: str
) -> None:
    before = set(tmp_path.rglob("*"))
    answer = add(client, jpeg(color_photo(7)), name)
    if name:  # without a filename it is no file to a form
        assert answer.status_code == 201, answer.text
        assert "/" not in answer.get_json()["source"]
        new = {p for p in set(tmp_path.rglob("*")) - before if p.is_file() and p.suffix == ".jpg"}
        assert [path.parent for path in new] == [library.folder / "photos"]


@pytest.mark.parametrize(
    ("data", "status", "message"),
    [
        (b"", 422, ""),
        (b"no picture", 422, "broken"),
        (jpeg(color_photo(1))[:300], 422, "broken"),
        (encoded(grey_picture(64, 64)), 422, "grey"),
    ],
)
def test_photos_that_cannot_lend_colours_are_refused(
    client: FlaskClient, data: bytes, status: int, message: str
) -> None:
    assert message in refusal(add(client, data), status)
    assert listed(client) == []


def test_uploads_have_limits(
    library: ExemplarLibrary, make_client: Callable[..., FlaskClient]
) -> None:
    service = Service(FakeColorizer(), FakeClip(), library=library)
    client = make_client(service, max_bytes=2000)
    data = jpeg(color_photo(1, width=400, height=300))
    assert "limit is 2,000" in refusal(add(client, data), 413)
    refusal(search(client, data), 413)


def test_forms_that_make_no_sense(client: FlaskClient) -> None:
    data = jpeg(color_photo(1))
    assert "at most 2000 letters" in refusal(add(client, data, caption="x" * 2001), 422)
    assert "'color' is unknown" in refusal(add(client, data, color="red"), 400)
    for path in ("/v1/exemplars", "/v1/exemplars/search"):
        answer = client.post(path, data={"image": "text"})
        assert "send it as a file" in refusal(answer, 400)
    missing = client.post("/v1/exemplars", data={"caption": "x"})
    assert "'image' is missing" in refusal(missing, 400)
    assert listed(client) == []


@pytest.mark.parametrize(
    ("method", "end"), [("GET", ""), ("DELETE", ""), ("GET", "/image"), ("GET", "/thumbnail")]
)
def test_nothing_but_exemplars_can_be_reached(
    client: FlaskClient, album: list[Path], method: str, end: str
) -> None:
    for bad in BAD_IDS:
        answer = client.open(f"/v1/exemplars/{bad}{end}", method=method)
        assert answer.status_code in {404, 405}, bad
        assert answer.content_type == "application/problem+json", bad
    assert len(listed(client)) == len(album)


def test_a_photo_that_was_deleted_or_replaced_is_gone(
    client: FlaskClient, album: list[Path], tmp_path: Path
) -> None:
    every = listed(client)
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(jpeg(color_photo(99)))
    album[0].unlink()
    album[1].write_bytes(b"something else")
    album[2].unlink()
    album[2].symlink_to(secret)
    for one, problem in zip(every, ("no such file", "changed", "changed"), strict=False):
        detail = refusal(client.get(one["image"]), 410)
        assert problem in detail
        assert one["source"] in detail
        assert str(tmp_path) not in detail, "where photos lie is nobody's business"
        assert client.get(one["thumbnail"]).status_code == 200
        assert client.get(f"/v1/exemplars/{one['id']}").status_code == 200
    assert client.get(every[3]["image"]).status_code == 200


def test_photos_in_a_shard_are_served(
    client: FlaskClient, library: ExemplarLibrary, tmp_path: Path
) -> None:
    write_shard(tmp_path / "photos.tar", 3)
    library.add([tmp_path / "photos.tar"])
    every = listed(client)
    assert [one["source"] for one in every] == [f"photos.tar/key-{n}.jpg" for n in range(3)]
    for seed, one in enumerate(every):
        assert client.get(one["image"]).data == jpeg(color_photo(seed))


@pytest.mark.parametrize(("method", "path"), ALL_CALLS)
def test_without_a_library_every_call_says_why(
    make_client: Callable[..., FlaskClient], method: str, path: str
) -> None:
    service = Service(
        FakeColorizer(), FakeClip(), library=UnusableLibrary("the library is damaged")
    )
    data: dict[str, Any] = {}
    if method == "POST":
        data = {"image": (io.BytesIO(encoded(grey_picture())), "a.png")}
    answer = make_client(service).open(path, method=method, data=data or None)
    assert "the library is damaged" in refusal(answer, 503)


@pytest.mark.parametrize(("method", "path"), ALL_CALLS)
def test_every_call_needs_the_token(
    library: ExemplarLibrary, make_client: Callable[..., FlaskClient], method: str, path: str
) -> None:
    client = make_client(Service(FakeColorizer(), FakeClip(), library=library), token="s3cret")
    refusal(client.open(path, method=method), 401)


def test_a_library_that_was_made_again_with_another_model(
    client: FlaskClient, library: ExemplarLibrary, album: list[Path]
) -> None:
    assert search(client, description="x").status_code == 200
    other = ExemplarLibrary.open(library.folder, clip=OtherClip(), any_model=True)
    other.re_embed()
    assert "re-embed" in refusal(search(client, description="x"), 503)
    assert len(listed(client)) == len(album), "it can still be listed"


def test_the_calls_are_described(client: FlaskClient) -> None:
    document = client.get("/v1/openapi.json").get_json()
    OpenAPIV31SpecValidator(document).validate()
    described = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }
    assert described >= {(method, path.replace("abc", "{id}")) for method, path in ALL_CALLS}
    listing = document["paths"]["/v1/exemplars"]["get"]
    limits = {one["name"]: one["schema"].get("maximum") for one in listing["parameters"]}
    assert limits["limit"] == 500
    assert {one["in"] for one in listing["parameters"]} == {"query"}
    hit = document["components"]["schemas"]["HitJson"]["properties"]
    assert {"id", "score", "caption", "width", "height", "image", "thumbnail", "source"} <= set(hit)
