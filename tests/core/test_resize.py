"""The size at which the network sees a photo, and the way there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from core.errors import ConfigError
from core.images import resize
from core.images.resize import MAX_WORKING_PIXELS, resize_rgb, working_size
from tests.tiny_checkpoint import picture


@pytest.mark.parametrize(
    ("photo", "resolution", "expected"),
    [
        ((640, 480), None, (384, 288)),
        ((4032, 3024), None, (384, 288)),
        ((3024, 4032), None, (288, 384)),  # portrait: the working height lies along the width
        ((500, 500), None, (288, 288)),
        ((1216, 352), 352, (1216, 352)),
        ((640, 480), 100, (128, 96)),
        ((640, 480), 104, (144, 112)),
        ((200, 8000), None, (288, 576)),  # at most twice as high as wide
        ((8000, 200), None, (1152, 288)),  # at most four times as wide as high
        ((1, 5000), 96, (32, 96)),
    ],
)
def test_working_size(
    photo: tuple[int, int], resolution: int | None, expected: tuple[int, int]
) -> None:
    assert working_size(photo, 288, resolution) == expected


@given(
    st.integers(1, 70_000),
    st.integers(1, 70_000),
    st.sampled_from([96, 240, 288, 352, 432]),
    st.none() | st.integers(96, 1200),
)
def test_any_photo_has_a_bounded_working_size(
    width: int, height: int, working_height: int, resolution: int | None
) -> None:
    across, down = working_size((width, height), working_height, resolution)
    assert across % 16 == 0
    assert down % 16 == 0
    assert across >= 32
    assert down >= 96
    assert across * down <= MAX_WORKING_PIXELS
    if resolution is not None:
        assert abs(down - resolution) <= 8


@pytest.mark.parametrize("resolution", [95, 0, -96, 5000, 96.5, True, "384", float("nan")])
def test_an_unusable_resolution_is_refused(resolution: object) -> None:
    with pytest.raises(ConfigError, match="resolution"):
        working_size((640, 480), 288, resolution)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [(96, 64), (37, 91), (640, 480), (233, 500), (100, 700)])
def test_resampling_in_blocks_is_pillows_but_for_rounding(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resize, "_COLUMNS", 100)
    photo = picture(233, 600)
    shrinks = size[0] * size[1] <= 233 * 600
    kind = Image.Resampling.BILINEAR if shrinks else Image.Resampling.BICUBIC
    narrow = Image.fromarray(photo).resize((size[0], 600), kind)  # columns first
    expected = np.asarray(narrow.resize(size, kind))
    got = resize_rgb(photo, size)[0]
    assert got.flags.c_contiguous
    assert_off_by_rounding(got, expected)


def assert_off_by_rounding(got: NDArray[np.uint8], expected: NDArray[np.uint8]) -> None:
    off = got.astype(int) - expected
    assert np.abs(off).max() <= 1
    assert (off != 0).mean() < 0.25
    assert abs(off.mean()) < 0.05


def test_shrinking_averages_instead_of_picking_pixels() -> None:
    stripes = np.zeros((320, 320, 3), np.uint8)
    stripes[:, ::2] = 255
    small = resize_rgb(stripes, (32, 32))[0]
    assert np.abs(small[:, 2:-2] - 127.5).max() <= 4


@pytest.mark.parametrize("size", [(96, 64), (37, 91), (640, 480), (233, 100)])
def test_bytes_are_resampled_as_pytorch_does(size: tuple[int, int]) -> None:
    torch = pytest.importorskip("torch")
    photo = picture(233, 177)
    kind = "bilinear" if size[0] * size[1] <= 233 * 177 else "bicubic"
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(photo).permute(2, 0, 1)[None], size[::-1], mode=kind, antialias=True
    )
    got, again = resize_rgb(photo, size, size)
    assert got is again
    assert_off_by_rounding(got, expected[0].permute(1, 2, 0).numpy())
