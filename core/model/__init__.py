"""The network: tensors only, no files, no NumPy.

Names are imported when they are first used: a configuration is read without PyTorch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from core.model.config import ModelConfig

if TYPE_CHECKING:
    from core.model.lapdepth import LapDepth, LapDepthOutput
    from core.model.pyramid import accumulate, laplacian_pyramid, reconstruct

__all__ = [
    "LapDepth",
    "LapDepthOutput",
    "ModelConfig",
    "accumulate",
    "laplacian_pyramid",
    "reconstruct",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "lapdepth" if name.startswith("LapDepth") else "pyramid"
    return getattr(import_module(f"{__name__}.{home}"), name)
