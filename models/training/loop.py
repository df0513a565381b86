"""The loop that trainings share: a budget, rates over time, averaged weights, a log, saving."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TypedDict

import click
import numpy as np
import torch
from torch import Tensor, nn

from models.training.averaging import average

NOTHING: Mapping[str, float | None] = MappingProxyType({})


class Budget(TypedDict):
    """What a loop may spend."""

    steps: int | None
    minutes: float | None
    cpu_seconds: float | None


@dataclass(slots=True)
class Progressing:
    """How far a run has come; what is counted travels in its checkpoint."""

    step: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    losses: dict[str, float] = field(default_factory=dict)  # each smoothed over the last steps

    @property
    def counts(self) -> dict[str, float]:
        """Return what a checkpoint needs to go on."""
        return {"step": self.step, "seconds": self.seconds, "cpu_seconds": self.cpu_seconds}

    def share_of(
        self, *, steps: int | None, minutes: float | None, cpu_seconds: float | None
    ) -> float:
        """Return the share of a budget that is spent; time counts where no steps are given."""
        if steps is not None:
            return self.step / steps
        if cpu_seconds is not None:
            return self.cpu_seconds / cpu_seconds
        assert minutes is not None, "a budget of steps, of minutes or of the processor's seconds"
        return self.seconds / (60 * minutes)


@dataclass(frozen=True, slots=True)
class Falling:
    """Rates that rise over ``warm_up`` steps and then fall along a cosine, to ``least`` at last."""

    warm_up: int
    least: float = 0.0005

    def __call__(self, step: int, done: float) -> float:
        """Return the share of the highest rate at a step, where this share of all is done."""
        warm = min(1.0, (step + 1) / self.warm_up)
        return warm * (self.least + 0.5 * (1 - self.least) * (1 + float(np.cos(np.pi * done))))


class Loop:
    """Steps of a training until its budget is spent.

        for done in loop:
            loop.learn(fit=loss, stay=other)

    ``steps`` are the budget, or where there are none ``cpu_seconds`` of this process or
    ``minutes``. With ``keep`` the ``averaged`` weights follow the model's, of which so much stays
    in each step. ``log`` gets a line of JSON every ``log_every`` steps and at the end, and
    ``echo`` one for people. ``save`` and ``measure`` are called every few minutes and at the end;
    what is measured goes into the log.
    """

    def __init__(
        self,
        model: nn.Module,
        optimiser: torch.optim.Optimizer,
        schedule: Callable[[int, float], float],
        *,
        minutes: float | None = None,
        steps: int | None = None,
        cpu_seconds: float | None = None,
        progress: Progressing | None = None,
        averaged: dict[str, Tensor] | None = None,
        keep: float = 0.0,
        bound: float | None = 1.0,
        log: Path | None = None,
        log_every: int = 25,
        save: Callable[[], None] = lambda: None,
        save_every_minutes: float = 3.0,
        measure: Callable[[], dict[str, float | None]] = dict,
        measure_every_minutes: float = 10.0,
        echo: Callable[[str], None] = click.echo,
    ) -> None:
        self.progress = progress or Progressing()
        self._model = model
        self._optimiser = optimiser
        self._schedule = schedule
        self._minutes = minutes
        self._steps = steps
        self._cpu_seconds = cpu_seconds
        self._averaged = averaged
        self._keep = keep
        self._bound = bound
        self._log = log
        self._log_every = log_every
        self._save = save
        self._save_every = 60 * save_every_minutes
        self._measure = measure
        self._measure_every = 60 * measure_every_minutes
        self._echo = echo
        self._rates = [float(group["lr"]) for group in optimiser.param_groups]

    @property
    def done(self) -> float:
        """Return the share of the budget that is spent."""
        return self.progress.share_of(
            steps=self._steps, minutes=self._minutes, cpu_seconds=self._cpu_seconds
        )

    def __iter__(self) -> Iterator[float]:
        """Yield before each step how much is done."""
        saved = measured = time.monotonic()
        progress = self.progress
        while (done := self.done) < 1:
            started, started_cpu = time.monotonic(), time.process_time()
            share = self._schedule(progress.step, done)
            for group, rate in zip(self._optimiser.param_groups, self._rates, strict=True):
                group["lr"] = rate * share
            yield done
            progress.step += 1
            progress.seconds += time.monotonic() - started
            progress.cpu_seconds += time.process_time() - started_cpu
            if progress.step % self._log_every == 0:
                self._tell(done)
            if time.monotonic() - saved > self._save_every:
                self._save()
                saved = time.monotonic()
            if time.monotonic() - measured > self._measure_every:
                self._tell(done, self._measure())
                measured = time.monotonic()
        self._save()
        scores = self._measure()
        if scores or (progress.losses and progress.step % self._log_every):
            self._tell(min(1.0, self.done), scores)

    def learn(self, **parts: Tensor) -> float:
        """Take the step that lowers the sum of the losses; return the sum."""
        loss = torch.stack(list(parts.values())).sum()
        self._optimiser.zero_grad()
        loss.backward()
        if self._bound is not None:
            nn.utils.clip_grad_norm_(self._model.parameters(), self._bound)
        self._optimiser.step()
        step, losses = self.progress.step, self.progress.losses
        if self._averaged is not None:
            average(self._averaged, self._model, min(self._keep, (1 + step) / (10 + step)))
        keep = min(0.98, step / (1 + step))
        for name, part in parts.items():
            losses[name] = keep * losses.get(name, part.item()) + (1 - keep) * part.item()
        return float(loss.item())

    def _tell(self, done: float, scores: Mapping[str, float | None] = NOTHING) -> None:
        progress = self.progress
        if self._log is not None:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            with self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps({**progress.counts, **progress.losses, **scores}) + "\n")
        told = "  ".join(f"{name} {value:.3f}" for name, value in progress.losses.items())
        self._echo(f"{done:6.1%}  step {progress.step}  {told}")
