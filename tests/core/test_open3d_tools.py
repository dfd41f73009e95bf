"""The three steps that Open3D does, and what is said where it is missing."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest

from core.errors import ExportError
from core.geometry.open3d_tools import decimated, poisson_surface, without_outliers
from core.geometry.point_cloud import CloudOptions, PointCloud, cloud_from_depth
from core.geometry.provenance import SceneInfo
from tests.core import scenes

SCENE = SceneInfo(scenes.CAMERA, (scenes.WIDTH, scenes.HEIGHT))
installed = pytest.mark.skipif(
    importlib.util.find_spec("open3d") is None, reason="Open3D is not installed"
)


def ball(**options: bool) -> PointCloud:
    depth = scenes.sphere((0.0, 0.0, 3.0), 1.0, 3.4).astype(np.float32)
    return cloud_from_depth(
        depth, scenes.picture(), SCENE, CloudOptions(edge_tolerance=None, **options)
    )


@installed
def test_outliers_go_and_nothing_moves() -> None:
    depth = scenes.plane((0.0, 0.0, 1.0), 3.0).astype(np.float32)
    depth[30, 40] = 1.0
    cloud = cloud_from_depth(depth, scenes.picture(), SCENE, CloudOptions(edge_tolerance=None))
    kept = without_outliers(cloud)
    assert 30 * scenes.WIDTH + 40 not in kept.pixels
    assert len(kept) > 0.98 * len(cloud)
    assert kept.dropped["outlier"] == len(cloud) - len(kept)
    where = np.searchsorted(cloud.pixels, kept.pixels)
    np.testing.assert_array_equal(kept.points, cloud.points[where])
    np.testing.assert_array_equal(kept.colors, cloud.colors[where])


@installed
def test_a_decimated_surface_is_still_the_ball_and_keeps_its_texture() -> None:
    full = ball().surface()
    small = decimated(full, faces=800)
    assert len(small.faces) <= 800 < len(full.faces)
    on_ball = small.vertices[small.vertices[:, 2] < 3.0]
    assert np.abs(np.linalg.norm(on_ball - (0, 0, 3), axis=1) - 1).max() < 0.05
    assert small.area == pytest.approx(full.area, rel=0.05)
    assert small.uv.min() > -0.01
    assert small.uv.max() < 1.01
    assert decimated(small, faces=10_000) is small


@installed
def test_a_poisson_surface_stays_near_the_points() -> None:
    mesh = poisson_surface(ball(normals=True), detail=6)
    assert len(mesh.faces) > 500
    on_ball = mesh.vertices[(mesh.vertices[:, 2] < 2.6)]
    assert np.median(np.abs(np.linalg.norm(on_ball - (0, 0, 3), axis=1) - 1)) < 0.02


def test_without_open3d_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "open3d", None)
    with pytest.raises(ExportError, match="make setup"):
        without_outliers(ball())
