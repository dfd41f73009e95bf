"""Smooths the light of a few-sample rendering along surfaces, never across them. NumPy only.

An edge-stopping wavelet filter ("edge-avoiding a-trous", Dammertz et al., HPG 2010) on the light
without the surfaces' own colour. It costs a tenth of what a denoising network costs on one core.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

_LEVELS = ((1, 4.0), (2, 1.2), (4, 0.6))
"""Pixels between the taps, and how unlike two lights may be: single paths first, then shadows."""
_KERNEL = {0: 0.375, 1: 0.25, 2: 0.0625}


def denoise(passes: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    """Linear colour (H, W, 3) of a rendering.

    Args:
        passes: "Combined", "Denoising Albedo", "Denoising Normal" (H, W, 3) and "Denoising
            Depth" (H, W) of a path-traced picture; without the guides it comes back as it is.
    """
    colour = passes["Combined"]
    if "Denoising Albedo" not in passes:
        return colour
    albedo = np.maximum(passes["Denoising Albedo"], 0) + np.float32(0.02)
    normal, depth = passes["Denoising Normal"], passes["Denoising Depth"]
    light = np.log1p(_without_specks(colour / albedo))
    inverse = 1 / np.maximum(np.where(np.isfinite(depth), depth, 1e4), 0.05)
    guide = np.concatenate(
        (normal * 2.5, np.log(inverse)[..., None] * 12, albedo * 1.5), -1
    ).astype(np.float32)
    for step, spread in _LEVELS:
        light = _smooth(light, guide, step, spread)
    return np.asarray(np.expm1(light) * albedo, np.float32)


def _smooth(
    light: NDArray[np.float32], guide: NDArray[np.float32], step: int, spread: float
) -> NDArray[np.float32]:
    """One level: 5x5 taps `step` pixels apart, weighted by how alike the surfaces are."""
    height, width = light.shape[:2]
    pad = 2 * step
    around = ((pad, pad), (pad, pad), (0, 0))
    wide, guides = np.pad(light, around, mode="edge"), np.pad(guide, around, mode="edge")
    total, weights = np.zeros_like(light), np.zeros((height, width, 1), np.float32)
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            rows = slice(pad + dy * step, pad + dy * step + height)
            columns = slice(pad + dx * step, pad + dx * step + width)
            other, there = wide[rows, columns], guides[rows, columns]
            apart = np.square(there - guide).sum(-1, keepdims=True)
            apart += np.square(other - light).sum(-1, keepdims=True) / spread
            weight = np.exp(-apart) * np.float32(_KERNEL[abs(dx)] * _KERNEL[abs(dy)])
            total += weight * other
            weights += weight
    return total / weights


def _without_specks(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each pixel between the fourth darkest and the fourth brightest of its 3x3.

    A path that met a lamp by luck, or a pixel whose few paths all met shadow, is no light.
    """
    brightness = light.max(-1)
    height, width = brightness.shape
    wide = np.pad(brightness, 1, mode="edge")
    around = [wide[y : y + height, x : x + width] for y in range(3) for x in range(3)]
    ordered = np.partition(np.stack(around), (3, 5), axis=0)
    wanted = np.clip(brightness, ordered[3], ordered[5])[..., None]
    lit = brightness[..., None]
    tint = np.where(lit > 1e-6, light / np.maximum(lit, 1e-6), 1)
    return np.asarray(tint * wanted, np.float32)
