"""Whether a converted model computes what PyTorch does."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from core.engines.onnx_engine import DEPTH, INPUT, first_line, load_onnxruntime
from core.errors import ExportError
from core.model import LapDepth

AGREES = 1e-4  # relative, on depth
# n, h, w: square, wide, tall, a batch, and heights whose 1/16 is odd.
CHECKED_SIZES = ((1, 96, 96), (1, 112, 368), (1, 240, 112), (2, 176, 208))


def check_onnx(content: bytes, model: LapDepth) -> float:
    """Runs a converted model beside the original, at several sizes.

    Returns:
        The largest relative difference of depth over all sizes.

    Raises:
        ExportError: it is larger than `AGREES`, or a size does not run.
    """
    session = open_session(content)
    plain = copy.deepcopy(model).eval()
    worst = 0.0
    for size in CHECKED_SIZES:
        image = sample_picture(*size)
        with torch.inference_mode():
            expected = plain(image).depth
        (got,) = run_at(session, [DEPTH], {INPUT: image})
        worst = max(worst, difference(got, expected))
    if not worst <= AGREES:  # also for NaN
        raise disagreement(worst, AGREES)
    return worst


def checked(worst: float, model: LapDepth) -> float:
    """A difference of depth that is small enough.

    A network that magnifies rounding (one with random weights does) may differ by twice of what
    PyTorch in float32 differs from itself in float64; any other by `AGREES`.

    Raises:
        ExportError: it is larger.
    """
    allowed = AGREES if worst <= AGREES else max(AGREES, 2 * _own_rounding(model))
    if not worst <= allowed:  # also for NaN
        raise disagreement(worst, allowed)
    return worst


def disagreement(worst: float, allowed: float) -> ExportError:
    """The error for a model that computes another depth."""
    return ExportError(
        f"The converted model differs from PyTorch by {worst:.1e}, expected at most "
        f"{allowed:.1e}: use the engine torch."
    )


def open_session(content: bytes) -> Any:
    """An ONNX Runtime session that reports errors as exceptions only."""
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def run_at(session: Any, outputs: list[str], feeds: Mapping[str, Tensor]) -> list[Tensor]:
    """One pass of a session.

    Raises:
        ExportError: this size does not run.
    """
    try:
        arrays = session.run(outputs, {name: x.numpy() for name, x in feeds.items()})
    except Exception as error:  # onnxruntime's exceptions share no public base
        height, width = feeds[INPUT].shape[2:]
        raise ExportError(
            f"The converted model does not run at {width}x{height} ({first_line(error)}), "
            "expected any multiple of 16: use the engine torch."
        ) from error
    return [torch.from_numpy(array) for array in arrays]


def _own_rounding(model: LapDepth) -> float:
    """How far the network's depth in float32 is from its depth in float64."""
    exact = copy.deepcopy(model).double()
    worst = 0.0
    with torch.inference_mode():
        for size in CHECKED_SIZES:
            image = sample_picture(*size)
            worst = max(worst, difference(model(image).depth, exact(image.double()).depth))
    return worst


def difference(got: Tensor, expected: Tensor) -> float:
    """The largest relative difference of two depth maps."""
    return float(((got - expected).abs() / expected).max())


def sample_picture(n: int, height: int, width: int) -> Tensor:
    """Smooth shades with noise on them: what a photo is to the network, whatever its weights."""
    generator = torch.Generator().manual_seed(height * 10007 + width)
    coarse = torch.randn(n, 3, 4, 4, generator=generator)
    smooth = nn.functional.interpolate(coarse, (height, width), mode="bicubic")
    return smooth + 0.2 * torch.randn(n, 3, height, width, generator=generator)
