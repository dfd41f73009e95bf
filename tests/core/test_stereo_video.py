"""A clip for two eyes, and its depth as EXR frames."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from PIL import Image

from core.cli.main import main
from core.geometry.stereo import Rig, StereoSettings
from core.predictor import Predictor
from core.video.run import VideoResult, predict_video
from core.video.sequence import VideoModels
from core.video.settings import VideoSettings
from tests.core.clips import read_clip, write_clip
from tests.tiny_checkpoint import picture

WIDTH, HEIGHT = 160, 96


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", [picture(WIDTH, HEIGHT, 2)] * 3)


def run(clip: Path, predictor: Predictor, **settings: object) -> VideoResult:
    models = VideoModels((predictor.info.sha256,), lambda _: predictor)
    asked = VideoSettings(**settings)  # type: ignore[arg-type]
    return predict_video(clip, clip.parent / "out" / "clip", models, asked)


def test_exr_frames_are_the_frames_in_metres(clip: Path, tiny_predictor: Predictor) -> None:
    about = run(clip, tiny_predictor, save=("frames", "exr")).sidecar
    out = clip.parent / "out"
    assert about["files"]["exr"]["count"] == 3
    paths = sorted((out / "clip_frames_exr").iterdir())
    assert [path.name for path in paths] == ["000001.exr", "000002.exr", "000003.exr"]
    scale = about["files"]["frames"]["scale"]
    for path in paths:
        stored = np.asarray(Image.open(out / "clip_frames" / f"{path.stem}.png")) / scale
        with OpenEXR.File(str(path)) as file:
            np.testing.assert_allclose(file.channels()["Z"].pixels, stored, rtol=1e-6)
            assert "metres" in str(file.header())


def test_a_film_for_two_eyes(clip: Path, capsys: pytest.CaptureFixture[str],
                             tiny_predictor: Predictor) -> None:  # fmt: skip
    model = ["--model", str(tiny_predictor.info.path), "--out", str(clip.parent / "out")]
    sizes = {"full": 2 * WIDTH, "half": WIDTH, "anaglyph": WIDTH}
    for layout, width in sizes.items():
        asked = ["--save", "stereo", "--stereo", layout, "--eyes", "0.1"]
        assert main(["video", str(clip), *asked, *model]) == 0
        frames = read_clip(clip.parent / "out" / "clip_stereo.mp4")
        assert len(frames) == 3
        assert frames[0].shape == (HEIGHT, width, 3)
    about = json.loads((clip.parent / "out" / "clip.json").read_text())
    film = about["files"]["stereo"]
    assert film["asked"] == {"layout": "anaglyph", "eyes": 0.1}
    assert film["eyes_m"] == 0.1
    near, far = about["depth"]["p1_m"], about["depth"]["p99_m"]
    assert near <= film["screen_m"] <= far
    capsys.readouterr()
    assert main(["video", str(clip), *asked, *model]) == 0
    assert "finished before" in capsys.readouterr().out
    assert main(["video", str(clip), *asked[:-1], "0", *model]) == 2
    assert "0.063 m" in capsys.readouterr().err


def apart(a: np.ndarray, b: np.ndarray) -> float:
    """How far two pictures are from each other, without the noise that a film loses."""
    few = [each.reshape(-1, 8, WIDTH, 3).mean(axis=1) for each in (a, b)]
    return float(np.abs(few[0] - few[1]).mean())


def test_other_eyes_are_another_film_and_frames_stay(clip: Path, tiny_predictor: Predictor) -> None:
    far_apart = StereoSettings("full", 20.0)  # metres: what is near and far moves by 28 pixels
    first = run(clip, tiny_predictor, save=("frames", "stereo"), stereo=far_apart)
    about, out = first.sidecar, clip.parent / "out"
    film, metres = about["files"]["stereo"], 1 / about["files"]["frames"]["scale"]
    rig = Rig(about["intrinsics"]["fx"], film["eyes_m"], film["screen_m"])
    left, right = np.split(read_clip(out / "clip_stereo.mp4")[0], 2, axis=1)
    depth = metres * np.asarray(Image.open(min((out / "clip_frames").iterdir())))
    for seen, other, expected in zip(
        (left, right), (right, left), rig.pictures(read_clip(clip)[0], depth), strict=True
    ):
        assert apart(seen, expected) < 0.3 * apart(other, expected)

    again = run(clip, tiny_predictor, save=("stereo",), stereo=StereoSettings("half"))
    assert not again.skipped
    assert again.sidecar["files"]["frames"] == first.sidecar["files"]["frames"]
    assert again.sidecar["files"]["stereo"]["asked"]["layout"] == "half"
    assert (clip.parent / "out" / "clip_frames").is_dir()
