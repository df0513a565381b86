"""Things and regions over HTTP, with fake models."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from plugin_server.app import create_app
from plugin_server.config import Config
from plugin_server.images.codec import read_settings
from plugin_server.service import Service
from tests.support.fakes import LocatingColorizer, NamingClip
from tests.support.forms import refusal
from tests.support.pictures import decoded, encoded, grey_picture

PHOTO = encoded(grey_picture(48, 64))
DRESS = "a woman in a green dress"


@pytest.fixture
def client(make_client: Callable[..., FlaskClient]) -> FlaskClient:
    """Return a client of a server that finds everything in the left half of a photo."""
    return make_client(Service(LocatingColorizer(), NamingClip()))


def ask(client: FlaskClient, path: str, accept: str | None = None, **fields: Any) -> TestResponse:
    data = {
        name: (io.BytesIO(value), name) if isinstance(value, bytes) else value
        for name, value in fields.items()
    }
    data.setdefault("image", (io.BytesIO(PHOTO), "photo"))
    if "image_id" in fields:
        del data["image"]
    return client.post(path, data=data, headers={"Accept": accept} if accept else {})


def disc(height: int = 48, width: int = 64) -> np.ndarray:
    y, x = np.indices((height, width))
    return np.rint(255 * np.clip(1.4 - np.hypot(y - 24, x - 40) / 14, 0, 1)).astype(np.uint8)


def test_things_are_listed_with_place_and_colour(client: FlaskClient) -> None:
    found = ask(client, "/v1/things", description=DRESS).get_json()
    assert (found["width"], found["height"], found["seconds"]) == (64, 48, 900)
    (dress,) = found["things"]
    assert dress["id"] == 0
    assert (dress["phrase"], dress["thing"], dress["colors"]) == ("green dress", "dress", ["green"])
    assert dress["color"].startswith("#")
    assert dress["found"] == 1
    assert dress["area"] == pytest.approx(0.5, abs=0.1)
    assert dress["box"][:2] == [0, 0]
    assert dress["mask"].startswith("/v1/things/")
    assert (dress["notice"], dress["region"]) == (None, None)


def test_a_mask_is_a_grey_picture_of_the_photos_size(client: FlaskClient) -> None:
    (dress,) = ask(client, "/v1/things", description=DRESS).get_json()["things"]
    png = client.get(dress["mask"])
    assert png.content_type == "image/png"
    levels = np.asarray(Image.open(io.BytesIO(png.data)))
    assert (levels.shape, levels.dtype) == ((48, 64), np.uint8)
    assert levels[:, :24].min() > 200
    assert levels[:, 44:].max() < 50
    npy = client.get(dress["mask"], headers={"Accept": "application/x-npy"})
    np.testing.assert_array_equal(decoded(npy.data)[..., 0], levels)
    refusal(client.get(dress["mask"], headers={"Accept": "image/jpeg"}), 406)


def test_a_kept_photo_is_not_sent_again(client: FlaskClient) -> None:
    kept = client.post("/v1/images", data={"image": (io.BytesIO(PHOTO), "a")}).get_json()["id"]
    sent = ask(client, "/v1/things", description=DRESS).get_json()["things"]
    again = ask(client, "/v1/things", description=DRESS, image_id=kept).get_json()["things"]
    for one in (*sent, *again):
        one.pop("mask")
    assert sent == again


def test_regions_are_listed_after_the_things(client: FlaskClient) -> None:
    regions = [
        {"mask": "place", "color": "#2a6f4e"},
        {"box": [2, 3, 20, 10], "description": "a red hat"},
    ]
    answer = ask(
        client, "/v1/things", description=DRESS, regions=json.dumps(regions), place=encoded(disc())
    )
    _, place, hat = answer.get_json()["things"]
    assert (place["region"], place["color"], place["found"]) == (0, "#2a6f4e", 1)
    assert (hat["region"], hat["phrase"], hat["box"]) == (1, "red hat", [2, 3, 20, 10])
    np.testing.assert_array_equal(decoded(client.get(place["mask"]).data), disc())


def test_what_was_not_used_is_said_as_it_is_when_the_photo_is_coloured(client: FlaskClient) -> None:
    assert "Photochrom-Notice" not in ask(client, "/v1/things", description=DRESS).headers
    fields = {
        "description": f"{DRESS}, a café",
        "regions": json.dumps([{"mask": "place", "color": "#2a6f4e"}]),
        "place": encoded(np.zeros((48, 64), np.uint8)),
    }
    found, coloured = (ask(client, path, **fields) for path in ("/v1/things", "/v1/colorize"))
    notices = unquote(found.headers["Photochrom-Notice"])
    for words in ("café", "Region 0 was not used"):
        assert words in notices
    assert found.headers["Photochrom-Notice"] == coloured.headers["Photochrom-Notice"]


@pytest.mark.parametrize("number", ["1", "99999999999999999999", "-1", "x"])
def test_a_mask_that_is_not_there_is_not_found(client: FlaskClient, number: str) -> None:
    (dress,) = ask(client, "/v1/things", description=DRESS).get_json()["things"]
    refusal(client.get(dress["mask"][:-1] + number), 404)


def test_no_token_is_guessed_or_taken_for_another_thing(client: FlaskClient) -> None:
    kept = client.post("/v1/images", data={"image": (io.BytesIO(PHOTO), "a")}).get_json()["id"]
    for token in ("a", "%2e%2e", kept, "\ud800".encode("utf-8", "surrogatepass").hex()):
        refusal(client.get(f"/v1/things/{token}/0"), 404)
    (dress,) = ask(client, "/v1/things", description=DRESS).get_json()["things"]
    token = dress["mask"].split("/")[3]
    refusal(ask(client, "/v1/colorize", image_id=token), 415)


def test_outside_a_region_the_answer_is_that_without(client: FlaskClient) -> None:
    regions = json.dumps([{"mask": "place", "description": "a blue shawl"}])
    plain = ask(client, "/v1/colorize", description=DRESS)
    found = ask(client, "/v1/colorize", description=DRESS, regions=regions, place=encoded(disc()))
    outside = disc() == 0
    one, other = decoded(plain.data), decoded(found.data)
    np.testing.assert_array_equal(one[outside], other[outside])
    assert (one[~outside] != other[~outside]).any()


def test_the_answer_tells_the_things(client: FlaskClient) -> None:
    header = ask(client, "/v1/colorize", description="zwölf green dresses").headers[
        "Photochrom-Things"
    ]
    assert header.isascii()
    (dress,) = json.loads(unquote(header))
    assert dress["phrase"] == "green dresses"
    assert "mask" not in dress
    assert "Photochrom-Things" not in ask(client, "/v1/colorize", description="a woman").headers


def test_a_long_list_of_things_is_cut_in_the_header(client: FlaskClient) -> None:
    words = ", ".join(f"a green hat{number}" for number in range(300))
    answer = ask(client, "/v1/colorize", description=f"men and {words}")
    assert len(answer.headers["Photochrom-Things"]) < 16_000
    assert 5 < len(json.loads(unquote(answer.headers["Photochrom-Things"]))) < 300


def test_the_settings_hold_all_that_a_replay_needs(client: FlaskClient) -> None:
    regions = [
        {"mask": "place", "color": "#2a6f4e"},
        {"box": [1, 2, 9, 8], "description": "a hat"},
    ]
    fields = {
        "description": DRESS,
        "regions": json.dumps(regions),
        "things": json.dumps([{"phrase": "green dress", "color": "#8a2030"}]),
        "place": encoded(disc()),
        "hint_image": encoded(np.dstack([disc()] * 4)),
    }  # fmt: skip
    first = ask(client, "/v1/colorize", **fields)
    settings = json.loads(read_settings(first.data) or "")
    masks = {"place": fields.pop("place"), "hint_image": fields.pop("hint_image")}
    import hashlib

    by_digest = {hashlib.sha256(data).hexdigest(): data for data in masks.values()}
    parts = {}
    for number, region in enumerate(settings["regions"]):
        if "mask" in region:
            parts[f"again-{number}"] = by_digest[region["mask"]]
            region["mask"] = f"again-{number}"
    again = ask(
        client,
        "/v1/colorize",
        description=settings["description"],
        regions=json.dumps(settings["regions"]),
        things=json.dumps(settings["things"]),
        hint_image=by_digest[settings["hint_image"]],
        **parts,
    )
    assert again.data == first.data


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"regions": "["}, 422, ["regions", "JSON"]),
        ({"regions": '[{"mask":"a","color":"#ffffff"}]'}, 400, ["'a'", "send it as a file"]),
        ({"other": PHOTO}, 400, ["'other'", "no region or thing names it"]),
        ({"regions": "[]", "other": "text"}, 400, ["'other'", "unknown"]),
        ({"regions": '[{"box":[0,0,NaN,1],"color":"#ffffff"}]'}, 422, ["nan"]),
        ({"regions": '[{"box":[64,0,9,9],"color":"#ffffff"}]'}, 422, ["region 0", "64 x 48"]),
        ({"regions": json.dumps([{"box": [0, 0, 1, 1], "color": "#ffffff"}] * 33)}, 422, ["33"]),
        ({"regions": '[{"mask":"a","color":"#ffffff"}]', "a": encoded(disc(9, 9))}, 422,
         ["mask a is 9 x 9", "64 x 48"]),
        ({"regions": '[{"mask":"a","color":"#ffffff"}]', "a": b"x"}, 415, ["mask a: "]),
        ({"regions": PHOTO}, 400, ["regions", "as text"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/v1/colorize", "/v1/things", "/v1/jobs"])
def test_places_that_make_no_sense_are_refused(
    client: FlaskClient, path: str, fields: dict[str, Any], status: int, words: list[str]
) -> None:
    answer = ask(client, path, **fields)
    if path == "/v1/jobs" and answer.status_code == 202:  # what needs the photo comes later
        job = answer.headers["Location"]
        client.get(f"{job}/events").get_data()
        answer = client.get(f"{job}/result")
    detail = refusal(answer, status)
    for word in words:
        assert word in detail


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"things": '[{"phrase":""}]'}, 422, ["0 letters"]),
        ({"things": '[{"phrase":"a","mask":"b"}]'}, 400, ["'b'"]),
        ({"hint_image": PHOTO}, 422, ["hint_image has no transparency"]),
        ({"hint_image": encoded(np.zeros((9, 9, 4), np.uint8))}, 422, ["9 x 9", "64 x 48"]),
        ({"hint_image": "#ffffff"}, 400, ["as a file"]),
    ],
)
def test_changes_and_paintings_that_make_no_sense_are_refused(
    client: FlaskClient, fields: dict[str, Any], status: int, words: list[str]
) -> None:
    detail = refusal(ask(client, "/v1/colorize", **fields), status)
    for word in words:
        assert word in detail


def test_masks_that_cover_too_much_together_are_refused() -> None:
    from plugin_server.images.codec import Limits

    service = Service(LocatingColorizer(), NamingClip(), limits=Limits(max_pixels=4000))
    client = create_app(Config(), service).test_client()
    regions = [{"mask": f"m{number}", "color": "#ffffff"} for number in range(9)]
    masks = {f"m{number}": encoded(np.full((48, 64), 255, np.uint8)) for number in range(9)}
    answer = ask(client, "/v1/colorize", regions=json.dumps(regions), **masks)
    assert "cover more than 4 times" in refusal(answer, 413)
