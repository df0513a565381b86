"""Checkpoints: safetensors files that carry their own config, and the proof that they are whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn
from torch.overrides import TorchFunctionMode

Network = TypeVar("Network", bound=nn.Module)

WEIGHTS = Path(__file__).parent.parent / "weights"
CHECKSUMS = "SHA256SUMS"
REMEDY = (
    "reinstall photochrom (pip install --force-reinstall photochrom), "
    "or fetch models/weights again from the repository"
)
OWN_REMEDY = (
    "name a file that `photochrom train` wrote, or take the weights that come with Photochrom"
)
COLORIZER, BASELINE = "a colorizer", "a baseline of the field"
GROUNDER, MATCHER = "the network that finds named things", "the network that matches references"
STATE = "the state of a training that is not finished"
AFFINITY, CLIP = "the network that relates places for dabs", "the CLIP model's image tower"


class WeightsError(RuntimeError):
    """Weights are missing or damaged; the message names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """One file of weights as found on disk."""

    name: str
    path: Path
    bytes: int
    sha256: str
    problem: str

    @property
    def ok(self) -> bool:
        """Tell whether the file is there and is the one that was released."""
        return not self.problem


def save_checkpoint(path: Path, tensors: dict[str, torch.Tensor], config: dict[str, Any]) -> None:
    """Write tensors and their config as one safetensors file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(contiguous, partial, metadata={"config": json.dumps(config)})
    partial.chmod(0o644)  # safetensors leaves it readable by its owner alone
    partial.replace(path)


def read_checkpoint(
    path: Path, *, released: Path = WEIGHTS
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read tensors (floating ones as float32) and config.

    A file in the folder of ``released`` weights must be the one that was released, byte for byte.

    Raises:
        WeightsError: the file is missing, damaged or no checkpoint of ours.
    """
    if path.is_file() and path.parent == released:
        file = inspect_file(path.name, path, known_checksums(released).get(path.name))
        if not file.ok:
            raise WeightsError(f"the weights {path} are damaged: {file.problem}")
    with _opened(path) as (file, config):
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    return {k: t.float() if t.is_floating_point() else t for k, t in tensors.items()}, config


def read_header(path: Path) -> dict[str, Any]:
    """Read the config alone.

    Raises:
        WeightsError: the file is missing, damaged or no checkpoint of ours.
    """
    with _opened(path) as (_, config):
        return config


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, dict[str, Any]]]:
    remedy = remedy_for(path)
    if not path.is_file():
        raise WeightsError(f"the weights {path} are missing: {remedy}")
    try:
        with safe_open(path, framework="pt") as file:
            yield file, json.loads((file.metadata() or {})["config"])
    except (SafetensorError, KeyError, ValueError, OSError) as problem:
        raise WeightsError(f"the weights {path} are damaged ({problem}): {remedy}") from problem


def load_network(
    path: Path, build: Callable[[dict[str, Any]], Network], *, kind: str = COLORIZER
) -> Network:
    """Build a network from the config in its own file, and fill it: ready for use, not to train.

    ``kind`` is what the file has to hold.

    Raises:
        WeightsError: the file is missing, damaged or of another kind.
    """
    tensors, header = read_checkpoint(path)
    try:
        network = filled(lambda: build(header["config"]), tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as problem:
        found = kind_of(tensors, header)
        if found not in (None, kind):
            raise WeightsError(
                f"the weights {path} hold {found} and not {kind}: {OWN_REMEDY}"
            ) from problem
        raise WeightsError(
            f"the weights {path} do not fit this version: {remedy_for(path)}"
        ) from problem
    return network.eval().requires_grad_(False)


class _NothingDrawn(TorchFunctionMode):
    """Leaves new parameters as they are: to draw random ones takes longer than to read a file."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == nn.init.__name__:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def filled(
    build: Callable[[], Network], tensors: Mapping[str, torch.Tensor], *, strict: bool = True
) -> Network:
    """Build a network around tensors. Unless ``strict`` there may be some that have no place in it.

    Raises:
        RuntimeError: the tensors are not the network's.
    """
    with _NothingDrawn():
        network = build()
    lacking = network.load_state_dict(tensors, strict=strict, assign=True).missing_keys
    if lacking:
        raise RuntimeError(f"{lacking[0]} is missing")
    return network


def kind_of(tensors: Mapping[str, torch.Tensor], header: Mapping[str, Any]) -> str | None:
    """Tell what a checkpoint of ours holds, None where it cannot be told."""
    if any(name.startswith("averaged.") for name in tensors):
        return STATE
    config = header.get("config")
    if not isinstance(config, dict):
        return CLIP if any(name.startswith("visual.") for name in tensors) else None
    marks = {
        "vocabulary": GROUNDER, "candidates": MATCHER, "shares": BASELINE, "bins": COLORIZER,
    }  # fmt: skip
    if set(config) == {"encoder", "hidden"}:
        return AFFINITY
    return next((kind for mark, kind in marks.items() if mark in config), None)


def remedy_for(path: Path) -> str:
    """Say what to do about a file of weights: ours come again with the package, others do not."""
    return REMEDY if path.parent == WEIGHTS else OWN_REMEDY


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file as lower-case hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def encoder_digest(encoder: nn.Module, *, parts: tuple[str, ...] = ("",)) -> str:
    """Name an encoder by the SHA-256 of its tensors, in half precision as they are stored.

    Those count whose names begin with one of ``parts``.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(encoder.state_dict().items()):
        if tensor.is_floating_point() and name.startswith(parts):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().half().contiguous().numpy().tobytes())
    return digest.hexdigest()


def inspect_file(name: str, path: Path, expected: str | None) -> WeightsFile:
    """Describe one file of weights and what is wrong with it, if anything."""
    if not path.is_file():
        return WeightsFile(name, path, 0, "", f"missing: {REMEDY}")
    actual = file_sha256(path)
    problem = ""
    if expected is None:
        problem = f"no checksum is known for it: {REMEDY}"
    elif actual != expected:
        problem = f"its SHA-256 is {actual}, expected {expected}: {REMEDY}"
    return WeightsFile(name, path, path.stat().st_size, actual, problem)


def known_checksums(folder: Path = WEIGHTS) -> dict[str, str]:
    """Return file name -> SHA-256 of the weights that came with this version."""
    file = folder / CHECKSUMS
    if not file.is_file():
        return {}
    lines = (line.split() for line in file.read_text("ascii").splitlines() if line.strip())
    return {name: digest for digest, name in lines}
