"""The plug-in's client: its bytes in the server's parser, and the real server with fake models."""

from __future__ import annotations

import hashlib
import io
import json
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from api.answers import Result
from api.client import Client
from api.connection import Connection
from api.deadline import Deadline, OutOfTime
from api.errors import (
    BrokenConnection,
    Cancelled,
    Failure,
    ForeignServer,
    Refused,
    ServerMissing,
    SilentServer,
)
from api.form import CHUNK, Form
from api.pixels import Pixels, npy_header, product, read_npy
from api.request import Region, Request
from flask import request
from flask.testing import FlaskClient

from plugin_server.app import create_app
from plugin_server.config import Config
from plugin_server.http.forms import read_form
from plugin_server.http.photo_forms import ColorizeForm
from plugin_server.images.codec import Limits, decode
from plugin_server.service import Service
from retrieval.library import ExemplarLibrary
from tests.support.fakes import (
    FakeClip,
    FakeColorizer,
    HeldColorizer,
    LocatingColorizer,
    NamingClip,
)
from tests.support.pictures import decoded, encoded, grey_picture
from tests.support.running_server import running
from tests.support.scripted_server import HEALTH, Reply, scripted

DTYPES = ("uint8", "uint16", "float32")
SIZES = ((1, 1), (1, 17), (7, 13), (64, 3))


def noise(height: int, width: int, channels: int, dtype: str) -> np.ndarray:
    rng = np.random.default_rng(height * width * channels)
    if dtype == "float32":
        return rng.random((height, width, channels), np.float32)
    return rng.integers(0, np.iinfo(dtype).max, (height, width, channels), dtype, endpoint=True)


def pixels_of(array: np.ndarray) -> Pixels:
    height, width, channels = array.shape
    return Pixels(array.tobytes(), (height, width, channels), array.dtype.name)


def array_of(pixels: Pixels | None) -> np.ndarray:
    assert pixels is not None
    return np.frombuffer(pixels.data, pixels.dtype).reshape(pixels.shape)


GREY = pixels_of(grey_picture()[..., None])


# The bytes, in the server's parser


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", SIZES)
def test_pixels_arrive_as_they_were(dtype: str, channels: int, size: tuple[int, int]) -> None:
    array = noise(*size, channels, dtype)
    file = npy_header(pixels_of(array)) + array.tobytes()
    np.testing.assert_array_equal(np.load(io.BytesIO(file)), array)
    np.testing.assert_array_equal(decode(file, limits=Limits()).pixels, array)
    assert len(npy_header(pixels_of(array))) % 64 == 0


TEXTS = (
    "a red tram",
    'quotes " and \\ and; name="image"',
    "two lines\r\nand a --boundary--\r\n\r\n",
    "grüne Bäume, 緑, 🎈",
    " \t ",
    "x" * 5000,
)


@pytest.mark.parametrize("text", TEXTS)
def test_a_form_says_what_was_meant(text: str) -> None:
    form = Form()
    array, mask = noise(5, 3, 4, "uint16"), noise(5, 3, 1, "uint8")
    reference = b"\r\n--photochrom\r\n" + bytes(range(256))
    hints = [{"x": 1, "y": 2, "color": "#a03020"}]
    form.picture("image", pixels_of(array))
    form.text("description", text)
    form.text("hints", json.dumps(hints))
    form.picture("mask", pixels_of(mask))
    form.picture("reference", reference)
    form.text("saturation", "0.5")
    body = b"".join(map(bytes, form.chunks()))
    assert len(body) == form.length
    app = create_app(Config(), Service(FakeColorizer(), FakeClip()))
    with app.test_request_context(
        "/v1/jobs", method="POST", data=body, content_type=form.content_type
    ):
        read = read_form(request, ColorizeForm)
    assert read.description == text
    assert json.loads(read.hints) == hints
    assert read.saturation == 0.5
    assert read.reference == reference
    assert read.mask is not None
    np.testing.assert_array_equal(np.load(io.BytesIO(read.mask)), mask)
    assert isinstance(read.image, bytes)
    np.testing.assert_array_equal(np.load(io.BytesIO(read.image)), array)


def test_a_name_that_is_no_text_is_sent_without_harm() -> None:
    form = Form()
    form.text("description", "a file named \udcff")
    assert b"a file named ?\r\n" in b"".join(map(bytes, form.chunks()))


def test_a_large_layer_is_sent_without_a_copy() -> None:
    data = bytearray(3 * CHUNK + 5)
    form = Form()
    form.picture("image", Pixels(data, (1, len(data), 1), "uint8"))
    views = [chunk for chunk in form.chunks() if memoryview(chunk).obj is data]
    assert sum(map(len, views)) == len(data)
    assert max(map(len, form.chunks())) <= CHUNK


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_npy_of_either_byte_order_is_read(order: str, dtype: str) -> None:
    array = noise(4, 5, 3, dtype)
    for version in ((1, 0), (2, 0)):
        file = io.BytesIO()
        np.lib.format.write_array(file, array.astype(array.dtype.newbyteorder(order)), version)
        pixels = read_npy(file.getvalue())
        assert pixels.shape == (4, 5, 3)
        np.testing.assert_array_equal(array_of(pixels), array)
    assert array_of(read_npy(encoded(array[..., 0], "npy"))).shape == (4, 5, 1)


def test_masks_are_multiplied() -> None:
    one, other = np.split(noise(31, 17, 2, "uint8"), 2, axis=2)
    other[:9], other[9:15] = 0, 255
    wanted = np.rint(one / 255.0 * other).astype(np.uint8)
    np.testing.assert_array_equal(array_of(product(pixels_of(one), pixels_of(other))), wanted)


def test_an_answer_is_read_without_a_copy() -> None:
    body = bytearray(encoded(noise(4, 5, 3, "uint8"), "npy"))
    data = read_npy(body).data
    assert isinstance(data, memoryview)
    assert data.obj is body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x89PNG",
        b"\x93NUMPY",
        b"\x93NUMPY\x01\x00\x10\x00no header at all",
        b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 70_000,
        encoded(np.zeros((3, 4, 3), np.uint8), "npy")[:-1],
        encoded(np.zeros((3, 4, 3), np.uint8), "npy") + b"x",
        encoded(np.zeros((3, 4, 3), np.float64), "npy"),
        encoded(np.zeros((3, 4, 5), np.uint8), "npy"),
        encoded(np.zeros((3, 4, 3), np.uint8, "F"), "npy"),
        encoded(np.zeros(3, np.uint8), "npy"),
    ],
)
def test_an_answer_that_is_no_picture_is_refused(body: bytes) -> None:
    with pytest.raises(Failure):
        read_npy(body)


@pytest.mark.parametrize(
    ("data", "shape", "dtype"),
    [
        (b"1234", (2, 2, 1), "int8"),
        (b"123", (2, 2, 1), "uint8"),
        (b"", (0, 2, 1), "uint8"),
        (bytes(5), (1, 1, 5), "uint8"),
    ],
)
def test_pixels_that_do_not_fit_are_refused(
    data: bytes, shape: tuple[int, int, int], dtype: str
) -> None:
    with pytest.raises(ValueError, match=r"bytes were given|dtype is|shape is"):
        Pixels(data, shape, dtype)


# The real server with fake models


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running(Service(FakeColorizer(), FakeClip()), Config(port=0)) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def client(address: str) -> Client:
    return Client(address, timeout=30)


@pytest.mark.parametrize("hidden", [0, 255, "noise"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [2, 4])
def test_what_a_layer_hides_has_no_say_in_what_it_shows(
    client: Client, dtype: str, channels: int, hidden: int | str
) -> None:
    one = noise(48, 64, channels, dtype)
    one[:20, :, -1] = 0
    one[20:, :, -1] = one[..., :-1].max()
    other = one.copy()
    other[:20, :, :-1] = (
        noise(47, 64, channels, dtype)[:20, :, :-1]
        if hidden == "noise"
        else hidden / 255 * (1 if dtype == "float32" else np.iinfo(dtype).max)
    )
    assert not np.array_equal(one, other)
    first, second = (array_of(client.colorize(pixels_of(layer)).pixels) for layer in (one, other))
    np.testing.assert_array_equal(first[20:], second[20:])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_layer_without_chroma_comes_back_unchanged(
    client: Client, dtype: str, channels: int
) -> None:
    grey = np.repeat(noise(7, 13, 1, dtype), 3 if channels > 2 else 1, axis=2)
    alpha = noise(7, 13, 1, dtype)[::-1]
    layer = np.concatenate([grey, alpha], axis=2) if channels in (2, 4) else grey
    result = client.colorize(pixels_of(layer), Request(saturation=0, strength=0))
    expected = np.concatenate([np.repeat(grey[..., :1], 3, axis=2), alpha], axis=2)
    got = array_of(result.pixels)
    if dtype == "float32":
        np.testing.assert_allclose(got, expected[..., : got.shape[2]], atol=1e-6)
    else:
        np.testing.assert_array_equal(got, expected[..., : got.shape[2]])
    assert got.shape[2] == (4 if channels in (2, 4) else 3)


def test_health(client: Client) -> None:
    health = client.health()
    assert health.version
    assert health.models == {"colorizer": "fake-colorizer", "clip": "fake-clip"}


def test_a_result_says_how_it_was_made(client: Client) -> None:
    mask = pixels_of(np.full((24, 32, 1), 255, np.uint8))
    paint = np.zeros((24, 32, 4), np.uint8)
    paint[3:6, 4:7] = (160, 48, 32, 255)
    words = "ein grüner Hut, " * 20
    asked = Request(
        words, mask=mask, hint_image=pixels_of(paint), regions=(Region("a red hat", mask),),
        palette=("#a03020",), saturation=0.5, strength=0.25,
    )  # fmt: skip
    result = client.colorize(GREY, asked)
    assert any("only 12 were read" in notice for notice in result.notices), result.notices
    assert any("grüner" in notice for notice in result.notices), "notices travel encoded"
    settings = result.settings
    assert settings.description == words.strip()
    assert settings.model == "fake-colorizer fake-clip"
    assert (settings.saturation, settings.strength) == (0.5, 0.25)
    assert settings.palette == ("#a03020",)
    sent = hashlib.sha256(npy_header(mask) + bytes(mask.data)).hexdigest()
    assert settings.mask == sent
    assert settings.regions == ({"description": "a red hat", "mask": sent},)
    assert settings.hint_image is not None
    assert settings.version == client.health().version
    assert result.timings["total"] > 0
    assert result.exemplar is None


def test_progress_grows_to_the_end(client: Client) -> None:
    seen: list[tuple[str, float]] = []
    client.colorize(GREY, on_progress=lambda text, fraction: seen.append((text, fraction)))
    fractions = [fraction for _, fraction in seen]
    assert fractions == sorted(fractions)
    assert seen[0] == ("Sending the layer", 0.0)
    assert seen[-1][0] == "Receiving the result"
    assert 0.95 <= fractions[-1] <= 1


def test_the_path_of_a_job_is_told_and_its_result_is_not_kept(address: str) -> None:
    client = Client(address)
    paths: list[str] = []
    client.on_job = paths.append
    client.colorize(GREY)
    assert len(paths) == 1
    assert paths[0].startswith("/v1/jobs/")
    with pytest.raises(Refused):
        client._fetch(paths[0], 1000)


def test_what_the_server_refuses_is_said_in_its_words(client: Client) -> None:
    small = pixels_of(np.zeros((2, 2, 1), np.uint8))
    with pytest.raises(Refused, match="mask") as caught:
        client.colorize(GREY, Request(mask=small))
    assert caught.value.status == 422
    with pytest.raises(Refused, match="saturation"):
        client.colorize(GREY, Request(saturation=3))


def test_cancel_stops_the_work() -> None:
    colorizer = HeldColorizer()
    service = Service(colorizer, FakeClip(), workers=1)
    with running(service, Config(port=0, workers=1)) as port:
        try:
            client = Client(f"http://127.0.0.1:{port}", timeout=30)
            with pytest.raises(Cancelled):
                # It says no as soon as the network is at work.
                client.colorize(GREY, on_progress=lambda *_: not colorizer.arrived.acquire(False))
        finally:
            colorizer.release.set()
        # Nothing is left in the queue, so the next one is served.
        assert client.colorize(GREY).pixels is not None


def test_a_layer_that_takes_too_long_is_given_up() -> None:
    colorizer = HeldColorizer()
    service = Service(colorizer, FakeClip(), workers=1)
    with running(service, Config(port=0, workers=1)) as port:
        try:
            client = Client(f"http://127.0.0.1:{port}", timeout=0.5)
            with pytest.raises(OutOfTime, match=r"0\.5 seconds"):
                client.colorize(GREY)
        finally:
            colorizer.release.set()


def test_a_full_queue_is_waited_for() -> None:
    colorizer = HeldColorizer()
    config = Config(port=0, workers=1, waiting=0)
    service = Service(colorizer, FakeClip(), workers=1, waiting=0)
    with running(service, config) as port:
        client = Client(f"http://127.0.0.1:{port}", timeout=30)
        results: list[Result] = []
        first = threading.Thread(target=lambda: results.append(client.colorize(GREY)))
        first.start()
        assert colorizer.arrived.acquire(timeout=10)
        seen: list[str] = []

        def watch(text: str, _fraction: float) -> None:
            seen.append(text)
            if "busy" in text:
                colorizer.release.set()

        second = client.colorize(GREY, on_progress=watch)
        first.join()
    assert any("trying again in 1 s" in text for text in seen)
    assert [array_of(result.pixels).tolist() for result in results] == [
        array_of(second.pixels).tolist()
    ]


def test_a_token_is_told_only_to_a_server_that_knows_it() -> None:
    service = Service(FakeColorizer(), FakeClip())
    with running(service, Config(port=0, token="abc")) as port:
        address = f"http://127.0.0.1:{port}"
        assert Client(address, "abc").colorize(GREY).pixels is not None
        with pytest.raises(Refused, match="needs a token"):
            Client(address, None).health()
        with pytest.raises(ForeignServer, match="photochrom gimp install"):
            Client(address, "abd").colorize(GREY)


def test_a_stranger_on_the_port_is_not_told_the_token() -> None:
    with scripted(get_v1_health=Reply.of(HEALTH)) as (address, script):
        for act in (Client(address, "abc").health, Client(address, "abc").search):
            with pytest.raises(ForeignServer, match="cannot prove"):
                act()
    assert script.asked == ["GET /v1/health"] * 2
    assert not any("Authorization" in headers for headers in script.headers)
    nonces = {headers["Photochrom-Nonce"] for headers in script.headers}
    assert len(nonces) == 2, "a nonce is used once"


def test_a_proxy_is_never_asked(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert Client(address).health().version


# A server that behaves strangely

DONE = {"id": "7", "state": "done", "stage": "done", "progress": 1, "position": 0, "error": None}
TAKEN = Reply.of({**DONE, "state": "queued"}, 202, Location="/v1/jobs/7")
RGB = encoded(np.dstack([grey_picture()] * 3), "npy")


def failing(**replies: Reply | list[Reply]) -> tuple[BaseException, list[str]]:
    """Colour a layer with a scripted server that makes it fail."""
    with scripted(**replies) as (address, script), pytest.raises(Exception) as caught:  # noqa: PT011
        Client(address, timeout=5, log="/var/log/photochrom.log").colorize(GREY)
    return caught.value, script.asked


def test_a_job_that_failed_says_why() -> None:
    error = {"type": "about:blank", "title": "x", "status": 503, "detail": "not enough memory"}
    problem, _ = failing(
        post_v1_jobs=TAKEN, get_v1_jobs_7=Reply.of({**DONE, "state": "failed", "error": error})
    )
    assert isinstance(problem, Refused)
    assert str(problem) == "not enough memory"


def test_a_job_that_somebody_cancelled_is_said() -> None:
    problem, _ = failing(post_v1_jobs=TAKEN, get_v1_jobs_7=Reply.of({**DONE, "state": "cancelled"}))
    assert isinstance(problem, Cancelled)


def test_a_job_that_is_unknown_means_a_new_server() -> None:
    problem, _ = failing(post_v1_jobs=TAKEN)
    assert isinstance(problem, BrokenConnection)
    assert "started anew" in str(problem)


def test_an_answer_that_is_cut_off_is_no_picture() -> None:
    problem, _ = failing(
        post_v1_jobs=TAKEN,
        get_v1_jobs_7=Reply.of(DONE),
        get_v1_jobs_7_result=Reply(200, RGB[:50], promised=len(RGB)),
    )
    assert isinstance(problem, BrokenConnection)
    assert "/var/log/photochrom.log" in str(problem)


@pytest.mark.parametrize("shape", [(24, 32, 4), (24, 31, 3), (1, 1, 3)])
def test_an_answer_of_another_size_is_refused(shape: tuple[int, int, int]) -> None:
    problem, _ = failing(
        post_v1_jobs=TAKEN,
        get_v1_jobs_7=Reply.of(DONE),
        get_v1_jobs_7_result=Reply(200, encoded(np.zeros(shape, np.uint8), "npy")),
    )
    assert isinstance(problem, Failure)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply.of({"detail": "full"}, 429, Retry_After="3600"), Refused),
        (Reply.of({"detail": "no library"}, 503), Refused),
        (Reply.of({"detail": "too large"}, 413), Refused),
        (Reply(500, b"<html>"), Refused),
        (Reply(202, b"<html>"), Failure),
        (Reply(200, b"[]"), Failure),
    ],
)
def test_every_refusal_has_its_exception(reply: Reply, kind: type[Exception]) -> None:
    problem, asked = failing(post_v1_jobs=reply)
    assert type(problem) is kind
    assert str(problem)
    assert asked == ["POST /v1/jobs"]


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(ServerMissing, match="photochrom serve"):
        Client(f"http://127.0.0.1:{port}").health()
    with pytest.raises(ServerMissing):
        Client(f"http://127.0.0.1:{port}").colorize(GREY)


@pytest.mark.parametrize("address", ["", "localhost:18890", "ftp://x", "http://", "http://a:b"])
def test_an_address_that_is_none_is_said(address: str) -> None:
    with pytest.raises(ServerMissing, match="write it like"):
        Client(address).health()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b"<html>It works!</html>"),
        Reply.of({"status": "green"}),
        Reply.of({"status": "ok", "version": "1", "models": None}),
        Reply(404),
    ],
)
def test_another_program_is_told_from_ours(reply: Reply) -> None:
    with (
        scripted(get_v1_health=reply) as (address, _),
        pytest.raises(ForeignServer, match="another program"),
    ):
        Client(address).health()


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH_9\r\n", b"\x00\xff" * 100, b""])
def test_a_program_that_speaks_no_http_is_told_from_ours(greeting: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(10_000)
                connection.sendall(greeting)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(ForeignServer):
            Client(f"http://127.0.0.1:{server.getsockname()[1]}").health()
        thread.join()


def test_a_program_that_says_nothing_is_not_waited_for() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(SilentServer, match="does not answer"),
    ):
        Client(f"http://127.0.0.1:{silent.getsockname()[1]}").health(timeout=0.3)


def test_the_library_is_searched_and_its_pictures_fetched() -> None:
    found = {"id": "p-1", "score": 0.5, "caption": "a tram", "width": 3, "height": 2,
             "image": "x", "thumbnail": "y", "source": "trams/1.jpg"}  # fmt: skip
    with scripted(
        post_v1_exemplars_search=Reply.of({"results": [found]}),
        **{"get_v1_exemplars_p-1_thumbnail": Reply(200, b"JPEG")},
    ) as (address, script):
        client = Client(address)
        (first,) = client.search(GREY, "a tram", 3)
        assert (first.id, first.score, first.source) == ("p-1", 0.5, "trams/1.jpg")
        assert client.thumbnail("p-1") == b"JPEG"
        with pytest.raises(Refused):
            client.thumbnail("../health")
    assert script.asked[-1] == "GET /v1/exemplars/..%2Fhealth/thumbnail"


def test_a_deadline_ends_when_it_is_told_to() -> None:
    calls: list[str] = []
    deadline = Deadline(60, lambda text, _fraction: calls.append(text) or len(calls) < 3)  # type: ignore[func-returns-value]
    with pytest.raises(Cancelled):
        deadline.sleep(30)
    assert len(calls) == 3


def test_the_servers_library_is_understood(tmp_path: Path) -> None:
    clip = FakeClip()
    library = ExemplarLibrary.open(tmp_path / "library", clip=clip)
    for seed in range(3):
        colours = np.dstack([grey_picture(48, 64, seed=seed + channel) for channel in (0, 5, 9)])
        library.add_photo(encoded(colours), name=f"{seed}.png", caption=f"photo {seed}")
    with running(Service(FakeColorizer(), clip, library=library), Config(port=0)) as port:
        client = Client(f"http://127.0.0.1:{port}", timeout=30)
        assert client.health().exemplars == 3
        found = client.search(GREY, "photo 1", 2)
        assert len(found) == 2
        assert found[0].score >= found[1].score
        best = found[0]
        assert library.get(best.id).source == best.source
        assert (best.width, best.height) == (64, 48)
        assert decoded(client.thumbnail(best.id)).ndim == 3
        assert client.exemplar(best.id).name == best.name
        with pytest.raises(Refused):
            client.thumbnail("unknown")
        named = client.colorize(GREY, Request(exemplar=best.id))
        assert (named.exemplar, named.exemplar_name) == (best.id, best.name)
        searched = client.colorize(GREY, Request("photo 1", exemplar="auto"))
        assert searched.exemplar == best.id
        assert searched.score is not None
        assert searched.settings.exemplar == best.id
        with pytest.raises(Refused):
            client.colorize(GREY, Request(exemplar="unknown"))


def test_without_a_library_the_reason_is_said(client: Client) -> None:
    with pytest.raises(Refused, match="library"):
        client.search(GREY, "a tram", 3)
    with pytest.raises(Refused, match="library"):
        client.colorize(GREY, Request(exemplar="auto"))


def test_a_job_and_a_plain_request_give_the_same(
    client: Client, make_client: Callable[..., FlaskClient]
) -> None:
    flask = make_client()
    form = Form()
    form.picture("image", GREY)
    form.text("description", "a red tram")
    answer = flask.post(
        "/v1/colorize",
        data=b"".join(map(bytes, form.chunks())),
        content_type=form.content_type,
    )
    result = client.colorize(GREY, Request("a red tram"))
    np.testing.assert_array_equal(np.load(io.BytesIO(answer.data)), array_of(result.pixels))


# A program that means harm


def talking(*pieces: bytes, pause: float = 0.0) -> tuple[socket.socket, threading.Thread]:
    """Listen, and answer every connection with these pieces of bytes, waiting between them."""
    server = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def talk() -> None:
        while not ended.is_set():
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.recv(100_000)
                    for piece in pieces:
                        connection.sendall(piece)
                        ended.wait(pause)
                    connection.recv(1)
                except OSError:
                    continue

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    return server, thread


@pytest.fixture
def stranger() -> Iterator[Callable[..., str]]:
    """Return a function that makes a program which talks, and gives its address."""
    servers: list[tuple[socket.socket, threading.Thread]] = []

    def make(*pieces: bytes, pause: float = 0.0) -> str:
        servers.append(talking(*pieces, pause=pause))
        return f"http://127.0.0.1:{servers[-1][0].getsockname()[1]}"

    yield make
    for server, _thread in servers:
        server.close()


def test_a_claimed_length_is_not_allocated(stranger: Callable[..., str]) -> None:
    huge = b"HTTP/1.1 200 OK\r\nContent-Length: 1500000000\r\n\r\n{"
    tracemalloc.start()
    with pytest.raises(Failure, match="1,500,000,000 bytes"):
        Client(stranger(huge)).health()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize("length", [b"-5", b"1e3", b"99999999999999999999999", b"x"])
def test_an_odd_length_is_a_failure(stranger: Callable[..., str], length: bytes) -> None:
    with pytest.raises(Failure):
        Client(stranger(b"HTTP/1.1 200 OK\r\nContent-Length: " + length + b"\r\n\r\n{}")).health(
            timeout=1.0
        )


def test_a_body_without_end_is_given_up(stranger: Callable[..., str]) -> None:
    endless = [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", *[b" " * 1_000_000] * 6]
    with pytest.raises(Failure, match="at most 4,000,000"):
        Client(stranger(*endless)).health()


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 50_000, b'"' + b"\\ud800" * 9 + b'"'])
def test_deep_or_odd_json_is_a_failure(stranger: Callable[..., str], body: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    with pytest.raises(ForeignServer):
        Client(stranger(head + body)).health()


@pytest.mark.parametrize(
    "first", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"]
)
def test_an_answer_that_drips_meets_the_deadline(
    stranger: Callable[..., str], first: bytes
) -> None:
    address = stranger(first, *[b"x"] * 100, pause=0.1)
    began = time.monotonic()
    with pytest.raises(SilentServer):
        Client(address).health(timeout=0.5)
    assert time.monotonic() - began < 5


def test_an_answer_that_drips_can_be_cancelled(stranger: Callable[..., str]) -> None:
    address = stranger(b"HTTP/1.1 202 OK\r\nX: ", *[b"x"] * 200, pause=0.1)
    calls: list[str] = []

    def watch(text: str, _fraction: float) -> bool:
        calls.append(text)
        return len(calls) < 4

    with pytest.raises(Cancelled):
        Client(address).search(GREY, on_progress=watch)


# A connection that is kept


@pytest.mark.parametrize(("method", "times"), [("GET", 2), ("POST", 1)])
def test_what_may_have_begun_is_never_sent_twice(method: str, times: int) -> None:
    """The kept connection drops after the second request has arrived, before its answer."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
            for count in (2, 1):
                try:
                    connection, _ = server.accept()
                except OSError:
                    return  # closed: nobody asked again
                with connection:
                    for number in range(count):
                        data = connection.recv(100_000)
                        if not data:
                            return
                        asked.append(data.split(b" ")[0])
                        if number == 1:
                            break  # it hangs up without a word
                        connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        with Connection(address, None, Deadline(5)) as connection:
            connection.ask("GET", "/v1/health")
            if method == "GET":
                connection.ask("GET", "/v1/health")
            else:
                with pytest.raises(BrokenConnection, match="nothing was changed"):
                    connection.ask("POST", "/v1/jobs")
    assert asked.count(method.encode()) == times + (method == "GET")


def test_likely_colors_of_a_place_are_listed(client: Client) -> None:
    colors = client.suggest(GREY, Request("a red tram"), 5, 6, 3)
    assert 1 <= len(colors) <= 3
    assert all(len(color) == 7 and color.startswith("#") for color in colors)


def test_what_a_description_names_comes_with_its_place() -> None:
    with running(Service(LocatingColorizer(), NamingClip()), Config(port=0)) as port:
        client = Client(f"http://127.0.0.1:{port}")
        (named,) = client.things(GREY, Request("a woman in a green dress"))
        assert client.things(GREY, Request("a woman")) == []
    assert named.phrase == "green dress"
    mask = array_of(named.mask)[..., 0]
    width = mask.shape[1]
    assert mask[:, : width // 4].mean() > 200
    assert mask[:, 3 * width // 4 :].mean() < 50


def test_a_place_that_is_elsewhere_is_not_fetched() -> None:
    listed = [{"phrase": "a coat", "mask": "/v1/jobs/1"}, "x", {"phrase": "a hat"}]
    with scripted(post_v1_things=Reply.of({"things": listed})) as (address, script):
        found = Client(address).things(GREY, Request("a coat"))
    assert [(one.phrase, one.mask) for one in found] == [("a coat", None), ("a hat", None)]
    assert script.asked == ["POST /v1/things"]
