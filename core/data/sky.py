"""Finding the sky in driving pictures, where neither LiDAR nor stereo measures it rightly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from core.data.sample import Sample

BRIGHT = 185.0  # of 255; cloud and haze
BLUE = 18.0  # how far blue must lie above red where the sky is darker than that
SMOOTH = 5.0  # largest local contrast (standard deviation, of 255)
LABEL_EVERY = 6  # one sky pixel in this many rows and columns is marked
DENSE = 0.25  # a larger share of measured pixels comes from stereo
UNSURE = 2.5  # stereo finds no match worth keeping above the horizon where contrast is lower
HORIZON = 0.45  # of the picture's height
WALL, WALL_SHARE = 40.0, 0.25  # metres, and the share of the "sky" measured nearer: it is a wall

SKY = np.float32(1e6)
"""Metres that stand for the sky in a training sample."""


def find_sky(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Smooth bright or blue pixels that reach the top edge without a break in their column.

    Cautious: sky between branches and below wires is missed rather than a white wall taken.

    Args:
        rgb: (H, W, 3).

    Returns:
        (H, W), True where there is sky.
    """
    height, width = rgb.shape[:2]
    small = Image.fromarray(rgb).resize((width // 2, height // 2), Image.Resampling.BOX)
    colour = np.asarray(small, np.float32)
    light = colour.mean(2)
    contrast = local_contrast(np.asarray(small))
    blue = (colour[..., 2] - colour[..., 0] > BLUE) & (light > 70)
    candidate = ((light > BRIGHT) | blue) & (contrast < SMOOTH)
    reaches = np.logical_and.accumulate(candidate[1:], axis=0)  # the first row is often dark
    sky = np.concatenate((reaches[:1], reaches))
    # A lone column is a gap between houses at best; its neighbours have to agree.
    steady = Image.fromarray(sky).convert("L").filter(ImageFilter.MedianFilter(7))
    return np.asarray(steady.resize((width, height), Image.Resampling.NEAREST)) > 127


def mark_sky(sample: Sample) -> Sample:
    """A driving frame with SKY in the sky, and without stereo matches that cannot be trusted.

    The sky is marked on a sparse grid: labelled densely it would outweigh the few pixels that
    LiDAR measures. What looks like sky and is measured near (a white wall) stays as it is.
    """
    sky, depth = find_sky(sample.rgb), sample.depth
    if np.count_nonzero(depth) > DENSE * depth.size:
        flat = local_contrast(sample.rgb) < UNSURE
        flat[int(HORIZON * len(flat)) :] = False
        depth = np.where(flat, np.float32(0), depth)
    near = np.count_nonzero(sky & (sample.depth > 0) & (sample.depth < WALL))
    if near < WALL_SHARE * np.count_nonzero(sky):
        depth = np.where(sky, np.float32(0), depth)
        grid = np.zeros_like(sky)
        grid[::LABEL_EVERY, ::LABEL_EVERY] = True
        depth = np.where(sky & grid, SKY, depth)
    return replace(sample, depth=depth)


def local_contrast(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(H, W) standard deviation of the brightness over 5x5 pixels, of 255."""
    light = rgb.mean(2, dtype=np.float32)
    variance = np.maximum(_blur(light**2) - _blur(light) ** 2, 0)
    return np.asarray(np.sqrt(variance), np.float32)


def _blur(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean over 5x5 pixels, edges repeated."""
    padded = np.pad(values, 2, mode="edge").astype(np.float64)
    total = np.pad(padded.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    window = total[5:, 5:] - total[:-5, 5:] - total[5:, :-5] + total[:-5, :-5]
    return np.asarray(window / 25, np.float32)
