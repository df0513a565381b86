"""The affinity's training goes on from weights of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from skimage import data

from models.networks.affinity import CHECKPOINT, load_affinity
from models.training.affinity import main


@pytest.mark.slow
def test_a_run_that_begins_with_weights_stays_near_them(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for i, name in enumerate(("chelsea", "coffee", "astronaut", "rocket") * 2):
        Image.fromarray(np.ascontiguousarray(getattr(data, name)()[::3, ::3])).save(
            photos / f"{i}.png"
        )
    made = []
    for start in (["--start", str(CHECKPOINT)], []):
        run = tmp_path / f"run{len(start)}"
        arguments = [str(photos), "--run", str(run), "--steps", "1", *start]
        done = CliRunner().invoke(main, arguments, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        made.append(load_affinity(run / "affinity.safetensors").state_dict())
    before = load_affinity().state_dict()
    far = [
        max(
            float((one[n].float() - before[n].float()).abs().max())
            for n in before
            if "norm" not in n
        )
        for one in made
    ]
    # Its doubts, too, which the end of each run raises.
    assert far[0] < 5e-3 < 0.05 < far[1]
    torch.testing.assert_close(made[0]["write.bias"], before["write.bias"], atol=5e-3, rtol=0)
