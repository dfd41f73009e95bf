"""Arguments of a predictor as notebooks and configuration files give them."""

from __future__ import annotations

import numpy as np
import pytest

from core.camera import assumed, checked_fov, choose_intrinsics
from core.errors import CameraError
from core.images.resize import checked_resolution
from tests.tiny_checkpoint import tiny_config, tiny_info

CAMERA = tiny_info(tiny_config()).camera


def test_a_numpy_whole_number_is_a_resolution() -> None:
    resolution = checked_resolution(np.int64(250))
    assert (resolution, type(resolution)) == (256, int)


@pytest.mark.parametrize("given", [["a", 1, 2, 3], [500, 500, None, None], [[1], [2], [3], "x"]])
def test_intrinsics_that_are_no_numbers_are_said(given: list[object]) -> None:
    with pytest.raises(CameraError, match="expected 4 numbers"):
        choose_intrinsics((64, 48), camera=CAMERA, given=given)  # type: ignore[arg-type]


@pytest.mark.parametrize("fov", ["60", True])
def test_a_field_of_view_that_is_no_number_is_said(fov: object) -> None:
    with pytest.raises(CameraError, match="expected a number of degrees"):
        checked_fov(fov)  # type: ignore[arg-type]


def test_what_is_given_right_is_taken() -> None:
    given = choose_intrinsics((64, 48), camera=CAMERA, given=np.array([60.0, 60, 32, 24]).tolist())
    assert (given.fx, given.source) == (60, "given")
    assert choose_intrinsics((64, 48), camera=CAMERA) == assumed(64, 48, CAMERA)
