"""A network as an ONNX graph.

The engine's graph (`to_onnx`): `image` (n, 3, h, w) float32 -> `depth` (n, 1, h, w), metres of the
canonical camera, and `residual_16` .. `residual_1`, the levels' outputs coarse -> fine. n, h and w
are dynamic; h and w are multiples of 16. The file for other programs, which takes the focal
length: `core.engines.onnx_file`.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from core.errors import EngineError, ExportError
from core.model import LapDepth
from core.model.encoders.efficientnet_lite import EfficientNetLite
from core.model.fold import folded
from core.weights.model_info import ModelInfo

INPUT = "image"
DEPTH = "depth"
STRIDES = (16, 8, 4, 2, 1)
RESIDUALS = tuple(f"residual_{stride}" for stride in STRIDES)
OPSET = 17
EVEN_HALVINGS = 4

_exporting = threading.Lock()  # torch's exporter and warning filters are process-wide


def is_own_onnx(head: bytes, tail: bytes) -> bool:  # noqa: ARG001 - as `core.atomic.check_own` asks
    """Whether a file with these last bytes is a model of `export_onnx`."""
    return all(key.encode() in tail for key in ("lapdepth", "checkpoint_sha256"))


def load_onnxruntime() -> Any:
    """The package, imported so that it sends nothing and leaves no identifier in the home folder.

    Since 1.29 its builds for Linux and macOS keep an identifier and a database of reports for their
    maker there, unless this variable is set while they are imported; Windows has the call.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime  # type: ignore[import-untyped]

    onnxruntime.disable_telemetry_events()
    return onnxruntime


def onnx_missing() -> list[str]:
    """Which of the optional packages are not installed."""
    return [name for name in ("onnx", "onnxruntime") if importlib.util.find_spec(name) is None]


def to_onnx(model: LapDepth, info: ModelInfo) -> bytes:
    """Converts a network for `core.engines.onnx_engine`.

    Args:
        model: the network, with its weights.
        info: of its checkpoint.

    Raises:
        EngineError: the packages `onnx` and `onnxruntime` are not installed.
        ExportError: an operation that ONNX does not have.
    """
    outputs = {DEPTH: 1} | dict(zip(RESIDUALS, STRIDES, strict=True))
    graph = traced(_Residuals(folded(model)), model, info.name, {}, outputs)
    return bytes(graph.SerializeToString())


def traced(
    module: nn.Module,
    model: LapDepth,
    name: str,
    inputs: Mapping[str, Tensor],
    outputs: Mapping[str, int],
) -> Any:
    """An `onnx.ModelProto` of a module that takes the image, then `inputs`.

    Args:
        module: holds the folded network as `model`; gives a tuple of (n, 1, h_k, w_k).
        model: the network, for what is known of its encoder.
        name: of its checkpoint.
        inputs: further inputs, by name, each with an example of fixed shape.
        outputs: the names of what it gives, each with its stride.

    Raises:
        EngineError, ExportError: as `to_onnx`.
    """
    missing = onnx_missing()
    if missing:
        raise EngineError(
            f"The packages {' and '.join(missing)} are not installed, expected both for ONNX: "
            "install them with pip, or use the engine torch."
        )
    import onnx

    axes = {INPUT: {0: "n", 2: "h", 3: "w"}}
    for output, stride in outputs.items():
        suffix = "" if stride == 1 else f"_{stride}"
        axes[output] = {0: "n", 2: f"h{suffix}", 3: f"w{suffix}"}
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
    """Gives convolutions the padding that PyTorch can only do before them, as copies of features.

    How much it is, `SameConv2d` finds out from the size at every run. Sides are multiples of 16
    though, so the first four halvings have even ones, and there it is always the same.
    """
    import onnx

    makers = {name: node for node in graph.node for name in node.output}
    padded = [
        (conv, makers[conv.input[0]])
        for conv in graph.node
        if conv.op_type == "Conv" and getattr(makers.get(conv.input[0]), "op_type", "") == "Pad"
    ]
    for conv, pad in padded[:EVEN_HALVINGS]:
        shape, old = (
            next(each for each in conv.attribute if each.name == name)
            for name in ("kernel_shape", "pads")
        )
        after = shape.ints[0] // 2
        conv.attribute.remove(old)
        conv.attribute.append(onnx.helper.make_attribute("pads", [after - 1] * 2 + [after] * 2))
        conv.input[0] = pad.input[0]
    wanted = {output.name for output in graph.output}
    for node in reversed(list(graph.node)):  # what only found out the padding has no reader now
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
        """`depth`, then the residuals coarse -> fine."""
        output = self.model(image)
        return (output.depth, *output.residuals)


def first_line(error: BaseException) -> str:
    """What an error says, in one line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
