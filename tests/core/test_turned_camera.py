"""A turned camera sees the same scene: checked on planes, whose depth is known for every pixel."""

import numpy as np
import pytest
import torch

from core.data import Sample
from core.data.augment import SKY, AugmentConfig, training_view, turn_camera

FX, FY, CX, CY = 310.0, 312.0, 162.0, 118.0
NORMAL = np.array([0.1, 0.2, 1.0])


def plane_depth(normal: np.ndarray, height: int = 240, width: int = 320) -> np.ndarray:
    """z of the plane normal . X = 3, at every pixel's centre."""
    v, u = np.mgrid[:height, :width]
    rays = normal[0] * (u - CX) / FX + normal[1] * (v - CY) / FY + normal[2]
    return (3 / rays).astype(np.float32)


def plane() -> Sample:
    rgb = np.full((240, 320, 3), 128, np.uint8)
    return Sample(rgb, plane_depth(NORMAL), FX, FY, CX, CY, "plane")


def turned_normal(roll: float, pitch: float, yaw: float) -> np.ndarray:
    """The plane's normal in the turned camera, from each turn applied to the vector in order."""
    x, y, z = NORMAL
    a = np.radians(yaw)
    x, z = x * np.cos(a) + z * np.sin(a), z * np.cos(a) - x * np.sin(a)
    a = np.radians(pitch)
    y, z = y * np.cos(a) - z * np.sin(a), z * np.cos(a) + y * np.sin(a)
    a = np.radians(roll)
    x, y = x * np.cos(a) - y * np.sin(a), y * np.cos(a) + x * np.sin(a)
    return np.array([x, y, z])


@pytest.mark.parametrize("turn", [(3, 0, 0), (0, 6, 0), (0, 0, -6), (2, 5, -6)])
def test_depth_is_that_of_the_turned_plane(turn: tuple[float, float, float]) -> None:
    depth = np.asarray(turn_camera(plane(), *turn)[1])
    seen = depth > 0
    assert 0.7 < seen.mean() < 1
    # The nearest pixel's depth is taken: half a pixel of this plane is 0.1 % of its depth.
    assert depth[seen] == pytest.approx(plane_depth(turned_normal(*turn))[seen], rel=1e-3)


def test_no_turn_changes_nothing() -> None:
    photo, depth = turn_camera(plane(), 0, 0, 0)
    assert np.array_equal(np.asarray(photo), plane().rgb)
    assert np.asarray(depth) == pytest.approx(plane().depth, rel=1e-6)


def test_the_sky_stays_the_sky_and_gaps_stay_gaps() -> None:
    marked = plane()
    marked.depth[:60] = SKY
    marked.depth[200:] = 0
    depth = np.asarray(turn_camera(marked, 0, 4, 4)[1])
    assert np.count_nonzero(depth == SKY) > 1000
    assert np.count_nonzero(depth == 0) > 40 * 320 * 0.5
    there = (depth != SKY) & (depth != 0)
    assert depth[there].min() > 1


def test_tilted_views_differ_and_keep_their_metres() -> None:
    config = AugmentConfig(rotation=0, flip=0, gain=(1, 1), brightness=(1, 1), tilt=8.0)
    depths = []
    for seed in range(2):
        rng = np.random.default_rng(seed)
        depths.append(training_view(plane(), (240, 320), FX, config, rng)[1])
    assert not torch.equal(*depths)
    for depth in depths:
        assert 2 < float(depth[depth > 0].median()) < 4
