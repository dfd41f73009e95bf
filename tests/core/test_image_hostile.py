"""What strangers send: broken, huge, misnamed and malicious files cost one clear sentence each."""

from __future__ import annotations

import os
import struct
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, TiffImagePlugin

from core.errors import ImageError
from core.images.decode import Photo, decode
from core.images.limits import DecodeLimits
from tests.core.pictures import encode, png, png_header, scene, tiff

SCENE = scene()
PICTURE = Image.fromarray(SCENE)
FRAMES = [Image.new("RGB", (28, 20), colour) for colour in ("lime", "blue")]
TAGS = Image.Exif()
TAGS[0x0112] = 6
TAGS.get_ifd(0x8769)[0xA405] = 28

VALID = {
    "jpeg": encode(PICTURE, "JPEG", exif=TAGS),
    "progressive": encode(PICTURE, "JPEG", progressive=True),
    "cmyk": encode(PICTURE.convert("CMYK"), "JPEG"),
    "png": encode(PICTURE, "PNG", exif=TAGS),
    "palette": encode(PICTURE.quantize(16), "PNG", transparency=3),
    "png16": png(np.arange(560, dtype=np.uint16).reshape(20, 28) * 117, 0),
    "apng": encode(PICTURE, "PNG", save_all=True, append_images=FRAMES),
    "gif": encode(PICTURE, "GIF", save_all=True, append_images=FRAMES),
    "webp": encode(PICTURE, "WEBP"),
    "webp animation": encode(PICTURE, "WEBP", save_all=True, append_images=FRAMES),
    "tiff": encode(PICTURE, "TIFF", exif=TAGS),
    "tiff lzw": encode(PICTURE, "TIFF", compression="tiff_lzw"),
    "tiff float": tiff(np.linspace(0, 1, 560, dtype=np.float32).reshape(20, 28), 1),
    "bmp": encode(PICTURE, "BMP"),
    "avif": encode(PICTURE, "AVIF", speed=10),
}


def outcome(data: bytes) -> Photo | str:
    """Decode what may be anything: a whole photo, or one sentence; the rest is a failed test."""
    started = time.perf_counter()
    try:
        photo = decode(data, name="upload.jpg")
    except ImageError as error:
        message = str(error)
        assert message.startswith("upload.jpg ")
        assert message.endswith(".")
        assert "\n" not in message
        assert "object at 0x" not in message
        return message
    finally:
        assert time.perf_counter() - started < 10
    assert photo.rgb.dtype == np.uint8
    assert photo.rgb.ndim == 3
    assert photo.rgb.shape[2] == 3
    assert min(photo.rgb.shape[:2]) >= 2
    for focal in (photo.focal_px, photo.focal_35mm):
        assert focal is None or 0 < focal < 1e6
    return photo


def refusal(data: bytes) -> str:
    message = outcome(data)
    assert isinstance(message, str), "this should have been refused"
    return message


class TestNotPictures:
    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (b"", r"empty \(0 bytes\)"),
            (b"Dear diary,\n", "is a text file, expected JPEG, PNG"),
            ("日記".encode() * 2000, "is a text file"),
            (b"<!DOCTYPE html><p>404", "is a web page"),
            (b"<?xml version='1.0'?>\n<svg xmlns='x'/>", "is an SVG drawing"),
            (b"%PDF-1.7\n\xff", "is a PDF document"),
            (b"PK\x03\x04\0\0", "is a zip archive"),
            (b"\0\0\0\x18ftypmp42\0\0\0\0isom", "is a video or sound file"),
            (b"RIFF\0\0\0\0AVI LIST", "is a video or sound file"),
            (b"P6\n3 3\n255\n" + bytes(27), "is a PNM picture"),
            (b"\x76\x2f\x31\x01\2\0\0\0", "damaged or of a rare kind, expected a complete OpenEXR"),
            (b"\x93NUMPY\1\0", "is a NumPy array"),
            (bytes(100), "is a file of an unknown kind"),
            (b"\xff\xd8", "is a file of an unknown kind"),
        ],
    )
    def test_say_what_they_are(self, data: bytes, words: str) -> None:
        with pytest.raises(ImageError, match=words):
            decode(data, name="upload.png")

    def test_eps_is_never_given_to_pillow(self) -> None:
        # Pillow would hand it to Ghostscript.
        assert "is a PostScript file" in refusal(
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"
        )


class TestLimits:
    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (png_header(20000, 20000), r"400.0 megapixels, expected at most 100 megapixels"),
            (png_header(2**31 - 1, 2**31 - 1), "megapixels, expected at most 100"),
            (png_header(12000, 9000), r"108.0 megapixels \(12000 x 9000\)"),
            (png_header(70000, 500), "70000 x 500 pixels, expected at most 65535 on a side"),
            (png_header(1, 1), "1 x 1 pixels, expected at least 2 on each side"),
            (png_header(1, 5000), "1 x 5000 pixels, expected at least 2"),
            (png_header(5000, 2), "5000 x 2 pixels, expected a long side of at most 200 times"),
            (
                VALID["bmp"].replace(struct.pack("<ii", 28, 20), struct.pack("<ii", 2**30, 2**30)),
                "1073741824 x 1073741824|megapixels",
            ),
            (
                tiff(SCENE, 2).replace(struct.pack("<I", 28), struct.pack("<I", 2**31)),
                "megapixels|2147483648 x 20",
            ),
        ],
    )
    def test_header_says_too_much_or_too_little(self, data: bytes, words: str) -> None:
        with pytest.raises(ImageError, match=words):
            decode(data, name="upload.png")

    def test_bytes(self, tmp_path: Path) -> None:
        limits = DecodeLimits(max_bytes=1024 * 1024)
        path = tmp_path / "large.png"
        with path.open("wb") as file:
            file.truncate(5 * 1024 * 1024)  # a sparse file: only its size is looked at
        for source in (path, bytes(2**20 + 1)):
            with pytest.raises(ImageError, match=r"MiB, expected at most 1 MiB"):
                decode(source, limits=limits)

    def test_metadata(self) -> None:
        data = encode(PICTURE, "JPEG", icc_profile=bytes(200_000), comment=b"x" * 60_000)
        with pytest.raises(ImageError, match="0.2 MiB of metadata"):
            decode(data, limits=DecodeLimits(max_metadata_bytes=100_000))

    def test_frames(self) -> None:
        with pytest.raises(ImageError, match="has 3 frames, expected at most 2"):
            decode(VALID["apng"], limits=DecodeLimits(max_frames=2))

    @pytest.mark.parametrize("tag", [{"t254": 1}, {"t50706": 1}])
    def test_camera_raw_is_not_mistaken_for_its_thumbnail(self, tag: dict[str, int]) -> None:
        assert "camera raw file" in refusal(tiff(SCENE, 2, **tag))


class TestPaths:
    def test_message_has_no_folders(self, tmp_path: Path) -> None:
        with pytest.raises(ImageError) as error:
            decode(tmp_path / "photo.jpg")
        assert str(tmp_path) not in str(error.value)

    def test_folder_device_and_pipe(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        for path in (tmp_path, Path("/dev/zero"), tmp_path / "pipe"):
            with pytest.raises(ImageError, match="folder or a device|could not be read"):
                decode(path)

    def test_control_characters_do_not_reach_the_terminal(self, tmp_path: Path) -> None:
        path = tmp_path / "\x1b[31mred\n\udcff.jpg"
        path.write_bytes(b"text")
        with pytest.raises(ImageError) as error:
            decode(path)
        assert str(error.value).startswith("?[31mred??.jpg is a text file")
        str(error.value).encode()


class TestWarnings:
    def test_nothing_is_left_switched_off(self) -> None:
        before = list(warnings.filters)
        with ThreadPoolExecutor(4) as threads:
            for _ in threads.map(outcome, list(VALID.values()) * 4):
                pass
        assert list(warnings.filters) == before
        with pytest.warns(UserWarning, match="still heard"):
            warnings.warn("still heard", stacklevel=1)


def test_any_exception_of_a_decoder_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for error in (RecursionError(), MemoryError(), struct.error("x"), AssertionError(), EOFError()):

        def fail(*_: object, error: Exception = error, **__: object) -> None:
            raise error

        monkeypatch.setattr(TiffImagePlugin.TiffImageFile, "load", fail)
        assert "memory" in refusal(VALID["tiff"]) or "damaged" in refusal(VALID["tiff"])


@given(st.sampled_from(sorted({data[:12] for data in VALID.values()})), st.binary(max_size=300))
@settings(max_examples=150)
def test_random_bytes_behind_a_signature(start: bytes, rest: bytes) -> None:
    outcome(start + rest)


MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["set", "insert", "remove", "repeat", "cut"]),
        st.floats(0, 1, exclude_max=True),
        st.binary(min_size=1, max_size=4),
    ),
    min_size=1,
    max_size=6,
)


def mutated(data: bytes, mutations: list[tuple[str, float, bytes]]) -> bytes:
    for how, where, new in mutations:
        at = int(where * len(data))
        if how == "set":
            data = data[:at] + new + data[at + len(new) :]
        elif how == "insert":
            data = data[:at] + new + data[at:]
        elif how == "remove":
            data = data[:at] + data[at + 7 :]
        elif how == "repeat":
            data = data[:at] + data[max(0, at - 50) :]
        elif len(data) > 40:
            data = data[: max(at, 40)]
    return data


@pytest.mark.parametrize("kind", VALID)
@given(mutations=MUTATIONS)
@settings(max_examples=30)
def test_mutated_pictures(kind: str, mutations: list[tuple[str, float, bytes]]) -> None:
    outcome(mutated(VALID[kind], mutations))
