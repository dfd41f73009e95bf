"""Every kind of picture people have comes out upright, in 8-bit sRGB, with its focal length."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from core.camera import choose_intrinsics
from core.errors import ImageError
from core.images.decode import decode
from core.weights.model_info import TrainingCamera
from tests.core.pictures import encode, png, png_chunk, scene, tiff

SCENE = scene()
PICTURE = Image.fromarray(SCENE)
RAMP16 = np.linspace(0, 65535, 20 * 28).round().astype(np.uint16).reshape(20, 28)
RAMP8 = np.round(RAMP16 / 257.0)


def grey(values: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.repeat(values[..., np.newaxis], 3, axis=2)


def largest_difference(decoded: NDArray[np.uint8], expected: NDArray[np.generic]) -> float:
    assert decoded.shape == expected.shape
    assert decoded.dtype == np.uint8
    return float(np.abs(decoded.astype(np.float64) - expected.astype(np.float64)).max())


@pytest.mark.parametrize(
    ("kind", "options", "tolerance"),
    [
        ("JPEG", {"quality": 95, "subsampling": 0}, 12),
        ("JPEG", {"quality": 95, "subsampling": 0, "progressive": True}, 12),
        ("PNG", {}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("BMP", {}, 0),
        ("GIF", {}, 48),  # 256 colours
        ("AVIF", {"quality": 95, "subsampling": "4:4:4"}, 20),
    ],
)
def test_formats(kind: str, options: dict[str, object], tolerance: float) -> None:
    data = encode(PICTURE, kind, **options)
    photo = decode(data)
    assert largest_difference(photo.rgb, SCENE) <= tolerance
    assert photo.format == kind
    assert photo.full_size == (28, 20)
    assert photo.sha256 == hashlib.sha256(data).hexdigest()
    assert photo.notes == ()
    assert photo.rgb.flags.c_contiguous
    assert photo.rgb.flags.writeable


def test_heic() -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    big = Image.fromarray(scene(64, 96))
    pillow_heif.from_pillow(big).save(buffer, quality=95, chroma=444)
    photo = decode(buffer.getvalue())
    assert photo.format == "HEIF"
    difference = photo.rgb.astype(float) - np.asarray(big, float)
    assert np.abs(difference).mean() < 4


# What the eye should see when the stored rows and columns mean what Exif 2.32, 4.6.4 says.
UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_orientation(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = decode(
        encode(PICTURE, kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    )
    expected = UPRIGHT[orientation](SCENE)
    assert np.array_equal(photo.rgb, expected)
    assert photo.full_size == (expected.shape[1], expected.shape[0])


@pytest.mark.parametrize(
    "exif",
    [
        b"",
        b"Exif\0\0",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0MM\0*" + b"\xff" * 60,
        b"x" * 99,
    ],
)
def test_malformed_exif_is_ignored(exif: bytes) -> None:
    photo = decode(encode(PICTURE, "JPEG", quality=95, exif=exif))
    assert photo.rgb.shape == SCENE.shape
    assert photo.focal_px is None


class TestTransparency:
    """Transparent parts are white: half of the picture here, a quarter see-through."""

    alpha = np.repeat(np.where(np.arange(28) < 14, 255, 64).astype(np.uint8)[None], 20, axis=0)

    def over_white(self, colour: NDArray[np.uint8]) -> NDArray[np.floating]:
        share = self.alpha[..., None] / 255
        return colour * share + 255 * (1 - share)

    @pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
    def test_rgba(self, kind: str) -> None:
        rgba = Image.fromarray(np.dstack([SCENE, self.alpha]))
        options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
        photo = decode(encode(rgba, kind, **options))
        assert largest_difference(photo.rgb, self.over_white(SCENE)) <= 1

    def test_palette(self) -> None:
        indexed = Image.new("P", (6, 4), 1)
        indexed.putpalette([0, 0, 0, 200, 30, 40, 9, 9, 9])
        indexed.paste(2, (0, 0, 3, 4))
        rgb = decode(encode(indexed, "PNG", transparency=2)).rgb
        assert (rgb[:, :3] == 255).all()
        assert (rgb[:, 3:] == (200, 30, 40)).all()

    def test_sixteen_bit_key(self) -> None:
        whole = png(np.array([[5, 40_000], [5, 300]] * 2, np.uint16), 0)
        at = whole.index(b"IDAT") - 4
        rgb = decode(whole[:at] + png_chunk(b"tRNS", b"\0\5") + whole[at:]).rgb
        assert rgb[:, 0].min() == 255
        assert rgb[0, 1, 0] == 156

    @pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
    def test_what_is_wholly_transparent_shows_its_colours(self, mode: str) -> None:
        if mode == "P":
            image = Image.fromarray(SCENE).quantize(8)
            expected = np.asarray(image.convert("RGB"))
            data = encode(image, "PNG", transparency=bytes(8))
        else:
            colour = SCENE if mode == "RGBA" else SCENE[..., :1]
            data = encode(Image.fromarray(np.dstack([colour, np.zeros_like(self.alpha)])), "PNG")
            expected = np.broadcast_to(colour, SCENE.shape)
        photo = decode(data)
        assert np.array_equal(photo.rgb, expected)
        assert photo.notes == ("Every pixel is wholly transparent; the colours beneath were used.",)


class TestBitDepths:
    def test_sixteen_bit_grey_png(self) -> None:
        assert largest_difference(decode(png(RAMP16, 0)).rgb, grey(RAMP8)) == 0

    def test_sixteen_bit_colour_png(self) -> None:
        wide = np.dstack([RAMP16, RAMP16[::-1], RAMP16[:, ::-1]])
        assert largest_difference(decode(png(wide, 2)).rgb, wide / 257.0) <= 1

    @pytest.mark.parametrize("order", ["<", ">"])
    def test_sixteen_bit_tiff(self, order: str) -> None:
        assert largest_difference(decode(tiff(RAMP16, 1, order)).rgb, grey(RAMP8)) == 0
        wide = np.dstack([RAMP16, RAMP16[::-1], RAMP16[:, ::-1]])
        assert largest_difference(decode(tiff(wide, 2, order)).rgb, wide / 257.0) <= 1

    def test_dark_sixteen_bit_says_so(self) -> None:
        photo = decode(png(RAMP16 // 32, 0))
        assert photo.rgb.max() == 8
        assert "brightest value is 2047 of 65535" in photo.notes[0]
        assert len(photo.notes) == 1

    def test_twelve_bit(self) -> None:
        values = np.array([[0, 4095, 2048, 1024]] * 4)
        pairs = values.reshape(-1, 2)
        high, low = pairs[:, 0], pairs[:, 1]
        packed = np.stack([high >> 4, (high & 15) << 4 | low >> 8, low & 255], 1).astype(np.uint8)
        data = tiff(packed.reshape(4, 6), 1)
        data = data.replace(tag(256, 4, 6), tag(256, 4, 4)).replace(tag(258, 3, 8), tag(258, 3, 12))
        assert decode(data).rgb[0, :, 0].tolist() == [0, 255, 128, 64]

    @pytest.mark.parametrize("full", [1, 255, 65535])
    def test_floats(self, full: int) -> None:
        photo = decode(tiff((RAMP16 / 65535 * full).astype(np.float32), 1))
        assert largest_difference(photo.rgb, grey(RAMP8)) <= 1
        assert photo.notes == (f"A floating-point picture: its values were read as 0 to {full}.",)

    @pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, -0.5, 70000])
    def test_impossible_floats_are_refused(self, odd: float) -> None:
        values = (RAMP16 / 65535).astype(np.float32)
        values[3, 4] = odd
        with pytest.raises(ImageError, match="floating-point values from .* expected finite ones"):
            decode(tiff(values, 1))

    @pytest.mark.parametrize(
        "values", [RAMP16.astype(np.uint32) * 60000, RAMP16.astype(np.int32) - 9]
    )
    def test_integers_out_of_range_are_refused(self, values: NDArray[np.generic]) -> None:
        with pytest.raises(ImageError, match="holds integers from .* expected 0 to 65535"):
            decode(tiff(values, 1))

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_float_colour_is_one_sentence(self, dtype: type) -> None:
        with pytest.raises(ImageError, match="rare kind"):
            decode(tiff((SCENE / 255).astype(dtype), 2))


def tag(number: int, kind: int, value: int) -> bytes:
    """A little-endian TIFF directory entry with one value."""
    return b"".join(
        n.to_bytes(size, "little") for n, size in ((number, 2), (kind, 2), (1, 4), (value, 4))
    )


class TestColourSpaces:
    @pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
    def test_cmyk(self, kind: str) -> None:
        ink = Image.new("CMYK", (16, 16), (0, 255, 255, 0))  # magenta and yellow: red
        rgb = decode(encode(ink, kind)).rgb
        assert (np.abs(rgb.astype(int) - (255, 0, 0)) <= 6).all()

    def test_cielab(self) -> None:
        lab = np.zeros((4, 6, 3), np.int8)
        lab[:, :3] = (100 * 255 // 100 - 256, 0, 0)  # L* = 100 as a byte is 255
        lab[:, 3:] = (53 * 255 // 100 - 256, 80, 67)  # sRGB red: L* 53.2, a* 80.1, b* 67.2
        rgb = decode(tiff(lab.view(np.uint8), 8)).rgb.astype(int)
        assert (rgb[:, :3] >= 253).all()
        assert (np.abs(rgb[:, 3:] - (255, 0, 0)) <= 10).all()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_several_pictures_first_one_counts(kind: str) -> None:
    first = Image.new("RGB", (20, 16), (200, 30, 40))
    others = [Image.new("RGB", (20, 16), colour) for colour in ("lime", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    photo = decode(encode(first, kind, save_all=True, append_images=others, **options))
    assert (np.abs(photo.rgb.astype(int) - (200, 30, 40)) <= 8).all()
    assert photo.notes == ("The file holds several pictures; the first one is used.",)


class TestFocalLength:
    def photo(self, tags: dict[int, object], size: tuple[int, int] = (400, 300)) -> object:
        exif = Image.Exif()
        exif.get_ifd(0x8769).update(tags)
        exif[0x0112] = 6
        return decode(encode(Image.new("RGB", size), "JPEG", exif=exif))

    def test_35mm_equivalent(self) -> None:
        photo = self.photo({0xA405: 28})
        assert photo.rgb.shape == (400, 300, 3)
        assert photo.focal_35mm == 28
        # Diagonals: 500 px against 43.2666 mm.
        assert photo.focal_px == pytest.approx(28 * 500 / 43.266615, rel=1e-6)

    def test_sensor_resolution(self) -> None:
        # 400 px on 36 mm of sensor, 50 mm lens: f = 50 / 36 * 400 px.
        photo = self.photo({0x920A: 50.0, 0xA20E: 400 / 3.6, 0xA210: 3})
        assert photo.focal_35mm is None
        assert photo.focal_px == pytest.approx(50 / 36 * 400, rel=1e-3)

    @pytest.mark.parametrize(
        "tags",
        [
            {},
            {0xA405: 0},
            {0xA405: 65535},
            {0xA405: "28 mm"},
            {0xA405: (28, 28)},
            {0x920A: 50.0},
            {0xA405: 177, 0x920A: 4.0},  # a phone that saved at a low resolution
            {0x920A: 50.0, 0xA20E: 1e-4},
            {0x920A: 50.0, 0xA20E: 0.0, 0xA210: 7},
            {0x920A: 1e9, 0xA20E: 111.0, 0xA210: 3},
        ],
    )
    def test_unbelievable_values_count_as_absent(self, tags: dict[int, object]) -> None:
        photo = self.photo(tags)
        assert photo.focal_px is None
        camera = TrainingCamera(640, 480, 500, 500)
        found = choose_intrinsics(photo.full_size, camera=camera, focal_px=photo.focal_px)
        assert found.source == "assumed"


class TestSources:
    def test_path(self, tmp_path: Path) -> None:
        path = tmp_path / "holiday.txt"  # the name does not matter
        path.write_bytes(encode(PICTURE, "PNG"))
        for source in (path, str(path)):
            photo = decode(source)
            assert np.array_equal(photo.rgb, SCENE)
            assert photo.name == "holiday.txt"

    def test_pillow_image(self) -> None:
        image = PICTURE.copy()
        image.getexif()[0x0112] = 6
        photo = decode(image)
        assert np.array_equal(photo.rgb, np.rot90(SCENE, -1))
        assert photo.format == "PIL"

    def test_array_is_copied(self) -> None:
        array = SCENE.copy()
        photo = decode(array)
        array[:] = 0
        assert np.array_equal(photo.rgb, SCENE)
        assert photo.sha256 == decode(SCENE).sha256 != decode(array).sha256

    @pytest.mark.parametrize(
        ("array", "remedy"),
        [
            (SCENE / 255, r"array of float64, expected uint8.*astype\('uint8'\)"),
            (SCENE.astype(np.uint16), "array of uint16, expected uint8"),
            (SCENE.transpose(2, 0, 1), r"shape 3 x 20 x 28.*transpose\(1, 2, 0\)"),
            (SCENE[None], "shape 1 x 20 x 28 x 3, expected"),
            (np.zeros((0, 5, 3), np.uint8), "5 x 0 pixels, expected at least 2"),
            (np.zeros((), np.uint8), "shape scalar"),
        ],
    )
    def test_wrong_arrays(self, array: NDArray[np.generic], remedy: str) -> None:
        with pytest.raises(ImageError, match=remedy):
            decode(array)
