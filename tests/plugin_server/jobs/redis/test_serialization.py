"""What travels between machines: every request comes out as it went in, and nothing else does."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.job import Box, ColorizeJob, Hint, JobError, PaletteColor, Region, ThingChange
from plugin_server.engine.requests import (
    Accept,
    Answer,
    AnswerType,
    ColorizeRequest,
    Exact,
    FoundExemplar,
    IndexRequest,
    Lossless,
    SameAsInput,
    media_type_for,
)
from plugin_server.errors import Busy, NoSpace, NotKept, headers_of, status_and_detail
from plugin_server.images.codec import BrokenImage, Layer, TooLarge, UnsupportedImage
from plugin_server.jobs.redis.serialization import (
    LENGTH,
    PICTURE,
    WireError,
    pack,
    pack_answer,
    pack_error,
    unpack,
    unpack_answer,
    unpack_error,
)
from retrieval.errors import UnknownExemplar

numbers = st.floats(0, 2, allow_nan=False)
colors = st.integers(0, 0xFFFFFF).map(lambda value: f"#{value:06x}")
places = st.floats(-1e6, 1e6, allow_nan=False)
hints = st.builds(Hint, places, places, colors, st.none() | st.floats(0, 1e6))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
boxes = st.builds(Box, places, places, st.floats(0.1, 1e6), st.floats(0.1, 1e6))
jobs = st.builds(
    ColorizeJob,
    texts,
    st.lists(hints, max_size=4).map(tuple),
    numbers,
    st.floats(0, 1, allow_nan=False),
    st.none(),
    st.lists(st.builds(PaletteColor, colors, st.floats(0.1, 10)), max_size=3).map(tuple),
    st.lists(
        st.builds(Region, st.just("a"), st.none(), texts, colors)
        | st.builds(Region, st.none(), boxes, texts, colors),
        max_size=3,
    ).map(tuple),
    st.lists(
        st.builds(ThingChange, st.just("green dress"), st.none() | colors, st.sampled_from("ab")),
        max_size=3,
    ).map(tuple),
)
choices = st.one_of(
    st.just(SameAsInput()),
    st.just(Lossless()),
    st.dictionaries(st.sampled_from(["image/png", "image/tiff"]), numbers).map(Accept),
    st.builds(Exact, st.sampled_from(["image/png", "image/jpeg"]), st.booleans()),
)
pictures = st.none() | st.binary(max_size=20)


@given(jobs, st.binary(max_size=50), pictures, pictures, choices)
def test_a_request_comes_out_as_it_went_in(
    job: ColorizeJob, image: bytes, mask: bytes | None, reference: bytes | None, choice: AnswerType
) -> None:
    sent = ColorizeRequest(
        image, job, mask, reference, choice,
        parts=dict.fromkeys(job.masks, image), hint_image=mask,
    )  # fmt: skip
    assert unpack(b"".join(pack(sent))) == sent


def test_a_found_exemplar_travels_with_its_photo() -> None:
    job = ColorizeJob(exemplar="auto")
    sent = ColorizeRequest(b"grey", job, found=FoundExemplar("abc", b"colour", 0.83))
    _, text, picture, *_ = pack(sent)
    assert b"colour" not in text
    assert picture == sent.image
    assert unpack(b"".join(pack(sent))) == sent


def test_a_photo_for_a_library_travels() -> None:
    sent = IndexRequest(b"colour", ("a red tram", "zwölf"))
    _, text, picture, *_ = pack(sent)
    assert b"colour" not in text
    assert picture == sent.image
    assert unpack(b"".join(pack(sent))) == sent


def test_the_types_still_choose_on_the_other_side() -> None:
    layer = Layer(np.zeros((2, 2, 1), np.uint8), "image/tiff")
    choices: list[tuple[AnswerType, str]] = [
        (SameAsInput(), "image/tiff"),
        (Lossless(), "image/png"),
        (Accept({"image/png": 1.0}), "image/png"),
        (Exact("image/webp"), "image/webp"),
    ]
    for choice, expected in choices:
        arrived = unpack(b"".join(pack(ColorizeRequest(b"", answer_type=choice))))
        assert isinstance(arrived, ColorizeRequest)
        assert media_type_for(arrived.answer_type, layer) == expected


@pytest.mark.parametrize(
    "text",
    [
        b"", b"null", b"[]", b"{", b'{"job": {"saturation": 7}}', b'{"job": {"hints": [{}]}}',
        b'["ColorizeRequest", {"image": 7}, false]', b'["IndexRequest", null, 1]',
        pickle.dumps({"job": 1}),
    ],
)  # fmt: skip
def test_what_no_version_sends_is_refused(text: bytes) -> None:
    with pytest.raises(WireError, match="same version"):
        unpack(text)
    with pytest.raises(WireError, match="same version"):
        unpack(len(text).to_bytes(LENGTH, "big") + text)


@given(st.recursive(st.none() | st.integers() | texts, lambda inner: st.lists(inner)))
def test_json_that_no_version_sends_is_refused_too(sent: object) -> None:
    text = json.dumps(sent).encode()
    with pytest.raises(WireError, match="same version"):
        unpack(len(text).to_bytes(LENGTH, "big") + text)


def test_a_part_may_have_any_name() -> None:
    """Even the one that stands for pictures in the JSON."""
    sent = ColorizeRequest(b"photo", parts={PICTURE: b"mask", "": b""}, mask=b"other")
    assert unpack(b"".join(pack(sent))) == sent


def test_an_answer_comes_out_as_it_went_in() -> None:
    answer = Answer(b"\x89PNG", "image/png", ("zwölf",), {"total": 0.1}, "abc; score=0.83", "[]")
    text = pack_answer(answer)
    assert unpack_answer(text, answer.body) == answer
    assert unpack_answer(text, b"") == replace(answer, body=b"")


@pytest.mark.parametrize(
    "error",
    [
        BrokenImage("the picture is damaged"), TooLarge("too many pixels"),
        UnsupportedImage("no picture"), JobError("hint x is far away"), NotKept("gone"),
        NoSpace("full"), UnknownExemplar("abc"), Busy("later", seconds=7), MemoryError(),
        RuntimeError("a secret of the worker's"),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_an_error_is_the_same_problem_on_the_other_side(error: Exception) -> None:
    arrived = unpack_error(pack_error(error))
    assert status_and_detail(arrived) == status_and_detail(error)
    assert headers_of(arrived) == headers_of(error)
    assert "secret" not in str(arrived)


@pytest.mark.parametrize("status", [0, 200, 204, 302, 308, 399, 600, -1])
def test_a_refusal_from_elsewhere_is_a_refusal_only(status: int) -> None:
    headers = {"Location": "//elsewhere", "Set-Cookie": "a=b", "Retry-After": "5\r\nX: y"}
    arrived = unpack_error(json.dumps([status, "no", headers]).encode())
    assert (status_and_detail(arrived), headers_of(arrived)) == ((502, "no"), {})
    later = unpack_error(json.dumps([503, "no", headers | {"Retry-After": "5"}]).encode())
    assert (status_and_detail(later), headers_of(later)) == ((503, "no"), {"Retry-After": "5"})
