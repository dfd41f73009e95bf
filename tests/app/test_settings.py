"""Raw values from anywhere become checked settings, or one sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.common.request import (
    DepthRequest,
    Selection,
    depth_request,
    outputs_wanted,
    selection,
    space_options,
    view_settings,
)
from core.errors import ConfigError, DepthError
from core.files.depth_maps import ColorSettings
from core.geometry.masks import EDGE_TOLERANCE
from core.geometry.point_cloud import CloudOptions
from core.geometry.three_d import SpaceOptions
from core.scale.measurements import KnownLength

NAMES = ("model", "resolution", "flip", "fov", "intrinsics", "known_length", "known_depth",
         "camera_height", "profile", "colormap", "near", "far")  # fmt: skip
SPACE = ("edge_filter", "density", "shape", "near", "far", "confidence", "sky", "voxel", "normals",
         "outliers", "faces", "pose")  # fmt: skip
VIEW = ("kind", "at", "thing", "size", "back")
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


def test_what_is_missing_takes_the_default() -> None:
    empty = dict(zip(NAMES, (None, "", None, " ") * 4, strict=False))
    assert depth_request(**empty) == depth_request() == DepthRequest()
    assert space_options() == SpaceOptions(CloudOptions(edge_tolerance=EDGE_TOLERANCE))
    assert outputs_wanted(None) == ("color", "depth16")


def test_numbers_may_come_as_text() -> None:
    asked = depth_request(model="big", resolution="224", flip=True, fov="61.5")
    assert asked == DepthRequest("big", resolution=224, flip=True, fov=61.5)
    asked = depth_request(colormap="grey", near="0", far="2.5", known_length="1 2 3 4 0.5")
    assert asked.colors == ColorSettings("grey", 0.0, 2.5)
    assert asked.known == (KnownLength((1, 2), (3, 4), 0.5),)


def test_outputs_come_in_the_table_s_order() -> None:
    assert outputs_wanted("npy, color") == ("color", "npy")


def test_a_cloud_s_border_filter_can_be_switched_off() -> None:
    assert space_options(edge_filter=False, density=0.25).points.edge_tolerance is None
    assert space_options(edge_filter=0, density=0.25).points.stride == 2
    assert space_options(edge_filter=0.1).points.edge_tolerance == 0.1
    assert space_options(edge_filter=True).points.edge_tolerance == EDGE_TOLERANCE


def test_a_box_may_have_its_corners_in_any_order() -> None:
    assert selection(box=[9, 2, 1, 8]) == Selection(box=(1, 2, 9, 8))
    assert selection([1, 2, 9, 8]) == Selection(box=(1, 2, 9, 8))
    assert selection([[1, 2]]) == Selection(points=((1, 2),))


@pytest.mark.parametrize(
    ("points", "box"),
    [(None, None), ([[1, 2]], [1, 2, 3, 4]), ([], None), ([[1]], None), ([[1, "a"]], None),
     (None, [1, 2, 3]), (None, "box"), ([[1, float("nan")]], None), ([[0, 0]] * 1001, None)],
)  # fmt: skip
def test_an_unusable_selection_is_refused(points: Any, box: Any) -> None:
    with pytest.raises(ConfigError, match="expected"):
        selection(points, box)


@given(st.lists(ANYTHING, min_size=1, max_size=6))
def test_any_value_gives_settings_or_a_sentence(values: list[Any]) -> None:
    for offset in range(0, len(NAMES), 3):
        _gives_or_says(lambda names: depth_request(**names), NAMES[offset:], values)
    for offset in range(0, len(SPACE), 3):
        _gives_or_says(lambda names: space_options(**names), SPACE[offset:], values)
    _gives_or_says(lambda names: selection(**names), ("points", "box"), values)
    _gives_or_says(lambda names: outputs_wanted(**names), ("names",), values)
    _gives_or_says(lambda names: view_settings(**names), VIEW, values)


def _gives_or_says(
    function: Callable[[dict[str, Any]], object], names: Sequence[str], values: list[Any]
) -> None:
    try:
        function(dict(zip(names, values, strict=False)))
    except DepthError as error:
        message = str(error)
        assert "expected" in message
        assert message.endswith(".")
        assert len(message) < 400
