"""The layouts of driving data, written small by the test and read back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import KittiDataset
from core.data.kitti import CAMERAS
from core.data.sample import scene_of
from core.errors import DataError

DAY = "2011_09_26"
DRIVE = f"{DAY}_drive_0002_sync"
OTHER = "2011_10_03_drive_0027_sync"


def save(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def stored(number: int) -> np.ndarray:
    depth = np.zeros((4, 6), np.uint16)
    depth[2, 3] = 256 * (10 + number)
    return depth


def write_index(root: Path) -> None:
    index = {}
    for scene, kind in {
        "train/stereo": "stereo SGM",
        "train/sweep": "lidar sweep",
        "val/sweep": "lidar sweep",
        "val/stereo": "stereo SGM",
    }.items():
        frames = []
        for number in range(2):
            stem = f"{number:04d}"
            save(root / scene / "rgb" / f"{stem}.jpg", np.full((4, 6, 3), 40, np.uint8))
            save(root / scene / "depth" / f"{stem}.png", stored(number))
            camera = {"fx": 700.0 + number, "fy": 710.0, "cx": 3.0, "cy": 2.0}
            frames.append({"stem": stem, **camera, "width": 6, "height": 4})
        index[scene] = {"kind": kind, "frames": frames}
    (root / "index.json").write_text(json.dumps(index))


def write_official(root: Path, part: str = "val", raw: str = "raw") -> None:
    for drive, side, numbers in ((DRIVE, "image_02", (5, 8)), (OTHER, "image_03", (5,))):
        for number in numbers:
            stem = f"{number:010d}.png"
            base = root / raw / drive[:10] / drive / side / "data"
            save(base / stem, np.full((4, 6, 3), number, np.uint8))
            truth = root / "data_depth_annotated" / part / drive / "proj_depth" / "groundtruth"
            save(truth / side / stem, stored(number))
    # A picture without ground truth, as the first frames of every drive are.
    save(
        root / raw / DAY / DRIVE / "image_02" / "data" / "0000000001.png",
        np.zeros((4, 6, 3), np.uint8),
    )


def test_index(tmp_path: Path) -> None:
    write_index(tmp_path)
    train, val = KittiDataset(tmp_path), KittiDataset(tmp_path, "val")
    assert len(train) == 4
    assert [sample.name for sample in val] == ["val/sweep/0000", "val/sweep/0001"]
    assert {frame.kind for frame in train.frames} == {"stereo SGM", "lidar sweep"}
    sample = val[1]
    assert (sample.fx, sample.fy, sample.cx, sample.cy) == (701.0, 710.0, 3.0, 2.0)
    assert sample.depth[2, 3] == 11.0
    assert sample.valid.sum() == 1
    assert scene_of(sample.name) == "val/sweep"


def test_index_with_a_split_file(tmp_path: Path) -> None:
    write_index(tmp_path)
    listed = tmp_path / "drives.txt"
    listed.write_text("train/sweep/0001\nval/stereo/\n")
    dataset = KittiDataset(tmp_path, "val", listed)
    names = [frame.name for frame in dataset.frames]
    assert names == ["train/sweep/0001", "val/stereo/0000", "val/stereo/0001"]
    listed.write_text("val/nowhere\n")
    with pytest.raises(DataError, match="val/nowhere"):
        KittiDataset(tmp_path, "val", listed)


@pytest.mark.parametrize("raw", ["raw", "."])
def test_official_layout_without_a_list(tmp_path: Path, raw: str) -> None:
    write_official(tmp_path, raw=raw)
    dataset = KittiDataset(tmp_path, "val")
    assert [sample.name for sample in dataset] == [
        f"{DAY}/{DRIVE}/image_02/data/0000000005",
        f"{DAY}/{DRIVE}/image_02/data/0000000008",
        f"2011_10_03/{OTHER}/image_03/data/0000000005",
    ]
    assert dataset[1].depth[2, 3] == 18.0
    assert dataset.frames[0].camera == CAMERAS[DAY]
    assert dataset.frames[2].camera == CAMERAS["2011_10_03"]
    with pytest.raises(DataError, match="no frame of split 'train'"):
        KittiDataset(tmp_path, "train")


@pytest.mark.parametrize("part", ["train", "val", "."])
def test_eigen_list_with_ground_truth(tmp_path: Path, part: str) -> None:
    write_official(tmp_path, part)
    listed = tmp_path / "eigen_test_files_with_gt.txt"
    listed.write_text(
        f"{DAY}/{DRIVE}/image_02/data/0000000008.png "
        f"{DRIVE}/proj_depth/groundtruth/image_02/0000000008.png 721.5377\n"
        f"{DAY}/{DRIVE}/image_02/data/0000000001.png None 721.5377\n"
    )
    dataset = KittiDataset(tmp_path, "val", listed)
    assert len(dataset) == 1
    assert dataset[0].depth[2, 3] == 18.0
    assert dataset[0].rgb[0, 0, 0] == 8


def test_eigen_list_by_frame_number(tmp_path: Path) -> None:
    write_official(tmp_path)
    listed = tmp_path / "test_files.txt"
    listed.write_text(f"{DAY}/{DRIVE} 5 l\n{DAY}/{DRIVE} 0000000001 l\n2011_10_03/{OTHER} 5 r\n")
    dataset = KittiDataset(tmp_path, "val", listed)
    assert [sample.depth[2, 3] for sample in dataset] == [15.0, 15.0]
    assert [scene_of(f.name).split("/")[-2] for f in dataset.frames] == ["image_02", "image_03"]


def test_calibration_file_goes_before_the_table(tmp_path: Path) -> None:
    write_official(tmp_path)
    calibration = tmp_path / "raw" / DAY / "calib_cam_to_cam.txt"
    calibration.write_text(
        "S_rect_02: 1.242000e+03 3.750000e+02\n"
        "P_rect_02: 7.0e+02 0 6.0e+02 4.4e+01 0 7.1e+02 1.7e+02 2e-01 0 0 1 2e-03\n"
    )
    dataset = KittiDataset(tmp_path, "val")
    assert dataset.frames[0].camera == (700.0, 710.0, 600.0, 170.0)
    calibration.write_text("P_rect_03: 1 2 3\n")
    with pytest.raises(DataError, match="P_rect_02"):
        KittiDataset(tmp_path, "val")


def test_what_a_list_may_get_wrong(tmp_path: Path) -> None:
    write_official(tmp_path)
    listed = tmp_path / "list.txt"
    for line, said in (
        (f"{DAY}/{DRIVE}/image_02/data/0000000099.png a.png 721", "0000000099"),
        (f"{DAY}/{DRIVE}/image_02/data/0000000005.png gone.png 721", "gone.png"),
        ("only_one_column", "only_one_column"),
        ("# nothing", "lists no frame"),
    ):
        listed.write_text(line + "\n")
        with pytest.raises(DataError, match=said):
            KittiDataset(tmp_path, "val", listed)
    with pytest.raises(DataError, match="Cannot read"):
        KittiDataset(tmp_path, "val", tmp_path / "missing.txt")
    with pytest.raises(DataError, match="holiday"):
        KittiDataset(tmp_path, "holiday")
