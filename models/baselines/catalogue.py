"""Baselines by name: built from a config, read from a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

from models.baselines import LEARNED, UNLEARNED
from models.baselines.baseline import Baseline, BaselineConfig
from models.baselines.dcgan import Dcgan
from models.baselines.iizuka2016 import Iizuka2016
from models.baselines.resnet18 import ResNet18CrossEntropy, ResNet18Mse
from models.baselines.resnet34_unet import ResNet34UNet
from models.baselines.zhang2016 import Zhang2016
from models.networks.checkpoint import WeightsError, read_checkpoint

_BUILDERS: dict[str, Callable[[BaselineConfig], Baseline]] = {
    "zhang2016": Zhang2016,
    "iizuka2016": Iizuka2016,
    "resnet18-mse": ResNet18Mse,
    "resnet18-ce": ResNet18CrossEntropy,
    "resnet34-unet": ResNet34UNet,
    "dcgan": Dcgan,
}
assert tuple(_BUILDERS) == LEARNED


class UnknownBaseline(ValueError):
    """No learned baseline has this name; the message lists those there are."""


def build_baseline(config: BaselineConfig) -> Baseline:
    """Build the network that a config names, with random weights.

    Raises:
        UnknownBaseline: there is none of that name.
    """
    if config.name in UNLEARNED:
        raise UnknownBaseline(
            f"the baseline {config.name!r} has no network: it learns nothing from photos. "
            f"Those that learn are {', '.join(LEARNED)}"
        )
    if config.name not in _BUILDERS:
        raise UnknownBaseline(
            f"there is no baseline {config.name!r}: those that learn are {', '.join(LEARNED)}"
        )
    return _BUILDERS[config.name](config)


def load_baseline(path: Path) -> tuple[Baseline, BaselineConfig]:
    """Read a baseline that ``photochrom train --model NAME`` wrote.

    Raises:
        WeightsError: the file is missing, damaged or of another kind.
    """
    tensors, header = read_checkpoint(path)
    try:
        values = header["config"]
        if unknown := values.keys() - {field.name for field in fields(BaselineConfig)}:
            raise ValueError(f"unknown settings {sorted(unknown)}")
        bins = tuple((float(a), float(b)) for a, b in values["bins"])
        config = BaselineConfig(**{**values, "bins": bins, "shares": tuple(values["shares"])})
        model = build_baseline(config)
        model.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as problem:
        raise WeightsError(
            f"the weights {path} hold no baseline ({problem}): name a file that "
            "`photochrom train --model NAME` wrote"
        ) from problem
    return model, config
