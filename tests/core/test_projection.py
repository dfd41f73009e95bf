"""Panoramas, fisheye pictures and cube maps are told from photos of a pinhole camera."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from core.images.decode import Photo, decode
from tests.tiny_checkpoint import picture as pixels

XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
    'syntax-ns#"><rdf:Description xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" {}/>'
    "</rdf:RDF></x:xmpmeta>"
)
KINDS = ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"]


def picture(width: int, height: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(pixels(width, height, seed))


def saved(image: Image.Image, kind: str, xmp: str = "", **options: Any) -> Photo:
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    file = io.BytesIO()
    if kind == "PNG" and xmp:
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp)
    elif kind == "TIFF" and xmp:
        options["tiffinfo"] = {700: xmp.encode()}
    elif xmp:
        options["xmp"] = xmp.encode()
    image.save(file, kind, **options)
    return decode(file.getvalue())


@pytest.mark.parametrize("kind", KINDS)
def test_the_tag_in_every_format(kind: str) -> None:
    found = saved(picture(256, 128), kind, XMP.format('GPano:ProjectionType="equirectangular"'))
    assert found.projection == "equirectangular"
    assert found.notes == ()  # what is said depends on whether it is cut into views
    assert found.focal_px is None
    assert saved(picture(256, 192), kind).projection == "pinhole"


@pytest.mark.parametrize(
    ("words", "projection"),
    [
        ('GPano:ProjectionType="cylindrical"', "cylindrical"),
        ("GPano:ProjectionType='fisheye'", "fisheye"),
        ('GPano:ProjectionType = "cubemap"', "cubemap"),
        ('GPano:ProjectionType="something-new"', "panorama"),
        ('GPano:ProjectionType="rectilinear"', "pinhole"),
        ('GPano:FullPanoWidthPixels="8000"', "panorama"),
        ('GPano:UsePanoramaViewer="True"', "panorama"),
        ('aux:Lens="8.0 mm f/3.5 Fisheye"', "fisheye"),
        ('aux:Lens="50 mm f/1.8"', "pinhole"),
    ],
)
def test_what_xmp_calls_it(words: str, projection: str) -> None:
    assert saved(picture(320, 240), "JPEG", XMP.format(words)).projection == projection


def test_the_tag_as_an_element() -> None:
    xmp = "<GPano:ProjectionType>equirectangular</GPano:ProjectionType>"
    assert saved(picture(320, 240), "JPEG", xmp).projection == "equirectangular"


@pytest.mark.parametrize(
    ("first", "details", "size", "projection"),
    [
        ({}, {0xA434: "Canon EF 8-15mm f/4L Fisheye USM"}, (320, 240), "fisheye"),
        ({}, {0xA401: 6}, (320, 240), "panorama"),  # of an iPhone
        ({0x0110: "RICOH THETA Z1"}, {}, (320, 160), "equirectangular"),
        ({0x0110: "RICOH THETA Z1"}, {}, (320, 240), "pinhole"),
        ({}, {0x9286: b"ASCII\0\0\0Projection: Equirectangular (2)\n"}, (320, 240),
         "equirectangular"),  # Hugin
        ({}, {0x920A: 4.2, 0xA405: 26}, (960, 240), "strip"),  # a phone's sweep
        ({}, {}, (1000, 240), "strip"),
        ({}, {}, (240, 1000), "strip"),
        ({}, {}, (828, 250), "pinhole"),  # KITTI's shape
        ({}, {0x920A: 50.0, 0xA405: 50}, (650, 240), "pinhole"),  # 65:24
    ],
)  # fmt: skip
def test_other_tags_and_shapes(
    first: dict[int, Any], details: dict[int, Any], size: tuple[int, int], projection: str
) -> None:
    exif = Image.Exif()
    exif.update(first)
    exif.get_ifd(0x8769).update(details)
    found = saved(picture(*size), "JPEG", exif=exif)
    assert found.projection == projection
    assert bool(found.notes) == (projection not in ("pinhole", "equirectangular"))


def sphere(width: int = 1024) -> np.ndarray:
    """A room on a sphere: waves that go once round, and are one colour at the poles."""
    height = width // 2
    around = np.linspace(0, 2 * np.pi, width, endpoint=False)
    up = np.linspace(0, np.pi, height)
    waves = np.sin(3 * around)[None] * np.sin(up)[:, None] + 0.5 * np.cos(5 * up)[:, None]
    return np.repeat((127 + 80 * waves).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def test_a_sphere_without_tags() -> None:
    assert decode(sphere()).projection == "equirectangular"


def test_a_photo_twice_as_wide_as_high_gets_a_question_only() -> None:
    found = decode(np.asarray(picture(1024, 512)))
    assert found.projection == "pinhole"
    assert "twice as wide as high" in found.notes[0]
    white = np.full((512, 1024, 3), 255, np.uint8)
    white[100:400, 200:800] = np.asarray(picture(600, 300))
    assert decode(white).projection == "pinhole"


@pytest.mark.parametrize("standing", [False, True])
def test_a_cross_of_six_faces(standing: bool) -> None:
    cross = np.zeros((192, 256, 3), np.uint8)
    faces = np.asarray(picture(256, 192, 3))
    cross[64:128] = faces[64:128]
    cross[:, 64:128] = faces[:, 64:128]
    assert decode(cross.swapaxes(0, 1) if standing else cross).projection == "cubemap"
    assert decode(faces).projection == "pinhole"
