"""From the photo's size to the network's: which size that is, and how to get there.

Resampling is separable and widens its filter where it shrinks, as Pillow's and PyTorch's
antialiasing do. A pass is a product with a band matrix, of which only the band is computed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import SupportsIndex

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.errors import ConfigError
from core.threads import in_threads

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Filter = Callable[[NDArray[np.float64]], NDArray[np.float64]]

STRIDE = 16  # sides of the network's input are multiples of this
MIN_RESOLUTION = 96  # pixels; below, the 1/16 feature has too few rows to see a scene
MAX_RESOLUTION = 2048
MIN_WIDTH = 32
MAX_ASPECT = 4  # a longer picture is squeezed; KITTI's, the longest trained on, are 3.5 : 1
MAX_PORTRAIT = 2  # the same for height / width where the working size is taken along the width
MAX_WORKING_PIXELS = 2048 * 3072

_TOGETHER = 16  # pixels computed in one product: few leave little out, many need few products
_ROWS = 256  # of a photo that Pillow has at once


def working_size(
    photo: tuple[int, int], working_height: int, resolution: int | None = None
) -> tuple[int, int]:
    """The size at which the network sees a photo.

    A landscape photo is worked on at the model's height. A portrait photo has it along its width,
    so that objects come at about the size they were trained at. `resolution` overrides both and
    always means the height.

    Args:
        photo: width and height in pixels.
        working_height: the model's, in pixels.
        resolution: height asked for, rounded to a multiple of 16.

    Returns:
        Width and height in pixels, multiples of 16.

    Raises:
        ConfigError: a resolution out of range, or too large for this photo's shape.
    """
    width, height = photo
    if resolution is None and height > width:
        across = _rounded(working_height)
        down = _rounded(across * height / width)
        return across, min(max(down, across), MAX_PORTRAIT * across)
    down = _rounded(working_height) if resolution is None else checked_resolution(resolution)
    across = min(max(_rounded(down * width / height), MIN_WIDTH), MAX_ASPECT * down)
    if across * down > MAX_WORKING_PIXELS:
        raise ConfigError(
            f"A resolution of {down} makes the working size of this {width}x{height} photo "
            f"{across}x{down}, expected at most {MAX_WORKING_PIXELS // 10**6} million pixels: "
            "choose a lower resolution."
        )
    return across, down


def checked_resolution(resolution: SupportsIndex) -> int:
    """The working height for a resolution asked for: the nearest multiple of 16.

    Raises:
        ConfigError: below 96 or above 2048, or no number.
    """
    try:
        pixels = None if isinstance(resolution, bool) else resolution.__index__()
    except AttributeError:
        pixels = None
    if pixels is None:
        raise ConfigError(
            f"The resolution is {resolution!r}, expected a whole number of pixels: give the "
            "working height, for example 384."
        )
    if not MIN_RESOLUTION <= pixels <= MAX_RESOLUTION:
        raise ConfigError(
            f"The resolution is {pixels}, expected {MIN_RESOLUTION} to {MAX_RESOLUTION} "
            "pixels: it is the height at which the network sees the photo."
        )
    return _rounded(pixels)


def _rounded(pixels: float) -> int:
    return max(STRIDE, int(pixels / STRIDE + 0.5) * STRIDE)


def triangle(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear interpolation, at a distance in pixels."""
    weights: NDArray[np.float64] = np.maximum(1 - np.abs(x), 0)
    return weights


def cubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' cubic (1981) with a = -0.5, at a distance in pixels."""
    x = np.abs(x)
    near, far = (1.5 * x - 2.5) * x * x + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2
    weights: NDArray[np.float64] = np.where(x < 1, near, np.where(x < 2, far, 0))
    return weights


def resize_rgb(rgb: Bytes, *sizes: tuple[int, int]) -> list[Bytes]:
    """Resamples a photo, antialiased, with no other copy of it than a strip.

    Pillow's filters, columns first and then rows. PyTorch's antialiasing, with which the models
    were trained, gives the same but for some bytes in a thousand, which differ by one.

    Args:
        rgb: (H, W, 3).
        sizes: width and height wanted, one or several.

    Returns:
        (h, w, 3) for each; `rgb` itself, unfiltered, where it has that size.
    """
    height, width = rgb.shape[:2]
    wanted = [size for size in dict.fromkeys(sizes) if size != (width, height)]
    # Triangle for shrinking, as most of the training views; cubic for enlarging.
    kinds = [
        Image.Resampling.BILINEAR if w * h <= width * height else Image.Resampling.BICUBIC
        for w, h in wanted
    ]
    narrow = [np.empty((height, w, 3), np.uint8) for w, _ in wanted]

    def columns(top: int) -> None:
        strip = Image.fromarray(rgb[top : top + _ROWS])
        for (w, _), kind, made in zip(wanted, kinds, narrow, strict=True):
            made[top : top + _ROWS] = np.asarray(strip.resize((w, strip.height), kind))

    in_threads(columns, range(0, height, _ROWS) if wanted else ())
    results = {(width, height): rgb}
    for size, kind, made in zip(wanted, kinds, narrow, strict=True):
        results[size] = np.asarray(Image.fromarray(made).resize(size, kind))
    return [results[size] for size in sizes]


def resample(plane: Floats, height: int, width: int, kind: Filter) -> Floats:
    """(h, w) to (height, width), antialiased where it shrinks."""
    across = np.empty((plane.shape[0], width), np.float32)
    for to, of, weights in bands(plane.shape[1], width, kind):
        across[:, to] = plane[:, of] @ weights.T
    # NumPy asks the system for large pages, which cost a fifth to touch for the first time.
    result = np.empty((height, width), np.float32)
    for to, of, weights in bands(plane.shape[0], height, kind):
        np.matmul(weights, across[of], out=result[to])
    return result


Bands = list[tuple[slice, slice, Floats]]


@functools.lru_cache(32)
def bands(source: int, target: int, kind: Filter) -> Bands:
    """One side's resampling: each pixel wanted is a weighted mean of some that there are.

    Args:
        source, target: pixels there are, and wanted.
        kind: the filter, at distances in the larger of both kinds of pixels.

    Returns:
        The pixels wanted, a few at a time; those that they see; and (wanted, seen) weights.
    """
    scale = source / target
    wide = max(scale, 1.0)
    reach = wide * (1 if kind is triangle else 2)
    centre = scale * (np.arange(target) + 0.5)
    first = np.maximum((centre - reach + 0.5).astype(int), 0)
    last = np.minimum((centre + reach + 0.5).astype(int), source)
    seen = [
        (
            slice(at, min(at + _TOGETHER, target)),
            slice(int(first[at]), int(last[at : at + _TOGETHER].max())),
        )
        for at in range(0, target, _TOGETHER)
    ]
    found = []
    for to, of in seen:
        place = np.arange(of.start, of.stop)
        weights = kind((place - centre[to, np.newaxis] + 0.5) / wide)
        weights[(place < first[to, np.newaxis]) | (place >= last[to, np.newaxis])] = 0
        found.append(weights / weights.sum(1, keepdims=True))
    return [(*which, w.astype(np.float32)) for which, w in zip(seen, found, strict=True)]
