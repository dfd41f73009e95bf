"""Flat surfaces are made flat, and nothing else is changed: planes, steps, creases, small maps."""

from __future__ import annotations

import numpy as np
import pytest

from core.images.decode import decode
from core.images.surfaces import flatten_surfaces
from core.images.upsample import Guide, upsample_depth
from core.predictor import load_model
from tests.core.pictures import scene

V, U = np.mgrid[0:144, 0:192].astype(np.float32)
WALL = 1 / (0.3 + 0.001 * (U - 96) + 0.0012 * (V - 72))
RIPPLE = 1 + 0.02 * np.sin(U / 7) * np.sin(V / 8)


def off(depth: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return np.abs(depth / truth - 1)


def test_a_plane_stays_and_ripples_on_it_go() -> None:
    assert off(flatten_surfaces(WALL), WALL).max() < 0.003
    rippled = (WALL * RIPPLE).astype(np.float32)
    flat = flatten_surfaces(rippled)
    assert flat.dtype == np.float32
    assert off(flat, WALL).mean() < off(rippled, WALL).mean() / 2.5


def test_a_step_and_a_crease_stay_where_they_are() -> None:
    step = np.where(U < 101, 2, 3).astype(np.float32)  # within a cell
    assert off(flatten_surfaces(step), step).max() < 0.01
    corner = 1 / (0.5 - 0.002 * np.abs(U - 96))  # two walls that meet
    assert off(flatten_surfaces(corner.astype(np.float32)), corner).max() < 0.02
    rippled = flatten_surfaces((step * RIPPLE).astype(np.float32))
    assert off(rippled, step).mean() < 0.004
    assert np.abs(rippled[:, 98] / rippled[:, 103] * 1.5 - 1).max() < 0.06


@pytest.mark.parametrize("metres", [1e-3, 0.5, 80.0])
def test_every_range_gives_finite_depth_near_the_networks(metres: float) -> None:
    noise = np.random.default_rng(0).normal(0, 0.3, (64, 96))
    depth = (metres * np.exp(noise)).astype(np.float32)
    flat = flatten_surfaces(depth)
    assert np.isfinite(flat).all()
    assert off(flat, depth).max() < 0.19


def test_what_is_too_small_for_planes_is_left_alone() -> None:
    depth = np.linspace(1, 2, 16 * 64, dtype=np.float32).reshape(16, 64)
    assert flatten_surfaces(depth) is depth


@pytest.mark.parametrize("model", ["lite-indoor", "lite-outdoor"])
@pytest.mark.parametrize("sharpens", [True, False])
def test_a_prediction_is_flattened_but_not_at_the_networks_own_size(
    sharpens: bool, model: str
) -> None:
    predictor = load_model(model)
    photo = decode(scene(240, 320))
    passed = predictor.passed(photo, 96, sharpens=sharpens)
    guide = Guide(photo.rgb, (128, 96), sharpens=sharpens)
    flat = upsample_depth(predictor.flat(passed, guide), guide)
    assert np.array_equal(predictor.finished(passed, photo).depth, flat)
    same = decode(scene(96, 128))
    passed = predictor.passed(same, 96, sharpens=sharpens)
    assert np.array_equal(predictor.finished(passed, same).depth, passed.depth)
