"""A file that lacks a part of its picture is refused: decoders fill the gap and say nothing."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from core.errors import ImageError
from core.images.completeness import check_decoded
from core.images.decode import decode
from core.images.isobmff import read_items
from tests.core.pictures import encode, scene

NOISE = np.random.default_rng(0).integers(0, 90, (256, 384, 3))
PICTURE = Image.fromarray(np.clip(scene(256, 384).astype(int) // 2 + NOISE, 0, 255).astype("uint8"))


@pytest.fixture(scope="module")
def grid() -> bytes:
    """A HEIC of 4 x 6 tiles, as phones write them."""
    pillow_heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    pillow_heif.from_pillow(PICTURE).save(buffer, quality=70, tile_size=64)
    return buffer.getvalue()


def refused(data: bytes) -> None:
    with pytest.raises(ImageError, match=r"a\.heic is a HEIF picture .* expected a whole"):
        decode(data, name="a.heic")


def tile(data: bytes, number: int) -> slice:
    """Where a tile's data lie."""
    items = read_items(data)
    assert items is not None
    assert items.kinds[items.primary] == b"grid"
    sources = items.sources[items.primary]
    assert len(sources) == 24
    content = bytes(items.parts[sources[number]][0])
    start = data.index(content)
    return slice(start, start + len(content))


def overwritten(data: bytes, where: slice, new: bytes) -> bytes:
    return data[: where.start] + new + data[where.stop :]


class TestHeic:
    def test_whole(self, grid: bytes) -> None:
        photo = decode(grid)
        assert photo.rgb.shape == (256, 384, 3)
        assert photo.notes == ()

    @pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
    def test_cut(self, grid: bytes, share: float) -> None:
        refused(grid[: int(len(grid) * share)])

    def test_cut_by_one_byte(self, grid: bytes) -> None:
        refused(grid[:-1])

    @pytest.mark.parametrize("number", [0, 9, 23])
    @pytest.mark.parametrize("new", ["zeros", "noise", "ones"])
    def test_a_tile_overwritten(self, grid: bytes, number: int, new: str) -> None:
        where = tile(grid, number)
        size = where.stop - where.start
        noise = np.random.default_rng(number).bytes(size)
        refused(
            overwritten(
                grid, where, {"zeros": bytes(size), "noise": noise}.get(new, b"\xff" * size)
            )
        )

    def test_zeros_within_a_tile(self, grid: bytes) -> None:
        where = tile(grid, 9)
        middle = (where.start + where.stop) // 2
        refused(overwritten(grid, slice(middle, middle + 40), bytes(40)))

    def test_a_download_that_stopped_in_a_file_of_full_length(self, grid: bytes) -> None:
        half = len(grid) // 2
        refused(grid[:half] + bytes(len(grid) - half))

    def test_a_tile_that_is_not_listed(self, grid: bytes) -> None:
        at = grid.index(b"dimg") + 6
        count = int.from_bytes(grid[at : at + 2], "big")
        assert count == 24
        missing = grid[: at + 2 + 2 * 23] + b"\x7f\xff" + grid[at + 2 + 2 * 24 :]
        refused(missing)

    @pytest.mark.parametrize("green", [77, 84, 94, 136])
    def test_what_the_decoder_gave_up(self, green: int) -> None:
        broken = PICTURE.copy()
        broken.format = "HEIF"
        check_decoded(broken, "a.heic")
        broken.paste((0, green, 0), (128, 64, 192, 128))
        with pytest.raises(ImageError, match="a part is missing or overwritten"):
            check_decoded(broken, "a.heic")

    def test_green_things_are_allowed(self) -> None:
        pillow_heif = pytest.importorskip("pillow_heif")
        green = PICTURE.copy()
        green.paste((20, 140, 30), (64, 64, 256, 256))
        buffer = io.BytesIO()
        pillow_heif.from_pillow(green).save(buffer, quality=90)
        assert decode(buffer.getvalue()).notes == ()


WHOLE = {
    "jpeg": ("JPEG", {"quality": 90}),
    "progressive jpeg": ("JPEG", {"quality": 90, "progressive": True}),
    "png": ("PNG", {}),
    "webp": ("WEBP", {}),
    "lossless webp": ("WEBP", {"lossless": True}),
    "tiff": ("TIFF", {}),
    "tiff lzw": ("TIFF", {"compression": "tiff_lzw"}),
    "tiff deflate": ("TIFF", {"compression": "tiff_adobe_deflate"}),
    "gif": ("GIF", {}),
    "bmp": ("BMP", {}),
    "avif": ("AVIF", {"speed": 10}),
    "avif sequence": ("AVIF", {"speed": 10, "save_all": True, "append_images": [PICTURE]}),
    "jpeg 2000": ("JPEG2000", {}),
    "tiled jpeg 2000": ("JPEG2000", {"tile_size": (64, 64)}),
    "jpeg 2000 codestream": ("JPEG2000", {"no_jp2": True}),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_every_format(kind: str) -> None:
    name, options = WHOLE[kind]
    data = encode(PICTURE, name, **options)
    assert decode(data).rgb.shape == (256, 384, 3)
    for share in (0.4, 0.8, 0.97):
        with pytest.raises(ImageError):
            decode(data[: int(len(data) * share)])


@pytest.mark.parametrize("kind", [kind for kind in WHOLE if kind not in ("avif sequence",)])
def test_a_file_of_full_length_whose_end_was_never_written(kind: str) -> None:
    name, options = WHOLE[kind]
    data = encode(PICTURE, name, **options)
    half = data[: len(data) // 2] + bytes(len(data) - len(data) // 2)
    if name == "BMP" or kind in ("tiff", "jpeg"):  # black, or one flat colour, may be meant
        assert any("zeros" in note for note in decode(half).notes)
    else:
        with pytest.raises(ImageError):
            decode(half)


class TestJpegThatEndsEarlyWithItsEndMark:
    @pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
    @pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
    def test_rows_are_missing(self, mode: str, share: float) -> None:
        data = encode(PICTURE.convert(mode), "JPEG", quality=90)
        with pytest.raises(ImageError, match="a part is missing"):
            decode(data[: int(len(data) * share)] + b"\xff\xd9")

    def test_details_are_missing(self) -> None:
        data = encode(PICTURE, "JPEG", quality=90, progressive=True)
        photo = decode(data[: int(len(data) * 0.8)] + b"\xff\xd9")
        assert any("end before its picture does" in note for note in photo.notes)

    def test_scans_are_missing(self) -> None:
        data = encode(PICTURE, "JPEG", quality=90, progressive=True)
        assert decode(data).notes == ()
        last_scan = data.rindex(b"\xff\xda")
        tables = data.rindex(b"\xff\xc4", 0, last_scan)
        for end in {last_scan, tables}:
            photo = decode(data[:end] + b"\xff\xd9")
            assert photo.notes == (
                "The file lacks the last scans of its picture, which is coarser than it was.",
            )
