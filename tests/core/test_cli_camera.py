"""Camera, scale and standard input: spelled the same, and meaning the same, in every command."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.cli.main import DONE, FAILED, UNUSABLE
from core.geometry.find_scale import calibrated
from core.geometry.measure import Measurer
from core.images.decode import decode
from core.predictor import load_model
from core.scale.measurements import KnownLength
from tests.core.cli_runs import photos, run, sidecar
from tests.core.clips import write_clip
from tests.tiny_checkpoint import picture

LENGTHS = ("10,10,100,80=2", "20,60,90,70=1.5", "15,20,110,30=40")  # the last one is a mistake
CAMERA = "100,101,60,45"


@pytest.fixture(autouse=True)
def _photos(command_line: None) -> None:
    photos("photo", "other")


def every(lengths: tuple[str, ...]) -> list[str]:
    return [word for length in lengths for word in ("--known-length", length)]


def known(text: str) -> KnownLength:
    return KnownLength.from_numbers([float(n) for n in text.replace("=", ",").split(",")])


def test_predict_takes_the_camera_and_the_middle_of_several_lengths(tiny: Path) -> None:
    asked = ["--out", "out", "--save", "npy", "--intrinsics", CAMERA]
    assert run("predict", "photo.png", *asked, *every(LENGTHS)) == DONE
    told, depth = sidecar("out/photo.json"), np.load("out/photo_depth.npy")
    assert told["intrinsics"]["source"] == "given"
    assert told["intrinsics"]["fx"] == 100
    plain = load_model(tiny)(decode("photo.png"), intrinsics=[100, 101, 60, 45])
    ruler = Measurer.of(plain)
    seen = [ruler.distance(length.start, length.end).distance for length in map(known, LENGTHS)]
    factors = [length.metres / d for length, d in zip(map(known, LENGTHS), seen, strict=True)]
    middle = sum(sorted(factors)[:2]) / 2  # the third contradicts them and is left out
    assert told["scale"]["factor"] == pytest.approx(middle)
    assert told["scale"]["source"] == "known length"
    left = [each["residual"] for each in told["scale"]["residuals"]]
    expected = [middle * d - k.metres for d, k in zip(seen, map(known, LENGTHS), strict=True)]
    assert left == pytest.approx(expected)
    assert np.allclose(depth, plain.depth * middle, rtol=1e-5)
    assert told["depth"]["max_m"] == pytest.approx(depth.max())


def test_another_camera_or_length_is_not_finished_before(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ["predict", "photo.png", "--out", "out", "--save", "npy"]
    for change in ([], every(LENGTHS[:1]), every(LENGTHS[1:2]), ["--intrinsics", CAMERA], []):
        assert run(*asked, *change) == DONE
        assert "1 done" in capsys.readouterr().out
        assert run(*asked, *change) == DONE
        assert "1 finished before" in capsys.readouterr().out
    assert sidecar("out/photo.json")["scale"] == {
        "factor": 1.0,
        "source": "model",
        "residuals": [],
    }


def test_scene_and_measure_take_the_same_spelling(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--intrinsics", CAMERA, *every(LENGTHS[:2])]
    assert run("predict", "photo.png", "--out", "a", *asked) == DONE
    assert run("scene", "photo.png", "--out", "b", "--save", "ply", *asked) == DONE
    capsys.readouterr()
    assert run("measure", "photo.png", "--point", "3,3", *asked) == DONE
    measured = json.loads(capsys.readouterr().out)["scale"]
    assert sidecar("a/photo.json")["scale"] == sidecar("b/photo.json")["scale"] == measured


def test_a_clip_has_one_scale_by_its_first_frame(tiny: Path) -> None:
    write_clip(Path("clip.mp4"), [picture(128, 96, 1)] * 3)
    length = "10,10,100,80=2"
    asked = ["--save", "frames", "--unsteady", "--intrinsics", "100,100,64,48"]
    assert run("video", "clip.mp4", "--out", "plain", *asked) == DONE
    assert run("video", "clip.mp4", "--out", "out", *asked, "--known-length", length) == DONE
    told, plain = sidecar("out/clip.json"), sidecar("plain/clip.json")
    assert plain["scale"]["factor"] == 1
    assert told["intrinsics"]["source"] == "given"
    factor = told["scale"]["factor"]
    assert factor != 1
    pair = (("out", told), ("plain", plain))
    depths = [
        np.asarray(Image.open(f"{folder}/clip_frames/000003.png")) / one["depth"]["png_scale"]
        for folder, one in pair
    ]
    step = 1 / min(one["depth"]["png_scale"] for _, one in pair)
    assert np.allclose(depths[0], depths[1] * factor, rtol=1e-3, atol=2 * step)


def test_several_lengths_are_the_middle_in_python_too(tiny: Path) -> None:
    plain = load_model(tiny)(decode("photo.png"))
    scaled = calibrated(plain, *map(known, LENGTHS))
    assert scaled.calibration is not None
    assert scaled.calibration.left_out == (2,)
    assert "The known length 3 (40 m) says x" in scaled.notes[-1]
    assert "middle of 2 of 3 known lengths" in scaled.calibration.text()


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def feed(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_a_photo_comes_from_standard_input(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    data = Path("photo.png").read_bytes()
    feed(monkeypatch, data)
    assert run("predict", "-", "--out", "out", "--save", "npy", "--json") == DONE
    (entry,) = json.loads(capfdbinary.readouterr().out)["photos"]
    assert entry["input"] == "stdin"
    assert entry["files"] == ["stdin_depth.npy", "stdin.json"]
    assert sidecar("out/stdin.json")["input"]["name"] == "stdin"
    assert run("predict", "photo.png", "--out", "file", "--save", "npy") == DONE
    assert np.array_equal(np.load("out/stdin_depth.npy"), np.load("file/photo_depth.npy"))
    capfdbinary.readouterr()
    feed(monkeypatch, data)
    assert run("predict", "-", "--out", "zipped", "--save", "npy", "--zip", "-") == DONE
    with zipfile.ZipFile(io.BytesIO(capfdbinary.readouterr().out)) as archive:
        assert archive.namelist() == ["stdin_depth.npy", "stdin.json"]
    feed(monkeypatch, data)
    assert run("predict", "-", "other.png", "--out", "two", "--save", "npy") == DONE
    photos = sidecar("two/manifest.json")["photos"]
    assert [Path(photo["input"]).name for photo in photos] == ["stdin", "other.png"]
    assert photos[0]["input"] == "stdin"
    feed(monkeypatch, data)
    assert run("scene", "-", "--out", "space", "--save", "ply") == DONE
    assert sidecar("space/stdin.json")["input"]["name"] == "stdin"
    feed(monkeypatch, data)
    assert run("measure", "-", "--point", "5,5") == DONE


@pytest.mark.parametrize(
    "words", ["predict - --out out", "scene - --out out", "measure - --box 1,1,9,9"]
)
def test_nothing_on_standard_input_is_a_sentence(
    words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    feed(monkeypatch, b"")
    assert run(*words.split()) == FAILED
    assert "stdin is empty (0 bytes)" in capsys.readouterr().err
    feed(monkeypatch, b"no picture")
    assert run(*words.split()) == FAILED
    assert "stdin" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", _Terminal())
    assert run(*words.split()) == UNUSABLE
    assert "is a terminal" in capsys.readouterr().err
