"""Result files say the same metres to other people's readers, and are never half there."""

from __future__ import annotations

import io
import os
import struct
import tracemalloc
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from core.camera import Intrinsics
from core.errors import ConfigError, ExportError
from core.files import png
from core.files.colormap import COLORMAPS, INVALID_COLOR
from core.files.depth_maps import ColorSettings, depth16_scale, encode_color, encode_depth16
from core.files.outputs import OUTPUTS, parse_outputs
from core.files.png import encode_png
from core.files.writers_2d import ExportJob

ROOT = Path(__file__).resolve().parents[2]


def depth_map(height: int = 37, width: int = 23, far: float = 9.0) -> NDArray[np.float32]:
    values = np.random.default_rng(5).uniform(0.4, far, (height, width))
    return values.astype(np.float32)


def job(depth: NDArray[np.float32], max_depth: float = 10.0, **settings: Any) -> ExportJob:
    levels = [
        SimpleNamespace(
            stride=stride,
            residual=np.full((2, 3), stride, np.float32),
            band=np.full((2, 3, 3), stride + 0.5, np.float32),
            depth=np.full((2, 3), stride + 1, np.float32),
        )
        for stride in (16, 8, 4, 2, 1)
    ]
    prediction: Any = SimpleNamespace(
        depth=depth,
        levels=levels,
        intrinsics=Intrinsics(500.0, 510.0, 11.0, 18.0, "given"),
        focal_scale=1.0,
        confidence=None,
        photo_size=depth.shape[1::-1],
        settings={},
        calibration=None,
        scale=1.0,
        in_scale=lambda metres: metres,
        notes=(),
        unit="m",
        is_metric=lambda *, rescaled: True,
        info=SimpleNamespace(
            name="stub",
            sha256="0" * 64,
            metric=True,
            config=SimpleNamespace(max_depth=max_depth),
        ),
    )
    return ExportJob(prediction, np.zeros((*depth.shape, 3), np.uint8), ColorSettings(**settings))


def read_png(path: Path | bytes) -> NDArray[Any]:
    with Image.open(io.BytesIO(path) if isinstance(path, bytes) else path) as image:
        return np.asarray(image)


class TestTable:
    def test_names_and_suffixes_of_the_contract(self) -> None:
        assert {name: output.path("a/photo.v2").name for name, output in OUTPUTS.items()} == {
            "color": "photo.v2_color.png",
            "depth16": "photo.v2_depth16.png",
            "npy": "photo.v2_depth.npy",
            "npz": "photo.v2_depth.npz",
            "exr": "photo.v2_depth.exr",
            "normals": "photo.v2_normals.png",
            "normals_exr": "photo.v2_normals.exr",
            "points_exr": "photo.v2_points.exr",
            "splat": "photo.v2_splat.ply",
            "usdz": "photo.v2.usdz",
            "mcap": "photo.v2.mcap",
            "levels": "photo.v2_levels.npz",
            "ply": "photo.v2.ply",
            "glb": "photo.v2.glb",
            "obj": "photo.v2_obj.zip",
            "stereo": "photo.v2_stereo.png",
            "anaglyph": "photo.v2_anaglyph.png",
            "clip": "photo.v2_move.mp4",
        }

    @pytest.mark.parametrize("names", ["", " , ", "colour", "color,stl"])
    def test_unusable_lists(self, names: str) -> None:
        with pytest.raises(ConfigError, match="to save, expected some of color,depth16,npy"):
            parse_outputs(names)


class TestDepth16:
    @pytest.mark.parametrize(
        ("reach", "scale"),
        [(0.5, 1000), (10, 1000), (65.5, 1000), (80, 256), (255, 256), (500, 100)],
    )
    def test_finest_scale_that_fits(self, reach: float, scale: float) -> None:
        assert depth16_scale(reach) == scale

    def test_steps(self, tmp_path: Path) -> None:
        depth = depth_map()
        depth[0, :4] = np.nan, 0, 1e-5, 9.9994
        path = tmp_path / "depth16.png"
        facts = OUTPUTS["depth16"].write(path, job(depth))
        assert facts == {"scale": 1000.0, "unit": "1/1000 m", "invalid": 0}
        steps = read_png(path)
        assert steps.dtype == np.uint16
        assert steps[0, :4].tolist() == [0, 0, 1, 9999]
        assert np.abs(steps[1:] / 1000 - depth[1:]).max() <= 0.0005 + 1e-6

    def test_never_wraps_around(self) -> None:
        with pytest.raises(ExportError, match=r"reaches 70.0 m.*at most 65.5 m"):
            encode_depth16(np.full((2, 2), 70, np.float32), 1000)


@pytest.mark.parametrize("deflate", ["isal", "zlib"])
def test_png_made_in_threads_is_the_same_file(
    monkeypatch: pytest.MonkeyPatch, deflate: str
) -> None:
    if deflate == "zlib":
        monkeypatch.setattr(png, "isal_zlib", None)
    monkeypatch.setattr(png, "_STRIP_BYTES", 500)
    monkeypatch.setattr(png, "_BLOCK_BYTES", 1200)
    image = np.random.default_rng(2).integers(0, 300, (90, 47), dtype=np.uint16)
    files = []
    for threads in (1, 2):
        monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
        files.append(encode_png(image))
    assert files[0] == files[1]
    assert np.array_equal(read_png(files[0]), image)
    # A reader of ours that checks every sum: the blocks make one stream of zlib's.
    chunks, place = [], 8
    while place < len(files[0]):
        (size,) = struct.unpack(">I", files[0][place : place + 4])
        if files[0][place + 4 : place + 8] == b"IDAT":
            chunks.append(files[0][place + 8 : place + 8 + size])
        place += size + 12
    stream = zlib.decompressobj()
    assert len(stream.decompress(b"".join(chunks))) == 90 * (2 * 47 + 1)
    assert stream.eof
    assert not stream.unused_data


@pytest.mark.parametrize("name", ["color", "depth16", "npy", "npz", "exr"])
@pytest.mark.parametrize("odd", [np.inf, -np.inf, -0.1])
def test_impossible_depth_is_refused_and_nothing_written(
    tmp_path: Path, name: str, odd: float
) -> None:
    depth = depth_map()
    depth[3, 3] = odd
    with pytest.raises(ExportError, match="Depth goes from .* expected finite metres"):
        OUTPUTS[name].write(tmp_path / "file", job(depth))
    assert os.listdir(tmp_path) == []


class TestColour:
    def test_range_is_told_and_used(self, tmp_path: Path) -> None:
        depth = depth_map()
        depth[0, 0], depth[0, 1], depth[0, 2] = np.nan, 0.1, 9.5
        facts = OUTPUTS["color"].write(tmp_path / "a.png", job(depth, colormap="plasma", far=7.0))
        assert facts["colormap"] == "plasma"
        assert facts["far_m"] == 7.0
        assert 0.4 < facts["near_m"] < 0.6
        shown = read_png(tmp_path / "a.png")
        table = COLORMAPS["plasma"].table
        assert shown[0, 0].tolist() == list(INVALID_COLOR)
        assert shown[0, 1].tolist() == table[0].tolist()
        assert shown[0, 2].tolist() == table[-1].tolist()


class TestArrays:
    def test_npy(self, tmp_path: Path) -> None:
        depth = depth_map()
        depth[2, 2] = np.nan
        OUTPUTS["npy"].write(tmp_path / "a.npy", job(depth))
        read = np.load(tmp_path / "a.npy", allow_pickle=False)
        assert read.dtype == np.float32
        assert np.array_equal(read, depth, equal_nan=True)

    def test_npz(self, tmp_path: Path) -> None:
        depth = depth_map()
        OUTPUTS["npz"].write(tmp_path / "a.npz", job(depth))
        with np.load(tmp_path / "a.npz", allow_pickle=False) as read:
            assert np.array_equal(read["depth"], depth)
            assert read["intrinsics"].tolist() == [[500, 0, 11], [0, 510, 18], [0, 0, 1]]

    def test_levels(self, tmp_path: Path) -> None:
        facts = OUTPUTS["levels"].write(tmp_path / "a.npz", job(depth_map()))
        assert facts["strides"] == [16, 8, 4, 2, 1]
        with np.load(tmp_path / "a.npz", allow_pickle=False) as read:
            assert len(read.files) == 15
            assert read["residual_16"][0, 0] == 16
            assert read["band_2"].shape == (2, 3, 3)
            assert read["depth_1"][1, 2] == 2


class TestPng:
    @given(
        st.integers(1, 140),
        st.integers(1, 9),
        st.sampled_from(["u1", "u2", "rgb"]),
        st.integers(0, 9),
    )
    @settings(max_examples=60)
    def test_pillow_reads_it_back(self, height: int, width: int, kind: str, seed: int) -> None:
        random = np.random.default_rng(seed)
        shape = (height, width, 3) if kind == "rgb" else (height, width)
        dtype = np.uint16 if kind == "u2" else np.uint8
        image = random.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
        assert np.array_equal(read_png(encode_png(image)), image)


class TestExr:
    @pytest.mark.parametrize("size", [(1, 1), (15, 7), (16, 8), (50, 33)])
    def test_openexr_reads_it_back(self, tmp_path: Path, size: tuple[int, int]) -> None:
        openexr = pytest.importorskip("OpenEXR")
        depth = depth_map(*size)
        depth[0, 0] = np.nan
        OUTPUTS["exr"].write(tmp_path / "a.exr", job(depth))
        with openexr.File(str(tmp_path / "a.exr"), separate_channels=True) as file:
            read = file.channels()["Z"].pixels
            assert file.header()["compression"] == openexr.ZIP_COMPRESSION
            assert "metres" in file.header()["comments"]
        assert read.dtype == np.float32
        assert np.array_equal(read, depth, equal_nan=True)


def test_png_files_are_made_without_a_second_picture() -> None:
    depth = np.linspace(1, 9, 1500 * 2000, dtype=np.float32).reshape(1500, 2000)
    for encode in (
        lambda: encode_color(depth, ColorSettings()),
        lambda: encode_depth16(depth, 1000),
    ):
        encode()
        tracemalloc.start()
        made = len(encode())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak - 2 * made < 0.5 * 3 * depth.size  # half of what the coloured picture takes
