"""LPIPS against the package that defines it, with random AlexNet features in both."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from skimage import data

from models.evaluation.perceptual import Lpips
from models.networks.torchvision_operators import declare_torchvision_operators


@pytest.mark.slow
def test_it_is_the_distance_of_the_lpips_package(tmp_path: Path) -> None:
    declare_torchvision_operators()
    lpips = pytest.importorskip("lpips")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        oracle = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False).eval()
    names = {"slice1.0": 0, "slice2.3": 3, "slice3.6": 6, "slice4.8": 8, "slice5.10": 10}
    features = {
        f"features.{layer}.{part}": getattr(oracle.net.get_submodule(name), part).detach().clone()
        for name, layer in names.items()
        for part in ("weight", "bias")
    }
    save_file(features, tmp_path / "alex.safetensors")
    one = np.ascontiguousarray(data.chelsea()[:128, :160])
    other = np.ascontiguousarray(data.coffee()[:128, :160])
    pair = [torch.from_numpy(p).permute(2, 0, 1)[None] / 127.5 - 1 for p in (one, other)]
    with torch.no_grad():
        expected = oracle(*pair).item()
    measured = Lpips(tmp_path / "alex.safetensors")
    assert measured(one, other) == pytest.approx(expected, rel=1e-4)
    assert measured(one, one) == 0
