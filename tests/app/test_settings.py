"""Raw values from anywhere become checked settings, or one sentence."""

from __future__ import annotations

from app.common.request import (
    OUTPUTS,
    CloudSettings,
    DisplaySettings,
    PredictSettings,
    Selection,
    cloud_settings,
    display_settings,
    outputs_wanted,
    predict_settings,
    selection,
)
from core.files.outputs import OUTPUTS as WRITERS


def test_what_is_missing_takes_the_default() -> None:
    assert predict_settings(None, "", None, " ") == PredictSettings()
    assert display_settings(None, "", None) == DisplaySettings()
    assert cloud_settings() == CloudSettings()
    assert outputs_wanted(None) == ("color", "depth16")


def test_every_kind_of_file_has_a_writer() -> None:
    assert set(OUTPUTS) == set(WRITERS)
    assert outputs_wanted("npy, color") == ("color", "npy")


def test_a_cloud_s_border_filter_can_be_switched_off() -> None:
    assert cloud_settings("GLB", False, 0.5) == CloudSettings("glb", 0.0, 0.5)
    assert cloud_settings(edge_filter=0.1).edge_filter == 0.1


def test_a_box_may_have_its_corners_in_any_order() -> None:
    assert selection(box=[9, 2, 1, 8]) == Selection(box=(1, 2, 9, 8))
    assert selection([1, 2, 9, 8]) == Selection(box=(1, 2, 9, 8))
    assert selection([[1, 2]]) == Selection(points=((1, 2),))
