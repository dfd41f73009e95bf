"""What one photo becomes: depth at the photo's size, and the levels it was summed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.camera import Intrinsics
from core.geometry.calibration import Calibration
from core.model import accumulate, laplacian_pyramid
from core.model.encoders.base import IMAGENET_MEAN, IMAGENET_STD
from core.model_files.model_info import ModelInfo
from core.uncertainty import confidence


@dataclass(frozen=True, eq=False)
class PredictionLevel:
    """One level of the Laplacian decomposition, at its own size.

    Attributes:
        stride: working pixels per pixel of this level: 16, 8, 4, 2, 1.
        residual: (h, w) float32, max_depth * level output, in metres before the sigmoid.
        band: (h, w, 3) float32 of the photo in normalised units; at stride 16 the low-pass.
        depth: (h, w) float32 metres, focal_scale * max_depth * sigmoid(sum so far). Unless the
            model was trained with supervision at every level (`info.supervised_levels`), this is
            what the sum gives there and no estimate that the network was trained for.
    """

    stride: int
    residual: NDArray[np.float32]
    band: NDArray[np.float32]
    depth: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class WorkingPass:
    """What is kept of the unflipped pass: a few hundred kilobytes, enough for every level.

    Attributes:
        rgb: (h, w, 3) uint8, the photo as the network saw it.
        residuals: coarse -> fine, each (1, 1, h_k, w_k) float32.
    """

    rgb: Tensor
    residuals: Sequence[Tensor]


@dataclass(frozen=True, eq=False)
class Prediction:
    """Metric depth of a photo.

    Attributes:
        depth: (H, W) float32, metres along the optical axis (z), at the photo's own size.
        intrinsics: of the photo, in its pixels, with their source.
        focal_scale: photo focal length / canonical focal length at the network's input, already
            multiplied into `depth`; 1.0 where the model's depth is not focal-normalised.
        info: of the model.
        settings: JSON-ready: what was asked for (resolution, flip, fov) and used (working_size,
            engine, device, precision).
        milliseconds: from decoded photo to `depth`.
        photo_size: width and height of the photo in pixels.
        working: what `levels` is computed from.
        calibration: the known length that `depth` was rescaled by, or None.
    """

    depth: NDArray[np.float32]
    intrinsics: Intrinsics
    focal_scale: float
    info: ModelInfo
    settings: Mapping[str, Any]
    milliseconds: float
    photo_size: tuple[int, int]
    working: WorkingPass
    calibration: Calibration | None = None

    @property
    def scale(self) -> float:
        """Factor on the model's own depth, already in `depth` and `levels`; 1.0 = none."""
        return 1.0 if self.calibration is None else self.calibration.scale

    def scale_facts(self) -> dict[str, Any]:
        """JSON-ready: the factor on the model's own depth, where it is from, what is left over."""
        if self.calibration is None:
            return {"factor": 1.0, "source": "model", "residuals": []}
        return self.calibration.facts()

    def calibrated(self, calibration: Calibration) -> Prediction:
        """The same prediction with another scale (`core.geometry.measure.calibrated` finds it)."""
        depth = self.depth * np.float32(calibration.scale / self.scale)
        return replace(self, depth=depth, calibration=calibration)

    @cached_property
    def confidence(self) -> NDArray[np.float32] | None:
        """(H, W) in [0, 1], 1 - expected relative error; None where the model has none.

        Of the unflipped pass, computed when first asked for.
        """
        if self.info.error_model is None:
            return None
        with torch.inference_mode():
            expected = self.info.error_model.expected_error(self.working.residuals)
            return confidence(expected, self.depth.shape).numpy()

    @cached_property
    def levels(self) -> list[PredictionLevel]:
        """The levels of the unflipped pass, coarse -> fine, computed when first asked for."""
        residuals = self.working.residuals
        with torch.inference_mode():
            bands = laplacian_pyramid(normalised(self.working.rgb), len(residuals))
            scale = self.focal_scale * self.scale
            depths = depth_of_levels(residuals, self.info.config.max_depth, scale)
            return [
                PredictionLevel(
                    stride=2 ** (len(residuals) - 1 - index),
                    residual=(residual * self.info.config.max_depth)[0, 0].numpy(),
                    band=np.ascontiguousarray(band[0].permute(1, 2, 0).numpy()),
                    depth=depth[0, 0].numpy(),
                )
                for index, (residual, band, depth) in enumerate(
                    zip(residuals, bands, depths, strict=True)
                )
            ]


def normalised(rgb: Tensor) -> Tensor:
    """(h, w, 3) uint8 RGB to the network's (1, 3, h, w) ImageNet-normalised float32."""
    image = rgb.permute(2, 0, 1)[None].to(torch.float32)
    mean = torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1)
    std = torch.tensor(IMAGENET_STD).view(1, 3, 1, 1)
    return (image / 255 - mean) / std


def depth_of_levels(
    residuals: Sequence[Tensor], max_depth: float, focal_scale: float
) -> list[Tensor]:
    """Metres after every level, coarse -> fine: focal_scale * max_depth * sigmoid(sum so far)."""
    return [torch.sigmoid(total) * max_depth * focal_scale for total in accumulate(residuals)]
