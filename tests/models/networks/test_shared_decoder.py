"""The decoder that reads a picture once is the decoder."""

from __future__ import annotations

import torch
from torch import nn

from models.networks.colorizer import ENCODER_CHANNELS, Decoder
from models.networks.shared_decoder import SharedDecoder


def test_a_picture_read_once_is_decoded_for_each_condition() -> None:
    torch.manual_seed(0)
    decoder = Decoder(8, (16, 16, 24, 32), ENCODER_CHANNELS).eval()
    for module in decoder.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values in (module.running_mean, module.running_var, module.weight, module.bias):
                assert values is not None
                nn.init.uniform_(values, 0.5, 1.5)
        if isinstance(module, nn.Linear):  # FiLM starts as the identity: make it matter
            nn.init.normal_(module.weight, std=0.3)
    features = [
        torch.randn(1, channels, 64 // 2**level, 96 // 2**level)
        for level, channels in enumerate(ENCODER_CHANNELS)
    ]
    shared = SharedDecoder(decoder)
    with torch.inference_mode():
        read = shared.read(features)
        for condition in torch.randn(3, 1, 8):
            torch.testing.assert_close(
                shared(read, condition), decoder(features, condition), atol=1e-3, rtol=1e-3
            )
