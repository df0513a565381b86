"""torchvision's operators, declared so that it can be imported beside a CPU build of torch.

timm and open_clip import torchvision but use none of its compiled operators. Those do not load
where torch is a CPU build and torchvision is not, and then torchvision fails because it describes
two operators that nobody declared. To declare their schemas is enough.
"""

from __future__ import annotations

import functools

import torch


@functools.cache
def declare_torchvision_operators() -> torch.library.Library:
    """Declare the schemas that torchvision looks for, once."""
    library = torch.library.Library("torchvision", "FRAGMENT")
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library
