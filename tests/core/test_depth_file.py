import contextlib
import io
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.data.depth_file import PNG_SCALES, read_ground_truth, resized_nearest
from core.errors import DataError
from core.images.exr_reader import read_exr_depth

OpenEXR = pytest.importorskip("OpenEXR")

DEPTH = np.random.default_rng(0).uniform(0.5, 9.5, (37, 23)).astype(np.float32)
DEPTH[:5, :7] = 0


def exr(channels, tmp_path, compression, **header):
    kinds = {"compression": compression, "type": OpenEXR.scanlineimage, **header}
    path = tmp_path / "depth.exr"
    OpenEXR.File(kinds, channels).write(str(path))
    return path.read_bytes()


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def png(array, mode=None):
    stream = io.BytesIO()
    Image.fromarray(array, mode).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize("compression", ["NO", "RLE", "ZIPS", "ZIP", "PIZ"])
@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.uint32])
def test_exr_written_by_openexr_reads_back(tmp_path, compression, dtype):
    plane = (DEPTH * (1000 if dtype is np.uint32 else 1)).astype(dtype)
    noise = np.arange(plane.size, dtype=np.float32).reshape(plane.shape)
    data = exr(
        {"A": noise, "Z": plane, "other": noise.astype(np.float16)},
        tmp_path,
        getattr(OpenEXR, f"{compression}_COMPRESSION"),
    )
    assert np.array_equal(read_exr_depth(data, max_pixels=10**6), plane.astype(np.float32))


def test_exr_without_depth_or_too_large_says_what_to_do(tmp_path):
    names = exr({"A": DEPTH, "B": DEPTH}, tmp_path, OpenEXR.ZIP_COMPRESSION)
    with pytest.raises(DataError, match="channels A, B; expected one of Z.*channel named Z"):
        read_exr_depth(names, max_pixels=10**6)
    with pytest.raises(DataError, match="at most 100"):
        read_exr_depth(exr({"Z": DEPTH}, tmp_path, OpenEXR.ZIP_COMPRESSION), max_pixels=100)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return exr({"Z": DEPTH}, tmp_path_factory.mktemp("exr"), OpenEXR.ZIP_COMPRESSION)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_damaged_exr_is_one_error_and_never_anything_else(whole, data):
    broken = bytearray(whole[: data.draw(st.integers(4, len(whole)))])
    for _ in range(data.draw(st.integers(0, 4))):
        broken[data.draw(st.integers(4, len(broken) - 1)) if len(broken) > 4 else 0] = data.draw(
            st.integers(0, 255)
        )
    with contextlib.suppress(DataError):
        assert read_exr_depth(bytes(broken), max_pixels=10**6).ndim == 2


def test_a_block_that_expands_without_end_is_refused(tmp_path):
    data = exr({"Z": np.zeros((16, 16), np.float32)}, tmp_path, OpenEXR.ZIP_COMPRESSION)
    bomb = zlib.compress(bytes(50_000_000))
    packed = next(n for n in range(8, len(data)) if data[-n - 4 : -n] == n.to_bytes(4, "little"))
    start = len(data) - packed - 4  # where the only block states its size
    broken = data[:start] + len(bomb).to_bytes(4, "little") + bomb
    with pytest.raises(DataError, match="damaged"):
        read_exr_depth(broken, max_pixels=10**6)


def test_exr_is_read_in_the_decoder_process(whole, monkeypatch):
    assert np.array_equal(read_ground_truth(whole, scale=1), DEPTH)
    with pytest.raises(DataError, match="The EXR file is damaged"):
        read_ground_truth(whole[:-20], scale=1)
    monkeypatch.setattr("core.data.depth_file.MAX_PIXELS", 100)
    with pytest.raises(DataError, match="at most 100"):
        read_ground_truth(whole, scale=1)


@pytest.mark.parametrize("name", ["kitti", "nyu"])
def test_png_in_both_scales(name):
    scale = PNG_SCALES[name]
    stored = np.round(DEPTH * scale).astype(np.uint16)
    depth = read_ground_truth(png(stored), scale=scale)
    assert depth.dtype == np.float32
    assert np.allclose(depth, DEPTH, atol=0.5 / scale + 1e-6)
    assert (depth[:5, :7] == 0).all()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no file"),
        (b"hello", "no file"),
        (png((DEPTH * 20).astype(np.uint8)), "mode L"),
        (png(np.dstack([(DEPTH * 20).astype(np.uint8)] * 3)), "mode RGB"),
        (png((DEPTH * 1000).astype(np.uint16))[:200], "damaged"),
        (npy(np.zeros((3, 4, 5))), "shape"),
        (npy(np.array(["a"])), "shape"),
        (npy(np.array([{}], dtype=object)), "shape|pickled"),
        (npy(DEPTH)[:300], "cut off"),
        (npy(DEPTH)[:9], "header"),
        (npy(np.zeros((4, 5))), "no depth above 0"),
    ],
)
def test_what_is_no_ground_truth_gets_one_clear_sentence(data, words):
    with pytest.raises(DataError, match=words):
        read_ground_truth(data, scale=1)


def test_resizing_never_mixes_depths():
    sparse = np.zeros((40, 60), np.float32)
    sparse[7, 11], sparse[30, 51] = 3, 5
    small = resized_nearest(sparse, 10, 15)
    assert sorted(small[small > 0]) == [3, 5]
    assert small[1, 2] == 3
    assert small[7, 12] == 5
    large = resized_nearest(np.array([[1, 2]], np.float32), 2, 4)
    assert large.tolist() == [[1, 1, 2, 2]] * 2


@pytest.mark.parametrize("order", ["<", ">"])
def test_pfm_in_either_byte_order(order: str) -> None:
    depth = np.arange(12, dtype=np.float32).reshape(3, 4) + 1
    sign = -1.0 if order == "<" else 1.0
    data = f"Pf\n4 3\n{sign}\n".encode() + depth[::-1].astype(f"{order}f4").tobytes()
    assert np.array_equal(read_ground_truth(data, scale=1), depth)
