"""The three layouts of NYU, written small by the test and read back."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from core.data import NyuDataset
from core.data.nyu import CAMERA
from core.errors import DataError

HEIGHT, WIDTH = 6, 8


def picture(number: int) -> np.ndarray:
    """Every pixel and channel different, so that a transposed or swapped one is seen."""
    values = np.arange(HEIGHT * WIDTH * 3).reshape(HEIGHT, WIDTH, 3) + number
    return values.astype(np.uint8)


def millimetres(number: int) -> np.ndarray:
    depth = 1000 + 10 * np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) + number
    depth[0, 0] = 0
    return depth.astype(np.uint16)


def write_pair(rgb: Path, depth: Path, number: int) -> None:
    for path in (rgb, depth):
        path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(number)).save(rgb)
    Image.fromarray(millimetres(number)).save(depth)


def write_folders(root: Path) -> None:
    for split, numbers in {"train": (2, 3, 5), "val": (0, 1)}.items():
        for number in numbers:
            write_pair(
                root / split / "rgb" / f"{number:05d}.png",
                root / split / "depth" / f"{number:05d}.png",
                number,
            )


def write_mat(root: Path, count: int = 5) -> Path:
    """The official file's layout: MATLAB's column-major arrays, axes reversed in HDF5."""
    path = root / "nyu_depth_v2_labeled.mat"
    with h5py.File(path, "w") as file:
        file["images"] = np.stack([picture(n).transpose(2, 1, 0) for n in range(count)])
        metres = [millimetres(n).astype(np.float32).T / 1000 for n in range(count)]
        file["depths"] = np.stack(metres)
    return path


def check(sample_number: int, dataset: NyuDataset, index: int) -> None:
    sample = dataset[index]
    np.testing.assert_array_equal(sample.rgb, picture(sample_number))
    np.testing.assert_allclose(sample.depth, millimetres(sample_number) / 1000, rtol=1e-6)
    assert sample.rgb.dtype == np.uint8
    assert sample.depth.dtype == np.float32
    assert (sample.fx, sample.fy, sample.cx, sample.cy) == CAMERA
    assert sample.valid.sum() == HEIGHT * WIDTH - 1


def test_folders(tmp_path: Path) -> None:
    write_folders(tmp_path)
    train, val = NyuDataset(tmp_path), NyuDataset(tmp_path, "val")
    assert (len(train), len(val)) == (3, 2)
    assert [sample.name for sample in train] == ["00002", "00003", "00005"]
    check(3, train, 1)
    check(1, NyuDataset(tmp_path, "test"), 1)  # "test" and "val" name the one test set there is


def test_folders_with_a_list_of_stems(tmp_path: Path) -> None:
    write_folders(tmp_path)
    listed = tmp_path / "some.txt"
    listed.write_text("# two frames\n00005\n\n00002\n")
    dataset = NyuDataset(tmp_path, "train", listed)
    assert [sample.name for sample in dataset] == ["00005", "00002"]
    listed.write_text("00099\n")
    with pytest.raises(DataError, match="00099"):
        NyuDataset(tmp_path, "train", listed)


def test_labelled_set_with_matlab_splits(tmp_path: Path) -> None:
    path = write_mat(tmp_path)
    # MATLAB counts from one, in columns.
    splits = {"trainNdxs": np.array([[2], [5]]), "testNdxs": np.array([[1], [3], [4]])}
    savemat(tmp_path / "splits.mat", splits)
    for root in (tmp_path, path):
        train, test = NyuDataset(root, "train"), NyuDataset(root, "val")
        assert [sample.name for sample in train] == ["00001", "00004"]
        assert [sample.name for sample in test] == ["00000", "00002", "00003"]
    check(4, train, 1)
    check(3, test, 2)
    check(3, NyuDataset(tmp_path, "test"), -1)
    assert [s.name for s in test[1:]] == ["00002", "00003"]
    # As a data loader's worker gets it.
    check(2, pickle.loads(pickle.dumps(test)), 1)


def test_labelled_set_with_json_and_listed_splits(tmp_path: Path) -> None:
    write_mat(tmp_path)
    with pytest.raises(DataError, match=r"splits\.mat"):
        NyuDataset(tmp_path)
    (tmp_path / "split.json").write_text(json.dumps({"train": [1, 2], "val": [4]}))
    assert [s.name for s in NyuDataset(tmp_path, "train")] == ["00001", "00002"]
    assert [s.name for s in NyuDataset(tmp_path, "test")] == ["00004"]
    listed = tmp_path / "list.txt"
    listed.write_text("3\n0\n")
    assert [s.name for s in NyuDataset(tmp_path, "train", listed)] == ["00003", "00000"]
    listed.write_text("5\n")
    with pytest.raises(DataError, match="frames 0 to 4"):
        NyuDataset(tmp_path, "train", listed)
    listed.write_text("rgb_5\n")
    with pytest.raises(DataError, match="0-based"):
        NyuDataset(tmp_path, "train", listed)


@pytest.mark.parametrize("folder", [".", "sync"])
def test_synchronised_set_with_its_list(tmp_path: Path, folder: str) -> None:
    for number in (1, 4):
        scene = tmp_path / folder / "kitchen_0028b"
        write_pair(scene / f"rgb_{number:05d}.jpg", scene / f"sync_depth_{number:05d}.png", number)
    listed = tmp_path / "nyudepthv2_train_files_with_gt.txt"
    listed.write_text(
        "/kitchen_0028b/rgb_00001.jpg /kitchen_0028b/sync_depth_00001.png 518.8579\n"
        "/kitchen_0028b/rgb_00002.jpg None 518.8579\n"
        "/kitchen_0028b/rgb_00004.jpg /kitchen_0028b/sync_depth_00004.png 518.8579\n"
    )
    dataset = NyuDataset(tmp_path, "train", listed)
    assert [s.name for s in dataset] == [
        "kitchen_0028b/rgb_00001.jpg",
        "kitchen_0028b/rgb_00004.jpg",
    ]
    np.testing.assert_allclose(dataset[1].depth, millimetres(4) / 1000, rtol=1e-6)
    with pytest.raises(DataError, match="rgb_00001"):
        NyuDataset(tmp_path / "elsewhere", "train", listed)


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"neither .* nor nyu_depth_v2_labeled\.mat"):
        NyuDataset(tmp_path)
    with pytest.raises(DataError, match="holiday"):
        NyuDataset(tmp_path, "holiday")
    (tmp_path / "nyu_depth_v2_labeled.mat").write_bytes(b"not HDF5")
    (tmp_path / "split.json").write_text('{"train": [0]}')
    with pytest.raises(DataError, match="HDF5"):
        NyuDataset(tmp_path)
    write_folders(tmp_path)
    depth = tmp_path / "train" / "depth"
    Image.fromarray(np.zeros((HEIGHT, WIDTH), np.uint8)).save(depth / "00002.png")
    Image.fromarray(np.ones((HEIGHT, WIDTH + 1), np.uint16)).save(depth / "00003.png")
    (depth / "00005.png").write_bytes(b"\x89PNG cut off")
    train = NyuDataset(tmp_path)
    for index, said in enumerate(("16-bit", "the same shape", "no file that can be read")):
        with pytest.raises(DataError, match=said):
            train[index]
    (depth / "00005.png").unlink()
    with pytest.raises(DataError, match="does not exist"):
        train[2]


@pytest.mark.data
def test_real_frames(data_root: Path) -> None:
    train, val = NyuDataset(data_root / "nyu"), NyuDataset(data_root / "nyu", "val")
    assert (len(train), len(val)) == (795, 200)
    official = json.loads((data_root / "nyu" / "split.json").read_text())
    names = [frame.name for frame in train[:].frames]  # type: ignore[attr-defined]
    assert [int(name) for name in names] == official["train"]
    sample = val[0]
    assert sample.rgb.shape == (480, 640, 3)
    assert 0.4 < sample.depth.min() < sample.depth.max() < 10.0
