"""What EXIF still says of a photo that was cropped, resized or turned by a program."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from core.images.decode import Photo, decode

PHONE = {0xA405: 26, 0x920A: 5.1, 0xA002: 4032, 0xA003: 3024}  # its main camera, 4:3
# The sensor's diagonal is that of 4032 x 3024: 5040 px for 43.27 mm of film.
FULL = 26 * 5040 / 43.266615


def photo(
    size: tuple[int, int],
    tags: dict[int, object] | None = None,
    *,
    orientation: int = 1,
    first: dict[int, object] | None = None,
) -> Photo:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif.update(first or {})
    exif.get_ifd(0x8769).update(PHONE if tags is None else tags)
    file = io.BytesIO()
    Image.new("RGB", size, (90, 120, 150)).save(file, "JPEG", exif=exif)
    return decode(file.getvalue())


@pytest.mark.parametrize(
    ("size", "factor"),
    [
        ((4032, 3024), 1.0),
        ((1200, 900), 1200 / 4032),
        ((900, 1200), 1200 / 4032),  # turned by a program that reset the orientation
        ((320, 240), 320 / 4032),  # a thumbnail of a messenger
        ((4032, 2268), 1.0),  # 16:9, not resized
        ((3024, 3024), 1.0),
        ((2268, 3024), 1.0),  # a standing crop of the lying frame
    ],
)
def test_what_a_resize_or_a_crop_leaves_known(size: tuple[int, int], factor: float) -> None:
    found = photo(size)
    assert found.focal_px == pytest.approx(FULL * factor, rel=2e-3)
    assert found.notes == ()


@pytest.mark.parametrize(
    ("size", "factor"),
    [
        ((1200, 675), 1200 / 4032),  # 16:9
        ((1080, 1080), 1080 / 3024),
        ((1350, 1080), 1080 / 3024),  # 5:4
        ((1200, 800), 1200 / 4032),  # 3:2
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_a_crop_of_a_usual_shape_that_was_resized(
    size: tuple[int, int], factor: float, turned: bool
) -> None:
    found = photo(size, orientation=6 if turned else 1)
    assert found.focal_px == pytest.approx(FULL * factor, rel=2e-3)
    assert "cropped in one direction" in found.notes[0]


@pytest.mark.parametrize(
    "size",
    [
        (1200, 1010),  # drawn by hand
        (1080, 1350),  # standing, of a lying frame: cropped, or turned and cropped
        (160, 90),  # a thumbnail of another shape: cropped, or with bars
    ],
)
def test_a_crop_of_which_nothing_is_known(size: tuple[int, int]) -> None:
    found = photo(size)
    assert found.focal_px is None
    assert "4032 x 3024" in found.notes[0]
    assert "assumed" in found.notes[0]


def test_no_word_of_a_crop_where_exif_gives_no_focal_length() -> None:
    assert photo((1200, 1010), {0xA002: 4032, 0xA003: 3024}).notes == ()


def test_the_frames_size_in_the_other_place() -> None:
    rewritten = PHONE | {0xA002: 1200, 0xA003: 1010}
    assert photo((1200, 1010), rewritten).focal_px is not None
    found = photo((1200, 1010), rewritten, first={0x0100: 4032, 0x0101: 3024})
    assert found.focal_px is None
    assert found.notes


@pytest.mark.parametrize("size", [(4032, 2268), (3024, 3024)])
def test_modes_that_use_a_part_of_the_sensor(size: tuple[int, int]) -> None:
    """The equivalent is that of the whole 4:3 sensor, whatever shape the phone saves."""
    tags = PHONE | {0xA002: size[0], 0xA003: size[1]}
    assert photo(size, tags).focal_px == pytest.approx(FULL, rel=2e-3)


def test_wide_mode_of_a_camera_with_a_sensor_like_film() -> None:
    tags = {0xA405: 75, 0x920A: 50.0, 0xA002: 6000, 0xA003: 3376}
    assert photo((1500, 844), tags).focal_px == pytest.approx(75 / 36 * 1500, rel=2e-3)


def test_digital_zoom_of_a_resized_crop() -> None:
    found = photo((1200, 675), PHONE | {0xA404: 2.0})
    assert found.focal_px == pytest.approx(2 * FULL * 1200 / 4032, rel=2e-3)


def test_sensor_resolution_that_a_resizing_program_left() -> None:
    """A 22.3 mm sensor of 5184 px, saved at 1600: the resolution is still that of 5184."""
    plane = {0x920A: 50.0, 0xA20E: 5184 / 22.3 * 25.4}
    taken = plane | {0xA002: 5184, 0xA003: 3456}
    true = 50 / 22.3 * 1600
    camera = {0x0110: "Canon EOS 600D"}
    assert photo((1600, 1067), taken, first=camera).focal_px == pytest.approx(true, rel=2e-3)
    rewritten = plane | {0xA002: 1600, 0xA003: 1067}
    assert photo((1600, 1067), rewritten, first=camera).focal_px is None
