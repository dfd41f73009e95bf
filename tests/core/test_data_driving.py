"""Driving data for training: sparse depth is kept, the sky is found, scenes are chosen."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.data import Sample
from core.data.augment import (
    FAR,
    SKY,
    AugmentConfig,
    find_sky,
    mark_sky,
    shrink_depth,
    training_view,
)
from core.data.batches import Batches, BatchPlan, DataSource, open_source

STILL = AugmentConfig(rotation=0, flip=0, gain=(1, 1), brightness=(1, 1))
ROAD, TREES = slice(60, 120), slice(30, 60)


def street(sky: tuple[int, int, int] = (120, 160, 220)) -> np.ndarray:
    """A made-up street of 120 rows: 30 of sky, 30 of restless trees, 60 of road."""
    rgb = np.full((120, 320, 3), 90, np.uint8)
    rgb[:30] = sky
    rgb[TREES] = np.random.default_rng(0).integers(0, 90, (30, 320, 3))
    return rgb


def sample(rgb: np.ndarray, depth: np.ndarray) -> Sample:
    return Sample(rgb, depth.astype(np.float32), 200.0, 200.0, 160.0, 60.0, "train/drive/0")


@pytest.mark.parametrize("colour", [(120, 160, 220), (215, 215, 215)], ids=["blue", "cloudy"])
def test_sky_is_what_lies_above_the_trees(colour: tuple[int, int, int]) -> None:
    sky = find_sky(street(colour))
    assert sky[:26].mean() > 0.95
    assert not sky[34:].any()


def test_sky_is_marked_on_a_grid_and_measurements_in_it_go() -> None:
    depth = np.zeros((120, 320))
    depth[ROAD] = 10.0
    depth[:4] = 70.0  # a false match in the sky
    marked = mark_sky(sample(street(), depth)).depth
    assert set(np.unique(marked[:26])) == {np.float32(0), SKY}
    assert 0 < np.mean(marked[:26] == SKY) < 0.05
    assert (marked[ROAD] == 10).all()


def test_white_wall_keeps_its_depth() -> None:
    depth = np.full((120, 320), 12.0)
    depth[:30, ::2] = 0
    marked = mark_sky(sample(street((230, 230, 230)), depth)).depth
    assert not (marked == SKY).any()
    assert (marked[ROAD] == 12).all()


def test_every_lidar_point_survives_the_shrinking() -> None:
    rng = np.random.default_rng(1)
    depth = np.zeros((370, 1224), np.float32)
    v, u = rng.integers(0, 92, 400) * 4, rng.integers(0, 306, 400) * 4
    depth[v, u] = rng.uniform(5, 60, 400)
    shrunk = shrink_depth(depth, (0, 0, 1224, 370), (185, 612))
    assert np.count_nonzero(shrunk) == np.count_nonzero(depth)
    assert np.array_equal(np.sort(shrunk[shrunk > 0]), np.sort(depth[depth > 0]))


def test_sky_becomes_far_whatever_the_focal_length_and_the_too_far_is_not_measured() -> None:
    depth = np.zeros((120, 320), np.float32)
    depth[0, 0], depth[60, 10], depth[60, 20] = SKY, 30.0, 90.0
    for focal in (50.0, 200.0):
        _, view = training_view(
            sample(street(), depth), (112, 304), focal, STILL, np.random.default_rng(0),
            max_depth=80.0,
        )  # fmt: skip
        values = np.unique(view.numpy())
        scale = focal / (200.0 * 304 / 320)
        assert values[-1] == pytest.approx(FAR * 80)
        assert values[1] == pytest.approx(30 * scale, rel=0.03)
        assert (np.isclose(values, 90 * scale, rtol=0.03).any()) == (90 * scale < 80)


def test_cut_and_swap_moves_picture_and_depth_together() -> None:
    rows = np.arange(1, 129, dtype=np.float32)
    depth = np.repeat(rows[:, None], 320, 1)
    rgb = np.repeat(depth[..., None], 3, 2).astype(np.uint8)
    config = AugmentConfig(rotation=0, flip=0, gain=(1, 1), brightness=(1, 1), cut_swap=1.0)
    image, view = training_view(
        Sample(rgb, depth, 100, 100, 160, 64, "f"), (128, 320), 100.0, config,
        np.random.default_rng(2),
    )  # fmt: skip
    seen = view[0, :, 0].numpy()
    assert int(np.argmax(seen)) not in (0, 127)
    assert np.array_equal(np.argsort(seen), np.argsort(image[0, :, 0].numpy()))


@pytest.fixture
def drives(tmp_path: Path) -> Path:
    """Two drives of two frames each, listed in an index."""
    index = {}
    for drive in ("a", "b"):
        folder = tmp_path / "train" / drive
        for kind in ("rgb", "depth"):
            (folder / kind).mkdir(parents=True)
        frames = []
        for stem in ("0", "1"):
            Image.fromarray(street()).save(folder / "rgb" / f"{stem}.png")
            Image.fromarray(np.full((120, 320), 2560, np.uint16)).save(
                folder / "depth" / f"{stem}.png"
            )
            camera = {"fx": 200.0, "fy": 200.0, "cx": 160.0, "cy": 60.0}
            frames.append({"stem": stem, "width": 320, "height": 120} | camera)
        index[f"train/{drive}"] = {"kind": "lidar sweep", "frames": frames}
    (tmp_path / "index.json").write_text(json.dumps(index))
    return tmp_path


def test_source_takes_only_its_scenes(drives: Path) -> None:
    chosen = open_source(DataSource("kitti", str(drives), scenes=("train/b",)))
    assert [s.name for s in chosen] == ["train/b/0", "train/b/1"]
    assert len(open_source(DataSource("kitti", str(drives)))) == 4


def test_widths_take_turns(drives: Path) -> None:
    plan = BatchPlan(
        (DataSource("kitti", str(drives), sky=True),), (96, 256), 200.0, STILL, 2, 4, 0, 80.0,
        widths=(128,),
    )  # fmt: skip
    shapes = [images.shape for _, images, _ in Batches(plan).from_step(0)]
    assert shapes == [(2, 3, 96, w) for w in (256, 128, 256, 128)]
    assert torch.isin(Batches(plan).load(0)[1], torch.tensor([0.0, FAR * 80])).float().mean() > 0.1
