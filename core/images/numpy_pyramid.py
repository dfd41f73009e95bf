"""The Laplacian pyramid of `core.model.pyramid`, and the sigmoid, for arrays: without PyTorch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def halve(image: Floats) -> Floats:
    """(..., h, w) at half size: means of two by two."""
    down = (image[..., ::2, :] + image[..., 1::2, :]) * np.float32(0.5)
    half: Floats = (down[..., ::2] + down[..., 1::2]) * np.float32(0.5)
    return half


def double(image: Floats) -> Floats:
    """(..., h, w) at twice its size, bilinear, pixel areas aligned."""
    for axis in (-2, -1):
        shape = list(image.shape)
        shape[axis] *= 2
        larger = np.empty(shape, image.dtype)
        parts = larger, image * np.float32(0.75), image * np.float32(0.25)
        along, near, far = (part.swapaxes(axis, 0) for part in parts)
        before, after = along[::2], along[1::2]
        np.add(near[:1], far[:1], out=before[:1])
        np.add(near[1:], far[:-1], out=before[1:])
        np.add(near[:-1], far[1:], out=after[:-1])
        np.add(near[-1:], far[-1:], out=after[-1:])
        image = larger
    return image


def laplacian_pyramid(image: Floats, levels: int) -> list[Floats]:
    """The low-pass and the bands of (..., h, w), coarse -> fine."""
    bands = []
    for _ in range(levels - 1):
        smaller = halve(image)
        bands.append(image - double(smaller))
        image = smaller
    return [image, *reversed(bands)]


def accumulate(residuals: Sequence[Floats]) -> list[Floats]:
    """The sum of residuals after every level, coarse -> fine, each (..., h_k, w_k)."""
    sums: list[Floats] = []
    for residual in residuals:
        sums.append(residual + double(sums[-1]) if sums else residual)
    return sums


def log_sigmoid(values: Floats) -> Floats:
    """log(1 / (1 + exp(-x))), exact at both ends."""
    return np.minimum(values, 0) - np.log1p(np.exp(-np.abs(values)))


def sigmoid(values: Floats) -> Floats:
    """1 / (1 + exp(-x)), exact at both ends."""
    small = np.exp(-np.abs(values))
    result: Floats = np.where(values < 0, small, np.float32(1)) / (1 + small)
    return result
