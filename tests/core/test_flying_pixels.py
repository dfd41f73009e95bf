"""Flying pixels: what is one, what is not, and how many are found in real scenes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

from core.geometry.masks import flying_pixels

Map = NDArray[np.float32]


def step(ramp: list[float], width: int = 640) -> Map:
    """A near surface left, a far one right, and a ramp between them."""
    row = np.full(width, 2.0, np.float32)
    row[width // 2 :] = 5.0
    row[width // 2 : width // 2 + len(ramp)] = ramp
    return np.tile(row, (40, 1))


def test_the_ramp_of_a_blurred_edge_flies() -> None:
    found = flying_pixels(step([2.4, 3.0, 4.0, 4.6]))
    assert found[:, 320:324].all()
    assert found.sum() == found[:, 320:324].sum()


def test_the_threshold_is_relative_to_depth() -> None:
    ramp = step([2.4, 3.0, 4.0, 4.6])
    np.testing.assert_array_equal(flying_pixels(ramp), flying_pixels(ramp * 15))


def test_a_road_to_the_horizon_survives() -> None:
    row = np.maximum(np.arange(375) - 172.5, 0.1)
    road = np.where(np.arange(375) > 190, 720 * 1.65 / row, 80).astype(np.float32)
    depth = np.repeat(road[:, None], 1242, axis=1)
    assert road[191] > 60
    assert not flying_pixels(depth)[191:].any()


def test_missing_depth_is_no_surface_and_never_flies() -> None:
    depth = np.full((60, 640), 3.0, np.float32)
    depth[:, 200:300], depth[:, 400:500] = 0, np.nan
    depth[10, 10] = np.inf
    assert not flying_pixels(depth).any()


def test_large_pictures_find_the_same_edge_at_their_own_scale() -> None:
    ramp = np.repeat(np.repeat(step([2.4, 3.0, 4.0, 4.6]), 4, axis=0), 4, axis=1)
    found = flying_pixels(ramp)
    assert found[:, 4 * 320 : 4 * 324].all()
    assert found.sum() == found[:, 4 * 320 : 4 * 324].sum()


def nyu_depths(root: Path, every: int) -> list[Map]:
    files = sorted((root / "nyu" / "val" / "depth").glob("*.png"))[::every]
    return [np.asarray(Image.open(file)).astype(np.float32) / 1000 for file in files]


def blurred(truth: Map, kind: str) -> Map:
    """Down-sampled four times and up-sampled bilinearly."""
    plane = torch.from_numpy(truth)[None, None]
    small = functional.avg_pool2d(plane, 4) if kind == "mean" else plane[..., 2::4, 2::4]
    large = functional.interpolate(small, size=truth.shape, mode="bilinear", align_corners=False)
    return np.asarray(large[0, 0].numpy())


def truly_flying(truth: Map, depth: Map) -> NDArray[np.bool_]:
    """More than 5 % away from both the minimum and the maximum of the true 5x5 neighbourhood."""
    plane = torch.from_numpy(truth)[None, None]
    high = functional.max_pool2d(plane, 5, 1, 2)[0, 0].numpy()
    low = -functional.max_pool2d(-plane, 5, 1, 2)[0, 0].numpy()
    return np.asarray((abs(depth - low) > 0.05 * low) & (abs(depth - high) > 0.05 * high))


@pytest.mark.data
@pytest.mark.parametrize("kind", ["mean", "nearest"])
def test_nyu_nine_in_ten_flying_pixels_go_and_98_percent_of_the_others_stay(
    data_root: Path, kind: str
) -> None:
    counts = np.zeros(4)
    for truth in nyu_depths(data_root, every=16):
        depth = blurred(truth, kind)
        flies, found = truly_flying(truth, depth), flying_pixels(depth)
        counts += (flies & found).sum(), flies.sum(), (~flies & ~found).sum(), (~flies).sum()
    assert counts[0] / counts[1] >= 0.90
    assert counts[2] / counts[3] >= 0.98
