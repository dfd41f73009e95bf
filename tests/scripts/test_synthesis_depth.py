"""Rendered depth against the formula; runs where Blender's package is installed."""

from __future__ import annotations

import math

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="Blender's package bpy is not installed")

from scripts.synthesis.models import _drop_doubles  # noqa: E402
from scripts.synthesis.render import Quality, View, prepare, render  # noqa: E402


def test_depth_is_planar_and_through_the_pixel_centres() -> None:
    """A floor, a wall and a ball under a tilted, rolled camera, against the formula."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.world = bpy.data.worlds.new("world")
    bpy.ops.mesh.primitive_plane_add(size=100)
    bpy.ops.mesh.primitive_plane_add(size=100, location=(6, 0, 0), rotation=(0, math.pi / 2, 0))
    bpy.ops.mesh.primitive_uv_sphere_add(
        radius=0.7, segments=256, ring_count=256, location=(3, 0.2, 0.8)
    )
    quality = Quality(96, 72, samples=1)
    prepare(quality)
    view = View((0.0, 0.0, 1.4), 0.2, -0.25, 0.1, math.radians(63))
    ((_, depth),) = render([view], seed=1)
    fx, fy, cx, cy = view.intrinsics(96, 72)
    v, u = np.mgrid[:72, :96]
    pose = np.array(view.pose)
    rays = np.stack([(u - cx) / fx, (v - cy) / fy, np.ones(u.shape)], -1) @ pose[:3, :3].T
    floor = np.where(rays[..., 2] < 0, -1.4 / rays[..., 2], np.inf)
    wall = 6 / rays[..., 0]
    away = pose[:3, 3] - (3, 0.2, 0.8)
    a, b, c = (rays**2).sum(-1), rays @ away, away @ away - 0.49
    under = b * b - a * c
    ball = np.where(under > 0, (-b - np.sqrt(np.maximum(under, 0))) / a, np.inf)
    expected = np.minimum(np.minimum(floor, wall), ball)
    inner = np.abs(under) > 0.05  # the ball's outline depends on its facets
    error = np.abs(depth - expected) / expected
    assert error[inner].max() < 2e-3
    assert np.median(error) < 2e-5


def test_of_two_faces_in_one_place_one_stays() -> None:
    """A front and a back in one place shade each other black."""
    corners = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1)]
    meshes = [bpy.data.meshes.new(name) for name in ("front", "back")]
    meshes[0].from_pydata(corners, [], [(0, 1, 2, 3), (0, 1, 4)])
    meshes[1].from_pydata(corners, [], [(3, 2, 1, 0), (1, 2, 4)])
    _drop_doubles(meshes)
    assert [len(mesh.polygons) for mesh in meshes] == [2, 1]
