"""What a level is worth: its figures, and the sentence about them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.common.translations import t
from app.explorer.figures.worth import BORDER, Worth, in_photo, measured, place_of, verdict
from core.evaluate.geometry import edge_scores, sobel_length
from core.weights.checkpoint import CHECKPOINTS, list_models, load_checkpoint
from core.weights.model_info import ModelInfo
from tests.app.explorer_app import TRUTH, npy, opened, sound, upload_truth

GOOD = {"data": "nyu/val", "frames": 50, "abs_rel": [0.3, 0.2, 0.15, 0.15, 0.15], "edge_f1": []}


@pytest.fixture
def info(tiny_models: Path, tmp_path: Path) -> ModelInfo:
    """A model whose figures the test can write."""
    _, info = load_checkpoint(tiny_models / "tiny.safetensors")
    return replace(info, path=tmp_path / "tiny.safetensors")


@pytest.mark.parametrize(
    ("change", "known"),
    [
        ({}, True),
        ({"model_sha256": "0" * 64}, False),
        ({"abs_rel": [0.3, 0.2]}, False),
        ({"abs_rel": [0.3, 0.2, 0.1, 0.1, "NaN"]}, False),
        ({"abs_rel": None}, False),
        ({"edge_f1": [0.1]}, False),
    ],
)
def test_only_figures_of_these_weights_are_shown(
    info: ModelInfo, change: dict[str, object], known: bool
) -> None:
    place = place_of(info)
    assert place is not None
    assert measured(info) is None
    place.write_text(json.dumps({"model_sha256": info.sha256} | GOOD | change))
    assert (measured(info) is not None) == known


def test_shipped_models_have_figures_of_their_own_weights() -> None:
    for info in list_models(CHECKPOINTS):
        found = measured(info)
        assert found is not None, info.name
        assert found.frames > 1, info.name
        stated = json.loads((place_of(info) or Path()).read_text(encoding="utf-8"))
        assert stated["stride"] == [16, 8, 4, 2, 1]


def test_error_and_borders_of_a_photo() -> None:
    truth = np.full((48, 64), 2.0, np.float32)
    truth[:, 32:] = 4.0
    blurred = np.broadcast_to(np.linspace(2, 4, 64, dtype=np.float32), truth.shape).copy()
    worth = in_photo([blurred, truth], truth)
    assert worth.abs_rel[0] == pytest.approx(float(np.mean(np.abs(blurred - truth) / truth)))
    assert worth.abs_rel[1] == 0
    assert worth.edge_f1[1] == 1
    found = sobel_length(blurred.astype(float) * float(np.median(truth) / np.median(blurred)))
    precision, recall = edge_scores(
        found > BORDER, sobel_length(truth.astype(float)) > BORDER, truth > 0
    )
    assert worth.edge_f1[0] == pytest.approx(
        2 * precision * recall / (precision + recall) if precision + recall else 0.0
    )
    truth[::2] = 0
    truth[:, ::2] = 0
    assert in_photo([blurred, truth], truth).edge_f1 == ()


@pytest.mark.parametrize(
    ("errors", "borders", "said"),
    [
        ((0.3, 0.2), (), "helps"),
        ((0.3, 0.299), (), "nothing"),
        ((0.3, 0.299), (0.2, 0.3), "helps"),
        ((0.3, 0.2), (0.3, 0.2), "one for the other"),
        ((0.3, 0.4), (0.3, 0.3), "costs more than it gives"),
    ],
)
def test_a_level_that_adds_nothing_is_called_that(
    errors: tuple[float, ...], borders: tuple[float, ...], said: str
) -> None:
    assert said in verdict(Worth(errors, borders), 1, "en")


@pytest.mark.usefixtures("explorer_models")
def test_the_page_says_what_it_knows_of_the_levels() -> None:
    app = opened("coarse_to_fine")
    assert t("worth.unknown", "en") in [entry.value for entry in app.main.caption]
    upload_truth(app.switch_page("page_scripts/compare.py").run(), "a.npy", npy(TRUTH))
    sound(app.switch_page("page_scripts/coarse_to_fine.py").run())
    said = [entry.value for entry in app.main.markdown if "In this photo" in entry.value]
    assert len(said) == 1
