"""From the photo's size to the network's: which size that is, and how to get there."""

from __future__ import annotations

from typing import SupportsIndex

from torch import Tensor
from torch.nn import functional

from core.errors import ConfigError

STRIDE = 16  # sides of the network's input are multiples of this
MIN_RESOLUTION = 96  # pixels; below, the 1/16 feature has too few rows to see a scene
MAX_RESOLUTION = 2048
MIN_WIDTH = 32
MAX_ASPECT = 4  # a longer picture is squeezed; KITTI's, the longest trained on, are 3.5 : 1
MAX_PORTRAIT = 2  # the same for height / width where the working size is taken along the width
MAX_WORKING_PIXELS = 2048 * 3072


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


def resize_rgb(rgb: Tensor, size: tuple[int, int]) -> Tensor:
    """Resamples a photo, antialiased, without ever holding a float copy of it.

    torch's uint8 kernel reads the interleaved photo where it lies: 12 megapixels to 384x288 took
    8 to 12 ms on one core where Pillow took 60 to 150 (same filters), and its only intermediate is
    as wide as the result.

    Args:
        rgb: (H, W, 3) uint8.
        size: width and height wanted.

    Returns:
        (h, w, 3) uint8; `rgb` itself, unfiltered, if it has that size.
    """
    width, height = size
    if rgb.shape[:2] == (height, width):
        return rgb
    # Triangle for shrinking, as most of the training views; cubic for enlarging.
    shrinks = height * width <= rgb.shape[0] * rgb.shape[1]
    resized = functional.interpolate(
        rgb.permute(2, 0, 1)[None],
        size=(height, width),
        mode="bilinear" if shrinks else "bicubic",
        antialias=True,
        align_corners=False,
    )
    return resized[0].permute(1, 2, 0).contiguous()
