"""What the browser gets of a depth map: true depths of known pixels."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.common.canvas import bar_ticks, sampled
from app.depth_page.depth_view import packed_depth


def unpacked(depth: np.ndarray, longest: int) -> tuple[np.ndarray, dict[str, float]]:
    data, geometry = packed_depth(depth, longest)
    units = np.frombuffer(zlib.decompress(data), "<u2")
    return units.reshape(geometry["height"], geometry["width"]) * geometry["step"], geometry


@pytest.mark.parametrize("shape", [(60, 90), (1000, 1500), (2000, 7), (1, 1)])
def test_every_number_is_the_depth_of_its_own_pixel(shape: tuple[int, int]) -> None:
    depth = np.random.default_rng(1).uniform(0.2, 80, shape).astype(np.float32)
    shown, geometry = unpacked(depth, 300)
    rows, columns = sampled(*shape, 300)
    np.testing.assert_allclose(shown, depth[np.ix_(rows, columns)], atol=80 / 65535)
    assert (geometry["fullHeight"], geometry["fullWidth"]) == shape
    assert max(shown.shape) <= 300


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_samples_are_rising_pixels_of_the_map(height: int, width: int) -> None:
    for picked, full in zip(sampled(height, width, 200), (height, width), strict=True):
        assert 1 <= len(picked) <= 200
        assert picked[0] >= 0
        assert picked[-1] < full
        assert (np.diff(picked) >= 1).all()


def test_what_has_no_depth_is_zero_and_what_is_near_is_not() -> None:
    depth = np.array([[np.nan, np.inf, 0.0, -1.0, 1e-6, 10.0]], np.float32)
    shown, _ = unpacked(depth, 300)
    assert (shown[0, :4] == 0).all()
    assert shown[0, 4] > 0
    assert shown[0, 5] == pytest.approx(10)
    nothing, _ = unpacked(np.full((2, 2), np.nan, np.float32), 300)
    assert not nothing.any()


@given(st.floats(0, 900), st.floats(1e-3, 900))
def test_the_bar_s_ticks_are_few_round_numbers_between_its_ends(near: float, extent: float) -> None:
    far = near + extent
    ticks = bar_ticks(near, far)
    assert 1 <= len(ticks) <= 7
    for value, label in ticks:
        assert near - 1e-6 * far <= value <= far * (1 + 1e-6)
        assert float(label) == pytest.approx(value, abs=1e-4 * extent)
    assert len({label for _, label in ticks}) == len(ticks)
