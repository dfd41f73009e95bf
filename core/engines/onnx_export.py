"""A checkpoint as an ONNX model, proven equal to PyTorch before anyone gets to see it.

Graph: `image` (n, 3, h, w) float32 -> `depth` (n, 1, h, w) metres and `residual_16` ..
`residual_1`, the levels' outputs coarse -> fine. n, h and w are dynamic; h and w are multiples of
16. Its metadata hold everything else a program needs: see `METADATA_KEYS`.
"""

from __future__ import annotations

import copy
import importlib.util
import json
import tempfile
import threading
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from core.atomic import write_atomic
from core.engines.runtime import load_onnxruntime
from core.errors import EngineError, ExportError
from core.model import LapDepth
from core.model.encoders.base import IMAGENET_MEAN, IMAGENET_STD
from core.model.encoders.efficientnet_lite import EfficientNetLite
from core.model.fold import folded
from core.model_files.model_info import ModelInfo

INPUT = "image"
DEPTH = "depth"
RESIDUALS = ("residual_16", "residual_8", "residual_4", "residual_2", "residual_1")
OPSET = 17
EVEN_HALVINGS = 4
AGREES = 1e-4  # relative, on depth
# n, h, w: square, wide, tall, a batch, and heights whose 1/16 is odd.
CHECKED_SIZES = ((1, 96, 96), (1, 112, 368), (1, 240, 112), (2, 176, 208))

METADATA_KEYS = {
    "lapdepth": "the checkpoint's own information (JSON of core.model_files.model_info.ModelInfo)",
    "name": "the model's name",
    "checkpoint_sha256": "of the safetensors file that was exported",
    "input": "JSON: layout, range, mean, std, multiple_of, working_height",
    "output": "JSON: unit, max_depth, canonical focal length or null",
}

_exporting = threading.Lock()  # torch's exporter and warning filters are process-wide


def is_own_onnx(head: bytes, tail: bytes) -> bool:  # noqa: ARG001 - as `core.atomic.check_own` asks
    """Whether a file with these last bytes is a model of `export_onnx`."""
    return all(key.encode() in tail for key in ("lapdepth", "checkpoint_sha256"))


def onnx_missing() -> list[str]:
    """Which of the optional packages are not installed."""
    return [name for name in ("onnx", "onnxruntime") if importlib.util.find_spec(name) is None]


def export_onnx(model: LapDepth, info: ModelInfo, path: Path) -> float:
    """Writes a checked ONNX model; nothing is written unless it agrees with PyTorch.

    Args:
        model: the network, with its weights.
        info: of its checkpoint.
        path: of the file to write.

    Returns:
        The largest relative difference of depth that was seen.

    Raises:
        EngineError: the packages `onnx` and `onnxruntime` are not installed.
        ExportError: the conversion failed or disagrees, or the file cannot be written.
    """
    content = to_onnx(model, info)
    difference = check_onnx(content, model)
    write_atomic(path, content)
    return difference


def to_onnx(model: LapDepth, info: ModelInfo) -> bytes:
    """Converts a network.

    Raises:
        EngineError: the packages `onnx` and `onnxruntime` are not installed.
        ExportError: an operation that ONNX does not have.
    """
    missing = onnx_missing()
    if missing:
        raise EngineError(
            f"The packages {' and '.join(missing)} are not installed, expected both for ONNX: "
            "install them with pip, or use the engine torch."
        )
    import onnx

    with (
        tempfile.TemporaryDirectory(prefix="lapdepth-onnx-") as folder,
        _exporting,
        warnings.catch_warnings(),
    ):
        traced = Path(folder) / "traced.onnx"
        # The tracing exporter is deprecated, but its successor needs one more package and
        # writes a graph that depends on it.
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(
                _Traced(folded(model)).eval(),
                (torch.zeros(1, 3, 96, 128),),
                traced,
                dynamo=False,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=[DEPTH, *RESIDUALS],
                dynamic_axes=_dynamic_axes(),
            )
        except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
            raise ExportError(
                f"The model {info.name!r} cannot be converted to ONNX ({_first_line(error)}), "
                "expected operations that ONNX has: use the engine torch."
            ) from error
        graph = onnx.load(traced)
    if isinstance(model.encoder, EfficientNetLite):
        _pad_in_convolutions(graph.graph)
    onnx.helper.set_model_props(graph, _metadata(info))
    return bytes(graph.SerializeToString())


def check_onnx(content: bytes, model: LapDepth, *, strict: bool = False) -> float:
    """Runs a converted model beside the original, at several sizes.

    Args:
        content: of the ONNX file.
        model: the original.
        strict: allow 1e-4 and no more. Otherwise a network that magnifies rounding (one with
            random weights does) may differ by twice of what PyTorch in float32 differs from
            itself in float64.

    Returns:
        The largest relative difference of depth over all sizes.

    Raises:
        ExportError: it is larger than that, or a size does not run.
    """
    session = load_onnxruntime().InferenceSession(content, providers=["CPUExecutionProvider"])
    plain = copy.deepcopy(model).eval()
    worst = 0.0
    for n, height, width in CHECKED_SIZES:
        image = _test_picture(n, height, width)
        with torch.inference_mode():
            expected = plain(image).depth
        try:
            got = torch.from_numpy(session.run([DEPTH], {INPUT: image.numpy()})[0])
        except Exception as error:  # onnxruntime's exceptions share no public base
            raise ExportError(
                f"The converted model does not run at {width}x{height} ({_first_line(error)}), "
                "expected any multiple of 16: use the engine torch."
            ) from error
        worst = max(worst, _difference(got, expected))
    allowed = AGREES if strict or worst <= AGREES else max(AGREES, 2 * _own_rounding(plain))
    if not worst <= allowed:  # also for NaN
        raise ExportError(
            f"The converted model differs from PyTorch by {worst:.1e}, expected at most "
            f"{allowed:.1e}: use the engine torch."
        )
    return worst


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


def _own_rounding(model: LapDepth) -> float:
    """How far the network's depth in float32 is from its depth in float64."""
    exact = copy.deepcopy(model).double()
    worst = 0.0
    with torch.inference_mode():
        for n, height, width in CHECKED_SIZES:
            image = _test_picture(n, height, width)
            worst = max(worst, _difference(model(image).depth, exact(image.double()).depth))
    return worst


def _difference(got: Tensor, expected: Tensor) -> float:
    return float(((got - expected).abs() / expected).max())


class _Traced(nn.Module):
    """The network with a flat tuple of outputs, which is all that tracing knows."""

    def __init__(self, model: LapDepth) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """`depth`, then the residuals coarse -> fine."""
        output = self.model(image)
        return (output.depth, *output.residuals)


def _dynamic_axes() -> dict[str, dict[int, str]]:
    axes = {INPUT: {0: "n", 2: "h", 3: "w"}, DEPTH: {0: "n", 2: "h", 3: "w"}}
    for name in RESIDUALS:
        stride = name.removeprefix("residual_")
        axes[name] = {0: "n", 2: f"h_{stride}", 3: f"w_{stride}"}
    return axes


def _metadata(info: ModelInfo) -> dict[str, str]:
    seen: dict[str, Any] = {
        "layout": "n, RGB, h, w",
        "range": "rgb in 0..1, then (rgb - mean) / std",
        "mean": IMAGENET_MEAN,
        "std": IMAGENET_STD,
        "multiple_of": 16,
        "working_height": info.working_height,
    }
    given = {
        "unit": "metres along the optical axis",
        "max_depth": info.config.max_depth,
        # Where it is not null: metres = depth * (focal length at the input, px) / focal.
        "focal": info.config.focal,
    }
    return {
        "lapdepth": info.to_json(),
        "name": info.name,
        "checkpoint_sha256": info.sha256,
        "input": json.dumps(seen),
        "output": json.dumps(given),
    }


def _test_picture(n: int, height: int, width: int) -> Tensor:
    """Smooth shades with noise on them: what a photo is to the network, whatever its weights."""
    generator = torch.Generator().manual_seed(height * 10007 + width)
    coarse = torch.randn(n, 3, 4, 4, generator=generator)
    smooth = nn.functional.interpolate(coarse, (height, width), mode="bicubic")
    return smooth + 0.2 * torch.randn(n, 3, height, width, generator=generator)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
