"""Arguments that cannot be: exit status, one sentence on stderr, and nothing left or replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.cli.main import FAILED, UNUSABLE
from tests.core.cli_runs import photos, run

PREDICT = "predict photo.png --out o"
SCENE = "scene photo.png --out o"
POINT = "measure photo.png --point 1,1"
NYU = "evaluate --dataset nyu --root"
CONTRADICT = "contradict each other (known depth 1 x"


@pytest.mark.usefixtures("command_line")
@pytest.mark.parametrize(
    ("arguments", "status", "match"),
    [
        ("", UNUSABLE, "COMMAND"),
        ("paint", UNUSABLE, "invalid choice: 'paint'"),
        ("predict", UNUSABLE, "PATH"),
        ("predict photo.png", UNUSABLE, "--out"),
        ("predict photo.png --out photo.png", UNUSABLE, "is a file"),
        ("predict missing.png --out o", UNUSABLE, "missing.png"),
        ("predict *.tif --out o", UNUSABLE, "*.tif"),
        (f"{PREDICT} --save color,svg", UNUSABLE, "svg"),
        (f"{PREDICT} --save ,", UNUSABLE, "no output"),
        (f"{PREDICT} --resolution 95", UNUSABLE, "95"),
        (f"{PREDICT} --resolution -1", UNUSABLE, "-1"),
        (f"{PREDICT} --resolution 1e3", UNUSABLE, "1e3"),
        (f"{PREDICT} --resolution 99999", UNUSABLE, "99999"),
        (f"{PREDICT} --fov 4.9", UNUSABLE, "expected 5 to 170"),
        (f"{PREDICT} --fov 171", UNUSABLE, "expected 5 to 170"),
        (f"{PREDICT} --fov nan", UNUSABLE, "expected 5 to 170"),
        (f"{PREDICT} --model nobody", UNUSABLE, "no model 'nobody'"),
        (f"{PREDICT} --model ../../etc/passwd", UNUSABLE, "no model"),
        (f"{PREDICT} --model gone/model.safetensors", UNUSABLE, "no model"),
        (f"{NYU} missing", UNUSABLE, "There is no missing"),
        ("evaluate --dataset mnist --root .", UNUSABLE, "mnist"),
        (f"{NYU} . --split missing.txt", UNUSABLE, "missing.txt"),
        ("train --config missing.toml", UNUSABLE, "missing.toml"),
        ("import-release missing.pkl --dataset nyu --name x", UNUSABLE, "missing.pkl"),
        ("import-release photo.png --dataset nyu --name ../x", UNUSABLE, "../x"),
        ("export --model tiny --format tflite --out x", UNUSABLE, "tflite"),
        ("export --model nobody --format onnx --out x", UNUSABLE, "nobody"),
        # a file of the user's has the name
        (f"{PREDICT} --zip photo.png", UNUSABLE, "photo.png"),
        ("export --model tiny --format onnx --out photo.png", UNUSABLE, "photo.png"),
        ("evaluate --dataset folder --root . --csv photo.png", UNUSABLE, "photo.png"),
        ("evaluate --dataset folder --root . --gallery photo.png", UNUSABLE, "photo.png"),
        # camera and scale
        ("predict photo.png other.png --out o --known-length 1,1,9,9=2", UNUSABLE,
         "photo alone and got 2"),
        ("video a.mp4 b.mp4 --out o --known-length 1,1,9,9=2", UNUSABLE, "clip alone and got 2"),
        (f"{PREDICT} --known-length 1,1,9=2", UNUSABLE, "120,310,480,305=2.04"),
        (f"{PREDICT} --known-length 1,1,9,9=", UNUSABLE, "120,310,480,305=2.04"),
        (f"{PREDICT} --known-length 1,1,9,9=0", UNUSABLE, "length is 0 m"),
        (f"{PREDICT} --known-length 1,1,999,9=2", FAILED, "outside the photo"),
        (f"{PREDICT} --intrinsics 1,2,3", UNUSABLE, "expected 4 numbers"),
        (f"{PREDICT} --intrinsics 0,9,1,1", FAILED, "fx is 0 px"),
        (f"{PREDICT} --fov 60 --intrinsics 100,101,60,45", FAILED, "leave one out"),
        (f"{PREDICT} --profile none", UNUSABLE, "no profile 'none'"),
        (f"{PREDICT} --profile ../x", UNUSABLE, "name is '../x'"),
        ("predict photo.png other.png --out o --known-depth 1,1=2", UNUSABLE, "alone and got 2"),
        ("predict photo.png other.png --out o --camera-height 2", UNUSABLE, "alone and got 2"),
        (f"{PREDICT} --known-depth 1,1", UNUSABLE, "320,240=2.04"),
        (f"{PREDICT} --known-depth 1,1=-2", UNUSABLE, "depth is -2 m"),
        (f"{PREDICT} --known-depth 900,1=2", FAILED, "outside the photo"),
        (f"{PREDICT} --camera-height 0", UNUSABLE, "height is 0 m"),
        (f"{PREDICT} --sparse none.csv", FAILED, "cannot be read"),
        (f"{PREDICT} --sparse photo.png", FAILED, "--sparse-scale"),
        (f"{PREDICT} --sparse-scale 256", UNUSABLE, "which is missing"),
        ("profile create hall photo.png", UNUSABLE, "Nothing was measured"),
        ("profile create ../hall photo.png --known-depth 1,1=2", UNUSABLE, "name is '../hall'"),
        ("profile create a photo.png other.png --known-depth 1,1=2", UNUSABLE, "--measured"),
        ("profile create a photo.png --measured photo.png", UNUSABLE, "expected JSON like"),
        ("profile show none", UNUSABLE, "no profile 'none'"),
        ("profile create a photo.png --known-depth 60,45=1 --known-depth 30,40=5", UNUSABLE,
         CONTRADICT),
        # three dimensions
        ("measure photo.png", UNUSABLE, "Nothing to measure"),
        ("measure photo.png --point 1", UNUSABLE, "expected 2 numbers"),
        ("measure photo.png --point 999,5", UNUSABLE, "outside the photo"),
        ("measure photo.png --box 5,5,5,9", UNUSABLE, "is empty"),
        ("measure none.png --point 1,1", FAILED, "none.png"),
        (f"{POINT} --fov 4", UNUSABLE, "expected 5 to 170"),
        (f"{POINT} --intrinsics=-5,9,1,1", UNUSABLE, "fx is -5 px"),
        (f"{POINT} --intrinsics 1e9,1e9,1,1", UNUSABLE, "not in millimetres"),
        (f"{POINT} --known-length 1,1,1,1,2", UNUSABLE, "same pixel"),
        (f"{POINT} --known-length 1,1,9,9,1e9", UNUSABLE, "expected 0.001 to 10000 m"),
        (f"{SCENE} --save stl", UNUSABLE, "stl"),
        (f"{SCENE} --voxel 0", UNUSABLE, "voxel is 0"),
        (f"{SCENE} --near 5 --far 2", UNUSABLE, "5 to 2 m"),
        (f"{SCENE} --faces 0", UNUSABLE, "triangles is 0"),
        (f"{SCENE} --detail 99", UNUSABLE, "invalid choice: 99"),
        (f"{SCENE} --object cat,9,9,1", UNUSABLE, "ball or cube"),
        (f"{SCENE} --far 0.01", FAILED, "None of the 10800"),
        (f"{SCENE} --pose no.txt", UNUSABLE, "no.txt"),
        ("scene photo.png --out photo.png", UNUSABLE, "is a file"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_a_sentence_and_leaves_nothing(
    arguments: str,
    status: int,
    match: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LAPDEPTH_PROFILES", "profiles")
    photos("photo", "other")
    before = Path("photo.png").read_bytes()
    if "--model" not in arguments and arguments.startswith(("predict", "scene", "measure")):
        arguments += " --model tiny"
    assert run(*arguments.split()) == status
    told = capsys.readouterr().err
    assert match in told
    assert "Traceback" not in told
    assert {str(path) for path in Path().rglob("*") if path.is_file()} == {"photo.png", "other.png"}
    assert Path("photo.png").read_bytes() == before
