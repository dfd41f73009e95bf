"""Arguments of a predictor as notebooks and configuration files give them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.batch.manifest import BatchSettings
from core.camera import assumed, checked_fov, choose_intrinsics
from core.errors import CameraError, ConfigError
from core.images.resize import checked_resolution
from core.predictor import load_predictor
from core.video.settings import VideoSettings
from tests.tiny_checkpoint import picture, save_tiny, tiny_config, tiny_info

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


@pytest.mark.parametrize("flip", ["false", "", 0, 1, None])
def test_a_flip_that_is_neither_true_nor_false_is_said(tmp_path: Path, flip: object) -> None:
    predictor = load_predictor(save_tiny(tmp_path), engine="torch")
    with pytest.raises(ConfigError, match="setting flip is .* expected True or False"):
        predictor(picture(96, 96), flip=flip)  # type: ignore[arg-type]
    made = predictor(picture(96, 96), flip=np.True_)  # type: ignore[arg-type]
    assert made.settings["flip"] is True


@pytest.mark.parametrize("name", ["flip", "overwrite"])
def test_a_text_is_no_switch_of_a_run(name: str) -> None:
    for kind, given in ((BatchSettings, {"outputs": ()}), (VideoSettings, {})):
        with pytest.raises(ConfigError, match=f"setting {name} is 'false'"):
            kind(**given, **{name: "false"})  # type: ignore[arg-type]
