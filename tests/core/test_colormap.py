"""Colours say depth: in order, in range, and told apart by every reader."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import ConfigError
from core.files.colormap import (
    COLORMAPS,
    INVALID_COLOR,
    SIGNED,
    auto_range,
    colorize,
    display_range,
)

# Machado, Oliveira and Fernandes (2009), table 1, severity 1.0, on linear RGB.
DEFICIENCIES = {
    "none": np.eye(3),
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritan": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}


def linear(table: NDArray[np.uint8]) -> NDArray[np.floating]:
    srgb = table / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def cielab(rgb: NDArray[np.floating]) -> NDArray[np.floating]:
    """(n, 3) linear sRGB to L*, a*, b* (D65; CIE 15:2004)."""
    matrix = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    ratio = np.clip(rgb, 0, 1) @ matrix.T / (0.9505, 1, 1.089)
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.stack(
        [116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1
    )


@pytest.mark.parametrize("name", COLORMAPS)
@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_nearer_is_brighter_for_every_reader(name: str, deficiency: str) -> None:
    seen = linear(COLORMAPS[name].table) @ DEFICIENCIES[deficiency].T
    lightness = cielab(seen)[::8, 0]
    assert (np.diff(lightness) < 0).all()
    assert lightness[0] - lightness[-1] > 55


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_signs_are_told_apart_by_every_reader(deficiency: str) -> None:
    lab = cielab(linear(SIGNED.table) @ DEFICIENCIES[deficiency].T)
    # Equal amounts of too near and too far, from an eighth of the range on.
    below, above = lab[:112], lab[:-113:-1]
    assert np.linalg.norm(below - above, axis=1).min() > 10


def test_near_and_far_are_the_ends_and_what_lies_beyond_takes_their_colour() -> None:
    table = COLORMAPS["grey"].table
    depth = np.array([[0.5, 1.0, 2.0, 3.0, 9.0]], np.float32)
    shown = colorize(depth, "grey", 1.0, 3.0)
    assert shown.dtype == np.uint8
    assert shown[0].tolist() == [table[i].tolist() for i in (0, 0, 128, 255, 255)]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_tall_pictures_and_their_holes(dtype: type) -> None:
    depth = np.linspace(1, 5, 70 * 3).reshape(70, 3).astype(dtype)
    depth[40, 1], depth[5, 0], depth[69, 2] = np.nan, np.inf, -np.inf
    shown = colorize(depth, "viridis", 1, 5)
    holes = np.zeros((70, 3), bool)
    holes[[40, 5, 69], [1, 0, 2]] = True
    assert (shown[holes] == INVALID_COLOR).all()
    whole = np.linspace(1, 5, 70 * 3).reshape(70, 3).astype(dtype)
    assert np.array_equal(shown[~holes], colorize(whole, "viridis", 1, 5)[~holes])


@pytest.mark.parametrize(
    ("near", "far"), [(3, 3), (4, 2), (np.nan, 2), (1, np.inf), (float("-inf"), 1)]
)
def test_impossible_ranges(near: float, far: float) -> None:
    with pytest.raises(ConfigError, match="colour range goes from .* expected two finite"):
        colorize(np.ones((2, 2)), "viridis", near, far)


def test_unknown_map_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"no colour map 'jet', expected one of inferno, viridis"):
        colorize(np.ones((2, 2)), "jet")


class TestRange:
    def test_odd_pixels_do_not_spoil_it(self) -> None:
        depth = np.linspace(2, 8, 10_000).reshape(100, 100)
        depth[0, :20] = 500
        depth[1, :20] = 0.001
        depth[2, :20] = np.nan
        near, far = auto_range(depth)
        assert 1.9 < near < 2.2
        assert 7.8 < far < 8.2

    @pytest.mark.parametrize("value", [0.0, 1e-9, 3.0, 80.0])
    def test_flat_map(self, value: float) -> None:
        near, far = auto_range(np.full((5, 5), value))
        assert near < far
        assert near <= value <= far

    def test_given_ends_win(self) -> None:
        depth = np.linspace(2, 8, 100).reshape(10, 10)
        assert display_range(depth, 1, 10) == (1, 10)
        assert display_range(depth, 1)[0] == 1
        assert display_range(depth, far=5)[1] == 5
        for near, far in ((9, None), (None, 1)):
            low, high = display_range(depth, near, far)
            assert low < high
            assert near in (None, low)
            assert far in (None, high)


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (4, 6), (67, 33)])
def test_every_pixel_has_the_colour_of_its_own_depth(shape: tuple[int, int]) -> None:
    places = np.random.default_rng(0).integers(0, 256, shape)
    depth = places.astype(np.float32)
    for layout in (depth, np.asfortranarray(depth)):
        assert np.array_equal(
            colorize(layout, "viridis", 0, 255), COLORMAPS["viridis"].table[places]
        )
