"""The machine that is measured: what it is, its GEMM peak, its memory; and timing in turns."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

WARM_UP = 1  # rounds that are not counted
GEMM_SIZES = (512, 1024, 2048)
PACKAGES = ("torch", "onnxruntime", "openvino", "numpy", "pillow", "simplejpeg", "isal", "gradio")


def use_threads(count: int) -> None:
    """Sets how many threads every library may use; before any of them is loaded."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(count)
    import torch

    torch.set_num_threads(count)


def describe(threads: int) -> dict[str, Any]:
    """The machine and what is installed; JSON-ready."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(_total_memory() / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "load_before": [round(load, 1) for load in os.getloadavg()],
        "threads": threads,
        "versions": {name: _version(name) for name in PACKAGES},
    }


def in_turns(runs: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, dict[str, float]]:
    """Times several things in turn, so that what else the machine does hits all alike.

    Returns:
        By name: milliseconds, median, p90 and least of `rounds`.
    """
    spans: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(rounds + WARM_UP):
        for name, run in runs.items():
            began = time.perf_counter()
            run()
            if turn >= WARM_UP:
                spans[name].append((time.perf_counter() - began) * 1000)
    return {name: summary(values) for name, values in spans.items()}


def summary(milliseconds: list[float]) -> dict[str, float]:
    """Median, p90 and least."""
    ordered = sorted(milliseconds)
    p90 = ordered[min(len(ordered) - 1, round(0.9 * (len(ordered) - 1)))]
    figures = {"median_ms": statistics.median(ordered), "p90_ms": p90, "least_ms": ordered[0]}
    return {name: round(value, 2) for name, value in figures.items()}


def gemm_peak(repeats: int = 6) -> dict[str, float]:
    """GFLOP/s of a float32 matrix product by each library here; the greatest is the peak."""
    import numpy as np
    import torch

    best: dict[str, float] = {}
    for size in GEMM_SIZES:
        rng = np.random.default_rng(0)
        a, b = (rng.standard_normal((size, size), np.float32) for _ in range(2))
        left, right, out = torch.from_numpy(a), torch.from_numpy(b), torch.empty(size, size)
        runs: dict[str, Callable[[], object]] = {
            "torch.mm": lambda x=left, y=right, z=out: torch.mm(x, y, out=z),  # type: ignore[misc]
            "numpy": lambda x=a, y=b: x @ y,  # type: ignore[misc]
            "onnxruntime": _onnx_product(a, b),
        }
        for name, run in runs.items():
            run()
            spans = []
            for _ in range(repeats):
                began = time.perf_counter()
                run()
                spans.append(time.perf_counter() - began)
            best[name] = max(best.get(name, 0.0), 2 * size**3 / min(spans) / 1e9)
    return {name: round(value, 1) for name, value in best.items()}


def memory_speed(megabytes: int = 256, repeats: int = 5) -> float:
    """GB/s read and written while an array is copied."""
    import torch

    source = torch.ones(megabytes * 250_000)
    target = torch.empty_like(source)
    spans = []
    for _ in range(repeats):
        began = time.perf_counter()
        target.copy_(source)
        spans.append(time.perf_counter() - began)
    return round(2 * source.numel() * 4 / min(spans) / 1e9, 1)


def memory_of(pid: int, field: str = "VmRSS") -> float:
    """Megabytes of a process and its children ("VmRSS" now, "VmHWM" at most); Linux only."""
    total = 0.0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        except OSError:
            continue  # it has ended meanwhile
        if pid in (int(lines["Pid"]), int(lines["PPid"])) and field in lines:
            total += int(lines[field].split()[0]) * 1024 / 1e6
    return round(total, 1)


def python(code: str, *, threads: int) -> str:
    """Standard output of a Python process of its own."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, env=environment
    )
    return done.stdout.decode()


def _onnx_product(a: Any, b: Any) -> Callable[[], object]:
    import onnx
    from onnx import TensorProto, helper

    from core.engines.onnx_engine import load_onnxruntime

    place = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["a", "b"], ["c"])],
        "product",
        [place("a", TensorProto.FLOAT, a.shape)],
        [place("c", TensorProto.FLOAT, a.shape)],
        [onnx.numpy_helper.from_array(b, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda: session.run(None, {"a": a})


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _total_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
