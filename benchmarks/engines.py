"""The engines side by side: plain PyTorch, PyTorch folded for inference, ONNX Runtime.

    python -m benchmarks.engines [--model lite-indoor] [--size 320x240] [--rounds 15] [--threads 2]

The engines take turns, so that whatever else the machine does hits all of them alike; read the
ratios rather than the milliseconds. "Start" is from the checkpoint's file to an engine that has run
once, the conversion for ONNX Runtime included the first time. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version

import numpy as np
import torch
from torch import Tensor

from core.engines import open_engine
from core.model.encoders.base import normalised
from core.weights.checkpoint import find_model, load_checkpoint


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="lite-indoor")
    parser.add_argument("--size", default="320x240", help="of the network's input")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    os.environ["OMP_NUM_THREADS"] = str(options.threads)  # what ONNX Runtime is given
    width, height = (int(side) for side in options.size.split("x"))
    rng = np.random.default_rng(0)
    noise = torch.from_numpy(rng.integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8))
    shades = noise.repeat_interleave(8, 0).repeat_interleave(8, 1)
    image = normalised(shades)

    info = find_model(options.model)
    if info.path is None:
        raise SystemExit("a model that was found is a file")
    model, _ = load_checkpoint(info.path)
    runs: dict[str, Callable[[Tensor], list[Tensor]]] = {"plain": lambda x: model(x).residuals}
    starts: dict[str, float] = {}
    for name in ("torch", "onnx"):
        began = time.perf_counter()
        engine = open_engine(info, device="cpu", engine=name)
        engine.run(image)
        starts[name] = round(time.perf_counter() - began, 2)
        runs[name] = engine.run

    spans: dict[str, list[float]] = {name: [] for name in runs}
    depths: dict[str, Tensor] = {}
    with torch.inference_mode():
        for turn in range(options.rounds + 2):
            for name, run in runs.items():
                began = time.perf_counter()
                residuals = run(image)
                if turn >= 2:  # the first two warm up
                    spans[name].append((time.perf_counter() - began) * 1000)
                depths[name] = residuals[-1]
    worst = {n: float((depths[n] - depths["plain"]).abs().max()) for n in ("torch", "onnx")}
    medians = {name: statistics.median(values) for name, values in spans.items()}
    result = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
        "versions": {"torch": torch.__version__, "onnxruntime": version("onnxruntime")},
        "model": {"name": info.name, "sha256": info.sha256, "encoder": info.config.encoder},
        "input": [1, 3, height, width],
        "threads": options.threads,
        "rounds": options.rounds,
        "warm_up": 2,
        "median_ms": {name: round(value, 1) for name, value in medians.items()},
        "p90_ms": {n: round(statistics.quantiles(v, n=10)[-1], 1) for n, v in spans.items()},
        "times_as_fast_as_plain": {n: round(medians["plain"] / v, 2) for n, v in medians.items()},
        "start_s": starts,
        "largest_difference_of_the_finest_residual": worst,
    }
    sys.stdout.write(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
