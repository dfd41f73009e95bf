"""Measures what each level of the decoder is worth, for the explorer, and writes it by the card.

    python -m scripts.level_worth lite-indoor --dataset nyu --root ../shared/data/nyu --every 4
    python -m scripts.level_worth lite-outdoor --dataset kitti --root ../shared/data/driving

Error and border score of the depth after each level, as `evaluate --geometry --per-level` has them,
over all or some of the test frames. The explorer shows `checkpoints/NAME.levels.json` beside its
level slider as long as the hash in it is the loaded model's.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path

from app.explorer.figures.worth import BORDER, place_of
from core.atomic import write_atomic
from core.evaluate.protocol import PROTOCOLS
from core.evaluate.run import EvaluationRequest, open_test_set, predictor_estimator
from core.evaluate.scoring import evaluate
from core.predictor import load_model


def main() -> int:
    """Exit status 0."""
    parser = argparse.ArgumentParser(prog="python -m scripts.level_worth", description=__doc__)
    parser.add_argument("name", help="of the model")
    parser.add_argument("--dataset", required=True, choices=("nyu", "kitti"))
    parser.add_argument("--root", required=True, type=Path)
    parser.add_argument("--every", type=int, default=1, help="take every so many frames only")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    frames = open_test_set(EvaluationRequest(options.dataset, options.root))
    predictor = load_model(options.name)
    protocol = PROTOCOLS[options.dataset]
    result = evaluate(
        predictor_estimator(predictor, protocol, per_level=True),
        [frames[index] for index in range(0, len(frames), options.every)],
        protocol,
        geometry=True,
        progress=lambda done, total: logging.info("%d of %d", done, total),
    )
    levels = result.levels
    edges = [level.geometry.get(f"edge_f1_{BORDER}") for level in levels]
    dense = all(each == each and each is not None for each in edges)  # NaN where truth is sparse
    content = {
        "model_sha256": predictor.info.sha256,
        "data": f"{options.dataset}/val",
        "frames": len(result.images),
        "stride": [level.stride for level in levels],
        "abs_rel": [round(level.metrics.abs_rel, 6) for level in levels],
        "rmse_m": [round(level.metrics.rmse, 6) for level in levels],
        "edge_f1": [round(float(each or 0), 6) for each in edges] if dense else [],
        "command": f"python -m scripts.level_worth {options.name} --dataset {options.dataset} "
        f"--root {options.root.name} --every {options.every}",
    }
    path = place_of(predictor.info)
    assert path is not None  # noqa: S101 - a model that was loaded by its name is a file
    write_atomic(path, (json.dumps(content, indent=2) + "\n").encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
