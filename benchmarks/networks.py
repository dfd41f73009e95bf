"""The networks that are measured, their work, and what the machine would need for it at least."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from core.engines.onnx_engine import OnnxEngine
from core.engines.onnx_export import to_onnx
from core.model import LapDepth, ModelConfig
from core.weights.model_info import ModelInfo, TrainingCamera

PAPER = ModelConfig(encoder="resnext101_32x8d", max_depth=80.0)
PAPER_SIZE = (352, 1216)  # height and width, KITTI's
PAPER_HEIGHT = 432  # NYU's


def paper_network() -> tuple[LapDepth, ModelInfo]:
    """The paper's network, with random weights: how long it takes does not depend on them.

    Random weights saturate most of the decoder and magnify rounding; so the norms have seen noise
    first, and the heads are small, as in a trained one.
    """
    torch.manual_seed(0)
    model = LapDepth(PAPER)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    model.train()
    with torch.no_grad():
        model(shades(96, 128, count=2))
    for head in (model.decoder.coarsest, *(level.head for level in model.decoder.levels)):  # type: ignore[union-attr]
        head[-1].norm.weight.data *= 0.3  # type: ignore[index, union-attr, operator]
    info = ModelInfo(
        name="paper",
        config=PAPER,
        working_height=PAPER_HEIGHT,
        supervised_levels=False,
        camera=TrainingCamera(640, 480, 519.0, 519.0),
        licence="none: random weights",
        training_data="none",
        provenance={"origin": "random weights"},
    )
    return model.eval().requires_grad_(False), info


def shades(height: int, width: int, count: int = 1) -> Tensor:
    """A network's input: smooth shades with a little noise, (count, 3, height, width)."""
    generator = torch.Generator().manual_seed(height)
    coarse = torch.randn(count, 3, 6, 8, generator=generator)
    smooth = nn.functional.interpolate(coarse, (height, width), mode="bicubic")
    return smooth + 0.1 * torch.randn(count, 3, height, width, generator=generator)


def onnx_engine(model: LapDepth, info: ModelInfo) -> OnnxEngine:
    """ONNX Runtime with a network that is in no file."""
    return OnnxEngine(to_onnx(model, info))


def openvino_run(model: LapDepth, info: ModelInfo, image: Tensor) -> Callable[[], object] | None:
    """OpenVINO with the same ONNX file, its sizes free; None where it is not installed."""
    try:
        import openvino
    except ImportError:
        return None
    core = openvino.Core()
    settings = {
        "INFERENCE_NUM_THREADS": int(os.environ["OMP_NUM_THREADS"]),
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
    }
    compiled = core.compile_model(core.read_model(to_onnx(model, info)), "CPU", settings)
    request, array = compiled.create_infer_request(), image.numpy()
    return lambda: request.infer([array], share_inputs=True, share_outputs=True)


@dataclass(frozen=True)
class Work:
    """What one pass asks of a machine.

    Attributes:
        gflop: of all convolutions, a multiply-add counted twice.
        layers: of every convolution: GFLOP, and GB that it must read and write at least.
        parameters: in millions.
    """

    gflop: float
    layers: list[tuple[float, float]]
    parameters: float

    def least_seconds(self, gflops: float, gbytes: float) -> float:
        """The roofline: each layer bound by arithmetic or by memory, whichever takes longer.

        Args:
            gflops: GFLOP/s of the machine.
            gbytes: GB/s of its memory. Features that stay in a cache move faster than that.
        """
        return sum(max(flop / gflops, size / gbytes) for flop, size in self.layers)


def work_of(model: LapDepth, height: int, width: int) -> Work:
    """Counts one pass."""
    layers: list[tuple[float, float]] = []

    def count(conv: nn.Conv2d, seen: tuple[Tensor], out: Tensor) -> None:
        multiplies = out.numel() * conv.weight[0].numel()
        numbers = seen[0].numel() + out.numel() + conv.weight.numel()
        layers.append((2 * multiplies / 1e9, 4 * numbers / 1e9))

    convs = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
    handles = [conv.register_forward_hook(count) for conv in convs]  # type: ignore[arg-type]
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 3, height, width))
    for handle in handles:
        handle.remove()
    parameters = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    return Work(counter.get_total_flops() / 1e9, layers, round(parameters, 2))
