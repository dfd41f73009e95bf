"""OpenEXR, PFM and JPEG 2000 photos come out as the same picture saved as PNG would."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from core.errors import ImageError
from core.images.decode import decode
from core.images.decode_worker import decode_isolated
from core.images.limits import DecodeLimits
from tests.core.pictures import encode, scene

SCENE = scene(37, 53)
LIGHT = np.where(
    SCENE / 255 <= 0.04045, SCENE / 255 / 12.92, ((SCENE / 255 + 0.055) / 1.055) ** 2.4
).astype(np.float32)


def pfm(values: NDArray[np.float32], order: str = "<") -> bytes:
    kind = "PF" if values.ndim == 3 else "Pf"
    scale = "-1.0" if order == "<" else "1.0"
    header = f"{kind}\n{values.shape[1]} {values.shape[0]}\n{scale}\n".encode()
    return header + values[::-1].astype(f"{order}f4").tobytes()


class TestPfm:
    @pytest.mark.parametrize("order", ["<", ">"])
    def test_colour_and_grey(self, order: str) -> None:
        photo = decode(pfm(LIGHT, order))
        assert np.abs(photo.rgb.astype(int) - SCENE).max() <= 1
        assert photo.format == "PFM"
        assert photo.notes == ("A picture of linear light: shown as a screen would.",)
        grey = decode(pfm(LIGHT[..., 1], order)).rgb
        assert np.abs(grey.astype(int) - SCENE[..., 1:2]).max() <= 1

    def test_brighter_than_white(self) -> None:
        light = LIGHT.copy()
        light[:5] = 12
        photo = decode(pfm(light))
        usual = LIGHT[8:].max(axis=2) < 0.7
        assert np.abs(photo.rgb[8:].astype(int) - SCENE[8:])[usual].max() <= 1
        assert photo.rgb[:5].min() > 240
        assert "brightest parts darkened" in photo.notes[0]

    @pytest.mark.parametrize("factor", [1e-4, 500])
    def test_other_units(self, factor: float) -> None:
        photo = decode(pfm(LIGHT * np.float32(factor)))
        assert 60 < photo.rgb.mean() < 190
        assert "brightness multiplied" in photo.notes[0]

    def test_damaged_and_large(self) -> None:
        data = pfm(LIGHT)
        with pytest.raises(ImageError, match=r"a\.pfm is a PFM picture that is cut short"):
            decode(data[:-9], name="a.pfm")
        with pytest.raises(ImageError, match="header is damaged"):
            decode(b"PF\n53 x\n-1\n" + data)
        with pytest.raises(ImageError, match="megapixels"):
            decode(b"PF\n60000 60000\n-1\n" + data)


class TestExr:
    @staticmethod
    def exr(folder: Path, channels: dict[str, NDArray[Any]], **header: object) -> bytes:
        openexr = pytest.importorskip("OpenEXR")
        kinds = {"compression": openexr.ZIP_COMPRESSION, "type": openexr.scanlineimage, **header}
        path = folder / "a.exr"
        openexr.File(kinds, channels).write(str(path))
        return path.read_bytes()

    @pytest.mark.parametrize("compression", ["NO", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24", "DWAA"])
    @pytest.mark.parametrize("dtype", [np.float16, np.float32])
    def test_same_picture(self, tmp_path: Path, compression: str, dtype: type) -> None:
        openexr = pytest.importorskip("OpenEXR")
        data = self.exr(
            tmp_path,
            {"RGB": LIGHT.astype(dtype)},
            compression=getattr(openexr, f"{compression}_COMPRESSION"),
        )
        photo = decode(data)
        difference = np.abs(photo.rgb.astype(int) - SCENE)
        assert difference.mean() < (4 if compression == "DWAA" else 0.5)
        assert photo.format == "EXR"
        assert len(photo.notes) == 1

    def test_in_the_decoder_process(self, tmp_path: Path) -> None:
        data = self.exr(tmp_path, {"RGB": LIGHT})
        there, here = decode_isolated(data), decode(data)
        assert np.array_equal(there.rgb, here.rgb)
        assert there.notes == here.notes

    def test_layers_grey_and_alpha(self, tmp_path: Path) -> None:
        red, green, blue = (np.ascontiguousarray(LIGHT[..., band]) for band in range(3))
        layered = {
            f"View.Combined.{name}": plane
            for name, plane in zip("RGB", (red, green, blue), strict=True)
        }
        data = self.exr(tmp_path, layered | {"View.Depth.Z": red * 9})
        assert np.abs(decode(data).rgb.astype(int) - SCENE).max() <= 1
        grey = decode(self.exr(tmp_path, {"Y": red})).rgb
        assert np.abs(grey.astype(int) - SCENE[..., :1]).max() <= 1
        alpha = np.ones_like(red)
        alpha[:9] = 0
        over = LIGHT * alpha[..., np.newaxis]
        seen = decode(self.exr(tmp_path, {"RGBA": np.dstack([over, alpha])})).rgb
        assert (seen[:9] == 255).all()
        assert np.abs(seen[9:].astype(int) - SCENE[9:]).max() <= 1

    def test_primaries(self, tmp_path: Path) -> None:
        wide = (
            LIGHT
            @ np.array(  # ITU-R BT.2087
                [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]],
                np.float32,
            ).T
        )
        bt2020 = (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290)
        data = self.exr(tmp_path, {"RGB": wide}, chromaticities=bt2020)
        assert np.abs(decode(data).rgb.astype(int) - SCENE).max() <= 2

    def test_refused(self, tmp_path: Path) -> None:
        data = self.exr(tmp_path, {"RGB": LIGHT})
        for broken in (data[:-40], data[: len(data) // 2], data[:60]):
            with pytest.raises(ImageError, match=r"a\.exr is damaged .* expected"):
                decode(broken, name="a.exr")
        with pytest.raises(ImageError, match="expected at most 100: make it smaller"):
            decode(data, limits=DecodeLimits(max_pixels=100))
        with pytest.raises(ImageError, match="has the channels Z, expected R, G and B"):
            decode(self.exr(tmp_path, {"Z": LIGHT[..., 0]}))


class TestJpeg2000:
    @pytest.mark.parametrize("boxed", [True, False])
    @pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
    def test_lossless(self, boxed: bool, mode: str) -> None:
        image = Image.fromarray(SCENE).convert(mode)
        photo = decode(encode(image, "JPEG2000", no_jp2=not boxed))
        assert np.array_equal(photo.rgb, np.asarray(image.convert("RGB")))
        assert photo.format == "JPEG2000"
        assert photo.notes == ()

    def test_profile(self) -> None:
        data = encode(Image.fromarray(SCENE), "JPEG2000")
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        swapped = profile.replace(b"rXYZ", b"tmp_").replace(b"bXYZ", b"rXYZ")
        swapped = swapped.replace(b"tmp_", b"bXYZ")
        at = data.index(b"colr") - 4
        size = int.from_bytes(data[at : at + 4], "big")
        colr = struct.pack(">I4sBBB", 11 + len(swapped), b"colr", 2, 0, 0) + swapped
        header = data.index(b"jp2h") - 4
        length = int.from_bytes(data[header : header + 4], "big") + len(colr) - size
        data = data[:at] + colr + data[at + size :]
        data = data[:header] + length.to_bytes(4, "big") + data[header + 4 :]
        assert np.abs(decode(data).rgb[..., ::-1].astype(int) - SCENE).max() <= 2
