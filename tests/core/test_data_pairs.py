"""Odd RGB-D folders: which files are a frame, what its picture is, and configs of every editor."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import FolderDataset
from core.data.depth_file import read_ground_truth
from core.data.sample import read_rgb, read_split_lines, read_text
from core.errors import DataError

CONFIG = "camera = [500.0, 501.0, 3.0, 2.0]\n"
GREEN, RED = (0, 200, 0), (200, 0, 0)


def picture(path: Path, colour: tuple[int, int, int] = GREEN) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (12, 8), colour).save(path)


def depth(path: Path, metres: float = 2.0, size: tuple[int, int] = (12, 8)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full(size[::-1], metres * 1000, np.uint16)).save(path)


def only_frame(root: Path, config: str = CONFIG) -> tuple[list[int], float]:
    """The middle pixel of the one frame, and its depth."""
    (root / "dataset.toml").write_text(config)
    (sample,) = FolderDataset(root)
    return sample.rgb[4, 6].tolist(), float(sample.depth[4, 6])


def test_two_files_that_could_be_a_frames_are_refused(tmp_path: Path) -> None:
    picture(tmp_path / "rgb" / "7.png")
    depth(tmp_path / "depth" / "7.png")
    picture(tmp_path / "rgb" / "7.bmp", RED)
    with pytest.raises(DataError, match=r"7\.bmp and 7\.png, expected one picture"):
        only_frame(tmp_path)
    (tmp_path / "rgb" / "7.bmp").unlink()
    np.save(tmp_path / "depth" / "7.npy", np.full((8, 12), 4000.0))
    with pytest.raises(DataError, match=r"7\.npy and 7\.png, expected one depth map"):
        only_frame(tmp_path)


def test_pictures_and_depth_in_one_folder(tmp_path: Path) -> None:
    here = CONFIG + 'rgb = "."\ndepth = "."\n'
    picture(tmp_path / "7.png")
    depth(tmp_path / "7_depth.png")
    assert only_frame(tmp_path, here + 'depth_suffix = "_depth"\n') == (list(GREEN), 2.0)
    (tmp_path / "7.png").unlink()
    (tmp_path / "7_depth.png").rename(tmp_path / "7.png")
    with pytest.raises(DataError, match="both the picture and the depth map"):
        only_frame(tmp_path, here)
    picture(tmp_path / "7.webp")
    rgb, metres = only_frame(tmp_path, here)
    assert metres == 2.0
    assert np.allclose(rgb, GREEN, atol=12)


def test_names_in_capitals_and_of_other_cameras(tmp_path: Path) -> None:
    picture(tmp_path / "rgb" / "7.JPEG")
    (tmp_path / "rgb" / "7.JPEG").rename(tmp_path / "rgb" / "7.JFIF")
    depth(tmp_path / "depth" / "7.PNG")
    assert only_frame(tmp_path)[1] == 2.0


def test_a_frames_picture_is_what_the_predictor_would_see(tmp_path: Path) -> None:
    rows = np.linspace(0, 65535, 8)[:, None].repeat(12, 1).astype(np.uint16)
    Image.fromarray(rows).save(tmp_path / "sixteen.png")
    grey = read_rgb(tmp_path / "sixteen.png")
    assert np.abs(grey[..., 0] - rows / 257).max() <= 1, "16-bit grey keeps its steps"
    turned = Image.Exif()
    turned[0x0112] = 6
    shown = np.zeros((8, 12, 3), np.uint8)
    shown[:, :6] = RED
    stored = Image.fromarray(shown).transpose(Image.Transpose.ROTATE_90)
    stored.save(tmp_path / "turned.jpg", exif=turned, quality=95, subsampling=0)
    upright = read_rgb(tmp_path / "turned.jpg")
    assert upright.shape == shown.shape
    assert np.abs(upright.astype(int) - shown).mean() < 8


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_map_in_metres_is_not_taken_for_millimetres(tmp_path: Path, kind: type) -> None:
    picture(tmp_path / "rgb" / "7.png")
    (tmp_path / "depth").mkdir()
    np.save(tmp_path / "depth" / "7.npy", np.full((8, 12), 2.5, kind))
    with pytest.raises(DataError, match=r"7\.npy: .* set the scale to 1"):
        only_frame(tmp_path)
    assert only_frame(tmp_path, CONFIG + "scale = 1.0\n")[1] == 2.5
    with pytest.raises(DataError, match="set the scale to 1"):
        read_ground_truth((tmp_path / "depth" / "7.npy").read_bytes(), scale=256)


def test_a_mask_belongs_to_its_depth_map(tmp_path: Path) -> None:
    picture(tmp_path / "rgb" / "7.png")
    depth(tmp_path / "depth" / "7.png", size=(6, 4))
    mask = np.ones((4, 6), bool)
    mask[2, 3] = False
    np.save(tmp_path / "depth" / "7_mask.npy", mask)
    masked = CONFIG + 'mask_suffix = "_mask"\n'
    assert only_frame(tmp_path, masked)[1] == 0
    np.save(tmp_path / "depth" / "7_mask.npy", mask[:2])
    with pytest.raises(DataError, match=r"7_mask\.npy is of shape"):
        only_frame(tmp_path, masked)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("scale", "1000"),
        ("scale", True),
        ("max_depth", "10"),
        ("camera", "500,501,3,2"),
        ("camera", 500),
        ("camera", [500, 501, 3, None]),
        ("root", 5),
        ("index", 5),
        ("scenes", ["kitchen"]),
        ("scenes", {"kitchen": {"scale": 5000}}),
        ("scenes", {"kitchen": {"frames": [1]}}),
    ],
)
def test_a_wrong_value_in_a_config_is_named(tmp_path: Path, key: str, value: object) -> None:
    picture(tmp_path / "rgb" / "7.png")
    depth(tmp_path / "depth" / "7.png")
    content = {"camera": [500, 501, 3, 2], key: value}
    (tmp_path / "dataset.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match="expected"):
        FolderDataset(tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_files_of_windows_editors(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "dataset.toml"
    file.write_bytes((CONFIG + 'rgb = "Küche"\n').replace("\n", "\r\n").encode(encoding))
    assert read_text(file).splitlines()[1] == 'rgb = "Küche"'
    picture(tmp_path / "Küche" / "7.png")
    depth(tmp_path / "depth" / "7.png")
    assert len(FolderDataset(tmp_path)) == 1
    split = tmp_path / "val.txt"
    split.write_bytes("first\r\nsecond\r\n".encode(encoding))
    assert read_split_lines(split) == [["first"], ["second"]]
