"""References and exemplars over HTTP: found, used, named in the answer, or refused clearly."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from models.job import ColorizeJob
from plugin_server.engine.library import UnusableLibrary
from plugin_server.engine.references import Chosen, References
from plugin_server.errors import NoLibrary
from plugin_server.images.codec import BrokenImage, Limits, TooLarge, decode
from plugin_server.images.sandbox import decode_here
from plugin_server.service import Service
from retrieval.library import ExemplarLibrary
from tests.support.albums import color_photo, jpeg, write_album
from tests.support.fakes import FakeClip, FakeColorizer
from tests.support.forms import post, refusal
from tests.support.pictures import decoded, encoded, grey_picture

LIMITS = Limits()


@pytest.fixture
def library(tmp_path: Path) -> Iterator[ExemplarLibrary]:
    opened = ExemplarLibrary.open(tmp_path / "library", clip=FakeClip())
    yield opened
    opened.close()


@pytest.fixture
def album(tmp_path: Path, library: ExemplarLibrary) -> list[Path]:
    paths = write_album(tmp_path / "album", 4)
    library.add(paths)
    return paths


@pytest.fixture
def guided(library: ExemplarLibrary, make_client: Callable[..., FlaskClient]) -> FlaskClient:
    return make_client(Service(FakeColorizer(), FakeClip(), library=library))


def sent(image: bytes) -> tuple[io.BytesIO, str]:
    return io.BytesIO(image), "reference"


def settings_of(body: bytes) -> dict[str, object]:
    text = Image.open(io.BytesIO(body)).text["photochrom"]  # type: ignore[attr-defined]
    found: dict[str, object] = json.loads(text)
    return found


def one_colour(rgb: tuple[int, int, int], size: tuple[int, int] = (40, 60)) -> bytes:
    return encoded(np.full((*size, 3), rgb, np.uint8))


def test_a_reference_gives_its_colours(client: FlaskClient) -> None:
    grey = np.full((32, 48), 120, np.uint8)
    results = {}
    for name, rgb in (("red", (190, 60, 60)), ("blue", (60, 60, 190))):
        answer = post(client, encoded(grey), reference=sent(one_colour(rgb)))
        assert answer.status_code == 200, answer.text
        assert "Photochrom-Exemplar" not in answer.headers
        results[name] = decoded(answer.data).astype(int).mean(axis=(0, 1))
    assert results["red"][0] - results["blue"][0] > 20
    assert results["blue"][2] - results["red"][2] > 20


def test_the_reference_is_in_the_settings_by_its_digest(client: FlaskClient) -> None:
    reference = jpeg(color_photo(3))
    settings = settings_of(post(client, reference=sent(reference)).data)
    assert settings["reference"] == hashlib.sha256(reference).hexdigest()
    assert settings["exemplar"] is None


def test_an_exemplar_is_used_and_named(
    guided: FlaskClient, library: ExemplarLibrary, album: list[Path]
) -> None:
    exemplar = library.list()[2]
    answer = post(guided, exemplar=exemplar.id)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Photochrom-Exemplar"] == exemplar.id
    assert settings_of(answer.data)["exemplar"] == exemplar.id
    assert settings_of(answer.data)["reference"] is None
    direct = post(guided, reference=sent(library.image(exemplar.id)))
    np.testing.assert_array_equal(decoded(answer.data), decoded(direct.data))


def test_auto_finds_names_and_records_the_one_that_fits(
    guided: FlaskClient, library: ExemplarLibrary, album: list[Path]
) -> None:
    answer = post(guided, encoded(grey_picture()), exemplar="auto")
    assert answer.status_code == 200, answer.text
    name, _, score = answer.headers["Photochrom-Exemplar"].partition("; score=")
    assert library.get(name).id == name
    assert 0 <= float(score) <= 1
    assert settings_of(answer.data)["exemplar"] == name  # so that it can be had again
    again = post(guided, encoded(grey_picture()), exemplar=name)
    np.testing.assert_array_equal(decoded(answer.data), decoded(again.data))


def test_jobs_name_their_exemplar_too(
    guided: FlaskClient, library: ExemplarLibrary, album: list[Path]
) -> None:
    exemplar = library.list()[0].id
    files = {"image": (io.BytesIO(encoded(grey_picture())), "photo")}
    place = guided.post("/v1/jobs", data=files | {"exemplar": exemplar}).headers["Location"]
    with guided.get(f"{place}/events") as events:
        assert "done" in events.text
    assert guided.get(f"{place}/result").headers["Photochrom-Exemplar"] == exemplar


def test_an_unknown_exemplar_is_404(guided: FlaskClient, album: list[Path]) -> None:
    assert "'nosuchphoto1'" in refusal(post(guided, exemplar="nosuchphoto1"), 404)


@pytest.mark.parametrize("name", ["../../etc/passwd", "a b", "a" * 65, "é", "auto;"])
def test_an_id_that_cannot_be_one_is_refused(guided: FlaskClient, name: str) -> None:
    assert "give an id of the library" in refusal(post(guided, exemplar=name), 422)


def test_an_empty_library_is_said_with_the_remedy(guided: FlaskClient) -> None:
    assert "photochrom library add" in refusal(post(guided, exemplar="auto"), 422)


def test_a_photo_that_was_deleted_since_is_said(
    guided: FlaskClient, library: ExemplarLibrary, album: list[Path]
) -> None:
    exemplar = library.list()[1]
    next(path for path in album if path.name == Path(exemplar.source).name).unlink()
    said = refusal(post(guided, exemplar=exemplar.id), 410)
    assert exemplar.id in said
    assert "library check" in said


def test_auto_takes_the_next_where_the_photo_that_fits_best_was_deleted(
    guided: FlaskClient, library: ExemplarLibrary, album: list[Path]
) -> None:
    def auto() -> tuple[str, str]:
        answer = post(guided, encoded(grey_picture()), exemplar="auto")
        assert answer.status_code == 200, answer.text
        used = answer.headers.get("Photochrom-Exemplar", "").partition(";")[0]
        return used, unquote(answer.headers.get("Photochrom-Notice", ""))

    names = {path.name: path for path in album}
    best, _ = auto()
    names[library.get(best).source].rename(album[0].with_name("renamed.jpg"))
    second, notices = auto()
    assert second not in ("", best)
    assert best in notices
    assert "library check --repair" in notices
    for path in album:
        path.unlink(missing_ok=True)
    nothing, notices = auto()
    assert nothing == ""
    assert second in notices
    assert "no exemplar was used" in notices


def test_without_a_library_the_reason_is_said(client: FlaskClient) -> None:
    assert "--library" in refusal(post(client, exemplar="auto"), 503)
    assert post(client).status_code == 200


def test_a_library_that_cannot_be_opened_says_why() -> None:
    references = References(UnusableLibrary("the library is damaged"), decode=decode_here(LIMITS))
    target = decode(encoded(grey_picture()), limits=LIMITS)
    with pytest.raises(NoLibrary, match="damaged"):
        references.choose(target, ColorizeJob(exemplar="auto"), None)
    assert references.choose(target, ColorizeJob(), None) == Chosen()


def test_a_bad_reference_is_named() -> None:
    references = References(UnusableLibrary(), decode=decode_here(LIMITS))
    target = decode(encoded(grey_picture()), limits=LIMITS)
    with pytest.raises(BrokenImage, match=r"^reference: "):
        references.choose(target, ColorizeJob(), encoded(grey_picture())[:80])
    few = References(UnusableLibrary(), decode=decode_here(Limits(max_pixels=100)))
    with pytest.raises(TooLarge, match=r"^reference: .*32 x 24"):
        few.choose(target, ColorizeJob(), encoded(grey_picture()))


def test_a_large_reference_is_kept_small() -> None:
    references = References(UnusableLibrary(), decode=decode_here(LIMITS))
    target = decode(encoded(grey_picture()), limits=LIMITS)
    large = one_colour((200, 100, 50), (1500, 3000))
    chosen = references.choose(target, ColorizeJob(), large).reference
    assert chosen is not None
    assert chosen.rgb.shape[0] * chosen.rgb.shape[1] <= 513 * 513
    assert references.choose(target, ColorizeJob(), large).reference is chosen


def test_a_grey_reference_is_said_and_changes_nothing(client: FlaskClient) -> None:
    plain = post(client)
    answer = post(client, reference=sent(encoded(grey_picture(seed=5))))
    assert "no colours and was not used" in answer.headers["Photochrom-Notice"]
    np.testing.assert_array_equal(decoded(answer.data), decoded(plain.data))


def test_a_reference_of_something_else_is_said(client: FlaskClient) -> None:
    white, dark = np.full((24, 24), 250, np.uint8), one_colour((60, 10, 10))
    answer = post(client, encoded(white), reference=sent(dark))
    assert "little effect" in answer.headers["Photochrom-Notice"]
