"""A checkpoint as an ONNX file for other programs, proven equal to PyTorch before it is written.

Inputs: `image` (n, 3, h, w) float32, normalised as the metadata say, h and w multiples of 16, and
`focal`, the focal length in pixels of that image: one number, or n. It may be left out; then it is
what the training camera would have at this size. Outputs: `depth` (n, 1, h, w), metres along the
optical axis, and on request `level_16` .. `level_1`, the metres after each level, coarse -> fine,
and `residual_16` .. `residual_1`, what each level adds before the sigmoid, times max_depth, in
metres: the names and units of `core.prediction.PredictionLevel`, without its bands.

Metadata: `lapdepth` (JSON of `core.weights.model_info.ModelInfo`), `name`, `checkpoint_sha256`,
`licence`, `training_data`; and as JSON `input` (layout, range, mean, std, multiple_of,
working_height), `focal` (unit, canonical, or null where depth does not depend on it, the default
and its rule) and `output` (unit, max_depth, and the outputs by name).
"""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.atomic import write_atomic
from core.engines.onnx_check import (
    CHECKED_SIZES,
    checked,
    difference,
    open_session,
    run_at,
    sample_picture,
)
from core.engines.onnx_engine import DEPTH, INPUT, RESIDUALS, STRIDES
from core.engines.onnx_export import traced
from core.errors import ExportError
from core.model import LapDepth, accumulate
from core.model.config import IMAGENET_MEAN, IMAGENET_STD
from core.model.fold import folded
from core.weights.model_info import ModelInfo, TrainingCamera

FOCAL = "focal"
LEVELS = tuple(f"level_{stride}" for stride in STRIDES)
# Relative, of depth, on average over a picture: with filters of float16 the shipped models have
# 0.0005 and 0.012 on the check's noise, and about 0.0005 on photos.
HALF_AGREES = 0.05
_LEAST_DIMENSIONS = 2  # filters; norms and biases are small, and their rounding would cost more
_LARGEST = 65504.0  # of float16


def export_onnx(
    model: LapDepth, info: ModelInfo, path: Path, *, levels: bool = False, half: bool = False
) -> float:
    """Writes a checked ONNX model; nothing is written unless it agrees with PyTorch.

    Args:
        levels: with the outputs of every level.
        half: with filters stored as float16, half the size.

    Returns:
        The largest relative difference of depth that was seen; with `half`, the largest mean
        over a picture.

    Raises:
        EngineError: the packages `onnx` and `onnxruntime` are not installed.
        ExportError: the conversion failed or disagrees, or the file cannot be written.
    """
    content = to_onnx_file(model, info, levels=levels)
    worst = check_onnx_file(content, model, info, levels=levels)
    if half:
        content, worst = with_half_filters(content)
    write_atomic(path, content)
    return worst


def to_onnx_file(model: LapDepth, info: ModelInfo, *, levels: bool = False) -> bytes:
    """Converts a network; arguments and errors as `export_onnx`'s."""
    module = _Metres(folded(model), info.camera, levels=levels)
    example = {FOCAL: torch.zeros(())}
    graph = traced(module, model, info.name, example, _outputs(levels=levels))
    import onnx

    # An initializer with the name of an input is its default (ONNX IR 4 and later).
    default = onnx.helper.make_tensor(FOCAL, onnx.TensorProto.FLOAT, [], [0.0])
    graph.graph.initializer.append(default)
    if FOCAL not in {each.name for each in graph.graph.input}:  # depth does not depend on it
        kind = onnx.TensorProto.FLOAT
        graph.graph.input.append(onnx.helper.make_tensor_value_info(FOCAL, kind, []))
    said = {INPUT: "normalised RGB; see the metadata", FOCAL: "pixels of the image; optional"}
    for each in (*graph.graph.input, *graph.graph.output):
        each.doc_string = said.get(each.name, "metres")
    onnx.helper.set_model_props(graph, _metadata(info, levels=levels))
    return bytes(graph.SerializeToString())


def check_onnx_file(
    content: bytes, model: LapDepth, info: ModelInfo, *, levels: bool = False
) -> float:
    """Runs a converted model beside the original, at several sizes and focal lengths.

    Returns:
        The largest relative difference of depth.

    Raises:
        ExportError: it is too large, or a size does not run.
    """
    session = open_session(content)
    plain = copy.deepcopy(model).eval()
    names = [DEPTH, *(LEVELS if levels else ())]
    canonical, worst = model.config.focal, 0.0
    for size in CHECKED_SIZES:
        n, height, width = size
        image = sample_picture(*size)
        with torch.inference_mode():
            sums = accumulate(plain(image).residuals)
        usual = default_focal(info.camera, width, height)
        for focal in (None, *(usual * share * torch.linspace(1, 2, n) for share in (0.5, 1.7))):
            feeds = {INPUT: image} | ({} if focal is None else {FOCAL: focal})
            got = run_at(session, names, feeds)
            seen = torch.tensor([usual]) if focal is None else focal
            factor = torch.ones(1) if canonical is None else seen / canonical
            metres = [model.depth_of(total) * factor.view(-1, 1, 1, 1) for total in sums]
            worst = max(worst, *map(difference, got, [metres[-1], *metres]))
    return checked(worst, plain)


def default_focal(camera: TrainingCamera, width: int, height: int) -> float:
    """The training camera's focal length in pixels of a network input of another size.

    Its field of view is kept along the longer side, as `core.camera.assumed` keeps a photo's.
    """
    return _per_pixel(camera) * max(width, height)


def _per_pixel(camera: TrainingCamera) -> float:
    return math.sqrt(camera.fx * camera.fy) / max(camera.width, camera.height)


class _Metres(nn.Module):
    """The network and what makes metres of its output, as tracing wants it."""

    def __init__(self, model: LapDepth, camera: TrainingCamera, *, levels: bool) -> None:
        super().__init__()
        self.model = model
        self._per_pixel = _per_pixel(camera)
        self._levels = levels

    def forward(self, image: Tensor, focal: Tensor) -> tuple[Tensor, ...]:
        """`depth`; with levels also the metres after every level, and the residuals."""
        output = self.model(image)
        config = self.model.config
        longer = torch._shape_as_tensor(image)[2:].max().to(torch.float32)
        seen = torch.where(focal > 0, focal, self._per_pixel * longer)
        factor = 1.0 if config.focal is None else (seen / config.focal).reshape(-1, 1, 1, 1)
        if not self._levels:
            return (output.depth * factor,)
        metres = [self.model.depth_of(total) * factor for total in accumulate(output.residuals)]
        residuals = [config.max_depth * residual for residual in output.residuals]
        return (output.depth * factor, *metres, *residuals)


def _outputs(*, levels: bool) -> dict[str, int]:
    """The outputs' names and strides."""
    of_levels = [*zip(LEVELS, STRIDES, strict=True), *zip(RESIDUALS, STRIDES, strict=True)]
    return {DEPTH: 1} | (dict(of_levels) if levels else {})


def _metadata(info: ModelInfo, *, levels: bool) -> dict[str, str]:
    seen: dict[str, Any] = {
        "layout": "n, RGB, h, w",
        "range": "rgb in 0..1, then (rgb - mean) / std",
        "mean": IMAGENET_MEAN,
        "std": IMAGENET_STD,
        "multiple_of": 16,
        "working_height": info.working_height,
    }
    width, height = info.camera.width, info.camera.height
    working = round(width / height * info.working_height)
    focal = {
        "unit": "pixels of the image that the network is given; one number, or one an image",
        "canonical": info.config.focal,
        "default": "that of the training camera at the image's size: factor * max(h, w)",
        "factor": _per_pixel(info.camera),
        "default_at_working_height": default_focal(info.camera, working, info.working_height),
    }
    given = {
        "unit": "metres along the optical axis",
        "max_depth": info.config.max_depth,
        "supervised_levels": info.supervised_levels,
        "outputs": {DEPTH: "metres"}
        | dict.fromkeys(LEVELS if levels else (), "metres after this level and those before")
        | dict.fromkeys(RESIDUALS if levels else (), "max_depth * output, before the sigmoid"),
    }
    return {
        "lapdepth": info.to_json(),
        "name": info.name,
        "checkpoint_sha256": info.sha256,
        "licence": info.licence,
        "training_data": info.training_data,
        "input": json.dumps(seen),
        "focal": json.dumps(focal),
        "output": json.dumps(given),
    }


def with_half_filters(content: bytes) -> tuple[bytes, float]:
    """Rounds the filters of a model to float16 and compares the depth of both.

    For programs that load the model over a network. Every filter is followed by a cast to float32,
    which a runtime folds away once, when it opens the model: WebAssembly has no float16 arithmetic.

    Args:
        content: of a file of this module.

    Returns:
        The same model; inputs, outputs and metadata are as they were. And the largest mean
        relative difference of depth that was seen.

    Raises:
        ExportError: a filter that float16 cannot hold, or depth that changes too much.
    """
    rounded = _rounded(content)
    exact, half = open_session(content), open_session(rounded)
    worst = 0.0
    for size in CHECKED_SIZES:
        feeds = {INPUT: sample_picture(*size)}
        (wanted,), (got,) = (run_at(session, [DEPTH], feeds) for session in (exact, half))
        worst = max(worst, float(((got - wanted).abs() / wanted).mean()))
    if not worst <= HALF_AGREES:  # also for NaN
        raise ExportError(
            f"With filters of float16 depth changes by {worst:.1%} on average, expected at most "
            f"{HALF_AGREES:.0%}: export the model without --half."
        )
    return rounded, worst


def _rounded(content: bytes) -> bytes:
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(content)
    graph, single = model.graph, onnx.TensorProto.FLOAT
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != single or len(tensor.dims) < _LEAST_DIMENSIONS:
            continue
        values, name = numpy_helper.to_array(tensor), tensor.name
        largest = float(np.abs(values).max(initial=0))
        if not largest <= _LARGEST:  # also for NaN
            raise ExportError(
                f"The filter {name} holds {largest:g}, expected at most {_LARGEST:g}, which "
                "float16 can store: export the model without --half."
            )
        stored = f"{name}_half"
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), stored))
        casts.append(onnx.helper.make_node("Cast", [stored], [name], to=single))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return bytes(model.SerializeToString())
