"""The command line: exit status, what it writes, and one sentence for whatever is wrong."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image

import core
from core.cli import main as cli
from core.cli.main import DONE, FAILED, INTERRUPTED, UNUSABLE
from core.data.nyu import CAMERA
from core.evaluate.metrics import METRICS
from core.weights import checkpoint
from tests.core.cli_runs import run
from tests.tiny_checkpoint import picture

pytestmark = pytest.mark.usefixtures("command_line")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(picture(120, 90)).save(path)
    return path


def sentence(capsys: pytest.CaptureFixture[str]) -> str:
    """What went to stderr; checks that it is no traceback."""
    text = capsys.readouterr().err
    assert "Traceback" not in text
    return text


def test_predict_packs_what_it_writes_and_what_was_finished(
    photo: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    other = photo.with_name("other.png")
    Image.fromarray(picture(64, 48, 1)).save(other)
    common = ("--out", "out", "--model", "tiny", "--save", "depth16")
    assert run("predict", photo, *common) == DONE
    assert run("predict", photo, other, *common, "--zip", "packed/all.zip") == DONE
    names = ["photo_depth16.png", "photo.json", "other_depth16.png", "other.json"]
    with zipfile.ZipFile("packed/all.zip") as archive:
        assert archive.namelist() == [*names, "manifest.json", "manifest.csv"]
        assert {n: archive.read(n) for n in names} == {
            n: Path("out", n).read_bytes() for n in names
        }
    assert [path.name for path in Path("packed").iterdir()] == ["all.zip"]
    capfdbinary.readouterr()
    assert run("predict", photo, *common, "--zip", "-") == DONE
    output, told = capfdbinary.readouterr()
    with zipfile.ZipFile(io.BytesIO(output)) as archive:
        assert archive.namelist() == names[:2]
    assert b"1 finished before" in told
    assert run("predict", photo, *common, "--zip", "-", "--json") == UNUSABLE


def test_predict_writes_the_files_of_the_contract(
    photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    every = "color,depth16,npy,npz,exr,levels,ply,glb"
    assert run("predict", photo, "--out", "out", "--model", "tiny", "--save", every) == DONE
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "photo.glb",
        "photo.json",
        "photo.ply",
        "photo_color.png",
        "photo_depth.exr",
        "photo_depth.npy",
        "photo_depth.npz",
        "photo_depth16.png",
        "photo_levels.npz",
    ]
    depth = np.load("out/photo_depth.npy")
    assert depth.shape == (90, 120)
    assert depth.dtype == np.float32
    assert np.array_equal(depth, core.load_predictor("tiny", engine="torch")(photo).depth)
    assert "1 done" in capsys.readouterr().out


def test_a_folder_with_a_bad_file_ends_with_1_and_names_it(
    photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("in/deep").mkdir(parents=True)
    photo.rename("in/deep/good.png")
    Path("in/bad.png").write_text("no picture")
    assert run("predict", "in", "--out", "out", "--model", "tiny", "--json") == FAILED
    captured = capsys.readouterr()
    assert "in/bad.png" in captured.err
    manifest = json.loads(captured.out)
    assert manifest["counts"] == {"done": 1, "skipped": 0, "failed": 1}
    assert Path("out/deep/good_color.png").is_file()
    assert Path("out/manifest.json").is_file()


def test_models_lists_what_is_there_now(
    tiny: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert run("models", "--json") == DONE
    (entry,) = json.loads(capsys.readouterr().out)["models"]
    assert entry["name"] == "tiny"
    assert entry["max_depth"] == 10.0
    assert {"sha256", "licence", "training_data", "provenance", "published", "measured"} <= set(
        entry
    )
    assert run("models") == DONE
    assert "tiny" in capsys.readouterr().out
    folder = tmp_path / "checkpoints"
    monkeypatch.setattr(checkpoint, "CHECKPOINTS", folder)
    assert run("models") == DONE
    assert "no model is installed" in capsys.readouterr().out
    folder.mkdir()
    (folder / "broken.safetensors").write_bytes(tiny.read_bytes()[:1000])
    assert run("models", "--json") == FAILED
    captured = capsys.readouterr()
    assert "broken.safetensors" in captured.err
    assert json.loads(captured.out)["broken"][0]["file"] == "broken.safetensors"


def test_evaluate_prints_the_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    root = Path("nyu/val")
    for folder in ("rgb", "depth"):
        (root / folder).mkdir(parents=True)
    depth = np.full((480, 640), 3000, np.uint16)
    depth[:, 320:] = 5000
    Image.fromarray(picture(640, 480)).save(root / "rgb" / "0.jpg")
    Image.fromarray(depth).save(root / "depth" / "0.png")
    arguments = ("evaluate", "--dataset", "nyu", "--root", "nyu", "--model", "tiny")
    assert run(*arguments, "--json") == DONE
    figures = json.loads(capsys.readouterr().out)
    assert {*METRICS, "images"} <= set(figures)
    assert figures["images"] == 1
    seen = core.load_predictor("tiny", engine="torch")(
        root / "rgb" / "0.jpg", intrinsics=list(CAMERA)
    )
    window = (slice(45, 471), slice(41, 601))
    truth = depth[window] / 1000
    expected = np.abs(seen.depth[window] - truth) / truth
    assert figures["abs_rel"] == pytest.approx(expected.mean(), abs=2e-3)
    assert run(*arguments) == DONE
    assert "abs_rel" in capsys.readouterr().out


def test_export_writes_a_model_that_another_program_runs(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("export", "--model", tiny, "--format", "onnx", "--out", "tiny.onnx") == DONE
    assert "agrees with PyTorch" in capsys.readouterr().out
    session = onnxruntime.InferenceSession("tiny.onnx", providers=["CPUExecutionProvider"])
    (depth,) = session.run(["depth"], {"image": np.zeros((1, 3, 160, 96), np.float32)})
    assert depth.shape == (1, 1, 160, 96)
    assert [output.name for output in session.get_outputs()] == ["depth"]


def test_interrupted_and_out_of_memory_are_no_tracebacks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = [KeyboardInterrupt(), MemoryError(), OSError(28, "No space left on device", "a.npy")]

    def end(_: object) -> int:
        raise ends.pop(0)

    monkeypatch.setattr(cli, "_models", end)
    assert [run("models") for _ in range(3)] == [INTERRUPTED, FAILED, FAILED]
    text = sentence(capsys)
    assert "Interrupted" in text
    assert "memory" in text
    assert "a.npy" in text


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, env=environment, check=False
    )


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from core.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'torch', 'numpy', 'PIL', 'tqdm', 'safetensors', 'onnxruntime'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    assert "import-release" in done.stdout


def test_the_module_runs_as_a_program() -> None:
    assert python("-m", "core", "--version").stdout.strip() == core.__version__
    done = python("-m", "core", "predict", "missing.jpg", "--out", "x")
    assert done.returncode == UNUSABLE
    assert "Traceback" not in done.stderr
    assert "missing.jpg" in done.stderr
