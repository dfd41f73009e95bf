"""A converted network with 8-bit integers in place of float32, where that costs little accuracy.

Post-training quantisation (Jacob et al., CVPR 2018, section 3): weights per channel, features per
tensor, their ranges from photos. The first convolution and the decoder stay float32: there
integers cost most accuracy and save the shipped models no time. What the rest gains and costs:
docs/performance.md; for another model or other data, `python -m core evaluate --precision int8`.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.engines.onnx_engine import DEPTH, INPUT, load_onnxruntime
from core.errors import EngineError
from core.images.decode import decode
from core.images.resize import resize_rgb, working_size
from core.weights.model_info import ModelInfo
from core.weights.network_input import normalised
from core.weights.registry import EXAMPLES

MOST_OFF = 0.1  # of depth, on average over the photos; beyond, integers do not suit the network
_KINDS = ["Conv", "Add", "Concat", "Relu", "Clip"]
_FLOAT = "/model/decoder/"

Picture = NDArray[np.float32]  # (1, 3, h, w), the network's input


def calibration_pictures(info: ModelInfo, folder: Path = EXAMPLES) -> list[Picture]:
    """The example photos as the network sees them: their features show how far features range.

    Raises:
        EngineError: they are not there.
    """
    paths = sorted(folder.glob("*.jpg"))
    if not paths:
        raise EngineError(
            f"There are no photos in {folder}, expected the program's examples, which show the "
            "ranges of 8-bit integers: get them again, or use the precision float32."
        )
    pictures = []
    for path in paths:
        rgb = decode(path).rgb
        size = working_size((rgb.shape[1], rgb.shape[0]), info.working_height)
        pictures.append(normalised(*resize_rgb(rgb, size)))
    return pictures


def quantised(content: bytes, pictures: Sequence[Picture]) -> bytes:
    """An ONNX model of `to_onnx` with 8-bit convolutions.

    Raises:
        EngineError: its depth of these pictures differs by more than `MOST_OFF` on average.
    """
    import onnx
    from onnxruntime.quantization import (  # type: ignore[import-untyped]
        CalibrationDataReader,
        QuantType,
        quant_pre_process,
        quantize_static,
    )

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left: Iterator[Picture] = iter(pictures)

        def get_next(self) -> dict[str, Any] | None:
            picture = next(self._left, None)
            return None if picture is None else {INPUT: picture}

    load_onnxruntime()
    with tempfile.TemporaryDirectory(prefix="lapdepth-int8-") as folder:
        plain, ready, made = (Path(folder) / f"{name}.onnx" for name in ("plain", "ready", "made"))
        plain.write_bytes(content)
        with contextlib.redirect_stdout(io.StringIO()):
            quant_pre_process(plain, ready, skip_symbolic_shape=True)
            nodes = onnx.load(ready).graph.node
            names = [node.name for node in nodes]
            first = next(at for at, node in enumerate(nodes) if node.op_type == "Conv")
            decoder = [name for name in names if name.startswith(_FLOAT)]
            quantize_static(
                ready,
                made,
                Reader(),
                per_channel=True,
                op_types_to_quantize=_KINDS,
                weight_type=QuantType.QInt8,
                activation_type=QuantType.QUInt8,
                nodes_to_exclude=names[: first + 1] + decoder,
            )
        result = made.read_bytes()
    off = mean_difference(content, result, pictures)
    if not off <= MOST_OFF:  # also for NaN
        raise EngineError(
            f"With 8-bit integers depth differs by {off:.0%} on average, expected at most "
            f"{MOST_OFF:.0%}: use the precision float32 with this model."
        )
    return result


def mean_difference(content: bytes, other: bytes, pictures: Sequence[Picture]) -> float:
    """The mean relative difference of two converted models' depth of some pictures."""
    runtime = load_onnxruntime()
    first, second = (
        runtime.InferenceSession(model, providers=["CPUExecutionProvider"])
        for model in (content, other)
    )
    differences = []
    for picture in pictures:
        depth, others = (s.run([DEPTH], {INPUT: picture})[0] for s in (first, second))
        differences.append(float(np.abs(others / depth - 1).mean()))
    return float(np.mean(differences))
