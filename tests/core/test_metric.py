"""Metres are claimed in one place, and every result says the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import core
from core.cli.main import main
from core.evaluate.run import resolution_notes
from core.files.depth_maps import ColorSettings
from core.files.outputs import parse_outputs, write_outputs
from core.files.writers_2d import ExportJob
from core.geometry.find_scale import calibrated
from core.predictor import Predictor, load_predictor
from core.scale.measurements import KnownLength
from tests.core.test_projection import XMP
from tests.tiny_checkpoint import picture as pixels


def picture(width: int, height: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(pixels(width, height, seed))


@pytest.fixture
def panorama(tmp_path: Path) -> Path:
    path = tmp_path / "round.jpg"
    xmp = XMP.format('GPano:ProjectionType="cylindrical"').encode()
    picture(256, 128).save(path, xmp=xmp)
    return path


def test_an_ordinary_photo_is_in_metres(tiny_predictor: Predictor) -> None:
    prediction = tiny_predictor(picture(320, 240))
    assert (prediction.metric, prediction.unit, prediction.notes) == (True, "m", ())


@pytest.mark.parametrize("times", [0.8, 1.0, 1.4])
def test_near_the_models_own_height_nothing_is_said(
    tiny_predictor: Predictor, times: float
) -> None:
    height = round(tiny_predictor.info.working_height * times)
    if height >= 96:
        assert tiny_predictor(picture(320, 240), resolution=height).metric
    assert resolution_notes(240, round(240 * times)) == []


def test_far_from_it_a_note_and_no_metres(tiny_predictor: Predictor, tmp_path: Path) -> None:
    own = tiny_predictor.info.working_height
    far = tiny_predictor(picture(320, 240), resolution=3 * own)
    assert (far.metric, far.unit) == (False, "relative")
    assert f"{3 * own}" in far.notes[0]
    assert "too large" in far.notes[0]
    assert "too small" in resolution_notes(288, 96)[0]
    job = ExportJob(far, np.zeros((240, 320, 3), np.uint8), ColorSettings())
    facts = write_outputs(parse_outputs("npy,npz,exr,levels"), tmp_path / "far", job)
    assert {each["unit"] for each in facts.values()} == {"relative"}
    # One known length fixes the scale whatever the height.
    assert calibrated(far, KnownLength((20, 20), (200, 200), 1.0)).metric


def test_a_standing_photo_at_its_own_size(tiny_predictor: Predictor) -> None:
    """A standing photo is seen larger by itself; the height asked for is compared with that."""
    own = tiny_predictor(picture(240, 320)).settings["working_size"][1]
    assert tiny_predictor(picture(240, 320), resolution=own).metric
    assert tiny_predictor(picture(240, 320), resolution=own).notes == ()


def test_a_panorama_is_never_in_metres(tiny_predictor: Predictor, panorama: Path) -> None:
    prediction = tiny_predictor(panorama)
    assert not prediction.metric
    assert prediction.intrinsics.source == "assumed"
    assert not calibrated(prediction, KnownLength((20, 20), (200, 100), 1.0)).metric
    for scale in (1.0, 2.0):
        comments = core.point_cloud(prediction, panorama, scale=scale).comments()
        assert comments["units"].startswith("unknown")
        assert "panorama" in comments["notes"]


def test_the_commands_say_so(
    tmp_path: Path, tiny_predictor: Predictor, panorama: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ["--model", str(tiny_predictor.info.path)]
    assert main(["predict", str(panorama), "--out", str(tmp_path / "a"), *model, "--json"]) == 0
    told = capsys.readouterr()
    assert "cylindrical" in told.err
    assert "cylindrical" in json.loads(told.out)["photos"][0]["notes"][0]
    # Also of a photo that was finished before.
    assert main(["predict", str(panorama), "--out", str(tmp_path / "a"), *model]) == 0
    assert "cylindrical" in capsys.readouterr().err
    assert main(["scene", str(panorama), "--out", str(tmp_path / "b"), *model]) == 0
    assert "cylindrical" in capsys.readouterr().err
    for folder in ("a", "b"):
        about = json.loads((tmp_path / folder / "round.json").read_text())
        assert about["model"]["metric"] is False
        assert about["depth"]["unit"] == "relative"
        assert "cylindrical" in about["notes"][0]
    assert b"units unknown" in (tmp_path / "b" / "round.ply").read_bytes()[:3000]
    assert main(["measure", str(panorama), "--point", "30,30", *model]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["metric"] is False
    assert "cylindrical" in found["notes"][0]


def test_a_crop_of_the_photo_is_at_the_same_distance(data_root: Path, tmp_path: Path) -> None:
    """A photo of a phone made smaller, and its 16:9 crop made smaller: EXIF as the phone wrote."""
    source = Image.open(data_root / "photos" / "nyu_demo.jpg").convert("RGB")
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0xA405: 26, 0x920A: 5.1, 0xA002: 4032, 0xA003: 3024})
    frame = source.resize((1200, 900))
    frame.save(tmp_path / "frame.jpg", exif=exif)
    frame.crop((0, 112, 1200, 787)).save(tmp_path / "crop.jpg", exif=exif)
    predictor = load_predictor("lite-indoor")
    whole = predictor(tmp_path / "frame.jpg").depth[112:787]
    crop = predictor(tmp_path / "crop.jpg")
    assert crop.intrinsics.source == "exif"
    assert float(np.median(crop.depth / whole)) == pytest.approx(1, abs=0.15)


def test_a_height_far_below_the_trained_one(data_root: Path) -> None:
    predictor = load_predictor("lite-indoor")
    photo = data_root / "photos" / "nyu_demo.jpg"
    small, usual = predictor(photo, resolution=96), predictor(photo)
    assert usual.metric
    assert float(np.median(small.depth / usual.depth)) < 0.7
    assert not small.metric
    assert "too small" in small.notes[-1]
