"""Prediction needs no PyTorch: each way to a depth map runs where it cannot be imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.prediction import Prediction
from core.predictor import load_predictor
from tests.core.clips import write_clip
from tests.tiny_checkpoint import picture, save_tiny

WITHOUT = "import sys; sys.modules['torch'] = None\n"  # every import of it fails
# What `requirements-runtime.txt` leaves out besides.
COMMANDS = """
for name in ("onnx", "scipy", "open3d", "gradio", "streamlit", "fastapi", "pydantic", "plotly"):
    sys.modules[name] = None
import json
from core.cli.main import main
print(json.dumps([main(command) for command in json.loads(sys.argv[1])]))
"""
PAGE = """
from pathlib import Path
import numpy as np
from app.common.request import DepthRequest
from app.common.service import Studio
from app.common.storage import Storage
from app.server.app import create_app
studio = Studio()
create_app(studio, Storage(Path(sys.argv[3])))
result = studio.result(Path(sys.argv[1]), DepthRequest())
np.save(sys.argv[2], result.prediction.depth)
"""


def run(code: str, *arguments: object, cache: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT + code, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "LAPDEPTH_CACHE": str(cache)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "photo.png"
    Image.fromarray(picture(333, 250, seed=3)).save(path)
    Image.fromarray(picture(320, 240)).save(path.with_name("another.png"))
    return path


@pytest.fixture(scope="module")
def by_torch(photo: Path) -> Prediction:
    return load_predictor(engine="torch")(photo)


def test_photos_folders_clips_and_scenes(tmp_path: Path, photo: Path, by_torch: Prediction) -> None:
    clip, out = tmp_path / "clip.mp4", tmp_path / "out"
    write_clip(clip, [picture(128, 96, seed) for seed in range(3)])
    commands = [
        ["predict", str(photo), "--out", str(out / "one"), "--save", "npy,levels"],
        ["predict", str(photo.parent), "--out", str(out / "batch")],
        ["video", str(clip), "--out", str(out / "video")],
        ["scene", str(photo), "--out", str(out / "scene"), "--save", "ply"],
        ["models"],
    ]
    said = run(COMMANDS, json.dumps(commands), cache=tmp_path / "cache")
    assert json.loads(said.splitlines()[-1]) == [0] * len(commands)
    assert not (tmp_path / "cache").exists()  # nothing was converted
    assert np.allclose(np.load(out / "one" / "photo_depth.npy"), by_torch.depth, rtol=1e-4)
    about = json.loads((out / "one" / "photo.json").read_text())
    assert about["model"]["sha256"] == by_torch.info.sha256
    assert about["settings"]["engine"] == "onnx"


def test_the_page_and_what_answers_over_http(
    tmp_path: Path, photo: Path, by_torch: Prediction
) -> None:
    run(PAGE, photo, tmp_path / "depth.npy", tmp_path, cache=tmp_path / "cache")
    assert np.allclose(np.load(tmp_path / "depth.npy"), by_torch.depth, rtol=1e-4)


def test_a_model_that_was_never_converted_says_what_it_needs(tmp_path: Path) -> None:
    code = """
from core.errors import EngineError
from core.prediction import Prediction
from core.predictor import load_predictor
try:
    load_predictor(sys.argv[1], engine=sys.argv[2])
except EngineError as error:
    print(error)
"""
    tiny = save_tiny(tmp_path)
    assert "never converted" in run(code, tiny, "onnx", cache=tmp_path / "cache")
    assert "PyTorch is not installed" in run(code, tiny, "auto", cache=tmp_path / "cache")
