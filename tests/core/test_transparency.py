"""A wholly transparent pixel has no depth, in no file, cloud or number."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import core
from core.cli.main import main
from core.geometry.measure import Measurer
from core.geometry.point_cloud import CloudOptions
from core.images.decode import Photo, decode
from core.images.decode_worker import decode_isolated
from core.predictor import Predictor
from tests.core.pictures import encode, png, png_chunk, tiff
from tests.tiny_checkpoint import picture as pixels

WIDTH, HEIGHT = 160, 112
CLEAR = np.zeros((HEIGHT, WIDTH), bool)
CLEAR[:, : WIDTH // 2] = True
HAZY = np.zeros((HEIGHT, WIDTH), bool)
HAZY[:, WIDTH // 2 : WIDTH // 2 + 20] = True


def picture(width: int, height: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(pixels(width, height, seed))


def alpha() -> np.ndarray:
    band = np.full((HEIGHT, WIDTH), 255, np.uint8)
    band[HAZY], band[CLEAR] = 1, 0
    return band


def cut_out() -> Image.Image:
    image = picture(WIDTH, HEIGHT).convert("RGBA")
    image.putalpha(Image.fromarray(alpha()))
    return image


def files() -> dict[str, bytes]:
    pytest.importorskip("pillow_heif").register_heif_opener()
    palette = picture(WIDTH, HEIGHT).quantize(254)
    indices = np.asarray(palette).copy()
    indices[CLEAR] = 255
    keyed = palette.copy()
    keyed.putpalette((palette.getpalette() or []) + [0] * (768 - len(palette.getpalette() or [])))
    keyed.putdata(indices.ravel().tolist())
    grey = np.asarray(picture(WIDTH, HEIGHT).convert("L")).clip(1, 254)
    keyed_grey = Image.fromarray(np.where(CLEAR, 0, grey).astype(np.uint8))
    wide_grey = Image.fromarray(np.where(CLEAR, 0, grey.astype(np.uint16) * 200 + 1))
    grey_alpha = cut_out().convert("LA")
    associated = np.asarray(cut_out()).copy()
    associated[CLEAR] = 0
    return {
        "png": encode(cut_out(), "PNG"),
        "png palette": encode(keyed, "PNG", transparency=255),
        "png grey": encode(grey_alpha, "PNG"),
        "png grey key": encode(keyed_grey, "PNG", transparency=0),
        "png 16-bit grey key": encode(wide_grey, "PNG", transparency=0),
        "webp": encode(cut_out(), "WEBP", lossless=True, exact=True),
        "heic": encode(cut_out(), "HEIF", quality=-1, matrix_coefficients=0, chroma=444),
        "avif": encode(cut_out(), "AVIF", quality=100),
        "gif": encode(keyed, "GIF", transparency=255),
        "tiff": encode(cut_out(), "TIFF"),
        "tiff associated": encode(Image.fromarray(associated), "TIFF", tiffinfo={338: 1}),
        "tiff grey": encode(grey_alpha, "TIFF"),
    }


NAMES = (
    "png", "png palette", "png grey", "png grey key", "png 16-bit grey key", "webp", "heic",
    "avif", "gif", "tiff", "tiff associated", "tiff grey",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_every_format_says_where_nothing_is(name: str) -> None:
    photo = decode(files()[name])
    assert photo.transparent is not None
    np.testing.assert_array_equal(photo.transparent, CLEAR)
    assert any("transparent" in note for note in photo.notes)


def sixteen_bit() -> dict[str, bytes]:
    rgba = np.asarray(cut_out()).astype(np.uint16) * 257
    keyed = np.minimum(rgba[..., :3], 65000).astype(np.uint16)
    keyed[CLEAR] = 65535
    plain = png(keyed, 2)
    at = plain.index(b"IDAT") - 4
    return {
        "png": png(rgba, 6),
        "png grey": png(rgba[..., [0, 3]], 4),
        "png key": plain[:at] + png_chunk(b"tRNS", b"\xff" * 6) + plain[at:],
        "tiff": tiff(rgba, 2, t338=2),
        "tiff associated": tiff(rgba, 2, t338=1),
    }


@pytest.mark.parametrize("name", ["png", "png grey", "png key", "tiff", "tiff associated"])
def test_sixteen_bits(name: str) -> None:
    clear = decode(sixteen_bit()[name]).transparent
    assert clear is not None
    np.testing.assert_array_equal(clear, CLEAR)


def test_arrays_pillow_images_and_the_decoder_process() -> None:
    photos = [decode(np.asarray(cut_out())), decode(cut_out()), decode_isolated(files()["png"])]
    for photo in photos:
        assert photo.transparent is not None
        np.testing.assert_array_equal(photo.transparent, CLEAR)


def test_turned_with_the_picture() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = decode(encode(cut_out(), "PNG", exif=exif))
    np.testing.assert_array_equal(photo.transparent, np.rot90(CLEAR, -1))


def test_nothing_is_missing_where_nothing_or_everything_is_transparent() -> None:
    opaque = cut_out()
    opaque.putalpha(1)
    assert decode(opaque).transparent is None
    opaque.putalpha(0)
    assert decode(opaque).transparent is None  # the colours beneath are the photo


@pytest.fixture(scope="module")
def photo() -> Photo:
    return decode(cut_out())


def test_depth_is_as_over_white_and_missing_where_nothing_is(
    tiny_predictor: Predictor, photo: Photo
) -> None:
    prediction, whole = tiny_predictor(photo), tiny_predictor(photo.rgb)
    np.testing.assert_array_equal(np.isnan(prediction.depth), CLEAR)
    np.testing.assert_array_equal(prediction.depth[~CLEAR], whole.depth[~CLEAR])
    assert np.isfinite(prediction.levels[-1].depth).all()
    if prediction.confidence is not None:
        assert (prediction.confidence[CLEAR] == 0).all()


def test_no_point_no_face_and_no_measurement_there(tiny_predictor: Predictor, photo: Photo) -> None:
    prediction = tiny_predictor(photo)
    cloud = core.point_cloud(prediction, photo, CloudOptions(edge_tolerance=None))
    assert len(cloud) == (~CLEAR).sum()
    assert not CLEAR.ravel()[cloud.pixels].any()
    assert cloud.dropped["no depth"] == CLEAR.sum()
    assert cloud.surface().uv[:, 0].min() >= 0.5
    ruler = Measurer.of(prediction)
    with pytest.raises(core.DepthError, match="depth"):
        ruler.position(5, 5)
    box = ruler.box(0, 0, WIDTH, HEIGHT)
    assert box.pixels == (~CLEAR).sum()
    assert box.median == pytest.approx(float(np.median(prediction.depth[~CLEAR])))


def test_the_files(
    tmp_path: Path, tiny_predictor: Predictor, capsys: pytest.CaptureFixture[str]
) -> None:
    cut_out().save(tmp_path / "cup.png")
    model = str(tiny_predictor.info.path)
    saved = "color,depth16,npy,npz,exr,ply,glb,stereo"
    command = ["predict", str(tmp_path / "cup.png"), "--out", str(tmp_path), "--model", model]
    assert main([*command, "--save", saved]) == 0
    assert "transparent" in capsys.readouterr().err
    assert np.array_equal(np.isnan(np.load(tmp_path / "cup_depth.npy")), CLEAR)
    assert np.array_equal(np.isnan(np.load(tmp_path / "cup_depth.npz")["depth"]), CLEAR)
    steps = np.asarray(Image.open(tmp_path / "cup_depth16.png"))
    assert np.array_equal(steps == 0, CLEAR)
    assert (np.asarray(Image.open(tmp_path / "cup_color.png"))[CLEAR] == 128).all()
    about = json.loads((tmp_path / "cup.json").read_text())
    depth = np.load(tmp_path / "cup_depth.npy")[~CLEAR]
    assert about["depth"]["min_m"] == pytest.approx(float(depth.min()))
    assert about["depth"]["max_m"] == pytest.approx(float(depth.max()))
    assert about["model"]["metric"] is True
    assert "transparent" in about["notes"][0]
