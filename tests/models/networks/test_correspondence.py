"""A reference's colours land where it shows the same thing, and are trusted as far as it does."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage import data

from models.color.lab import lightness, srgb_to_lab
from models.guidance.condition import Condition, HintMap, NoMatcher
from models.guidance.reference import Reference
from models.job import ColorizeJob
from models.networks.checkpoint import (
    WEIGHTS,
    WeightsError,
    encoder_digest,
    read_checkpoint,
    save_checkpoint,
)
from models.networks.clip import Clip
from models.networks.colorizer import ColorizerConfig, build_colorizer
from models.networks.correspondence import (
    CHECKPOINT,
    Descriptors,
    Matcher,
    MatcherConfig,
    load_matcher,
)
from models.networks.loading import load_colorizer
from models.networks.predictor import Predictor
from models.pipeline import colorize

Array = NDArray[np.float32]
SMALL = MatcherConfig("none", hidden=8, width=8, fine_width=8, context=4, candidates=2)


@pytest.fixture(scope="module")
def colorizer(released: tuple[Predictor, Clip]) -> Predictor:
    return released[0]


def photo(name: str, height: int = 224, width: int = 224) -> Array:
    picture = getattr(data, name)()
    small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(255)


def ab_error(hints: HintMap, rgb: Array) -> float:
    """Mean distance in ab on the chroma grid."""
    size = (hints.ab.shape[1] // 4, hints.ab.shape[0] // 4)
    true, carried = (
        cv2.resize(ab, size, interpolation=cv2.INTER_AREA)
        for ab in (srgb_to_lab(rgb)[..., 1:], hints.ab)
    )
    return float(np.linalg.norm(true - carried, axis=2).mean())


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee"])
def test_the_photo_itself_gives_its_own_colours_with_high_confidence(
    colorizer: Predictor, name: str
) -> None:
    rgb = photo(name)
    hints = colorizer.match(lightness(rgb), rgb)
    assert hints.confidence.mean() > 0.9
    true = np.linalg.norm(srgb_to_lab(rgb)[..., 1:], axis=2).mean()
    assert ab_error(hints, rgb) < 0.25 * true


@pytest.mark.slow
def test_a_mirrored_photo_is_matched_where_it_shows_the_same(colorizer: Predictor) -> None:
    rgb = photo("astronaut")
    grey = lightness(rgb)
    itself = colorizer.match(grey, rgb[:, ::-1])
    other = colorizer.match(grey, photo("coffee"))
    assert itself.confidence.mean() > other.confidence.mean() + 0.1
    assert ab_error(itself, rgb) < 0.6 * ab_error(other, rgb)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["astronaut", "coffee"])
def test_noise_gives_next_to_nothing(colorizer: Predictor, name: str) -> None:
    rgb = photo(name)
    noise = np.random.default_rng(0).random((200, 300, 3)).astype(np.float32)
    matched, itself = (colorizer.match(lightness(rgb), r).confidence.mean() for r in (noise, rgb))
    assert matched < 0.1
    assert matched < itself - 0.25


@pytest.mark.slow
@pytest.mark.parametrize("name", ["astronaut", "coffee"])
def test_a_piece_of_cloth_moves_nothing_and_that_is_said(
    released: tuple[Predictor, Clip], name: str
) -> None:
    colorizer, clip = released
    y, x = np.indices((300, 220)) * np.float32(2 * np.pi / 14)
    knitted = 0.35 + 0.12 * np.cos(x + 0.4 * np.sin(y)) * np.cos(y)
    seam = np.where(np.indices(knitted.shape)[1] > 150, 0.55, 1.0)  # in two colours: not toned
    cloth = Reference.of(
        np.dstack([seam * knitted, 0.55 * knitted, 1.1 * knitted]).astype(np.float32)
    )
    grey = np.rint(255 * cv2.cvtColor(photo(name), cv2.COLOR_RGB2GRAY)).astype(np.uint8)[..., None]
    plain, dressed = (
        colorize(grey, ColorizeJob(), colorizer=colorizer, clip=clip, reference=given)
        for given in (None, cloth)
    )
    before, after = (
        srgb_to_lab(result.pixels.astype(np.float32) / 255)[..., 1:] for result in (plain, dressed)
    )
    assert np.linalg.norm(before - after, axis=2).mean() < 3
    assert "little effect" in dressed.notices[0]


@pytest.mark.parametrize(
    ("target", "reference"),
    [((4, 896), (3, 5)), ((224, 224), (1, 1)), ((172, 292), (900, 40)), ((8, 12), (301, 199))],
)
def test_shapes_may_differ(
    colorizer: Predictor, target: tuple[int, int], reference: tuple[int, int]
) -> None:
    generator = np.random.default_rng(1)
    grey = (100 * generator.random(target)).astype(np.float32)
    hints = colorizer.match(grey, generator.random((*reference, 3)).astype(np.float32))
    assert hints.ab.shape == (*target, 2)
    assert hints.confidence.shape == target
    assert hints.ab.dtype == hints.confidence.dtype == np.float32
    assert np.isfinite(hints.ab).all()
    assert (hints.confidence >= 0).all()
    assert (hints.confidence <= 1).all()
    blocks = hints.confidence.reshape(target[0] // 4, 4, target[1] // 4, 4)
    assert (blocks == blocks[:, :1, :, :1]).all()


@pytest.mark.slow
def test_the_same_reference_gives_the_same_bytes(colorizer: Predictor) -> None:
    grey, rgb = lightness(photo("chelsea")), photo("coffee", 150, 200)
    first, second = (colorizer.match(grey, rgb) for _ in range(2))
    assert first.ab.tobytes() == second.ab.tobytes()
    assert first.confidence.tobytes() == second.confidence.tobytes()


def test_only_the_references_colours_are_given(colorizer: Predictor) -> None:
    rgb = photo("astronaut")
    tinted = np.clip(rgb * np.float32([0.5, 0.7, 1.0]), 0, 1)
    warm, cold = (colorizer.match(lightness(rgb), r).ab[..., 1].mean() for r in (rgb, tinted))
    assert cold < warm - 5


def test_the_released_matcher_belongs_to_the_released_encoder(colorizer: Predictor) -> None:
    assert colorizer.matcher is not None
    assert colorizer.matcher.config.encoder == encoder_digest(colorizer.model.encoder)
    header = read_checkpoint(CHECKPOINT)[1]
    assert header["data"]["photos"] > 1000
    assert {"seed", "minutes"} <= header["options"].keys()
    scores = header["scores"]
    assert scores["rmse identical"] < scores["rmse turned"] < scores["rmse none"]
    assert scores["trust stranger"] < scores["trust neighbour"] < scores["trust identical"]
    assert CHECKPOINT.parent == WEIGHTS
    assert CHECKPOINT.stat().st_size < 2e6


def test_one_changed_weight_is_another_encoder() -> None:
    encoder = torch.nn.Conv2d(2, 2, 1)
    before = encoder_digest(encoder)
    assert before == encoder_digest(encoder)
    with torch.no_grad():
        encoder.weight[0, 0] += 0.01
    assert encoder_digest(encoder) != before


def test_a_colorizer_with_another_encoder_says_that_it_has_no_matcher() -> None:
    config = ColorizerConfig(
        bins=((0.0, 0.0), (10.0, 20.0)), widths=(8, 8, 8, 8), condition_width=8
    )
    other = Predictor(build_colorizer(config), name="mine")
    with pytest.raises(NoMatcher, match=r"'mine' .* no matcher .*models\.training\.corresp"):
        other.match(np.zeros((8, 8), np.float32), np.zeros((8, 8, 3), np.float32))


def test_weights_of_another_kind_are_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("weights") / "m.safetensors"
    save_checkpoint(path, {"x": torch.zeros(3)}, {"config": {"encoder": "none"}})
    with pytest.raises(WeightsError, match="do not fit this version"):
        load_matcher(path)


def described(seed: int, rows: int, columns: int) -> Descriptors:
    """Describe a picture of (rows, columns) coarse cells at random."""
    generator = torch.Generator().manual_seed(seed)

    def unit(scale: int, channels: int = 8) -> torch.Tensor:
        planes = torch.randn(1, channels, rows * scale, columns * scale, generator=generator)
        return torch.nn.functional.normalize(planes, dim=1)

    lightness = 100 * torch.rand(1, 1, 2 * rows, 2 * columns, generator=generator)
    return Descriptors(unit(1), unit(2), unit(1), lightness)


def test_cells_asked_for_are_those_of_the_whole_answer() -> None:
    torch.manual_seed(0)
    matcher = Matcher(SMALL).eval()
    target, reference = described(0, 4, 5), described(1, 3, 6)
    ab = torch.randn(1, 2, 6, 12)
    whole = matcher(target, reference, ab)
    cells = torch.tensor([[0, 9, 33, 79]])
    some = matcher(target, reference, ab, cells)
    torch.testing.assert_close(some.ab, whole.ab[:, cells[0]])
    torch.testing.assert_close(some.trust, whole.trust[:, cells[0]])


def test_distinct_cells_are_found_in_themselves_exactly() -> None:
    torch.manual_seed(0)
    matcher = Matcher(SMALL).eval()
    with torch.no_grad():
        matcher.sharpness.fill_(np.log(200.0))
    picture = described(3, 4, 6)
    ab = 20 * torch.randn(1, 2, 8, 12)
    carried = matcher(picture, picture, ab)
    torch.testing.assert_close(carried.exact[0].T.unflatten(1, (8, 12)), ab[0], atol=0.5, rtol=0)
    soft = carried.soft[0].T.unflatten(1, (8, 12))[:, ::2, ::2]
    means = torch.nn.functional.avg_pool2d(ab, 2)[0]
    torch.testing.assert_close(soft, means, atol=0.5, rtol=0)


def test_one_request_looks_at_its_picture_once_and_gets_the_same_bytes() -> None:
    colorizer, rgb = load_colorizer(), photo("chelsea", 96, 128)
    grey, reference, none = lightness(rgb), photo("coffee", 96, 96), Condition()
    apart = colorizer.match(grey, reference), colorizer.predict(grey, none)
    looks = []
    colorizer.folded.encoder.register_forward_hook(lambda *_: looks.append(1))
    once = colorizer.remembering()
    together = once.match(grey, reference), once.predict(grey, none)
    assert len(looks) == 2  # the picture and the reference
    for first, second in zip(apart, together, strict=True):
        assert first.ab.tobytes() == second.ab.tobytes()
        assert first.confidence.tobytes() == second.confidence.tobytes()


def test_another_picture_is_looked_at_anew(colorizer: Predictor) -> None:
    once, none = colorizer.remembering(), Condition()
    for name in ("chelsea", "coffee"):
        grey = lightness(photo(name, 96, 96))
        expected = colorizer.predict(grey, none)
        assert once.predict(grey, none).ab.tobytes() == expected.ab.tobytes()
    assert colorizer.remembering().predict(grey, none).ab.tobytes() == expected.ab.tobytes()
