"""Borders and surfaces of depth maps whose figures are known by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from core.data import Sample
from core.evaluate.geometry import measure_geometry, summarise_geometry

HEIGHT, WIDTH, FOCAL = 200, 240, 260.0
U = np.arange(WIDTH) - (WIDTH - 1) / 2


def frame(depth: NDArray[np.floating]) -> Sample:
    rgb = np.zeros((*depth.shape, 3), np.uint8)
    centre = ((WIDTH - 1) / 2, (HEIGHT - 1) / 2)
    return Sample(rgb, depth.astype(np.float32), FOCAL, FOCAL, *centre, "made")


def flat(metres: float) -> NDArray[np.float64]:
    return np.full((HEIGHT, WIDTH), metres)


def step(column: int, near: float = 2.0, far: float = 3.0) -> NDArray[np.float64]:
    """A wall at `far` with something at `near` before its left part."""
    return np.where(np.arange(WIDTH) < column, near, far) * np.ones((HEIGHT, 1))


def tilted(degrees: float) -> NDArray[np.float64]:
    """A plane through (0, 0, 2 m) turned about the vertical axis: z = 2 + x tan."""
    return 2 / (1 - U / FOCAL * np.tan(np.radians(degrees))) * np.ones((HEIGHT, 1))


def figures(found: NDArray[np.floating], truth: NDArray[np.floating]) -> dict[str, float]:
    measured = measure_geometry(found, frame(truth), truth > 0)
    assert measured is not None
    return summarise_geometry([measured])


@pytest.mark.parametrize(("shift", "score"), [(0, 1.0), (1, 0.5), (2, 0.0), (-1, 0.5)])
def test_an_edge_counts_where_it_is(shift: int, score: float) -> None:
    # A step's Sobel response is two pixels wide.
    got = figures(step(100 + shift), step(100))
    for threshold in ("0.25", "0.5", "1.0"):
        assert got[f"edge_f1_{threshold}"] == pytest.approx(score)
    # The two columns of each edge: all on, one beside, both off by one and two, ...
    off = {0: 0.0, 1: 0.5, 2: 1.5}[abs(shift)]
    assert got["border_accuracy_px"] == pytest.approx(off)
    assert got["border_completeness_px"] == pytest.approx(off)


def test_a_ramp_is_an_edge_only_below_its_slope() -> None:
    # 1 m over 20 pixels: the Sobel response is 8 * 0.05 = 0.4.
    ramp = np.clip(2 + (np.arange(WIDTH) - 90) * 0.05, 2, 3) * np.ones((HEIGHT, 1))
    got = figures(ramp, step(100))
    assert got["edge_recall_0.25"] == 1.0
    assert got["edge_precision_0.25"] == pytest.approx(2 / 19, rel=0.06)
    assert got["edge_f1_0.5"] == got["edge_f1_1.0"] == 0.0
    assert got["border_completeness_px"] == 10.0


@pytest.mark.parametrize("degrees", [5.0, 20.0, 40.0])
def test_the_angle_between_surfaces(degrees: float) -> None:
    got = figures(tilted(degrees), flat(2.0))
    assert got["normal_mean_deg"] == pytest.approx(degrees, abs=0.1)
    assert got["normal_11"] == pytest.approx(float(degrees < 11.25))
    assert got["normal_22"] == pytest.approx(float(degrees < 22.5))
    assert got["normal_30"] == pytest.approx(float(degrees < 30))
    assert got["planarity_cm"] == pytest.approx(0.0, abs=1e-3)


def test_waves_on_a_wall_are_no_plane() -> None:
    waves = 2 + 0.03 * np.sin(U * 2 * np.pi / 24) * np.ones((HEIGHT, 1))
    got = figures(waves, flat(2.0))
    assert got["planarity_cm"] == pytest.approx(3 / np.sqrt(2), rel=0.02)
    assert figures(flat(2.0), waves)["planarity_cm"] != got["planarity_cm"]  # no true plane there


@pytest.mark.parametrize(
    "hide", [lambda d: np.where(np.indices(d.shape).sum(0) % 3, 0, d), lambda d: d * 0 + (U > 90)]
)
def test_sparse_truth_has_no_borders(hide: Callable[..., NDArray[np.floating]]) -> None:
    truth = hide(step(100))
    whole = np.ones_like(truth, bool)
    assert measure_geometry(step(100), frame(truth), whole) is None
    assert summarise_geometry([]) == {}


def test_the_mean_is_taken_before_the_f1() -> None:
    exact = measure_geometry(step(100), frame(step(100)), step(100) > 0)
    missed = measure_geometry(flat(2.5), frame(step(100)), step(100) > 0)
    assert exact is not None
    assert missed is not None
    got = summarise_geometry([exact, missed])
    assert (got["edge_precision_0.5"], got["edge_recall_0.5"]) == (0.5, 0.5)
    assert got["edge_f1_0.5"] == 0.5
    assert got["images"] == 2
