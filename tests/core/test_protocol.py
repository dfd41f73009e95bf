"""Which pixels count, and what a crop does to the camera."""

from __future__ import annotations

import numpy as np
import pytest

from core.data import Sample
from core.errors import DataError
from core.evaluate.protocol import KITTI, NYU, Box, Protocol


def frame(height: int, width: int, depth: float = 5.0) -> Sample:
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[..., 0] = np.arange(height)[:, None] % 256
    return Sample(
        rgb, np.full((height, width), depth, np.float32), 700.0, 710.0, 600.0, 180.0, "frame"
    )


def test_nyu_counts_the_eigen_crop() -> None:
    counted = NYU.counts(NYU.prepare(frame(480, 640)).depth)
    rows, columns = np.nonzero(counted)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (45, 470, 41, 600)
    assert counted.sum() == 426 * 560


def test_the_release_window_covers_what_counts() -> None:
    feed, window = NYU.feed, NYU.window
    assert feed == Box(42, 474, 40, 616)
    assert feed is not None
    assert window is not None
    assert feed.top <= window.top < window.bottom <= feed.bottom
    assert feed.left <= window.left < window.right <= feed.right
    assert (feed.bottom - feed.top, feed.right - feed.left) == (432, 576)


def test_kitti_crops_bottom_centre_and_counts_the_garg_window() -> None:
    sample = KITTI.prepare(frame(375, 1242))
    assert sample.depth.shape == (352, 1216)
    # 375 - 352 rows from the top, (1242 - 1216) / 2 columns from the left.
    assert (sample.cx, sample.cy) == (600.0 - 13, 180.0 - 23)
    assert (sample.fx, sample.fy) == (700.0, 710.0)
    assert sample.rgb[0, 0, 0] == 23
    rows, columns = np.nonzero(KITTI.counts(sample.depth))
    # 0.40810811 * 352 = 143.65, 0.99189189 * 352 = 349.15, 0.03594771 * 1216 = 43.71,
    # 0.96405229 * 1216 = 1172.29; whole pixels below, the ends not included.
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (143, 348, 43, 1171)


def test_ground_truth_outside_the_range_does_not_count() -> None:
    protocol = Protocol("test", max_depth=10.0)
    gt = np.array([[0.0, 1e-3, 0.0011, 9.999, 10.0, 11.0]], np.float32)
    assert protocol.counts(gt).tolist() == [[False, False, True, True, False, False]]


def test_predictions_are_clamped() -> None:
    protocol = Protocol("test", max_depth=10.0)
    clamped = protocol.clamp(np.array([[-1.0, 0.5, 12.0, np.inf]], np.float32))
    np.testing.assert_array_equal(clamped, [[1e-3, 0.5, 10.0, 10.0]])


def test_cap_ends_range_and_bins() -> None:
    capped = KITTI.with_cap(50.0)
    assert capped.max_depth == 50.0
    assert capped.range_edges == (0.0, 5.0, 10.0, 20.0, 30.0, 50.0)
    assert "50 m" in capped.name
    assert not capped.counts(np.full((352, 1216), 60.0, np.float32)).any()
    with pytest.raises(DataError, match="cap"):
        KITTI.with_cap(0.0)
