"""The network: tensors only, no files, no NumPy."""

from core.model.config import ModelConfig
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
