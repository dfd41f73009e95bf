"""A network as an ONNX graph.

The engine's graph (`to_onnx`): `image` (n, 3, h, w) float32 -> `depth` (n, 1, h, w), metres of the
canonical camera, `residual_16` .. `residual_1`, the levels' outputs coarse -> fine, and `scene`
(n, channels), the mean of the encoder's deepest feature. n, h and w are dynamic; h and w are
multiples of 16. The file for other programs, which takes the focal length:
`core.engines.onnx_file`.
"""

from __future__ import annotations

import json
import logging
import tempfile
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from core.engines.onnx_check import check_onnx
from core.engines.onnx_engine import (
    DEPTH,
    INPUT,
    OF_NETWORK,
    RESIDUALS,
    SCENE,
    STRIDES,
    first_line,
    onnx_missing,
)
from core.errors import EngineError, ExportError
from core.model import LapDepth
from core.model.encoders.efficientnet_lite import EfficientNetLite, same_padding
from core.model.fold import folded
from core.weights.checkpoint import load_checkpoint
from core.weights.model_info import ModelInfo

OPSET = 17
_OUTPUTS = {DEPTH: 1} | dict(zip(RESIDUALS, STRIDES, strict=True)) | {SCENE: 0}

logger = logging.getLogger(__name__)

_exporting = threading.Lock()  # torch's exporter and warning filters are process-wide


def is_own_onnx(head: bytes, tail: bytes) -> bool:  # noqa: ARG001 - as `core.atomic.check_own` asks
    """Whether a file with these last bytes is a model of `export_onnx`."""
    return all(key.encode() in tail for key in ("lapdepth", "checkpoint_sha256"))


def to_onnx(model: LapDepth, info: ModelInfo) -> bytes:
    """Converts a network for `core.engines.onnx_engine`.

    Raises:
        EngineError: the packages `onnx` and `onnxruntime` are not installed.
        ExportError: an operation that ONNX does not have.
    """
    return bytes(
        traced(_Residuals(folded(model)), model, info.name, {}, _OUTPUTS).SerializeToString()
    )


def to_graph(model: LapDepth, info: ModelInfo) -> bytes:
    """The same without its filters, for `OnnxEngine` to take them from the checkpoint.

    What `core.model.fold` does once is part of the graph; ONNX Runtime does it when it opens it.

    Returns:
        One line of JSON, the names of the tensors that it takes; then the graph.
    """
    import onnx

    graph = traced(_Residuals(model), model, info.name, {}, _OUTPUTS, folds=False)
    for tensor in graph.graph.initializer:
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="checkpoint")
    names = [tensor.name.removeprefix(OF_NETWORK) for tensor in graph.graph.initializer]
    return json.dumps(names).encode() + b"\n" + bytes(graph.SerializeToString())


def converted(info: ModelInfo) -> bytes:
    """A checkpoint's model, checked against PyTorch.

    Raises:
        CheckpointError: the checkpoint cannot be loaded.
        EngineError: the conversion failed, or computes something else.
    """
    model, _ = load_checkpoint(info.file)
    try:
        content = to_onnx(model, info)
        difference = check_onnx(content, model)
    except ExportError as error:
        raise EngineError(str(error)) from error
    logger.info("converted; agrees with PyTorch within %.1e", difference)
    return content


def traced(
    module: nn.Module,
    model: LapDepth,
    name: str,
    inputs: Mapping[str, Tensor],
    outputs: Mapping[str, int],
    *,
    folds: bool = True,
) -> Any:
    """An `onnx.ModelProto` of a module that takes the image, then `inputs`.

    Args:
        module: holds the folded network as `model`; gives a tuple of (n, 1, h_k, w_k).
        model: the network, for what is known of its encoder.
        inputs: further inputs, by name, each with an example of fixed shape.
        outputs: the names of what it gives, each with its stride; 0 has none.
        folds: constants are computed now.

    Raises:
        EngineError, ExportError: as `to_onnx`.
    """
    missing = onnx_missing("onnx", "onnxruntime")
    if missing:
        raise EngineError(
            f"The packages {' and '.join(missing)} are not installed, expected both for ONNX: "
            "install them with pip, or use the engine torch."
        )
    import onnx

    mode = torch.onnx.TrainingMode
    axes = {INPUT: {0: "n", 2: "h", 3: "w"}}
    for output, stride in outputs.items():
        suffix = "" if stride == 1 else f"_{stride}"
        axes[output] = {0: "n"} | ({2: f"h{suffix}", 3: f"w{suffix}"} if stride else {})
    with (
        tempfile.TemporaryDirectory(prefix="lapdepth-onnx-") as folder,
        _exporting,
        warnings.catch_warnings(),
    ):
        path = Path(folder) / "traced.onnx"
        # The tracing exporter is deprecated, but its successor needs one more package and
        # writes a graph that depends on it.
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(
                module.eval(),
                (torch.zeros(1, 3, 96, 128), *inputs.values()),
                path,
                dynamo=False,
                opset_version=OPSET,
                input_names=[INPUT, *inputs],
                output_names=list(outputs),
                dynamic_axes=axes,
                do_constant_folding=folds,
                training=mode.EVAL if folds else mode.PRESERVE,  # the former folds norms too
            )
        except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
            raise ExportError(
                f"The model {name!r} cannot be converted to ONNX ({first_line(error)}), "
                "expected operations that ONNX has: use the engine torch."
            ) from error
        graph = onnx.load(path)
    if isinstance(model.encoder, EfficientNetLite):
        _pad_in_convolutions(graph.graph)
    return graph


def _pad_in_convolutions(graph: Any) -> None:
    """Gives convolutions the padding that PyTorch does before them, in a copy of the features."""
    import onnx

    makers = {name: node for node in graph.node for name in node.output}
    for conv in graph.node:
        pad = makers.get(conv.input[0]) if conv.op_type == "Conv" else None
        if pad is None or pad.op_type != "Pad":
            continue
        shape, old = (
            next(each for each in conv.attribute if each.name == name)
            for name in ("kernel_shape", "pads")
        )
        before, after = same_padding(shape.ints[0])
        conv.attribute.remove(old)
        conv.attribute.append(onnx.helper.make_attribute("pads", [before] * 2 + [after] * 2))
        conv.input[0] = pad.input[0]
    wanted = {output.name for output in graph.output}
    for node in reversed(list(graph.node)):  # the padding has no reader now
        if wanted.isdisjoint(node.output):
            graph.node.remove(node)
        else:
            wanted.update(node.input)


class _Residuals(nn.Module):
    """The network with a flat tuple of outputs, which is all that tracing knows."""

    def __init__(self, model: LapDepth) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """`depth`, the residuals coarse -> fine, and the mean of the deepest feature."""
        deepest: list[Tensor] = []
        handle = self.model.encoder.register_forward_hook(
            lambda *given: deepest.append(given[2][0])
        )
        output = self.model(image)
        handle.remove()
        return (output.depth, *output.residuals, deepest[0].mean((2, 3)))
