"""A photo at the working size as the network takes it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.model.config import IMAGENET_MEAN, IMAGENET_STD


def normalised(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(h, w, 3) uint8 RGB to the network's (1, 3, h, w) ImageNet-normalised float32."""
    mean, std = (np.array(of_rgb, np.float32) for of_rgb in (IMAGENET_MEAN, IMAGENET_STD))
    image = (rgb.astype(np.float32) / np.float32(255) - mean) / std
    return np.ascontiguousarray(image.transpose(2, 0, 1)[np.newaxis])
