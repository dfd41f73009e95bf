"""Depth bent to sparse measurements: near the points, on their side of borders, whatever strays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.camera import Intrinsics
from core.data import NyuDataset
from core.errors import CameraError
from core.evaluate.protocol import NYU
from core.geometry.find_scale import calibrated
from core.geometry.sparse import bent
from core.predictor import load_model, load_predictor
from core.scale.measurements import SparseDepth
from tests.tiny_checkpoint import picture, save_tiny

HEIGHT, WIDTH = 120, 160


def world() -> tuple[np.ndarray, np.ndarray]:
    """Predicted and true depth: a wall that leans, a box in front, each wrong in its own way."""
    v, u = np.mgrid[0:HEIGHT, 0:WIDTH]
    wall = 4.0 + 0.01 * u
    box = (u > 60) & (u < 100) & (v > 40) & (v < 90)
    predicted = np.where(box, 2.0, wall).astype(np.float32)
    truth = np.where(box, 2.0 * 1.3, wall * (0.8 + 0.002 * v))
    return predicted, truth


def points(count: int, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    v, u = random.integers(0, HEIGHT, count), random.integers(0, WIDTH, count)
    return u.astype(float), v.astype(float), truth[v, u].astype(float)


def error(depth: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean(np.abs(depth - truth) / truth))


def test_bent_depth_is_right_between_the_points_and_on_both_sides_of_a_border() -> None:
    predicted, truth = world()
    u, v, metres = points(400, truth)
    result = bent(predicted, u, v, metres)
    factor = np.median(metres / predicted[v.astype(int), u.astype(int)])
    assert result.factor == pytest.approx(factor)
    assert error(result.depth, truth) < 0.02 < 0.25 * error(predicted * factor, truth)
    assert result.depth[60, 63] == pytest.approx(2.6, rel=0.05)
    assert result.depth[60, 57] == pytest.approx(truth[60, 57], rel=0.05)
    assert result.stray == 0


def test_a_few_stray_points_bend_nothing() -> None:
    predicted, truth = world()
    u, v, metres = points(300, truth)
    wrong = metres.copy()
    wrong[::20] *= 3.0
    result = bent(predicted, u, v, wrong)
    assert error(result.depth, truth) < 0.03
    assert result.stray == pytest.approx(15, abs=3)


def test_one_point_is_a_factor_and_ten_thousand_are_merged() -> None:
    predicted, truth = world()
    one = bent(predicted, np.array([10.0]), np.array([10.0]), np.array([9.0]))
    assert np.allclose(one.depth, predicted * one.factor, rtol=1e-5)
    assert one.depth[10, 10] == pytest.approx(9.0, rel=1e-5)
    u, v, metres = points(10_000, truth)
    assert error(bent(predicted, u, v, metres).depth, truth) < 0.01
    every = np.mgrid[0:HEIGHT, 0:WIDTH].reshape(2, -1).repeat(4, axis=1).astype(float)
    dense = bent(predicted, every[1], every[0], truth.reshape(-1).repeat(4))
    assert dense.points == 4 * truth.size
    assert error(dense.depth, truth) < 0.01


def test_missing_depth_stays_missing_and_points_there_do_not_count() -> None:
    predicted, truth = world()
    predicted[:, :50] = np.nan
    u, v, metres = points(100, truth)
    result = bent(predicted, u, v, metres)
    assert np.isnan(result.depth[:, :50]).all()
    assert np.isfinite(result.depth[:, 50:]).all()
    assert result.points == int((u >= 50).sum())
    with pytest.raises(CameraError, match="None of the 1 points"):
        bent(predicted, np.array([3.0]), np.array([3.0]), np.array([2.0]))


def test_points_of_a_map_of_another_size_and_outside() -> None:
    sparse = SparseDepth(np.array([0.0, 159.0]), np.array([0.0, 119.0]), np.ones(2), (160, 120))
    u, v, _ = sparse.on_photo(320, 240)
    assert u.tolist() == [0.5, 318.5]
    assert v.tolist() == [0.5, 238.5]
    with pytest.raises(CameraError, match="expected the same shape"):
        sparse.on_photo(320, 320)
    with pytest.raises(CameraError, match=r"1 of the 2 points .* at \(200, 5\)"):
        SparseDepth.from_numbers([(1, 1, 2), (200, 5, 2)]).on_photo(160, 120)


@pytest.mark.data
def test_two_hundred_points_on_nyu(data_root: object) -> None:
    frames = NyuDataset(f"{data_root}/nyu", "val")
    predictor = load_model("lite-indoor")
    errors: dict[str, list[float]] = {"bent": [], "one scale": []}
    for index in range(0, 200, 25):
        sample = frames[index]
        camera = Intrinsics(sample.fx, sample.fy, sample.cx, sample.cy)
        depth = predictor(sample.rgb, intrinsics=camera).depth
        valid = NYU.counts(sample.depth)
        rows, columns = np.nonzero(valid)
        chosen = np.random.default_rng(index).choice(rows.size, 200, replace=False)
        v, u = rows[chosen], columns[chosen]
        metres = sample.depth[v, u].astype(np.float64)
        made = {
            "bent": bent(depth, u.astype(float), v.astype(float), metres).depth,
            "one scale": depth * np.median(metres / depth[v, u]),
        }
        for name, result in made.items():
            left = (result - sample.depth)[valid]
            errors[name].append(float(np.sqrt(np.mean(left**2))))
    assert np.mean(errors["bent"]) <= 0.30
    assert np.mean(errors["bent"]) <= 0.7 * np.mean(errors["one scale"])


def test_levels_follow_the_bend_and_the_finest_is_the_depth(tmp_path: Path) -> None:
    predictor = load_predictor(save_tiny(tmp_path), engine="torch")
    photo = picture(128, 96, 0)  # of the working size: the finest level is the depth itself
    plain = predictor(photo)
    truth = plain.depth * np.linspace(1.2, 1.8, 128, dtype=np.float32)
    u, v = np.meshgrid(np.arange(4.0, 128, 12), np.arange(4.0, 96, 12))
    rows = np.stack((u.ravel(), v.ravel(), truth[v.astype(int), u.astype(int)].ravel()), axis=1)
    bent_to = calibrated(plain, SparseDepth.from_numbers(rows.tolist()))
    assert error(bent_to.levels[-1].depth, truth) < 0.02
    np.testing.assert_allclose(bent_to.levels[-1].depth, bent_to.depth, rtol=1e-4)
    # Left the factor is smaller than on the right, in coarse levels too.
    ratio = bent_to.levels[0].depth / plain.levels[0].depth
    assert ratio[:, -1].mean() / ratio[:, 0].mean() == pytest.approx(1.8 / 1.2, rel=0.1)
