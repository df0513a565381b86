"""The embedded CLIP pair, as it is shipped."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from skimage import data

from models.job import MAX_THINGS
from models.networks.checkpoint import WeightsError
from models.networks.clip import EMBEDDED, MAX_WORD, Clip, import_open_clip, load_clip
from models.networks.clip_tokenizers import CONTEXT_LENGTH
from models.networks.predictor import Predictor


@pytest.fixture(scope="module")
def clip(released: tuple[Predictor, Clip]) -> Clip:
    return released[1]


def unit(picture: np.ndarray) -> np.ndarray:
    return picture.astype(np.float32) / 255


def test_vectors_have_unit_length_and_one_width(clip: Clip) -> None:
    text = clip.embed_text("a cat")
    image = clip.embed_image(unit(data.chelsea()))
    assert clip.name == EMBEDDED
    assert text.notices == ()
    assert text.vector.shape == image.shape == (384,)
    assert text.vector.dtype == image.dtype == np.float32
    assert np.linalg.norm(text.vector) == pytest.approx(1, abs=1e-5)
    assert np.linalg.norm(image) == pytest.approx(1, abs=1e-5)


def test_a_text_has_one_vector_whatever_stands_beside_it(clip: Clip) -> None:
    alone = clip.embed_texts(["a red car"])[0]
    beside = clip.embed_texts(["a much longer description of a quiet street", "a red car"])[1]
    np.testing.assert_allclose(alone, beside, atol=1e-5)


def grey_of(picture: np.ndarray) -> np.ndarray:
    return np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2)


@pytest.fixture(scope="module")
def photos() -> list[np.ndarray]:
    found = (data.chelsea(), data.rocket(), data.coffee(), data.astronaut())
    return [unit(photo[..., :3]) for photo in found]


@pytest.mark.parametrize("grey", [False, True])
def test_descriptions_find_their_photo(clip: Clip, photos: list[np.ndarray], grey: bool) -> None:
    vectors = np.stack([clip.embed_image(grey_of(p) if grey else p) for p in photos])
    texts = ["a cat looking at the camera", "a rocket on its launch pad at night"]
    assert (clip.embed_texts(texts) @ vectors.T).argmax(axis=1).tolist() == [0, 1]


def test_a_grey_photo_finds_its_colour_original(clip: Clip, photos: list[np.ndarray]) -> None:
    colour = np.stack([clip.embed_image(p) for p in photos])
    grey = np.stack([clip.embed_image(grey_of(p)) for p in photos])
    assert (grey @ colour.T).argmax(axis=1).tolist() == [0, 1, 2, 3]


def test_photos_are_embedded_alike_alone_and_together(clip: Clip, photos: list[np.ndarray]) -> None:
    together = clip.embed_images(photos)
    for photo, vector in zip(photos, together, strict=True):
        np.testing.assert_allclose(vector, clip.embed_image(photo), atol=1e-5)


def test_colour_words_move_the_vector(clip: Clip) -> None:
    red, blue, again = clip.embed_texts(["a red car", "a blue car", "A red car"])
    assert red @ blue < 0.95
    assert red @ again == pytest.approx(1, abs=1e-4)


def test_no_word_is_cut_in_two(clip: Clip) -> None:
    before = CONTEXT_LENGTH * MAX_WORD - len("catalogu")
    (notice,) = clip.embed_text("a " * (before // 2) + "catalogue of photos").notices
    assert "was cut" in notice


def test_a_description_that_is_too_long_is_cut_and_said_so(clip: Clip) -> None:
    text = clip.embed_text("a red car " * 100)
    assert "cut" in text.notices[0]
    assert str(CONTEXT_LENGTH) in text.notices[0]
    assert np.isfinite(text.vector).all()


def test_what_lies_beyond_the_limit_gives_nothing_a_colour(clip: Clip) -> None:
    read = "a red car " * 41  # 123 word pieces; the two marks count too
    text = clip.embed_text(f"{read.rstrip()}, a green hat and a blue coat")
    # "Green", the last word before the limit, is of the hat behind it, not of the car.
    assert [thing.phrase for thing in text.named] == ["red car"]
    assert text.others == ()


def test_a_word_at_the_limit_is_read_whole_or_not_at_all(clip: Clip) -> None:
    read = "a red car " * 41
    text = clip.embed_text(f"{read}a sentimentalistically green hat")
    # Its pieces would be read in part if they were cut where the places are full.
    np.testing.assert_allclose(text.vector, clip.embed_text(f"{read}a").vector, atol=1e-6)


def test_no_more_things_are_looked_for_than_may_be_changed(clip: Clip) -> None:
    nouns = "hat cap coat shirt vest belt shoe sock glove scarf tie ring car bus van bike boat ship"
    nouns += " dog cat cow pig horse duck hen fox bear wolf house barn roof door wall fence"
    things = nouns.split()
    assert len(things) > MAX_THINGS
    colored = clip.embed_text(" ".join(f"red {thing}," for thing in things))
    assert [thing.thing for thing in colored.named] == things[:MAX_THINGS]
    assert [thing.thing for thing in colored.others] == things[MAX_THINGS:]
    assert colored.notices == (
        f"The description gives colours to {len(things)} things: only the first {MAX_THINGS} got "
        "theirs. Name fewer.",
    )
    plain = clip.embed_text("a blue kite, " + ", ".join(f"a {thing}" for thing in things))
    assert [thing.thing for thing in plain.others] == things[:MAX_THINGS]
    assert f"names {len(things)} things without a colour" in plain.notices[0]


@pytest.mark.parametrize("text", ["赤い車", "ερυθρό όχημα", "🚗🌹", "....", "x" * 5000])
def test_what_cannot_be_read_is_said(clip: Clip, text: str) -> None:
    embedded = clip.embed_text(text)
    assert "English" in embedded.notices[-1]
    assert np.isfinite(embedded.vector).all()


@pytest.mark.parametrize("text", ["a red car in São Paulo", "a red car 🚗", "1912", "a café"])
def test_latin_letters_bring_no_notice(clip: Clip, text: str) -> None:
    assert clip.embed_text(text).notices == ()


def test_a_description_in_another_language_is_read_as_its_english(clip: Clip) -> None:
    german, english = clip.embed_text("ein dunkelgrünes Wollkleid"), "a dark green wool dress"
    np.testing.assert_array_equal(german.vector, clip.embed_text(english).vector)
    assert [thing.colors for thing in german.named] == [("dark green",)]
    assert german.notices == (f"The German description was read as: {english}",)


def test_the_language_may_be_given(clip: Clip) -> None:
    assert clip.embed_text("rosa", "de").named[0].colors == ("pink",)
    assert clip.embed_text("a red car", "en").notices == ()


@pytest.mark.parametrize("name", ["ViT-B-32", "/x", "x/", ""])
def test_a_name_that_is_no_model_is_refused(name: str) -> None:
    with pytest.raises(WeightsError, match="MODEL/PRETRAINED"):
        load_clip(name)


@pytest.mark.slow
def test_a_model_that_open_clip_does_not_know_is_refused() -> None:
    with pytest.raises(WeightsError, match="could not load"):
        load_clip("no-such-model/no-such-weights")


@pytest.mark.slow
def test_weights_from_elsewhere_are_named_with_their_digest(tmp_path: Path) -> None:
    open_clip = import_open_clip()
    text = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 1}
    vision = {"image_size": 32, "patch_size": 16, "width": 64, "layers": 1}
    architecture = tmp_path / "tiny-tower.json"
    architecture.write_text(json.dumps({"embed_dim": 8, "vision_cfg": vision, "text_cfg": text}))
    open_clip.add_model_config(architecture)
    weights, pickled = tmp_path / "some.safetensors", tmp_path / "some.pt"
    tensors = open_clip.create_model("tiny-tower").state_dict()
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, weights)
    torch.save(tensors, pickled)

    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    with pytest.raises(WeightsError, match=f"name them with it: .*@{digest}"):
        load_clip(f"tiny-tower/{weights}")
    with pytest.raises(WeightsError, match="not those of the digest"):
        load_clip(f"tiny-tower/{weights}@{'0' * 64}")
    with pytest.raises(WeightsError, match="no safetensors"):
        load_clip(f"tiny-tower/{pickled}@{hashlib.sha256(pickled.read_bytes()).hexdigest()}")
    loaded = load_clip(f"tiny-tower/{weights}@{digest}")
    assert loaded.name.endswith(digest)
    for name, tensor in loaded.model.state_dict().items():
        torch.testing.assert_close(tensor, tensors[name])
