"""Makes a finished training run a shipped model: confidence, figures, pin and tables.

    python -m scripts.ship_model lite-indoor --dataset nyu --root ../shared/data/nyu
    python -m scripts.ship_model lite-outdoor --dataset kitti --root ../shared/data/driving
    python -m scripts.ship_model lite-free --dataset nyu --root ../shared/data/nyu --rescore

Takes the last weights of `runs/NAME` (nothing is selected on the test pictures), fits the expected
error, scores the model, and writes `checkpoints/NAME.safetensors`, its pin, what each level is
worth (the explorer shows it beside its slider), and the evaluation's JSON in `docs/measurements`.
`python -m scripts.reference` then fills the card.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from app.explorer.figures.worth import BORDER
from core.atomic import write_atomic
from core.data import DATA_VARIABLE
from core.engines.onnx_export import to_graph
from core.evaluate.report import to_json, write_csv, write_gallery
from core.evaluate.run import EvaluationRequest, command_line, run_evaluation
from core.evaluate.scoring import Evaluation
from core.weights.checkpoint import CHECKPOINTS, load_checkpoint, save_checkpoint
from core.weights.registry import pin_checkpoint, pin_graph
from scripts.fit_confidence import main as fit_confidence

ROOT = Path(__file__).parents[1]
TEST_SETS = {
    "nyu": "NYU Depth V2 test (200 of 654 pairs, depth rebuilt from 8-bit copies)",
    "kitti": "KITTI, two drives not trained on",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and ships the model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", help="of the recipe and of the model")
    parser.add_argument("--dataset", required=True, choices=("nyu", "kitti"))
    parser.add_argument("--root", required=True, type=Path)
    parser.add_argument(
        "--rescore", action="store_true", help="score the shipped weights, where the rest changed"
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    os.environ.setdefault(DATA_VARIABLE, str(options.root.parent))
    name = options.name
    shipped = CHECKPOINTS / f"{name}.safetensors"
    trained = ROOT / "runs" / name / f"{name}-last.safetensors"
    draft = ROOT / "runs" / name / "shipped" / f"{name}.safetensors"
    draft.parent.mkdir(parents=True, exist_ok=True)
    model, info = load_checkpoint(shipped if options.rescore else trained)
    save_checkpoint(draft, model, info, half=True)
    if not options.rescore:
        fit_confidence([str(draft), "--config", str(ROOT / "configs" / f"{name}.toml")])

    request = EvaluationRequest(
        options.dataset, options.root, model=str(draft), geometry=True, per_level=True,
        baselines=True, engine="torch",
    )  # fmt: skip
    result = run_evaluation(request, lambda done, total: logging.info("%d of %d", done, total))
    model, info = load_checkpoint(draft)
    command = command_line(replace(request, model=name))
    figures = {key: round(value, 6) for key, value in result.mean.as_dict().items()}
    stated = figures | {"images": len(result.images), "command": command}
    save_checkpoint(
        shipped,
        model,
        replace(info, measured={TEST_SETS[options.dataset]: stated}),
        half=True,
    )
    sha256 = pin_checkpoint(shipped)
    pin_graph(shipped, to_graph(*load_checkpoint(shipped)))
    write_worth(shipped.with_suffix(".levels.json"), result, sha256, options.dataset)
    about = result.about | {"model": name, "command": command, "model_sha256": sha256}
    stem = ROOT / "docs" / "measurements" / f"{name}-{options.dataset}"
    report = to_json(replace(result, about=about)) + "\n"
    write_atomic(stem.with_suffix(".json"), report.encode())
    write_csv(result, stem.with_suffix(".csv"))
    # The test pictures are not ours to pass on, so the gallery stays with the run.
    write_gallery(result, draft.with_name("worst.png"))


def write_worth(path: Path, result: Evaluation, sha256: str, dataset: str) -> None:
    """Error and border score after each level, for `app.explorer.figures.worth`."""
    edges = [level.geometry.get(f"edge_f1_{BORDER}", math.nan) for level in result.levels]
    content = {
        "model_sha256": sha256,
        "data": f"{dataset}/val",
        "frames": len(result.images),
        "stride": [level.stride for level in result.levels],
        "abs_rel": [round(level.metrics.abs_rel, 6) for level in result.levels],
        # LiDAR's truth is too sparse to show borders.
        "edge_f1": [] if any(map(math.isnan, edges)) else [round(edge, 6) for edge in edges],
    }
    write_atomic(path, (json.dumps(content, indent=2) + "\n").encode())


if __name__ == "__main__":
    main()
