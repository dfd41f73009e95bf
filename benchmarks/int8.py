"""What 8-bit integers give and cost: milliseconds of a pass, megabytes, accuracy.

    python -m benchmarks.int8 [--nyu ROOT] [--kitti ROOT] [--threads 2] [--rounds 20]

The shipped models and the paper's network (random weights: only timed) in float32 and int8, in
turns; then `evaluate`'s figures of both where the data are. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.machine import describe, in_turns, use_threads
from core.threads import usable_threads

MODELS = {"nyu": "lite-indoor", "kitti": "lite-outdoor"}
PRECISIONS = ("float32", "int8")


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for dataset in MODELS:
        parser.add_argument(f"--{dataset}", type=Path, metavar="ROOT", help="its test data")
    parser.add_argument("--threads", type=int, default=usable_threads())
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    use_threads(options.threads)
    report: dict[str, Any] = describe(options.threads)
    for dataset, model in MODELS.items():
        report[model] = shipped(model, options.rounds)
        if root := vars(options)[dataset]:
            report[model]["accuracy"] = {p: accuracy(dataset, root, p) for p in PRECISIONS}
    report["paper network"] = paper(max(3, options.rounds // 5))
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


def shipped(name: str, rounds: int) -> dict[str, Any]:
    """A pass at the model's working height, and the size of the converted files."""
    from benchmarks.networks import shades
    from core.engines.onnx_engine import CONVERTER_VERSION, cache_folder
    from core.predictor import load_predictor

    predictors = {p: load_predictor(name, device="cpu", precision=p) for p in PRECISIONS}
    info = predictors["int8"].info
    image = shades(info.working_height, info.working_height * 4 // 3)
    runs = {p: lambda e=each.engine: e.run(image.numpy()) for p, each in predictors.items()}
    kept = cache_folder().glob(f"{info.sha256}-v{CONVERTER_VERSION}*.onnx")
    files = sorted(kept, key=lambda path: len(path.name))
    sizes = [round(path.stat().st_size / 1e6, 1) for path in files]
    return _in_turns(runs, rounds) | {"mb": dict(zip(PRECISIONS, sizes, strict=True))}


def paper(rounds: int) -> dict[str, Any]:
    """The paper's network at KITTI's size; nothing is known of its accuracy without its weights."""
    from benchmarks.networks import PAPER_SIZE, paper_network, shades
    from core.engines import int8
    from core.engines.onnx_engine import OnnxEngine
    from core.engines.onnx_export import to_onnx

    model, info = paper_network()
    content, image = to_onnx(model, info), shades(*PAPER_SIZE)
    int8.MOST_OFF = float("inf")  # random weights magnify rounding
    small = int8.quantised(content, int8.calibration_pictures(info)[:2])
    engines = {"float32": OnnxEngine(content), "int8": OnnxEngine(small, "int8")}
    runs = {p: lambda e=engine: e.run(image.numpy()) for p, engine in engines.items()}
    sizes = {"float32": len(content), "int8": len(small)}
    return _in_turns(runs, rounds) | {"mb": {p: round(n / 1e6, 1) for p, n in sizes.items()}}


def accuracy(dataset: str, root: Path, precision: str) -> dict[str, float]:
    """What `evaluate` says."""
    from core.evaluate.run import EvaluationRequest, run_evaluation

    result = run_evaluation(EvaluationRequest(dataset, root, precision=precision, worst=0))
    figures = {name: round(value, 4) for name, value in vars(result.mean).items()}
    return figures | {"images": len(result.images)}


def _in_turns(runs: Any, rounds: int) -> dict[str, Any]:
    figures = in_turns(runs, rounds)
    ratio = figures["float32"]["median_ms"] / figures["int8"]["median_ms"]
    return {**figures, "int8 times as fast": round(ratio, 2)}


if __name__ == "__main__":
    main()
