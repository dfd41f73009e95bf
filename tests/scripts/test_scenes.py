"""The ray caster: hand-computed hits, and the stored depth is what it gives."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from scripts.scenes import room, street
from scripts.scenes.render import Camera, render_depth, trace
from scripts.scenes.shapes import Array, Box, Cylinder, Ellipsoid, Shape
from scripts.scenes.textures import linear, plain

EXAMPLES = Path(__file__).resolve().parents[2] / "assets" / "examples"
GREY = plain(linear(128, 128, 128))
FORWARD = np.array([[0.0, 0.0, 1.0]])
ORIGIN = np.zeros((1, 3))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (Box((0, 0, 5), (1, 1, 2), GREY), 4.0),
        (Box((0, 0, 5), (2, 1, 2), GREY, yaw=45), 5 - np.sqrt(2)),
        (Box((0, 0, 0), (1, 1, 6), GREY), 3.0),  # from inside
        (Ellipsoid((0, 0, 5), (2, 2, 3), GREY), 3.5),
        (Cylinder((0, 0, 5), (2, 1, 2), GREY), 4.0),
        (Cylinder((0, 1.0, 5), (2, 1, 2), GREY), np.inf),  # passes above it
        (Box((0, 0, -5), (1, 1, 1), GREY), np.inf),  # behind the camera
    ],
)
def test_first_hit(shape: Shape, expected: float) -> None:
    assert shape.hit(ORIGIN, FORWARD)[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    "shape",
    [
        Box((0.2, -0.1, 4), (1, 1.2, 0.9), GREY, yaw=30),
        Ellipsoid((0.1, 0.2, 4), (1, 1.4, 0.8), GREY, yaw=-20),
        Cylinder((-0.2, 0.1, 4), (0.8, 1.1, 1.2), GREY, yaw=15),
    ],
    ids=["box", "ellipsoid", "cylinder"],
)
def test_normals_point_out_of_the_surface(shape: Shape) -> None:
    """A step along the normal leaves the shape, a step against it enters: where rays tell."""
    random = np.random.default_rng(0)
    directions = np.stack(
        [random.uniform(-0.1, 0.1, 400), random.uniform(-0.1, 0.1, 400), np.ones(400)], axis=1
    )
    t = shape.hit(np.zeros((400, 3)), directions)
    hit = np.isfinite(t)
    assert hit.sum() > 200
    points = t[hit, None] * directions[hit]
    normals: Array = shape.normal(shape.to_local(points)) @ shape.turn(np.eye(3)).T
    assert np.linalg.norm(normals, axis=1) == pytest.approx(1.0)
    inside = shape.hit(points - 1e-3 * normals, normals)
    outside = shape.hit(points + 1e-3 * normals, normals)
    assert inside == pytest.approx(1e-3, rel=1e-2)
    assert np.isinf(outside).all()


def test_the_nearest_shape_wins_in_any_order() -> None:
    shapes = [Box((0, 0, 9), (1, 1, 1), GREY), Ellipsoid((0, 0, 4), (1, 1, 1), GREY)]
    t, index = trace(shapes, ORIGIN, FORWARD)
    assert (t[0], index[0]) == (pytest.approx(3.5), 1)
    t, index = trace(shapes[::-1], ORIGIN, FORWARD)
    assert (t[0], index[0]) == (pytest.approx(3.5), 0)


def test_depth_is_along_the_axis_not_along_the_ray() -> None:
    wall = Box((0, 0, 3.5), (100, 100, 1), GREY)
    scene = room.Scene(shapes=[wall], lights=[], ambient=np.ones(3))
    assert render_depth(scene, Camera(width=9, height=7, focal=4.0)) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("name", "module", "scale"), [("room", room, 1000), ("street", street, 256)]
)
def test_the_stored_depth_is_the_scenes(name: str, module: ModuleType, scale: int) -> None:
    """Every 8th row of the stored file, rendered again."""
    camera = module.CAMERA
    rows = np.arange(0.0, camera.height, 8)
    origin = np.array([camera.position])
    t, _ = trace(module.build().shapes, origin, camera.rays(rows, 0, 0))
    again = np.where(np.isfinite(t), t, 0).reshape(len(rows), camera.width)
    with Image.open(EXAMPLES / "depth" / f"{name}.png") as picture:
        stored = np.asarray(picture)[::8].astype(float) / scale
    same = np.abs(stored - again) <= 0.5 / scale + 1e-9
    assert same.mean() > 0.9999  # a ray along an edge may fall to either side
