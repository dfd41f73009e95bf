"""A photo at the working size as the network takes it."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from core.model.config import IMAGENET_MEAN, IMAGENET_STD


def normalised(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(h, w, 3) uint8 RGB to the network's (1, 3, h, w) ImageNet-normalised float32."""
    image = np.empty((1, 3, *rgb.shape[:2]), np.float32)
    for channel, table in enumerate(_table()):
        # mode="clip" is what lets take() write straight into `image`.
        np.take(table, rgb[..., channel], out=image[0, channel], mode="clip")
    return image


@functools.cache
def _table() -> NDArray[np.float32]:
    """(3, 256): what each byte of a channel becomes."""
    mean, std = (np.array(of_rgb, np.float32) for of_rgb in (IMAGENET_MEAN, IMAGENET_STD))
    shades = np.arange(256, dtype=np.float32)[:, np.newaxis]
    return np.ascontiguousarray(((shades / np.float32(255) - mean) / std).T)
