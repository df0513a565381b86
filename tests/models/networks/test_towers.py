"""Our EfficientNet and MiniLM against timm's and transformers', with the same weights."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from models.networks.clip import Clip, build_embedded
from models.networks.colorizer import ENCODER
from models.networks.efficientnet import EfficientNetLite0, PooledEfficientNetLite0
from models.networks.predictor import Predictor
from models.networks.torchvision_operators import declare_torchvision_operators


def randomised(model: torch.nn.Module) -> torch.nn.Module:
    """Give normalisations something to do; the rest is random already."""
    generator = torch.Generator().manual_seed(4)
    for name, tensor in model.state_dict().items():
        if "running_var" in name:
            tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
        elif "running_mean" in name or name.endswith("bias"):
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.1)
    return model.eval()


@pytest.mark.slow
@pytest.mark.parametrize("size", [(64, 96), (61, 97), (192, 192)])
def test_the_encoder_is_timms(size: tuple[int, int]) -> None:
    declare_torchvision_operators()
    import timm

    theirs = randomised(timm.create_model(ENCODER, features_only=True, out_indices=(1, 2, 3, 4)))
    ours = EfficientNetLite0().eval()
    ours.load_state_dict(theirs.state_dict())
    photo = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        for mine, other in zip(ours(photo), theirs(photo), strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-4)
    whole = randomised(timm.create_model(ENCODER, num_classes=0))
    pooled = PooledEfficientNetLite0().eval()
    pooled.load_state_dict(whole.state_dict())
    with torch.inference_mode():
        torch.testing.assert_close(pooled(photo), whole(photo), rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_the_text_tower_is_transformers() -> None:
    declare_torchvision_operators()
    from transformers import BertConfig, BertModel

    ours = build_embedded().text.transformer
    config = BertConfig(
        hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536
    )
    theirs = BertModel(config, add_pooling_layer=False).eval()
    theirs.load_state_dict(ours.state_dict(), strict=False)
    ids = torch.tensor(
        [[101, 1037, 2417, 12517, 102, 0, 0], [101, 1037, 3899, 1999, 1996, 2712, 102]]
    )
    known = ids != 0
    with torch.inference_mode():
        expected = theirs(ids, attention_mask=known.long()).last_hidden_state
        torch.testing.assert_close(ours(ids, known)[known], expected[known], rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_nothing_slow_is_imported_to_colour() -> None:
    program = (
        "import sys; from models.networks.loading import load_pair; load_pair(); "
        "print([name for name in ('timm', 'open_clip', 'transformers', 'torchvision', 'sympy') "
        "if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_the_embedded_pair_still_says_what_it_said(released: tuple[Predictor, Clip]) -> None:
    _, clip = released
    vectors = clip.embed_texts(["a red dress", "a green dress", "a harbour with boats"])
    assert float(vectors[0] @ vectors[1]) > float(vectors[0] @ vectors[2]) + 0.2
