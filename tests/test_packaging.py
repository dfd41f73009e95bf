"""The installed package works from any folder, with the shipped models and no others."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("core", "app", "checkpoints", "assets")
FILES = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "requirements.txt")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `pip install .` has put the package, from a copy so that the tree stays clean."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    for name in FOLDERS:
        shutil.copytree(
            ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.onnx")
        )
    for name in FILES:
        shutil.copy(ROOT / name, source / name)
    (source / "checkpoints" / "mine.safetensors").write_bytes(
        b"imported, with a licence of its own"
    )
    run(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--no-build-isolation", "--no-index", "--no-compile"),
        *("--target", str(target), str(source)),
        cwd=source,
    )
    return target


def run(*command: str, cwd: Path, **environment: str) -> str:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("LAPDEPTH_")}
    done = subprocess.run(
        command, cwd=cwd, env=kept | environment, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-1000:]
    return done.stdout


def test_the_command_has_the_shipped_models_in_any_folder(site: Path, tmp_path: Path) -> None:
    command, here = str(site / "bin" / "lapdepth"), {"PYTHONPATH": str(site)}
    told = json.loads(run(command, "models", "--json", cwd=tmp_path, **here))
    shipped = json.loads((ROOT / "checkpoints" / "registry.json").read_text())
    assert {model["name"] for model in told["models"]} == set(shipped)
    assert told["broken"] == []
    photo = shutil.copy(ROOT / "assets" / "examples" / "street.jpg", tmp_path / "street.jpg")
    run(command, "predict", str(photo), "--out", "out", "--save", "npy", cwd=tmp_path, **here)
    sidecar = json.loads((tmp_path / "out" / "street.json").read_text())
    assert sidecar["model"]["name"] == "lite-outdoor"


def test_the_pages_find_what_they_need(site: Path, tmp_path: Path) -> None:
    code = """
import json, sys
from pathlib import Path
import app, core
from app.common.canvas import canvas_script
from app.depth_page.elements import static_text
from app.explorer import layout, page_head, page_scripts, sidebar
from app.depth_page.elements import EXAMPLES
from app.server.main import ROOT, explorer_page
from app.common.service import Studio
from app.common.translations import t
assert page_head.formulas_of("loss")[0]
assert canvas_script() and static_text("depth_view.js") and layout.ICON.is_file()
script = ROOT / explorer_page("127.0.0.1", 1).command[4]
settings = script.parent / ".streamlit" / "config.toml"
scripts = [path for path in Path(page_scripts.__path__[0]).glob("*.py")]
print(json.dumps({
    "core": core.__file__, "app": app.__file__, "models": Studio().model_names(),
    "examples": sorted(path.name for path in EXAMPLES.glob("*.jpg")),
    "same": sidebar.EXAMPLES == EXAMPLES,
    "depth": sorted(path.name for path in (EXAMPLES / "depth").iterdir()),
    "files": [script.is_file(), settings.is_file()], "pages": len(scripts),
    "title": t("explorer.model", "en"),
}))
"""
    told = json.loads(run(sys.executable, "-c", code, cwd=tmp_path, PYTHONPATH=str(site)))
    assert Path(told["core"]).is_relative_to(site)
    assert Path(told["app"]).is_relative_to(site)
    assert told["models"] == ["auto", "lite-indoor", "lite-free", "lite-outdoor"]
    examples = ROOT / "assets" / "examples"
    assert told["examples"] == sorted(path.name for path in examples.glob("*.jpg"))
    assert told["depth"] == sorted(path.name for path in (examples / "depth").iterdir())
    assert told["files"] == [True, True]
    assert told["same"]
    assert told["pages"] == len(list((ROOT / "app" / "explorer" / "page_scripts").glob("*.py")))
    assert told["title"] == "Model"
    help_text = run(
        str(site / "bin" / "lapdepth-studio"), "--help", cwd=tmp_path, PYTHONPATH=str(site)
    )
    assert "lapdepth-studio" in help_text
