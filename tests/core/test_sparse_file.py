"""Files of sparse depth: each format gives its points, and what is none of them is a sentence."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data.sparse_file import parse_sparse, read_sparse
from core.errors import DataError

CALIBRATION = """P2: 100 0 60 0 0 100 45 0 0 0 1 0
R0_rect: 1 0 0 0 1 0 0 0 1
Tr_velo_to_cam: 0 -1 0 0 0 0 -1 0 1 0 0 0
"""
# x forward, y left, z up: the first at the picture's centre, the second 2 m left, the last behind.
POINTS = np.array([[10, 0, 0], [10, 2, 0], [20, 0, -4], [30, 0, -6], [-5, 0, 0]], np.float32)


def write(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def png(values: np.ndarray) -> bytes:
    data = io.BytesIO()
    Image.fromarray(values.astype(np.uint16)).save(data, "PNG")
    return data.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "u,v,metres\n10,20,1.5\n30.5,40,2\n",
        "10,20,1.5\n30.5,40,2",
        "\ufeffu;v;m\r\n10;20;1.5\r\n\r\n30.5;40;2\r\n",
        "# made by hand\n10 20 1.5\n30.5 40 2 # the door\n",
    ],
)
def test_a_table_of_points(tmp_path: Path, text: str) -> None:
    found = read_sparse(write(tmp_path / "a.csv", text))
    assert found.u.tolist() == [10, 30.5]
    assert found.v.tolist() == [20, 40]
    assert found.metres.tolist() == [1.5, 2]
    assert found.size is None


def test_a_16_bit_picture_needs_its_unit_said(tmp_path: Path) -> None:
    values = np.zeros((6, 8))
    values[2, 5] = 512
    path = write(tmp_path / "depth.png", png(values))
    with pytest.raises(DataError, match="give 256"):
        read_sparse(path)
    kitti, mm = read_sparse(path, scale=256), read_sparse(path, scale=1000)
    assert (kitti.u[0], kitti.v[0], kitti.metres[0], kitti.size) == (5, 2, 2.0, (8, 6))
    assert mm.metres[0] == pytest.approx(0.512)
    write(tmp_path / "depth.json", json.dumps({"png_scale": 128}))
    assert read_sparse(path).metres[0] == 4.0


def test_a_png_of_this_program_says_its_unit_in_its_sidecar(tmp_path: Path) -> None:
    path = write(tmp_path / "room_depth16.png", png(np.full((4, 4), 1000)))
    write(tmp_path / "room.json", json.dumps({"depth": {"png_scale": 500.0}}))
    assert read_sparse(path).metres.tolist() == [2.0] * 16


def test_lidar_points_lie_where_the_camera_sees_them(tmp_path: Path) -> None:
    calib = write(tmp_path / "calib.txt", CALIBRATION)
    raw = np.c_[POINTS, np.zeros(len(POINTS))].astype("<f4")
    path = write(tmp_path / "000000.bin", raw.tobytes())
    found = read_sparse(path, calibration=[calib])
    # The third and the fourth share a pixel: the nearer one is what the camera sees.
    assert sorted(zip(found.u, found.v, found.metres, strict=True)) == [
        (40, 45, 10), (60, 45, 10), (60, 65, 20)
    ]  # fmt: skip
    u, _, _ = found.on_photo(50, 90)  # what the photo does not show is left out
    assert u.tolist() == [40]
    with pytest.raises(DataError, match="--sparse-calib"):
        read_sparse(path)


def test_the_two_calibration_files_of_raw_recordings(tmp_path: Path) -> None:
    velo = write(tmp_path / "velo.txt", "R: 0 -1 0 0 0 -1 1 0 0\nT: 0 0 0.5\n")
    text = "P_rect_02: 100 0 60 0 0 100 45 0 0 0 1 0\nR_rect_00: 1 0 0 0 1 0 0 0 1\n"
    path = write(tmp_path / "a.bin", np.array([[10, 0, 0, 0]], "<f4").tobytes())
    found = read_sparse(path, calibration=[write(tmp_path / "cam.txt", text), velo])
    assert (found.u[0], found.v[0], found.metres[0]) == (60, 45, 10.5)


@pytest.mark.parametrize("layout", ["ascii", "binary"])
def test_a_pcd_file(tmp_path: Path, layout: str) -> None:
    head = (
        "# .PCD v0.7 - Point Cloud Data file format\nVERSION 0.7\nFIELDS x y z _ intensity\n"
        "SIZE 4 4 4 1 4\nTYPE F F F U F\nCOUNT 1 1 1 4 1\nWIDTH 5\nHEIGHT 1\nPOINTS 5\n"
    )
    if layout == "ascii":
        body = "".join(f"{x} {y} {z} 0 0 0 0 9\n" for x, y, z in POINTS).encode()
    else:
        record = np.zeros(
            5, [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("_", "u1", 4), ("i", "<f4")]
        )
        for i, axis in enumerate("xyz"):
            record[axis] = POINTS[:, i]
        body = record.tobytes()
    path = write(tmp_path / "a.pcd", f"{head}DATA {layout}\n".encode() + body)
    calib = write(tmp_path / "calib.txt", CALIBRATION)
    found = read_sparse(path, calibration=[calib])
    assert sorted(found.metres) == [10, 10, 20]
    write(path, path.read_bytes()[:-30])
    with pytest.raises(DataError, match="cut short|garbled"):
        read_sparse(path, calibration=[calib])


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("a.csv", "", "holds no point"),
        ("a.csv", "u,v,metres\n", "holds no point"),
        ("a.csv", "1,2,3\n4,5\n", "Line 2 of a.csv is '4,5'"),
        ("a.csv", "1,2,3\n4,5,zero\n", "Line 2"),
        ("a.csv", "1,2,0\n", "Line 1 of a.csv has 0 m"),
        ("a.csv", "1,2,-3\n", "has -3 m"),
        ("a.csv", "1,2,nan\n", "Line 1"),
        ("a.csv", b"\xff\xfe\x00\x01", "neither a depth map nor a table"),
        ("a.bin", b"", "0 bytes"),
        ("a.bin", b"1234567", "7 bytes"),
        ("a.pcd", "VERSION 0.7\nFIELDS x y\n", "DATA is missing"),
        ("a.pcd", "VERSION 0.7\nFIELDS x y\nSIZE 4 4\nTYPE F F\nPOINTS 1\nDATA ascii\n", "x, y, z"),
        ("a.png", b"\x89PNG\r\n\x1a\n broken", "cannot|damaged|read"),
    ],
)
def test_what_is_no_sparse_depth_is_a_sentence(
    tmp_path: Path, name: str, content: bytes | str, match: str
) -> None:
    calib = write(tmp_path / "calib.txt", CALIBRATION)
    with pytest.raises(DataError, match=match):
        read_sparse(write(tmp_path / name, content), scale=256, calibration=[calib])


@pytest.mark.parametrize(("name", "data"), [("a.bin", bytes(32)), ("a.pcd", b"# .PCD v0.7\n")])
def test_an_upload_of_lidar_points_is_told_where_they_can_be_used(name: str, data: bytes) -> None:
    with pytest.raises(DataError, match=f"{name} holds LiDAR points.*--sparse-calib"):
        parse_sparse(data, name)


def test_a_missing_file_and_a_foreign_calibration(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_sparse(tmp_path / "none.csv")
    path = write(tmp_path / "a.bin", bytes(16))
    with pytest.raises(DataError, match="lacks P2 or P_rect_02 with 12 numbers"):
        read_sparse(path, calibration=[write(tmp_path / "c.txt", "P2: 1 2 3\n")])
