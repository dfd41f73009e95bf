"""A JPEG decoded straight into an array is the picture that Pillow decodes, or is left to it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from core.errors import ImageError
from core.images import decode as image_module
from core.images import jpeg
from core.images.colour_profile import Recolour
from core.images.decode import Photo, decode
from tests.core.pictures import encode, scene

pytest.importorskip("simplejpeg")

PICTURE = Image.fromarray(scene(203, 301))


def other_profile() -> bytes:
    """An sRGB profile with its red and blue primaries exchanged."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"tmp_").replace(b"bXYZ", b"rXYZ").replace(b"tmp_", b"bXYZ")


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def both_ways(data: bytes, monkeypatch: pytest.MonkeyPatch) -> tuple[Photo, Photo]:
    """The photo as it is decoded, which must be the short way, and as Pillow alone decodes it."""
    with monkeypatch.context() as patch:
        patch.setattr(image_module, "to_rgb", None)  # Pillow's way would call it
        direct = decode(data)
    with monkeypatch.context() as patch:
        patch.setattr(jpeg, "simplejpeg", None)
        return direct, decode(data)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"subsampling": 0},
        {"subsampling": "4:1:1"},
        {"progressive": True},
        {"keep_rgb": True, "subsampling": 0},
        {"icc_profile": other_profile()},
        {"icc_profile": b"x" * 200},
        *({"exif": turned(orientation)} for orientation in range(1, 9)),
    ],
)
def test_the_same_photo(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    direct, pillow = both_ways(encode(PICTURE, "JPEG", quality=90, **options), monkeypatch)
    assert np.array_equal(direct.rgb, pillow.rgb)
    assert direct.rgb.flags.c_contiguous
    assert direct.rgb.flags.writeable
    assert direct.full_size == pillow.full_size
    assert direct.notes == pillow.notes


def test_a_file_cannot_ask_for_more_than_was_checked() -> None:
    small, large = (encode(PICTURE.resize(size), "JPEG") for size in ((40, 30), (400, 300)))
    with Image.open(io.BytesIO(small)) as opened:
        assert jpeg.decode_jpeg(large, opened, 1, Recolour()) is None
        assert jpeg.decode_jpeg(small, opened, 1, Recolour()) is not None


def test_a_lossless_jpeg_in_colour_is_refused_rather_than_shown_in_other_colours() -> None:
    data = encode(PICTURE, "JPEG")
    assert not jpeg.is_lossless(data, jpeg.frame_at(data))
    endless = data[:2] + b"\xff\xfe\0\2" * 200_000
    assert not jpeg.is_lossless(endless, jpeg.frame_at(endless))
    lossless = data.replace(b"\xff\xc0", b"\xff\xc3", 1)
    with pytest.raises(ImageError, match=r"a\.jpg is a lossless JPEG.*expected"):
        decode(lossless, name="a.jpg")
