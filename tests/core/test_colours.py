"""Colours are what a file's curves and primaries say, whatever its profile is called."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from core.images.colour import BT709, _matrix, from_code_points
from core.images.decode import decode
from tests.core.pictures import encode, png, png_chunk, scene, tiff

SCENE = scene(40, 56)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
# What other curves and primaries make of the same light, computed by colour science of its own.
LIGHT = np.where(
    SCENE / 255 <= 0.04045, SCENE / 255 / 12.92, ((SCENE / 255 + 0.055) / 1.055) ** 2.4
)
P3_TO_SRGB = np.array(  # CSS Color 4, section 17, by way of XYZ
    [[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]]
)
BT2020_FROM_709 = np.array(  # ITU-R BT.2087, table 1
    [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
)


def stored(power: float, levels: int = 65535) -> NDArray[np.uint16]:
    """The scene with values that are light ** power."""
    return np.round(LIGHT**power * levels).astype(np.uint16)


def with_chunk(data: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG with chunks behind its header."""
    return data[:33] + b"".join(png_chunk(*chunk) for chunk in chunks) + data[33:]


def gama(gamma: float) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", round(gamma * 100_000))


def chrm(*pairs: float) -> tuple[bytes, bytes]:
    return b"cHRM", struct.pack(">8I", *(round(value * 100_000) for value in pairs))


SRGB_CHRM = chrm(0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
ADOBE_CHRM = chrm(0.3127, 0.3290, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)


def profile(curve: float, name: str, space: bytes = b"RGB ") -> bytes:
    """An ICC profile (version 2) with sRGB's primaries and a gamma, under any name."""
    text = name.encode()
    description = b"desc\0\0\0\0" + struct.pack(">I", len(text) + 1) + text + bytes(79)
    tone = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(curve * 256)) + bytes(2)
    white = (0.9642, 1.0, 0.8249)
    xyz = {
        b"wtpt": white,
        b"rXYZ": (0.4361, 0.2225, 0.0139),
        b"gXYZ": (0.3851, 0.7169, 0.0971),
        b"bXYZ": (0.1431, 0.0606, 0.7141),
    }
    tags = {b"desc": description + bytes(-len(description) % 4)}
    for key, values in xyz.items():
        tags[key] = b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in values))
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC", b"kTRC"), tone)
    at, table, body = 132 + 12 * len(tags), b"", b""
    for key, content in tags.items():
        table += key + struct.pack(">II", at + len(body), len(content))
        body += content
    size = at + len(body)
    header = struct.pack(">I4xI4s4s4s12x4s", size, 0x02100000, b"mntr", space, b"XYZ ", b"acsp")
    header = header.ljust(68, b"\0") + struct.pack(">3i", *(round(v * 65536) for v in white))
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def difference(data: bytes, expected: NDArray[np.generic] = SCENE) -> float:
    return float(np.abs(decode(data).rgb.astype(float) - expected).mean())


class TestProfiles:
    @pytest.mark.parametrize("name", ["GIMP built-in Linear sRGB", "sRGB", "something"])
    @pytest.mark.parametrize("curve", [1.0, 1.8])
    def test_a_name_changes_nothing(self, name: str, curve: float) -> None:
        data = png(np.round(stored(1 / curve) / 257).astype(np.uint8), 2)
        icc = profile(curve, name)
        data = encode(Image.open(io.BytesIO(data)), "PNG", icc_profile=icc)
        assert difference(data) < 2.5
        assert decode(data).notes == ()

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
    def test_linear_light_in_every_format(self, kind: str) -> None:
        linear = Image.fromarray(np.round(LIGHT * 255).astype(np.uint8))
        options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}
        options |= {"AVIF": {"quality": 100, "subsampling": "4:4:4"}}
        data = encode(linear, kind, icc_profile=profile(1, "a sRGB"), **options.get(kind, {}))
        assert abs(decode(data).rgb.mean() - SCENE.mean()) < 2

    def test_srgb_itself_is_left_as_it_is(self) -> None:
        for name in (SRGB, SRGB.replace("sRGB".encode("utf-16-be"), bytes(8))):
            data = encode(Image.fromarray(SCENE), "PNG", icc_profile=name)
            assert np.array_equal(decode(data).rgb, SCENE)

    def test_grey(self) -> None:
        grey = np.round(LIGHT[..., 0] * 65535).astype(np.uint16)
        icc = profile(1, "sRGB grey", b"GRAY")
        eight = encode(Image.fromarray((grey // 257).astype(np.uint8)), "PNG", icc_profile=icc)
        wide = with_chunk(png(grey, 0), (b"iCCP", b"x\0\0" + zlib.compress(icc)))
        expected = SCENE[..., :1].repeat(3, axis=2)
        assert difference(eight, expected) < 3
        assert difference(wide, expected) < 2

    def test_sixteen_bits_of_linear_light_keep_their_darks(self) -> None:
        dark = np.linspace(0, 655, 40 * 56 * 3).astype(np.uint16).reshape(40, 56, 3)
        icc = profile(1, "linear")
        data = with_chunk(png(dark, 2), (b"iCCP", b"x\0\0" + zlib.compress(icc)))
        assert len(np.unique(decode(data).rgb)) > 20  # 8 bits know four such values
        by_gamma = with_chunk(png(dark, 2), gama(1))
        assert len(np.unique(decode(by_gamma).rgb)) > 20


class TestPng:
    @pytest.mark.parametrize("gamma", [1.0, 1 / 1.8, 0.3])
    @pytest.mark.parametrize("deep", [False, True])
    def test_gamma(self, gamma: float, deep: bool) -> None:
        values = stored(gamma) if deep else np.round(stored(gamma) / 257).astype(np.uint8)
        assert difference(with_chunk(png(values, 2), gama(gamma))) < (0.6 if deep else 2.5)

    def test_grey_and_palette(self) -> None:
        grey = stored(1)[..., 0]
        expected = SCENE[..., :1].repeat(3, axis=2)
        assert difference(with_chunk(png(grey, 0), gama(1)), expected) < 0.6
        few = Image.fromarray(SCENE).quantize(64)
        linear = few.copy()
        palette = np.array(few.getpalette()) / 255
        linear.putpalette(np.round(palette**2.2 * 255).astype(np.uint8).tobytes())
        data = with_chunk(encode(linear, "PNG"), gama(1))
        assert difference(data, np.asarray(few.convert("RGB"))) < 3

    @pytest.mark.parametrize(
        "chunks",
        [
            (gama(0.45455),),
            (gama(0.45455), SRGB_CHRM),
            (SRGB_CHRM,),
            (gama(1), (b"sRGB", b"\0")),  # sRGB is stronger
            (gama(1), (b"cICP", bytes((1, 13, 0, 1)))),  # and this too
            (gama(0),),  # nonsense
            (chrm(*[0.3] * 8),),
        ],
    )
    def test_what_is_srgb_stays_bit_for_bit(self, chunks: tuple[tuple[bytes, bytes], ...]) -> None:
        assert np.array_equal(decode(with_chunk(png(SCENE, 2), *chunks)).rgb, SCENE)

    def test_a_profile_is_stronger_than_gamma(self) -> None:
        chunk = (b"iCCP", b"x\0\0" + zlib.compress(SRGB))
        assert np.array_equal(decode(with_chunk(png(SCENE, 2), chunk, gama(1))).rgb, SCENE)

    def test_code_points_are_stronger_than_a_profile(self) -> None:
        linear = (b"iCCP", b"x\0\0" + zlib.compress(profile(1, "linear")))
        cicp = (b"cICP", bytes((1, 13, 0, 1)))
        assert np.array_equal(decode(with_chunk(png(SCENE, 2), cicp, linear)).rgb, SCENE)

    def test_primaries(self) -> None:
        dull = np.array([[[200, 60, 40]] * 4] * 4, np.uint8)
        adobe = decode(with_chunk(png(dull, 2), gama(0.45455), ADOBE_CHRM)).rgb[0, 0]
        display_p3 = decode(with_chunk(png(dull, 2), (b"cICP", bytes((12, 13, 0, 1))))).rgb[0, 0]
        for seen in (adobe, display_p3):
            assert seen[0] > 210  # more colourful than the same numbers in sRGB
            assert seen[1] < 60
        light = ((dull[0, 0] / 255 + 0.055) / 1.055) ** 2.4 @ P3_TO_SRGB.T
        expected = 255 * (1.055 * light ** (1 / 2.4) - 0.055)
        assert np.abs(display_p3 - expected).max() <= 1.5

    def test_adobe_rgb_as_cameras_write_it(self) -> None:
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0xA001] = 0xFFFF
        exif.get_ifd(0x8769)[0xA005] = {1: "R03"}
        red = Image.new("RGB", (16, 16), (200, 60, 40))
        data = encode(red, "JPEG", quality=100, subsampling=0, exif=exif)
        assert decode(data).rgb[0, 0, 0] > 215


def pq(nits: NDArray[np.floating]) -> NDArray[np.floating]:
    """SMPTE ST 2084, the inverse of what is tested."""
    y = np.clip(nits / 10_000, 0, 1) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375


class TestHighDynamicRange:
    """A photo whose paper white is 203 cd/m2, as ITU-R BT.2408 has it."""

    wide = np.round(pq(LIGHT @ BT2020_FROM_709.T * 203) * 65535).astype(np.uint16)

    def check(self, data: bytes) -> None:
        photo = decode(data)
        assert len(photo.notes) == 1
        assert "high dynamic range" in photo.notes[0]
        shown, true = photo.rgb.astype(float), SCENE.astype(float)
        dark = LIGHT.max(axis=2) < 0.2
        assert np.abs(shown - true)[dark].mean() < 8  # as it was, 8-bit AVIF being coarse
        assert 0.75 < shown.mean() / true.mean() < 1.05
        assert shown.max() < 225  # room for what is brighter than paper

    def test_png(self) -> None:
        cicp = (b"cICP", bytes((9, 16, 0, 1)))
        for values in (self.wide, np.round(self.wide / 257).astype(np.uint8)):
            self.check(with_chunk(png(values, 2), cicp))

    def test_avif(self) -> None:
        eight = Image.fromarray(np.round(self.wide / 257).astype(np.uint8))
        data = encode(eight, "AVIF", quality=100, subsampling="4:4:4")
        at = data.index(b"colrnclx") + 8
        self.check(data[:at] + bytes((0, 9, 0, 16)) + data[at + 4 :])

    def test_heic(self) -> None:
        pillow_heif = pytest.importorskip("pillow_heif")
        eight = Image.fromarray(np.round(self.wide / 257).astype(np.uint8))
        buffer = io.BytesIO()
        pillow_heif.from_pillow(eight).save(buffer, quality=-1, chroma=444)
        data = buffer.getvalue()
        at = data.index(b"colrnclx") + 8
        self.check(data[:at] + bytes((0, 9, 0, 16)) + data[at + 4 :])

    def test_a_profile_that_names_pq(self) -> None:
        icc = bytearray(profile(1, "x"))
        count = int.from_bytes(icc[128:132], "big")
        place = 132 + 12 * (count - 1)  # the last tag gives way
        icc[place : place + 12] = b"cicp" + struct.pack(">II", len(icc), 12)
        icc += b"cicp\0\0\0\0" + bytes((9, 16, 0, 1))
        eight = np.round(self.wide / 257).astype(np.uint8)
        self.check(encode(Image.fromarray(eight), "PNG", icc_profile=bytes(icc)))

    def test_hybrid_log_gamma(self) -> None:
        # ITU-R BT.2408, table 1: a white card is at 75 % of the signal, 203 cd/m2; a grey card at
        # 38 %, 26 cd/m2, which is 0.128 of white and 101 in sRGB.
        signal = np.array([[[0.75] * 3, [0.38] * 3, [0.0] * 3, [1.0] * 3]] * 4)
        data = png(np.round(signal * 65535).astype(np.uint16), 2)
        white, grey, black, peak = (
            decode(with_chunk(data, (b"cICP", bytes((9, 18, 0, 1))))).rgb[0, :, 0].astype(int)
        )
        assert black == 0
        assert grey == pytest.approx(101, abs=3)
        assert grey < white < peak <= 255

    def test_brighter_light_is_never_shown_darker(self) -> None:
        ramp = np.linspace(0, 65535, 4096).astype(np.uint16)[np.newaxis, :, np.newaxis]
        data = png(ramp.repeat(30, axis=0).repeat(3, axis=2), 2)
        rgb = decode(with_chunk(data, (b"cICP", bytes((9, 16, 0, 1))))).rgb[0, :, 0]
        assert (np.diff(rgb.astype(int)) >= 0).all()


def test_white_stays_white_in_every_space() -> None:
    for primaries in (1, 4, 5, 6, 8, 9, 10, 11, 12, 22):
        encoding = from_code_points(primaries, 8)
        matrix = _matrix(BT709 if encoding is None else encoding.primaries)
        assert np.ones(3) @ matrix == pytest.approx(np.ones(3), abs=1e-5)


def test_tiff_of_linear_light() -> None:
    """A 16-bit TIFF as raw converters write it, with its profile."""
    plain = tiff(stored(1), 2)
    icc = profile(1, "Linear sRGB")
    with Image.open(io.BytesIO(plain)) as image:
        assert image.mode == "RGB"
    data = _with_profile(stored(1), icc)
    assert difference(data) < 1


def _with_profile(samples: NDArray[np.uint16], icc: bytes) -> bytes:
    """A TIFF of 16 bits a colour with tag 34675, its directory at the end."""
    height, width, bands = samples.shape
    pixels = samples.astype("<u2").tobytes()
    bits_at = 8 + len(pixels)
    icc_at = bits_at + 6
    directory_at = icc_at + len(icc) + len(icc) % 2
    entries = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 3, bits_at),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, 8),
        (277, 3, 1, bands),
        (278, 4, 1, height),
        (279, 4, 1, len(pixels)),
        (34675, 7, len(icc), icc_at),
    ]
    body = b"II*\0" + struct.pack("<I", directory_at) + pixels + struct.pack("<3H", 16, 16, 16)
    body = (body + icc).ljust(directory_at, b"\0") + struct.pack("<H", len(entries))
    return body + b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
