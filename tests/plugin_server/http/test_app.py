"""The HTTP API, called through Flask's test client with fake models."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from flask.testing import FlaskClient
from skimage.color import rgb2lab

from plugin_server.images.codec import MEDIA_TYPES
from tests.support.forms import post, refusal
from tests.support.pictures import decoded, encoded, grey_picture

KINDS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/tiff": "TIFF",
    "image/webp": "WEBP",
    "application/x-npy": "npy",
}


def test_health(client: FlaskClient) -> None:
    health = client.get("/v1/health").get_json()
    assert health["status"] == "ok"
    assert health["device"] == "cpu"
    assert health["models"] == {"colorizer": "fake-colorizer", "clip": "fake-clip"}
    assert health["exemplars"] == 0
    assert health["version"][0].isdigit()


@pytest.mark.parametrize(("media_type", "kind"), KINDS.items())
def test_colorize_answers_in_the_type_of_the_image(
    client: FlaskClient, media_type: str, kind: str
) -> None:
    response = post(client, encoded(grey_picture(), kind))
    assert response.status_code == 200
    lossy = media_type in ("image/jpeg", "image/webp")
    assert response.content_type == ("image/png" if lossy else media_type)
    assert decoded(response.data).shape == (24, 32, 3)


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_accept_asks_for_another_type(client: FlaskClient, media_type: str) -> None:
    response = post(client, accept=f"text/html, {media_type}, */*;q=0.1")
    assert response.status_code == 200
    assert response.content_type == media_type
    assert decoded(response.data).shape == (24, 32, 3)


@pytest.mark.parametrize("accept", ["*/*", "image/*", "", "image/png;q=0.5, */*;q=0.5"])
def test_an_accept_without_a_wish_changes_nothing(client: FlaskClient, accept: str) -> None:
    assert post(client, encoded(grey_picture(), "TIFF"), accept=accept).content_type == "image/tiff"
    assert post(client, encoded(grey_picture(), "JPEG"), accept=accept).content_type == "image/png"


def test_a_type_that_cannot_hold_the_picture_is_passed_over(client: FlaskClient) -> None:
    clear = encoded(np.dstack([grey_picture(), grey_picture()]))
    assert post(client, clear, accept="image/jpeg, image/png;q=0.5").content_type == "image/png"
    assert "no transparency" in refusal(post(client, clear, accept="image/jpeg"), 415)
    wide = encoded(np.zeros((1, 20_000), np.uint8))
    assert post(client, wide, accept="image/webp, image/tiff;q=0.1").content_type == "image/tiff"


@pytest.mark.parametrize("accept", ["text/html", "image/gif", "nonsense", "image/png;q=0"])
def test_an_accept_without_our_types_is_refused(client: FlaskClient, accept: str) -> None:
    detail = refusal(post(client, accept=accept), 406)
    assert all(media_type in detail for media_type in MEDIA_TYPES)


def test_colour_is_added_and_the_lightness_kept(client: FlaskClient) -> None:
    grey = grey_picture(48, 64)
    response = post(client, encoded(grey), description="a red tram")
    rgb = decoded(response.data)
    before = rgb2lab(np.dstack([grey] * 3))[..., 0]
    after = rgb2lab(rgb)
    assert np.abs(after[..., 0] - before).max() <= 0.5
    assert np.hypot(after[..., 1], after[..., 2]).mean() > 5


def test_the_description_changes_the_colour_and_the_same_request_does_not(
    client: FlaskClient,
) -> None:
    red, blue = post(client, description="a red tram"), post(client, description="a blue tram")
    assert red.data != blue.data
    assert red.data == post(client, description="a red tram").data
    assert post(client).data == post(client, description="  ").data


def test_saturation_0_and_strength_0_give_the_grey_back(client: FlaskClient) -> None:
    grey = grey_picture()
    response = post(client, encoded(grey), saturation="0", strength="0", description="a red tram")
    np.testing.assert_array_equal(decoded(response.data), np.dstack([grey] * 3))


def test_hints_colour_their_place(client: FlaskClient) -> None:
    grey = np.full((32, 32), 128, np.uint8)
    grey[:, 18:] = 40  # an edge, where the colour of a dab ends
    hints = json.dumps([{"x": 8, "y": 8, "color": "#2040e0", "radius": 6}])
    rgb = decoded(post(client, encoded(grey), hints=hints).data).astype(int)
    assert rgb[8, 8, 2] - rgb[8, 8, 0] > 40
    plain = decoded(post(client, encoded(grey)).data).astype(int)
    assert np.abs(rgb - plain)[8:24, 24:].max() <= 4
    assert np.abs(rgb - plain)[8, 8].max() > 40


def test_black_in_the_mask_keeps_the_input(client: FlaskClient) -> None:
    grey = grey_picture()
    mask = np.zeros_like(grey)
    mask[:, 16:] = 255
    rgb = decoded(post(client, encoded(grey), mask=encoded(mask)).data)
    np.testing.assert_array_equal(rgb[:, :16], np.dstack([grey] * 3)[:, :16])
    full = decoded(post(client, encoded(grey)).data)
    np.testing.assert_array_equal(rgb[:, 16:], full[:, 16:])


def test_grey_with_alpha_comes_back_as_rgba(client: FlaskClient) -> None:
    pixels = np.dstack([grey_picture(), grey_picture(seed=1)])
    rgba = decoded(post(client, encoded(pixels, "npy")).data)
    assert rgba.shape == (24, 32, 4)
    np.testing.assert_array_equal(rgba[..., 3], pixels[..., 1])


def test_16_bit_stays_16_bit(client: FlaskClient) -> None:
    deep = grey_picture().astype(np.uint16) * 257
    assert decoded(post(client, encoded(deep, "npy")).data).dtype == np.uint16


def test_server_timing_names_the_stages_in_order(client: FlaskClient) -> None:
    entries = post(client).headers["Server-Timing"].split(", ")
    stages = {name: float(value) for name, _, value in (e.partition(";dur=") for e in entries)}
    assert next(iter(stages)) == "decode"
    assert list(stages)[-2:] == ["encode", "total"]
    assert {"lightness", "guidance", "network", "join"} <= set(stages)
    assert stages["total"] >= stages["decode"] + stages["encode"]


def test_a_notice_survives_the_header(client: FlaskClient) -> None:
    assert "Photochrom-Notice" not in post(client).headers
    text = "ein rotes Kleid, grün 🎈 " + "weit " * 20
    header = post(client, description=text).headers["Photochrom-Notice"]
    assert header.isascii()
    notices = [unquote(notice.strip()) for notice in header.split(",")]
    assert len(notices) == 2
    assert notices[0].startswith("the description has 25 words")
    assert notices[1] == f"some letters of “{text.strip()}” are not known to the model"


def test_the_page_has_its_labels_and_scripts(client: FlaskClient) -> None:
    with client.get("/") as page:
        assert page.status_code == 200
        assert page.content_type.startswith("text/html")
        text = page.text
    assert ">Photo</label>" in text
    assert ">Description</label>" in text
    for path in ("/web/page.js", "/web/page.css"):
        assert path in text
        with client.get(path) as file:
            assert file.status_code == 200
    assert "http://" not in text
    assert "https://" not in text


def test_32_different_requests_at_once_do_not_mix(client: FlaskClient) -> None:
    app = client.application
    jobs = [
        {"image": encoded(grey_picture(20 + n, 30 + n, seed=n)), "description": f"thing {n}"}
        for n in range(32)
    ]

    def send(job: dict[str, Any]) -> bytes:
        return post(app.test_client(), job["image"], description=job["description"]).data

    expected = [send(job) for job in jobs]
    assert len(set(expected)) == 32
    start = threading.Barrier(32)

    def race(job: dict[str, Any]) -> bytes:
        start.wait(timeout=10)
        return send(job)

    with ThreadPoolExecutor(32) as pool:
        assert list(pool.map(race, jobs)) == expected
