"""ONNX Runtime on the CPU: the same network, about 1.4 times as fast as folded PyTorch.

The model is converted once, checked against PyTorch and kept in the user's cache folder under the
checkpoint's SHA-256, so that later starts only open it. ONNX files hold no code; a file that does
not have the hash written beside it, or was made from another checkpoint, is converted again.
"""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from core.atomic import write_atomic
from core.engines.onnx_export import (
    DEPTH,
    INPUT,
    RESIDUALS,
    first_line,
    load_onnxruntime,
    onnx_missing,
    to_onnx,
)
from core.errors import EngineError, ExportError
from core.model import LapDepth
from core.threads import usable_threads
from core.weights.checkpoint import load_checkpoint
from core.weights.model_info import ModelInfo

AGREES = 1e-4  # relative, on depth
# n, h, w: square, wide, tall, a batch, and heights whose 1/16 is odd.
CHECKED_SIZES = ((1, 96, 96), (1, 112, 368), (1, 240, 112), (2, 176, 208))

logger = logging.getLogger(__name__)

CONVERTER_VERSION = 2  # part of the cached file's name: raise it when `to_onnx` changes


def check_onnx(content: bytes, model: LapDepth, *, strict: bool = False) -> float:
    """Runs a converted model beside the original, at several sizes.

    Args:
        content: of the ONNX file.
        model: the original.
        strict: allow 1e-4 and no more. Otherwise see `allowed`.

    Returns:
        The largest relative difference of depth over all sizes.

    Raises:
        ExportError: it is larger than that, or a size does not run.
    """
    session = open_session(content)
    plain = copy.deepcopy(model).eval()
    worst = 0.0
    for n, height, width in CHECKED_SIZES:
        image = sample_picture(n, height, width)
        with torch.inference_mode():
            expected = plain(image).depth
        (got,) = run_at(session, [DEPTH], {INPUT: image})
        worst = max(worst, difference(got, expected))
    if strict and not worst <= AGREES:  # also for NaN
        raise disagreement(worst, AGREES)
    return checked(worst, plain)


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
        for n, height, width in CHECKED_SIZES:
            image = sample_picture(n, height, width)
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


class OnnxEngine:
    """Runs a converted network.

    Args:
        content: of the ONNX file.
        precision: of the arithmetic in it, "float32" or "int8".

    Raises:
        EngineError: the file is no model that ONNX Runtime can open.
    """

    name = "onnx"
    device = "cpu"

    def __init__(self, content: bytes, precision: str = "float32") -> None:
        self.precision = precision
        onnxruntime = load_onnxruntime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = usable_threads()
        # Its threads would go on spinning behind a pass, on the cores that the next step needs.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        options.log_severity_level = 4  # fatal only: errors come as exceptions
        try:
            self._session: Any = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's exceptions share no public base
            raise EngineError(
                f"ONNX Runtime cannot open the converted model ({error}), expected one made by "
                "this program: use the engine torch."
            ) from error

    def run(self, image: Tensor) -> list[Tensor]:
        """See `Engine.run`."""
        try:
            arrays = self._session.run(list(RESIDUALS), {INPUT: image.contiguous().numpy()})
        except Exception as error:  # as above
            height, width = image.shape[2:]
            raise EngineError(
                f"ONNX Runtime failed at {width}x{height} working pixels "
                f"({str(error).splitlines()[0][:200]}), expected room for all of the network's "
                "features at once: choose a lower resolution, or the engine torch."
            ) from error
        return [torch.from_numpy(array) for array in arrays]


def open_onnx_engine(info: ModelInfo, precision: str = "float32") -> OnnxEngine:
    """Opens a checkpoint's converted model, converting it first if need be.

    Args:
        info: of the checkpoint.
        precision: "float32", or "int8" (`core.engines.int8`).

    Raises:
        EngineError: `onnx` or `onnxruntime` is not installed, or the conversion failed.
        CheckpointError: the checkpoint cannot be loaded.
    """
    missing = onnx_missing()
    if missing:
        raise EngineError(
            f"The packages {' and '.join(missing)} are not installed, expected both for the "
            "engine onnx: install them with pip, or use the engine torch."
        )
    kind = "" if precision == "float32" else f"-{precision}"
    path = cache_folder() / f"{info.sha256}-v{CONVERTER_VERSION}{kind}.onnx"
    content = _read_cached(path)
    if content is None:
        content = _convert(info)
        if precision == "int8":
            from core.engines.int8 import calibration_pictures, quantised

            content = quantised(content, calibration_pictures(info))
        _write_cached(path, content)
    return OnnxEngine(content, precision)


def cache_folder() -> Path:
    """Where converted models are kept: LAPDEPTH_CACHE, or the system's place for caches."""
    if chosen := os.environ.get("LAPDEPTH_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "lapdepth-studio"


def _convert(info: ModelInfo) -> bytes:
    if info.path is None:
        raise EngineError("The model was never saved, expected a checkpoint file: save it first.")
    logger.info("converting %s for ONNX Runtime, once", info.name)
    model, _ = load_checkpoint(info.path)
    try:
        content = to_onnx(model, info)
        difference = check_onnx(content, model, strict=True)
    except ExportError as error:
        raise EngineError(str(error)) from error
    logger.info("converted; agrees with PyTorch within %.1e", difference)
    return content


def _read_cached(path: Path) -> bytes | None:
    """The cached model, or None where there is none or it is not what was written."""
    try:
        content = path.read_bytes()
        expected = json.loads(path.with_suffix(".json").read_bytes())["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if hashlib.sha256(content).hexdigest() == expected:
        return content
    logger.warning("%s is damaged and is made again", path)
    return None


def _write_cached(path: Path, content: bytes) -> None:
    """Keeps a model for the next start; a cache that cannot be written costs only time."""
    record = {"sha256": hashlib.sha256(content).hexdigest(), "converter": CONVERTER_VERSION}
    try:
        write_atomic(path, content)
        write_atomic(path.with_suffix(".json"), json.dumps(record).encode())
    except ExportError as error:
        logger.info("the converted model is not kept: %s", error)
