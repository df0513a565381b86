"""Words read by positions, and the two lessons in locality."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from models.clip import load_clip
from models.colorizer import Colorizer, ColorizerConfig, build_encoder
from models.film import FiLMBlock, WordAttention, Words
from models.training.losses import attention_loss, leak_loss
from models.training.references import ImageBank
from models.training.texts import TextBank, color_span


def some_words(n: int = 2, pieces: int = 3, width: int = 6) -> Words:
    tokens = torch.randn(n, pieces, width, generator=torch.Generator().manual_seed(0))
    return Words(tokens, torch.ones(n, pieces, dtype=torch.bool))


def test_attention_shares_what_it_does_not_spend_on_nothing() -> None:
    torch.manual_seed(1)
    attend = WordAttention(8, 6).eval()
    read, shares = attend(torch.randn(2, 8, 5, 7), some_words())
    assert read.shape == (2, 128, 5, 7)
    assert shares.shape == (2, 3, 5, 7)
    total = shares.sum(1)
    assert (shares >= 0).all()
    assert (total < 1).all()


def test_padding_is_never_read() -> None:
    torch.manual_seed(1)
    attend, features, words = WordAttention(8, 6).eval(), torch.randn(2, 8, 5, 7), some_words()
    padded = Words(
        torch.cat([words.tokens, torch.full((2, 2, 6), 9.0)], 1),
        torch.cat([words.known, torch.zeros(2, 2, dtype=torch.bool)], 1),
    )
    for one, other in zip(attend(features, words), attend(features, padded), strict=True):
        torch.testing.assert_close(one, other[:, : one.shape[1]])
    assert not attend(features, padded)[1][:, 3:].any()


def test_no_words_at_all_read_as_zero() -> None:
    torch.manual_seed(1)
    nobody = Words(torch.zeros(2, 1, 6), torch.zeros(2, 1, dtype=torch.bool))
    read, shares = WordAttention(8, 6)(torch.randn(2, 8, 5, 7), nobody)
    assert not read.any()
    assert not shares.any()


def test_a_block_begins_as_if_words_said_nothing_and_can_learn_them() -> None:
    torch.manual_seed(1)
    block = FiLMBlock(4, 8, 16, token_width=6).eval()
    features, condition = torch.randn(2, 8, 5, 7), torch.randn(2, 4)
    plain, nowhere = block(features, condition)
    same, somewhere = block(features, condition, some_words())
    assert nowhere is None
    assert somewhere is not None
    assert somewhere.attention.shape == (2, 3, 5, 7)
    torch.testing.assert_close(plain, same)
    torch.nn.init.normal_(block.to_local.weight)
    assert not torch.allclose(plain, block(features, condition, some_words())[0])


def test_a_network_without_word_pieces_takes_them_and_changes_nothing() -> None:
    config = ColorizerConfig(bins=((0.0, 0.0), (20.0, 20.0)), embedding_width=6)
    torch.manual_seed(1)
    model = Colorizer(config, build_encoder()).eval()
    with torch.inference_mode():
        lightness, embedding = torch.rand(1, 1, 64, 64) * 100, torch.randn(1, 6)
        torch.testing.assert_close(
            model(lightness, embedding), model(lightness, embedding, None, some_words(1))
        )
        reads = Colorizer(replace(config, token_width=6), build_encoder()).eval()
        features = reads.encode(lightness)
        _, attention = reads.decode_attending(
            features, reads.condition(features, embedding), None, some_words(1)
        )
    assert [tuple(a.shape) for a in attention] == [(1, 3, 4, 4), (1, 3, 8, 8)]


def test_attention_is_best_inside_and_nowhere_else() -> None:
    area = torch.zeros(1, 16, 16)
    area[:, 4:8, 4:8] = 1
    focus = torch.tensor([[False, True]])
    right = torch.zeros(1, 2, 8, 8)
    right[0, 1, 2:4, 2:4] = 1
    everywhere, nowhere = torch.ones(1, 2, 8, 8), torch.zeros(1, 2, 8, 8)
    best = attention_loss(right, focus, area)
    assert best < 0.01
    assert attention_loss(everywhere, focus, area) > 1
    assert attention_loss(nowhere, focus, area) > 1
    assert attention_loss(right.flip(1), focus, area) > 1


def test_only_what_moves_outside_leaks() -> None:
    bins = torch.tensor([[0.0, 0.0], [50.0, 0.0]])
    area = torch.zeros(1, 8, 8)
    area[:, 2:6, 2:6] = 1
    before = torch.zeros(1, 2, 8, 8)
    inside, outside = before.clone(), before.clone()
    inside[:, 1, 2:6, 2:6] = 9
    outside[:, 1, 7, 7] = 9
    none = leak_loss(before, before, area, bins)
    torch.testing.assert_close(leak_loss(inside, before, area, bins), none)
    assert leak_loss(outside, before, area, bins) > none + 0.01


@pytest.mark.parametrize(
    ("text", "color", "found"),
    [
        ("a red car", "red", "red car"),
        ("a Red and white car", "red", "Red"),
        ("the car is red", "red", "red"),
        ("a tired man", "red", None),
    ],
)
def test_a_colour_and_its_noun_are_found(text: str, color: str, found: str | None) -> None:
    span = color_span(text, color)
    assert (text[slice(*span)] if span else None) == found


def test_texts_are_read_as_scene_and_pieces() -> None:
    bank = TextBank(load_clip())
    described = bank.describe(["a red car", None, "red", "a car"], ["red", None, "red", None])
    assert described.blank.tolist() == [False, True, True, False]
    torch.testing.assert_close(described.vectors[0], described.vectors[3])
    assert described.words is not None
    assert described.words.known.sum(1).tolist() == [3, 0, 1, 2]
    assert described.focus.tolist() == [
        [False, True, True],
        [False] * 3,
        [True, False, False],
        [False] * 3,
    ]
    again = bank.describe(["red"])
    assert again.words is not None
    torch.testing.assert_close(again.words.tokens[0, 0], described.words.tokens[2, 0])


def test_a_reference_is_the_photo_or_one_like_it() -> None:
    import numpy as np

    generator = np.random.default_rng(0)
    vectors = generator.normal(0, 1, (12, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    bank = ImageBank([f"p{i}" for i in range(12)], vectors, vectors)
    nearest = np.argsort(-(vectors @ vectors[3]))[:5].tolist()
    seen = set()
    for _ in range(200):
        reference = bank.reference("p3", generator).numpy()
        seen.add(int(np.abs(vectors - reference).sum(1).argmin()))
    assert seen == set(nearest)
