"""The loop that trainings share: its budget, its rates, what it averages, logs and saves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from models.training.loop import Falling, Loop, Progressing


def learner(rate: float = 0.1) -> tuple[nn.Linear, torch.optim.Optimizer]:
    torch.manual_seed(0)
    model = nn.Linear(1, 1)
    return model, torch.optim.SGD(model.parameters(), lr=rate)


def error(model: nn.Linear) -> torch.Tensor:
    return (model(torch.ones(1, 1)) - 3).square().sum()


def test_it_takes_its_steps_logs_and_saves(tmp_path: Path) -> None:
    model, optimiser = learner()
    averaged = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    saves: list[int] = []
    loop = Loop(
        model, optimiser, Falling(4), steps=60, averaged=averaged, keep=0.5, bound=None,
        log=tmp_path / "run" / "log.jsonl", log_every=25, save=lambda: saves.append(1),
    )  # fmt: skip
    before = error(model).item()
    done = []
    for at in loop:
        loop.learn(fit=error(model))
        done.append(at)
    assert done == [pytest.approx(i / 60) for i in range(60)]
    assert error(model).item() < 0.01 * before
    assert (averaged["weight"] - model.weight).abs().max() < 0.1
    lines = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [25, 50, 60]  # the last as well
    assert lines[0]["fit"] > lines[2]["fit"]
    assert saves == [1]


def test_it_goes_on_where_it_stopped() -> None:
    model, optimiser = learner()
    loop = Loop(model, optimiser, Falling(1), steps=5, progress=Progressing(step=3))
    assert [loop.progress.step for _ in loop] == [3, 4]
    assert list(Loop(model, optimiser, Falling(1), minutes=1, progress=Progressing(9, 60.0))) == []


def test_the_processors_time_is_a_budget_that_goes_on() -> None:
    model, optimiser = learner()
    loop = Loop(model, optimiser, Falling(1), cpu_seconds=1e-9)
    assert list(loop) == [0]
    assert loop.progress.cpu_seconds > 1e-9
    spent = Progressing(5, 9.0, cpu_seconds=loop.progress.cpu_seconds)
    assert list(Loop(model, optimiser, Falling(1), cpu_seconds=1e-9, progress=spent)) == []


def test_what_is_measured_stands_in_the_last_line_after_all_is_saved(tmp_path: Path) -> None:
    model, optimiser = learner()
    events: list[str] = []

    def measure() -> dict[str, float | None]:
        events.append("measure")
        return {"psnr": 20.0, "caption": None}

    loop = Loop(
        model, optimiser, Falling(1), steps=2, log=tmp_path / "log.jsonl", log_every=2,
        save=lambda: events.append("save"), measure=measure, echo=lambda _: None,
    )  # fmt: skip
    for _ in loop:
        loop.learn(fit=error(model))
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line.get("psnr") for line in lines] == [None, 20.0]
    assert lines[1]["step"] == 2
    assert events == ["save", "measure"]


def test_rates_rise_and_fall_to_almost_nothing() -> None:
    model, optimiser = learner(rate=2.0)
    rates = []
    for _ in Loop(model, optimiser, Falling(10), steps=100):
        rates.append(optimiser.param_groups[0]["lr"])
    assert rates[0] == pytest.approx(0.2, rel=0.01)
    assert max(rates) == rates[9]
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.01
