"""Decoding in a process of its own: the same pictures, and attacks that reach nothing else."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from models.progress import Stopped
from plugin_server.images import frames, sandbox
from plugin_server.images.codec import decode, encode
from plugin_server.images.color_profile import gamma_profile
from plugin_server.images.layer import BrokenImage, ImageError, Layer, Limits, TooLarge
from plugin_server.images.sandbox import Decoders
from retrieval.errors import PhotoRefused
from retrieval.ingest.photos import PhotoLimits, decode_small
from tests.support.albums import color_photo, jpeg
from tests.support.hostile import valid_files
from tests.support.pictures import random_pixels, saved, tiff_of

LIMITS = Limits(max_pixels=5_000_000)
posix = pytest.mark.skipif(os.name != "posix", reason="needs signals")


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    pool = Decoders(1, LIMITS)
    yield pool
    pool.close()


def same(one: Layer, other: Layer) -> bool:
    return (
        np.array_equal(one.pixels, other.pixels)
        and one.pixels.dtype == other.pixels.dtype
        and (one.media_type, one.bits, one.metadata, one.notices, one.profile)
        == (other.media_type, other.bits, other.metadata, other.notices, other.profile)
        and (one.source is None) == (other.source is None)
        and (one.source is None or np.array_equal(one.source, other.source))  # type: ignore[arg-type]
    )


def test_every_kind_comes_out_as_it_does_here(decoders: Decoders) -> None:
    for name, data in valid_files().items():
        assert same(decoders.decode(data), decode(data, limits=LIMITS)), name


def test_refusals_keep_their_kind_and_words(decoders: Decoders) -> None:
    large = saved(np.zeros((2500, 2500, 1), np.uint8), "PNG")
    for data in (b"GIF89a", b"\x89PNG\r\n\x1a\n", large, b""):
        with pytest.raises(ImageError) as here:
            decode(data, limits=LIMITS)
        with pytest.raises(type(here.value)) as apart:
            decoders.decode(data)
        assert str(apart.value) == str(here.value)
    assert issubclass(TooLarge, ImageError)


def test_photos_of_a_library_too(decoders: Decoders) -> None:
    data = jpeg(color_photo(1))
    apart, here = (read(data, PhotoLimits()) for read in (decoders.decode_small, decode_small))
    np.testing.assert_array_equal(apart.rgb, here.rgb)
    assert (apart.width, apart.height, apart.captions) == (here.width, here.height, here.captions)
    with pytest.raises(PhotoRefused, match="empty"):
        decoders.decode_small(b"", PhotoLimits())


class Held(Decoders):
    """Decoders whose process stops before it answers: a decoder that never comes to an end."""

    def _begin(self) -> sandbox._Decoder:
        decoder = super()._begin()
        frames.receive(decoder._answers, most=0)
        decoder.is_ready = True
        os.kill(decoder._process.pid, signal.SIGSTOP)
        return decoder


@posix
def test_a_strangers_profile_is_applied_apart(decoders: Decoders) -> None:
    profile = gamma_profile((55_556).to_bytes(4, "big"), None)
    for make in (tiff_of, lambda pixels, **given: saved(pixels, "JPEG", icc_profile=profile)):
        layer = decode(make(random_pixels(40, 50, 3), iccprofile=profile), limits=LIMITS)
        assert layer.source is not None
        colored = replace(layer, pixels=layer.pixels // 2)
        for media_type in ("image/tiff", "image/png", "application/x-npy"):
            here = encode(colored, media_type, settings='{"a": 1}')
            assert decoders.encode(colored, media_type, settings='{"a": 1}') == here
    frozen = Held(1, LIMITS, seconds=0.2)
    with pytest.raises(BrokenImage, match="seconds"):
        frozen.encode(colored, "image/png")
    plain = replace(colored, profile=None, source=None)
    assert frozen.encode(plain, "image/png") == encode(plain, "image/png")
    frozen.close()


@posix
def test_one_that_takes_too_long_is_killed_and_the_next_photo_is_read() -> None:
    pool = Held(1, LIMITS, seconds=0.2)
    with pytest.raises(BrokenImage, match="seconds to decode"):
        pool.decode(saved(random_pixels(), "PNG"))
    pool.close()
    assert not pool._alive


@posix
def test_nobody_waits_for_a_photo_that_nobody_wants() -> None:
    pool = Held(1, LIMITS)
    wanted = threading.Event()
    wanted.set()

    def watch() -> None:
        if not wanted.is_set():
            raise Stopped

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(pool.decode, saved(random_pixels(), "PNG"), watch)
        while not pool._alive:
            time.sleep(0.01)
        wanted.clear()
        with pytest.raises(Stopped):
            waiting.result(timeout=20)
    pool.close()


@posix
def test_closing_ends_what_is_in_hand() -> None:
    pool = Held(1, LIMITS)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(pool.decode, saved(random_pixels(), "PNG"))
        while not any(decoder.is_ready for decoder in list(pool._alive)):
            time.sleep(0.01)
        pool.close()
        with pytest.raises(Stopped):
            waiting.result(timeout=20)
    with pytest.raises(Stopped):
        pool.decode(b"")


@posix
def test_a_decoder_that_crashes_takes_nothing_with_it(decoders: Decoders) -> None:
    good = saved(random_pixels(), "PNG")
    decoders.decode(good)
    (decoder,) = decoders._alive
    os.kill(decoder._process.pid, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(decoders.decode, good)
        time.sleep(0.1)
        os.kill(decoder._process.pid, signal.SIGKILL)
        with pytest.raises(BrokenImage, match="crashed"):
            waiting.result(timeout=20)
    assert same(decoders.decode(good), decode(good, limits=LIMITS))


def test_many_threads_get_their_own_photos() -> None:
    pool = Decoders(2, LIMITS)
    photos = [saved(random_pixels(20 + n, 30), "PNG") for n in range(12)]
    with ThreadPoolExecutor(6) as threads:
        heights = [layer.pixels.shape[0] for layer in threads.map(pool.decode, photos)]
    assert heights == [20 + n for n in range(12)]
    assert len(pool._alive) <= 2
    pool.close()


@pytest.mark.skipif(sys.platform != "linux", reason="needs a system that limits memory")
def test_memory_beyond_the_photos_size_is_refused(decoders: Decoders) -> None:
    from plugin_server.images import decoder_process

    (before,) = (decoder._process.pid for decoder in decoders._alive) if decoders._alive else (0,)
    bomb = tiff_of(random_pixels(64, 64, 3), compression="deflate")
    decoders.decode(bomb)
    (decoder,) = decoders._alive
    with open(f"/proc/{decoder._process.pid}/limits", encoding="ascii") as file:
        line = next(line for line in file if line.startswith("Max address space"))
    limit = int(line.split()[3])
    assert limit < 3 * decoder_process.ROOM
    assert before in (0, decoder._process.pid)


def test_it_is_told_no_secret() -> None:
    os.environ["PHOTOCHROM_TOKEN"] = "a-token-for-this-test"
    try:
        pool = Decoders(1, LIMITS)
        pool.start()
        (decoder,) = pool._alive
        if sys.platform == "linux":
            with open(f"/proc/{decoder._process.pid}/environ", "rb") as file:
                assert b"a-token-for-this-test" not in file.read()
        pool.close()
    finally:
        del os.environ["PHOTOCHROM_TOKEN"]


@pytest.mark.parametrize(
    "header",
    [
        {}, {"arrays": [["object", [1, 1, 1]]], "blobs": []},
        {"arrays": [["uint8", [10**6, 10**6, 3]]], "blobs": []},
        {"arrays": [["uint8", [-1, -1, 1]]], "blobs": []},
        {"arrays": [["uint8", [1, 1, 1]]], "blobs": [], "media_type": "text/html", "bits": 8,
         "notices": [], "metadata": {}},
    ],
)  # fmt: skip
def test_what_a_hostile_decoder_answers_is_no_layer(header: dict[str, object]) -> None:
    with pytest.raises(frames.FrameError):
        frames.unpack_layer(header, [bytearray(1)], LIMITS)


@pytest.mark.parametrize(
    "sent",
    [
        b"\xff\xff\xff\xff", b"\x00\x00\x00\x02[]", b"\x00\x00\x00\x01{",
        b'\x00\x00\x00\x0e{"sizes":[-1]}', b'\x00\x00\x00\x17{"sizes":[999999999999]}',
        b'\x00\x00\x00\x0f{"sizes":["a"]}', b"\x00\x00\x00\x0d" + b'{"sizes":[5]}',
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused(sent: bytes) -> None:
    with pytest.raises((frames.FrameError, EOFError)):
        frames.receive(io.BytesIO(sent), most=1000)  # type: ignore[arg-type]
