"""RGB-D folders by a small config: DIODE's and SUN RGB-D's ways of storing depth among them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import FolderDataset, open_dataset
from core.data.augment import SKY, mark_sky
from core.errors import DataError
from core.evaluate.protocol import PROTOCOLS
from core.evaluate.scoring import Estimate, evaluate

CAMERA = "camera = [500.0, 501.0, 3.0, 2.0]\n"


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 6, 3), 90, np.uint8)).save(path)


def depth_png(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array.astype(np.uint16)).save(path)


def test_plain_folder(tmp_path: Path) -> None:
    for stem in ("b", "a"):
        picture(tmp_path / "rgb" / f"{stem}.jpg")
        depth_png(tmp_path / "depth" / f"{stem}.png", np.full((4, 6), 3000))
    (tmp_path / "dataset.toml").write_text("scale = 2000\n" + CAMERA)
    dataset = FolderDataset(tmp_path)
    assert [sample.name for sample in dataset] == ["a", "b"]
    assert dataset[0].depth[0, 0] == 1.5
    assert (dataset[0].fx, dataset[0].fy, dataset[0].cx, dataset[0].cy) == (500, 501, 3, 2)
    assert [sample.name for sample in dataset[1:]] == ["b"]


def test_scenes_with_their_own_cameras(tmp_path: Path) -> None:
    for scene in ("hall", "yard"):
        for stem in ("1", "2"):
            picture(tmp_path / "set" / scene / "image" / f"{stem}.png")
            depth_png(tmp_path / "set" / scene / "depth_bfx" / f"{stem}.png", np.ones((4, 6)))
    config = tmp_path / "rooms.toml"
    config.write_text(
        f'root = "set"\nrgb = "image"\ndepth = "depth_bfx"\n{CAMERA}'
        '[scenes.hall]\nframes = ["2"]\n[scenes.yard]\ncamera = [600.0, 600.0, 3.0, 2.0]\n'
    )
    dataset = FolderDataset(config)
    assert [(f.name, f.camera[0]) for f in dataset.frames] == [
        ("hall/2", 500.0),
        ("yard/1", 600.0),
        ("yard/2", 600.0),
    ]
    assert dataset[0].depth[0, 0] == pytest.approx(0.001)


def test_diode_arrays_with_masks_and_a_far_limit(tmp_path: Path) -> None:
    picture(tmp_path / "rgb" / "00001.png")
    (tmp_path / "depth").mkdir()
    metres = np.full((4, 6, 1), 2.5, np.float32)
    metres[0, 0], metres[0, 1], metres[0, 2], metres[0, 3] = np.nan, np.inf, -1.0, 60.0
    np.save(tmp_path / "depth" / "00001_depth.npy", metres)
    mask = np.ones((4, 6), np.float32)
    mask[3, 5] = 0
    np.save(tmp_path / "depth" / "00001_depth_mask.npy", mask)
    (tmp_path / "dataset.toml").write_text(
        'scale = 1.0\nmax_depth = 50.0\ndepth_suffix = "_depth"\nmask_suffix = "_depth_mask"\n'
        + CAMERA
    )
    depth = FolderDataset(tmp_path)[0].depth
    assert depth[0, :5].tolist() == [0, 0, 0, 0, 2.5]
    assert depth[3, 5] == 0
    assert (depth > 0).sum() == 24 - 5


def test_sun_rgbd_rotates_its_bits(tmp_path: Path) -> None:
    picture(tmp_path / "rgb" / "1.jpg")
    millimetres = np.full((4, 6), 4321)
    millimetres[0, 0] = 8200  # above 2^13, so that bits wrap around
    depth_png(tmp_path / "depth" / "1.png", ((millimetres << 3) | (millimetres >> 13)) & 0xFFFF)
    (tmp_path / "dataset.json").write_text(
        json.dumps({"encoding": "sunrgbd", "camera": [500, 500, 3, 2]})
    )
    depth = FolderDataset(tmp_path)[0].depth
    assert depth[1, 1] == pytest.approx(4.321)
    assert depth[0, 0] == pytest.approx(8.2)


def test_index_with_one_camera_per_scene(tmp_path: Path) -> None:
    picture(tmp_path / "office" / "rgb" / "07.jpg")
    depth_png(tmp_path / "office" / "depth" / "07.png", np.full((4, 6), 1250))
    index = {"office": {"K": [495.5, 495.4, 269.5, 169.1], "frames": ["07"]}}
    (tmp_path / "index.json").write_text(json.dumps(index))
    dataset = open_dataset("folder", tmp_path, "train")
    assert dataset[0].name == "office/07"
    assert dataset[0].depth[0, 0] == 1.25
    assert dataset[0].fx == 495.5
    assert dataset[0].sky is None


def test_the_sky_that_a_set_names_is_all_marked_and_nothing_is_guessed(tmp_path: Path) -> None:
    picture(tmp_path / "street" / "rgb" / "0.png")
    depth_png(tmp_path / "street" / "depth" / "0.png", np.full((4, 6), 1250))
    mask = np.zeros((4, 6), np.uint8)
    mask[0, 2:] = 255
    (tmp_path / "street" / "sky").mkdir()
    Image.fromarray(mask).save(tmp_path / "street" / "sky" / "0.png")
    index = {"street": {"K": [500.0, 500.0, 3.0, 2.0], "frames": ["0"]}}
    (tmp_path / "index.json").write_text(json.dumps(index))
    marked = mark_sky(open_dataset("folder", tmp_path, "train")[0]).depth
    assert np.array_equal(marked == SKY, mask > 0)
    assert (marked[mask == 0] == 1.25).all()
    Image.fromarray(mask[:2]).save(tmp_path / "street" / "sky" / "0.png")
    with pytest.raises(DataError, match="expected its picture's 6x4"):
        open_dataset("folder", tmp_path, "train")[0]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("", "no camera"),
        ("camera = [500.0, 500.0]", "fx, fy, cx, cy"),
        ("camera = [0.0, 500.0, 1.0, 1.0]", "focal lengths above 0"),
        (CAMERA + 'encoding = "float"', "scaled, sunrgbd"),
        (CAMERA + "scale = 0", "above 0"),
        (CAMERA + "depht = 1", "depht"),
        (CAMERA + 'rgb = "colour"', "no picture"),
        (CAMERA + 'depth = "nowhere"', "no depth map"),
        (CAMERA + '[scenes."."]\nframes = ["9"]', "no picture 9"),
        ("camera = [", "TOML"),
    ],
)
def test_what_a_config_may_get_wrong(tmp_path: Path, config: str, said: str) -> None:
    picture(tmp_path / "rgb" / "1.jpg")
    depth_png(tmp_path / "depth" / "1.png", np.ones((4, 6)))
    (tmp_path / "dataset.toml").write_text(config)
    with pytest.raises(DataError, match=said):
        FolderDataset(tmp_path)


def test_a_pickled_array_is_not_run(tmp_path: Path) -> None:
    picture(tmp_path / "rgb" / "1.jpg")
    (tmp_path / "depth").mkdir()
    np.save(tmp_path / "depth" / "1.npy", np.array([object()]), allow_pickle=True)
    (tmp_path / "dataset.toml").write_text(CAMERA)
    with pytest.raises(DataError, match="without pickled objects"):
        FolderDataset(tmp_path)[0]


def test_disparity_can_be_trained_on_but_not_scored(tmp_path: Path) -> None:
    picture(tmp_path / "rgb" / "1.jpg")
    disparity = np.full((4, 6), 640)
    disparity[0, :3] = 0, 320, 1280
    depth_png(tmp_path / "depth" / "1.png", disparity)
    (tmp_path / "dataset.toml").write_text('encoding = "inverse"\nscale = 64.0\nfov = 60.0\n')
    dataset = FolderDataset(tmp_path)
    assert dataset[0].depth[0, :4].tolist() == [0, -2, -0.5, -1]
    with pytest.raises(DataError, match="up to scale and shift"):
        evaluate(lambda sample: Estimate(np.ones((4, 6))), dataset, PROTOCOLS["folder"])
