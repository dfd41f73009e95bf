"""The same scene through another lens gives the same metres, as long as the camera is told."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.camera import Intrinsics
from core.data import NyuDataset, Sample
from core.predictor import load_predictor

ZOOM = 1.5


@pytest.fixture(scope="module")
def frames(data_root: Path) -> list[Sample]:
    return list(NyuDataset(data_root / "nyu", "val")[::30])


def camera_of(frame: Sample) -> Intrinsics:
    return Intrinsics(frame.fx, frame.fy, frame.cx, frame.cy, "given")


@pytest.mark.data
def test_a_longer_lens_gives_the_same_metres(frames: list[Sample]) -> None:
    # The middle of a picture is what a lens of ZOOM times the focal length would have taken.
    predictor = load_predictor("lite-indoor", engine="torch")
    told, untold = [], []
    for frame in frames:
        height, width = round(480 / ZOOM), round(640 / ZOOM)
        top, left = (480 - height) // 2, (640 - width) // 2
        middle = np.ascontiguousarray(frame.rgb[top : top + height, left : left + width])
        camera = camera_of(frame)
        moved = Intrinsics(camera.fx, camera.fy, camera.cx - left, camera.cy - top, "given")
        wide = Intrinsics(camera.fx / ZOOM, camera.fy / ZOOM, width / 2, height / 2, "given")
        whole = predictor(frame.rgb, intrinsics=camera).depth
        expected = whole[top : top + height, left : left + width]
        told.append(np.median(predictor(middle, intrinsics=moved).depth / expected))
        untold.append(np.median(predictor(middle, intrinsics=wide).depth / expected))
    assert np.median(told) == pytest.approx(1, abs=0.08)
    assert np.abs(np.log(told)).mean() < 0.12
    # The test can fail: with the field of view of the whole picture, metres are a third short.
    assert np.median(untold) < 0.8


@pytest.mark.data
def test_a_smaller_copy_gives_the_same_metres(frames: list[Sample]) -> None:
    predictor = load_predictor("lite-indoor", engine="torch")
    ratios = []
    for frame in frames[:4]:
        camera = camera_of(frame)
        small = np.asarray(Image.fromarray(frame.rgb).resize((480, 360), Image.Resampling.BOX))
        moved = Intrinsics(
            camera.fx * 0.75,
            camera.fy * 0.75,
            (camera.cx + 0.5) * 0.75 - 0.5,
            (camera.cy + 0.5) * 0.75 - 0.5,
            "given",
        )
        depth = predictor(small, intrinsics=moved).depth
        whole = predictor(frame.rgb, intrinsics=camera).depth
        there = np.asarray(Image.fromarray(whole).resize((480, 360), Image.Resampling.BOX))
        ratios.append(np.median(depth / there))
    assert ratios == pytest.approx([1] * len(ratios), abs=0.04)
