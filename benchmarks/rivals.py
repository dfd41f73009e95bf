"""Depth Anything V2 Small against `lite-indoor`: the same photo, end to end, ONNX Runtime both.

    pip install 'transformers>=4.57'
    python -m benchmarks.rivals [--rounds 7] > rivals.json

The rival is transformers' class with random weights, on which speed does not depend: nothing is
downloaded. It works at its own default size (518 rows) and at `lite-indoor`'s. "End to end" is
from the photo's pixels (640x480) to depth at the photo's size, as both programs do it. What is
compared takes turns, with one thread and with two; memory is that of a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.machine import describe, in_turns

PHOTO = Path(__file__).resolve().parents[1] / "assets" / "examples" / "room.jpg"
SIZE = (640, 480)
OURS, RIVAL = "lite-indoor", "Depth Anything V2 Small"
SIZES = {RIVAL: (686, 518), f"{RIVAL}, 392x294": (392, 294)}  # multiples of its patch of 14


def export(folder: Path) -> float:
    """Writes the rival's ONNX file for each size; million parameters."""
    import torch
    from transformers import (  # type: ignore[import-not-found]
        DepthAnythingConfig,
        DepthAnythingForDepthEstimation,
        Dinov2Config,
    )

    backbone = Dinov2Config(
        hidden_size=384, num_attention_heads=6, num_hidden_layers=12, image_size=518,
        patch_size=14, out_indices=[3, 6, 9, 12], reshape_hidden_states=False,
    )  # fmt: skip
    config = DepthAnythingConfig(
        backbone_config=backbone, patch_size=14, reassemble_hidden_size=384,
        neck_hidden_sizes=[48, 96, 192, 384], fusion_hidden_size=64, head_hidden_size=32,
    )  # fmt: skip
    config.return_dict = False
    model = DepthAnythingForDepthEstimation(config).eval()
    for name, (width, height) in SIZES.items():
        view = torch.zeros(1, 3, height, width)
        torch.onnx.export(model, (view,), str(folder / f"{name}.onnx"), dynamo=False)
    return round(sum(each.numel() for each in model.parameters()) / 1e6, 1)


def runs(folder: Path, threads: int, wanted: list[str]) -> dict[str, Callable[[], Any]]:
    """From the photo's pixels to its depth, by name."""
    import core
    from core.engines.onnx_engine import load_onnxruntime
    from core.weights.network_input import normalised

    rgb = np.asarray(Image.open(PHOTO).convert("RGB").resize(SIZE))
    onnxruntime = load_onnxruntime()

    def ours() -> Callable[[], Any]:
        predictor = core.load_predictor(OURS)
        return lambda: predictor(rgb).depth

    def rival(name: str) -> Callable[[], Any]:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # As ours: threads that spin behind a pass would slow down whoever's turn comes next.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        path = str(folder / f"{name}.onnx")
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        entry = session.get_inputs()[0].name

        def run() -> NDArray[np.float32]:
            seen = np.asarray(Image.fromarray(rgb).resize(SIZES[name], Image.Resampling.BICUBIC))
            found = session.run(None, {entry: normalised(seen)})[0]
            return np.asarray(Image.fromarray(found[0]).resize(SIZE, Image.Resampling.BILINEAR))

        return run

    return {name: ours() if name == OURS else rival(name) for name in wanted}


def _child(folder: str, threads: int, rounds: int, wanted: list[str]) -> dict[str, Any]:
    """Times in turns, and this process's peak memory; in a process of its own."""
    code = [sys.executable, "-m", "benchmarks.rivals", "--folder", folder]
    code += ["--threads", str(threads), "--rounds", str(rounds), "--only", *wanted]
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, str(threads))
    done = subprocess.run(code, check=True, stdout=subprocess.PIPE, env=environment)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--folder", help=argparse.SUPPRESS)  # of the ONNX files: a child's
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--only", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.folder:
        timed = in_turns(runs(Path(options.folder), options.threads, options.only), options.rounds)
        # getrusage's peak would begin with what the parent held when it started this process.
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6
        sys.stdout.write(json.dumps({"ms": timed, "peak_mb": round(peak)}))
        return
    report: dict[str, Any] = describe(2)
    with tempfile.TemporaryDirectory() as folder:
        report["million parameters of the rival"] = export(Path(folder))
        names = [OURS, *SIZES]
        for threads in (1, 2):
            timed = _child(folder, threads, options.rounds, names)["ms"]
            ours = timed[OURS]["median_ms"]
            ratios = {name: round(timed[name]["median_ms"] / ours, 1) for name in SIZES}
            report[f"threads: {threads}"] = {"ms": timed, "times lite-indoor's": ratios}
        report["peak_mb"] = {name: _child(folder, 2, 1, [name])["peak_mb"] for name in names}
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
