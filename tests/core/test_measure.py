"""Lengths, heights, areas and floors of scenes whose numbers are known."""

from __future__ import annotations

import csv
import io
import json
import math

import numpy as np
import pytest

from core.errors import CameraError
from core.geometry.find_scale import calibration_of
from core.geometry.measure import Measurer
from core.geometry.measure_results import to_csv
from core.geometry.planes import fit_plane
from core.geometry.provenance import SceneInfo
from core.scale.measurements import KnownLength
from tests.core import scenes

SCENE = SceneInfo(scenes.CAMERA, (scenes.WIDTH, scenes.HEIGHT))


def ruler(depth: np.ndarray, confidence: np.ndarray | None = None) -> Measurer:
    return Measurer(depth.astype(np.float32), SCENE, confidence)


def room() -> np.ndarray:
    """A floor 1.4 m below the camera, tilted by its pitch, and a wall at 6 m."""
    depth = scenes.plane((0.0, 0.0, 1.0), 6.0)
    floor = scenes.plane((0.0, 1.0, 0.2), 1.4)
    return np.where((floor > 0) & (floor < depth), floor, depth)


def test_distance_of_two_pixels_by_hand() -> None:
    depth = np.full((scenes.HEIGHT, scenes.WIDTH), 4.0)
    depth[20, 70] = 2.0
    found = ruler(depth).distance((10, 30), (70, 20))
    start = np.array([(10 - 46.3) / 80 * 4, (30 - 37.1) / 82 * 4, 4])
    end = np.array([(70 - 46.3) / 80 * 2, (20 - 37.1) / 82 * 2, 2])
    assert found.distance == pytest.approx(float(np.linalg.norm(end - start)), rel=1e-6)
    assert found.start.position == pytest.approx(tuple(start), rel=1e-6)
    assert found.end.range == pytest.approx(float(np.linalg.norm(end)), rel=1e-6)
    assert found.uncertainty is None


def test_a_box_reads_the_nearest_and_the_median_but_no_stray_pixel() -> None:
    depth = np.full((scenes.HEIGHT, scenes.WIDTH), 8.0)
    depth[30:40, 40:60] = 5.0
    depth[35, 50] = 0.3  # one stray pixel among 200
    depth[36, 50] = np.nan
    found = ruler(depth).box(60, 40, 40, 30)
    assert found.box == (40, 30, 60, 40)
    assert (found.nearest, found.median, found.pixels) == (5.0, 5.0, 199)
    assert found.nearest_percentile == 2.0
    assert 5.0 < found.nearest_range < found.median_range < 5.2
    half = ruler(depth).box(40, 30, 60, 60)
    assert half.nearest == 5.0
    assert half.median == 8.0


def test_the_floor_of_a_room_and_heights_above_it() -> None:
    measurer = ruler(room())
    floor = measurer.floor()
    length = math.hypot(1.0, 0.2)
    assert floor.camera_height == pytest.approx(1.4 / length, rel=1e-4)
    assert floor.normal == pytest.approx((0, -1 / length, -0.2 / length), abs=1e-4)
    assert floor.tilt == pytest.approx(math.degrees(math.atan(0.2)), abs=0.01)
    # A point on the wall at row 20: y = (20 - 37.1) / 82 * 6.
    y = (20 - 37.1) / 82 * 6
    expected = (1.4 - y - 0.2 * 6) / length
    assert measurer.height(50, 20).height == pytest.approx(expected, rel=1e-4)
    assert measurer.height(50, 70).height == pytest.approx(0, abs=1e-4)


def test_a_table_is_not_the_floor_where_the_floor_shows() -> None:
    depth = room()
    table = scenes.plane((0.0, 1.0, 0.2), 0.6)
    on_table = (table > 1.5) & (table < 3.0)
    depth = np.where(on_table, table, depth)
    assert on_table.mean() > 0.1
    assert ruler(depth).floor().camera_height == pytest.approx(1.4 / math.hypot(1, 0.2), rel=0.02)


@pytest.mark.parametrize("normal", [(0.0, 0.0, 1.0), (1.0, 0.0, 0.4)])
def test_a_wall_is_no_floor(normal: tuple[float, float, float]) -> None:
    depth = scenes.plane(normal, 5.0)
    depth[depth <= 0] = np.nan
    with pytest.raises(CameraError, match="No floor"):
        ruler(depth).floor()


def test_area_of_a_slanted_patch_is_its_true_area() -> None:
    normal = np.array([0.4, -0.3, 1.0])
    found = ruler(scenes.plane(tuple(normal), 4.0)).area(20, 10, 60, 50)
    # The four edges' rays cut the plane in a quadrilateral: half the cross product of diagonals.
    corners = []
    for u, v in ((19.5, 9.5), (59.5, 9.5), (59.5, 49.5), (19.5, 49.5)):
        ray = np.array([(u - 46.3) / 80, (v - 37.1) / 82, 1.0])
        corners.append(ray * 4.0 / (normal @ ray))
    diagonals = np.cross(corners[2] - corners[0], corners[3] - corners[1])
    assert found.area == pytest.approx(float(np.linalg.norm(diagonals)) / 2, rel=1e-3)
    assert found.flat_share == 1.0
    assert found.residual < 1e-5


def test_a_known_length_gives_the_factor_that_makes_it_come_out() -> None:
    # Two points of the wall at 6 m, 40 columns apart: 40 / 80 * 6 = 3 m.
    found = calibration_of(ruler(room()), KnownLength((20, 10), (60, 10), 2.4))
    assert found.scale == pytest.approx(0.8)
    text = found.text()
    assert "depth times 0.8" in text
    assert text.endswith("pixels (20, 10) and (60, 10) are 2.4 m apart")
    assert KnownLength.from_numbers([20, 10, 60, 10, 2.4]) == found.length


def test_uncertainty_comes_from_the_confidence() -> None:
    depth = np.full((scenes.HEIGHT, scenes.WIDTH), 4.0)
    depth[:, 60:] = 6.0
    confidence = np.full(depth.shape, 0.9)
    measurer = ruler(depth, confidence)
    near, far = measurer.position(46, 37), measurer.position(70, 37)
    assert near.uncertainty == pytest.approx(0.1 * near.range)
    apart = measurer.distance((46, 37), (70, 37))
    # Two depths, each 10 % off along its own ray, seen along the line between the points.
    line = np.array(far.position) - np.array(near.position)
    line /= np.linalg.norm(line)
    parts = [0.1 * float(line @ np.array(point.position)) for point in (near, far)]
    assert apart.uncertainty == pytest.approx(math.hypot(*parts))
    assert measurer.box(0, 0, 20, 20).uncertainty == pytest.approx(0.4)
    area = measurer.area(5, 5, 40, 40)
    assert area.uncertainty == pytest.approx(0.2 * area.area)


def test_results_are_json_and_csv() -> None:
    measurer = ruler(room(), np.full((scenes.HEIGHT, scenes.WIDTH), 0.8))
    results = [
        measurer.distance((10, 10), (20, 60)),
        measurer.box(0, 0, 30, 30),
        measurer.height(50, 20),
        measurer.area(30, 5, 60, 25),
        measurer.position(3, 4),
    ]
    plain = json.loads(json.dumps([result.to_dict() for result in results]))
    assert [entry["kind"] for entry in plain] == ["distance", "box", "height", "area", "position"]
    rows = list(csv.DictReader(io.StringIO(to_csv(results))))
    assert len(rows) == 5
    assert float(rows[0]["distance"]) == results[0].distance
    assert float(rows[0]["end.position.2"]) == results[0].end.position[2]
    assert rows[1]["distance"] == ""


DEPTH = np.full((scenes.HEIGHT, scenes.WIDTH), 4.0)
DEPTH[40:50, 40:50] = 0
DEPTH[0, 0] = np.nan


@pytest.mark.parametrize(
    ("measure", "match"),
    [
        (lambda m: m.position(-1, 5), "outside the photo"),
        (lambda m: m.position(scenes.WIDTH, 5), "outside the photo"),
        (lambda m: m.position(5, 1e9), "outside the photo"),
        (lambda m: m.position(math.nan, 5), "outside the photo"),
        (lambda m: m.position(0, 0), "depth nan"),
        (lambda m: m.position(45, 45), "depth 0"),
        (lambda m: m.distance((1, 1), (1, -9)), "outside the photo"),
        (lambda m: m.box(10, 10, 10, 20), "is empty"),
        (lambda m: m.box(10, 10, 200, 20), "outside the photo"),
        (lambda m: m.box(math.nan, 10, 20, 20), "outside the photo"),
        (lambda m: m.box(41, 41, 49, 49), "None of the 64 pixels"),
        (lambda m: m.area(10, 10, 11, 11), "1 points"),
        (lambda m: m.area(10, 10, 30, 11), "one line"),
        (lambda m: KnownLength((1, 1), (9, 9), 0), "0.001 to 10000 m"),
        (lambda m: KnownLength((1, 1), (9, 9), math.inf), "0.001 to 10000 m"),
        (lambda m: KnownLength((1, 1), (9, 9), math.nan), "0.001 to 10000 m"),
        (lambda m: KnownLength((1, 1), (9, 9), 1e9), "0.001 to 10000 m"),
        (lambda m: calibration_of(m, KnownLength((9, 9), (10, 9), 9999)), "times as large"),
        (lambda m: KnownLength.from_numbers([1, 1, 9, 9]), "4 numbers"),
        (lambda m: calibration_of(m, KnownLength((9, 9), (9.2, 9.2), 2)), "same pixel"),
        (lambda m: calibration_of(m, KnownLength((9, 9), (900, 9), 2)), "outside the photo"),
        (lambda m: calibration_of(m, KnownLength((9, 9), (45, 45), 2)), "depth 0"),
    ],
)
def test_what_cannot_be_measured_is_one_clear_sentence(measure: object, match: str) -> None:
    with pytest.raises(CameraError, match=match) as caught:
        measure(ruler(DEPTH))
    message = str(caught.value)
    assert message.endswith(".")
    assert ". " not in message
    assert "expected" in message


def test_plane_fit_ignores_a_few_strays() -> None:
    random = np.random.default_rng(5)
    points = random.uniform(-1, 1, (500, 3))
    points[:, 2] = 3 + 0.5 * points[:, 0]
    points[:60] += random.normal(0, 2, (60, 3))
    plane = fit_plane(points)
    assert abs(plane.normal[0] / plane.normal[2]) == pytest.approx(0.5, abs=1e-6)
    assert plane.residual < 1e-6
    assert plane.share == pytest.approx(440 / 500, abs=0.02)
    assert plane.height(np.zeros(3)) > 0  # the camera is on the positive side
