"""The rows of the table that are about seconds: networks side by side, and a photo end to end."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import core
from benchmarks.machine import gemm_peak, in_turns, memory_speed
from benchmarks.networks import (
    PAPER_SIZE,
    onnx_engine,
    openvino_run,
    paper_network,
    shades,
    work_of,
)
from benchmarks.photos import jpeg
from benchmarks.reference import reference_of
from core.engines import open_engine
from core.engines.torch_engine import TorchEngine
from core.files.depth_maps import depth16_scale, encode_color, encode_depth16
from core.files.outputs import OUTPUTS, write_outputs
from core.files.writers_2d import ExportJob
from core.images.resize import working_size
from core.images.upsample import Guide, upsample_depth
from core.model import accumulate
from core.predictor import Predictor
from core.weights.checkpoint import find_model, load_checkpoint
from core.weights.model_info import ModelInfo

MEGAPIXELS_12 = (4000, 3000)
LITE = "lite-indoor"


def networks(rounds: int) -> dict[str, Any]:
    """The paper's network plain, in each engine, and `lite-indoor` from array to depth."""
    model, info = paper_network()
    image = shades(*PAPER_SIZE)
    plain = reference_of(model)
    engines = {"torch": TorchEngine(model), "onnx": onnx_engine(model, info)}
    predictor = core.load_predictor(LITE)
    photo = core.decode(jpeg(640, 480)).rgb
    runs: dict[str, Any] = {"plain": lambda: plain(image)}
    runs |= {name: lambda e=engine: e.run(image.numpy()) for name, engine in engines.items()}
    if openvino := openvino_run(model, info, image):
        runs["openvino"] = openvino
    with torch.inference_mode():
        depth = {name: _depth(run()) for name, run in runs.items() if name != "openvino"}
        paper = in_turns(runs, rounds)
        # Short ones get as many rounds as make up for their noise.
        lite = in_turns({"lite": lambda: predictor(photo)}, 10 * rounds)["lite"]
    peak, speed = gemm_peak(), memory_speed()
    work = work_of(model, *PAPER_SIZE)
    least = work.least_seconds(max(peak.values()), speed)
    median = {name: figures["median_ms"] for name, figures in paper.items()}
    ours = {name: median[name] for name in engines}
    fastest = min(ours, key=lambda name: ours[name])
    reached = {name: work.gflop / value * 1000 for name, value in median.items()}
    return {
        "paper network 352x1216": paper,
        "lite-indoor, 480x640 array to depth": lite,
        "faster than plain": {n: round(median["plain"] / v, 2) for n, v in median.items()},
        "largest relative difference of depth": {
            name: float(f"{((depth[name] / depth['plain']) - 1).abs().max():.1e}") for name in ours
        },
        "gflop of one pass": round(work.gflop, 1),
        "gemm_peak_gflops": peak,
        "memory_gbytes_per_s": speed,
        "gflops reached": {name: round(value, 1) for name, value in reached.items()},
        "share of the gemm peak": {
            name: round(value / max(peak.values()), 3) for name, value in reached.items()
        },
        "roofline_ms": round(least * 1000, 1),
        "share of the roofline": {n: round(least * 1000 / v, 3) for n, v in median.items()},
        "lite-indoor faster than the paper network": {
            "in its fastest engine": round(ours[fastest] / lite["median_ms"], 1),
            "plain": round(median["plain"] / lite["median_ms"], 1),
        },
        "fastest engine": fastest,
        "lite network": _lite_work(max(peak.values()), speed),
    }


def engines(rounds: int) -> dict[str, Any]:
    """`lite-indoor` at 320x240: plain PyTorch, folded for inference, ONNX Runtime; and their start.

    "Start" is from the checkpoint's file to an engine that has run once, the conversion for ONNX
    Runtime included the first time.
    """
    info, image = find_model(LITE), shades(240, 320)
    model, _ = load_checkpoint(_file_of(info))
    runs: dict[str, Any] = {"plain": lambda: model(image).residuals}
    starts = {}
    for name in ("torch", "onnx"):
        began = time.perf_counter()
        engine = open_engine(info, device="cpu", engine=name)
        engine.run(image.numpy())
        starts[name] = round(time.perf_counter() - began, 2)
        runs[name] = lambda e=engine: e.run(image.numpy())
    with torch.inference_mode():
        finest = {name: torch.as_tensor(run()[-1]) for name, run in runs.items()}
        figures = in_turns(runs, rounds)
    median = {name: each["median_ms"] for name, each in figures.items()}
    return {
        **figures,
        "faster than plain": {n: round(median["plain"] / v, 2) for n, v in median.items()},
        "start_s": starts,
        "largest difference of the finest residual": {
            name: float((finest[name] - finest["plain"]).abs().max()) for name in starts
        },
    }


def end_to_end(rounds: int) -> dict[str, Any]:
    """A 12-megapixel JPEG to both PNG files, and where the time goes."""
    data = jpeg(*MEGAPIXELS_12)
    model, info = paper_network()
    predictors = {
        LITE: core.load_predictor(LITE),
        "paper network": Predictor(info, onnx_engine(model, info)),
    }
    result: dict[str, Any] = {}
    for name, predictor in predictors.items():
        with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
            figures = in_turns(_stages(predictor, data, Path(folder) / "photo"), rounds)
        ratio = figures["everything"]["median_ms"] / figures["network"]["median_ms"]
        result[name] = {**figures, "times the network only": round(ratio, 2)}
    return result


def _stages(predictor: Predictor, data: bytes, stem: Path) -> dict[str, Callable[[], object]]:
    """The whole way of a photo, and its parts alone."""
    width, height = working_size(MEGAPIXELS_12, predictor.info.working_height)
    image, photo = shades(height, width), core.decode(data)
    prediction = predictor(photo)
    job, depth = ExportJob(prediction, photo.rgb), prediction.depth
    colour, depth16 = OUTPUTS["color"], OUTPUTS["depth16"]
    rgb, size = photo.rgb, (width, height)
    guide = Guide(rgb, size)
    working = prediction.levels[-1].depth

    def everything() -> None:
        photo = core.decode(data)
        write_outputs([colour, depth16], stem, ExportJob(predictor(photo), photo.rgb))

    return {
        "network": lambda: predictor.engine.run(image.numpy()),
        "everything": everything,
        "decode": lambda: core.decode(data),
        "predict": lambda: predictor(photo),
        "of it resizing": lambda: Guide(rgb, size),
        "of it upsampling": lambda: upsample_depth(working, guide),
        "both PNG files": lambda: write_outputs([colour, depth16], stem, job),
        "colour PNG alone": lambda: write_outputs([colour], stem, job),
        "16-bit PNG alone": lambda: write_outputs([depth16], stem, job),
        "colour PNG in memory": lambda: encode_color(depth, job.colors),
        "16-bit PNG in memory": lambda: encode_depth16(depth, depth16_scale(float(depth.max()))),
    }


def _depth(residuals: list[Any]) -> torch.Tensor:
    return torch.sigmoid(accumulate([torch.as_tensor(each) for each in residuals])[-1])


def _file_of(info: ModelInfo) -> Path:
    if info.path is None:
        raise SystemExit("a model that was found is a file")
    return info.path


def _lite_work(peak: float, speed: float) -> dict[str, Any]:
    """`lite-indoor`'s network alone, at its own working size."""
    predictor = core.load_predictor(LITE)
    model, info = load_checkpoint(_file_of(predictor.info))
    size = (info.working_height, info.working_height * 4 // 3)
    work, image = work_of(model, *size), shades(*size)
    timed = in_turns({"network": lambda: predictor.engine.run(image.numpy())}, 15)["network"]
    reached = work.gflop / timed["median_ms"] * 1000
    least = work.least_seconds(peak, speed) * 1000
    return {
        "encoder": info.config.encoder,
        "input": size,
        **timed,
        "gflop of one pass": round(work.gflop, 2),
        "million parameters": work.parameters,
        "gflops reached": round(reached, 1),
        "share of the gemm peak": round(reached / peak, 3),
        "roofline_ms": round(least, 1),
        "share of the roofline": round(least / timed["median_ms"], 3),
    }
