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

# Rows of a photo computed in one product, and its columns: what they see fits into the cache.
_ROWS_TOGETHER, _COLUMNS = 4, 1365
_ROUNDING = np.float32(0.5 + 2**-11)  # halves go up, whatever float32 makes of them


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


def touched(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """No filter: the mean of all that a new pixel touches, for shrinking."""
    return np.ones_like(x)


def resize_rgb(rgb: Bytes, *sizes: tuple[int, int]) -> list[Bytes]:
    """Resamples a photo, antialiased, with no other copy of it than a block.

    What shrinks has its rows reduced first: that leaves little for Pillow, which is slower. Some
    bytes are off by one from Pillow's and PyTorch's antialiasing, with which the models were
    trained, since those round after the columns.

    Args:
        rgb: (H, W, 3).
        sizes: width and height wanted, one or several.

    Returns:
        (h, w, 3) for each; `rgb` itself, unfiltered, where it has that size.
    """
    height, width = rgb.shape[:2]
    results = {(width, height): rgb}
    for size in sizes:
        if size in results:
            continue
        # Triangle for shrinking, as most of the training views; cubic for enlarging.
        if size[0] * size[1] <= width * height:
            kind, half = Image.Resampling.BILINEAR, Image.fromarray(_resized_rows(rgb, size[1]))
        else:
            kind = Image.Resampling.BICUBIC
            half = Image.fromarray(rgb).resize((size[0], height), kind)
        results[size] = np.asarray(half.resize(size, kind))
    return [results[size] for size in sizes]


def _resized_rows(rgb: Bytes, target: int) -> Bytes:
    """(H, W, 3) to (target, W, 3)."""
    height, width = rgb.shape[:2]
    result = np.empty((target, width, 3), np.uint8)
    groups = bands(height, target, triangle, _ROWS_TOGETHER)
    most = max(of.stop - of.start for _, of, _ in groups)

    def block(left: int) -> None:
        right = min(left + _COLUMNS, width)
        values = 3 * (right - left)
        seen, sums = np.empty((2, max(most, _ROWS_TOGETHER), values), np.float32)
        for to, of, weights in groups:
            some, new = seen[: of.stop - of.start], sums[: to.stop - to.start]
            some.reshape(-1, right - left, 3)[...] = rgb[of, left:right]
            np.matmul(weights, some, out=new)
            new += _ROUNDING  # bytes cut the rest off
            result[to, left:right] = new.reshape(-1, right - left, 3)

    in_threads(block, range(0, width, _COLUMNS))
    return result


def resample(planes: Floats, height: int, width: int, kind: Filter) -> Floats:
    """(..., h, w) to (..., height, width), antialiased where it shrinks."""
    *many, h, w = planes.shape
    across = np.empty((*many, h, width), np.float32)
    for to, of, weights in bands(w, width, kind):
        across[..., to] = planes[..., of] @ weights.T
    # NumPy asks the system for large pages, which cost a fifth to touch for the first time.
    result = np.empty((*many, height, width), np.float32)
    for to, of, weights in bands(h, height, kind):
        np.matmul(weights, across[..., of, :], out=result[..., to, :])
    return result


Bands = list[tuple[slice, slice, Floats]]


@functools.lru_cache(32)
def bands(source: int, target: int, kind: Filter, together: int = 16) -> Bands:
    """One side's resampling: each pixel wanted is a weighted mean of some that there are.

    Args:
        source, target: pixels there are, and wanted.
        kind: the filter, at distances in the larger of both kinds of pixels.
        together: pixels computed in one product: few leave little out, many need few products.

    Returns:
        The pixels wanted, a few at a time; those that they see; and (wanted, seen) weights.
    """
    scale = source / target
    wide = max(scale, 1.0)
    reach = wide * (1 if kind is triangle else 2)
    places = np.arange(target)
    centre = scale * (places + 0.5)
    first = np.maximum((centre - reach + 0.5).astype(int), 0)
    last = np.minimum((centre + reach + 0.5).astype(int), source)
    if kind is touched:
        first, last = places * source // target, -(-(places + 1) * source // target)
    seen = [
        (
            slice(at, min(at + together, target)),
            slice(int(first[at]), int(last[at : at + together].max())),
        )
        for at in range(0, target, together)
    ]
    found = []
    for to, of in seen:
        place = np.arange(of.start, of.stop)
        weights = kind((place - centre[to, np.newaxis] + 0.5) / wide)
        weights[(place < first[to, np.newaxis]) | (place >= last[to, np.newaxis])] = 0
        found.append(weights / weights.sum(1, keepdims=True))
    return [(*which, w.astype(np.float32)) for which, w in zip(seen, found, strict=True)]
