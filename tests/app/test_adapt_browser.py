"""The tab that adapts a model, in a browser: refused, stopped, kept, used for a photo, undone."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from core.predictor import load_predictor
from tests.core.pictures import encode
from tests.tiny_checkpoint import picture

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
WIDTH, HEIGHT, FRAMES, FOV = 128, 96, 10, 63.0


def sent(name: str, data: bytes) -> dict[str, Any]:
    return {"name": name, "mimeType": "", "buffer": data}


@pytest.fixture(scope="module")
def measured(tiny_models: Path) -> dict[str, bytes]:
    """Photos whose metres are 1.3 times what the tiny model says, in millimetres."""
    predictor = load_predictor(tiny_models / "tiny.safetensors", engine="torch")
    files = {}
    for seed in range(FRAMES):
        rgb = picture(WIDTH, HEIGHT, seed)
        depth = 1300 * predictor(rgb, fov=FOV).depth
        files[f"hall{seed}.png"] = encode(Image.fromarray(rgb), "PNG")
        files[f"hall{seed}_depth.png"] = encode(
            Image.fromarray(np.rint(depth).astype(np.uint16)), "PNG"
        )
    return files


def test_refused_stopped_kept_used_and_undone(
    serve: Callable[..., str], tiny_models: Path, measured: dict[str, bytes], tmp_path: Path,
    page: Page, console_errors: list[str], shot: Callable[..., None],
) -> None:  # fmt: skip
    models = tmp_path / "models"
    shutil.copytree(tiny_models, models)
    page.goto(serve("gradio", LAPDEPTH_MODELS=str(models), LAPDEPTH_ADAPT="on"))
    page.wait_for_selector("#view-inspect [data-ready]")

    page.click("#tab-adapt-button")
    files = [sent(name, data) for name, data in measured.items()]
    page.set_input_files("#adapt-files input[type=file]", files[:2])
    page.wait_for_selector("#adapt-files .file")
    page.fill("#adapt-name :is(input, textarea)", "hall")
    page.fill("#adapt-minutes :is(input, textarea)", "0.05")
    page.fill("#adapt_fov :is(input, textarea)", f"{FOV:g}")
    page.click("#adapt-run")
    page.wait_for_selector("text=There is 1 frame with measured depth, expected at least 10")

    page.click("#adapt-files [aria-label='Clear']")
    page.set_input_files("#adapt-files input[type=file]", files)
    page.wait_for_function(
        f"document.querySelectorAll('#adapt-files tr.file').length == {2 * FRAMES}"
    )
    page.click("#adapt-run")
    page.click("#stop-adapt")
    page.wait_for_selector("#stop-adapt-note:has-text('Stopped.')")
    assert [path.name for path in models.iterdir()] == ["tiny.safetensors"]

    page.click("#adapt-run")
    page.wait_for_selector("#adapt-told figure >> nth=2", timeout=400_000)  # a process of its own
    assert "Kept as hall" in page.inner_text("#adapt-told")
    shot(page, "adapt-kept")

    page.click("#tab-photo-button")
    page.set_input_files("#photo input[type=file]", sent("mine.png", measured["hall0.png"]))
    page.wait_for_selector(f"#summary :text('{WIDTH} × {HEIGHT}')")
    page.click("#model input")
    page.click("[role=option]:has-text('hall')")
    page.wait_for_selector("#summary :text('hall')")
    page.click("#tab-files-button")
    page.click("#make-zip")
    with page.expect_download() as download:
        pass
    with zipfile.ZipFile(download.value.path()) as archive:
        about = json.loads(archive.read("mine.json"))
    assert about["model"]["name"] == "hall"

    page.click("#tab-adapt-button")
    page.click("#adapt-undo")
    page.wait_for_selector("#adapt-told :text('hall was removed')")
    assert [path.name for path in models.iterdir()] == ["tiny.safetensors"]
    assert console_errors == []
