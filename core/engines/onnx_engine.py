"""ONNX Runtime on the CPU: the same network, about 1.4 times as fast as folded PyTorch.

The model is converted once, checked against PyTorch and kept in the user's cache folder under the
checkpoint's SHA-256, so that later starts only open it. ONNX files hold no code; a file that does
not have the hash written beside it, or was made from another checkpoint, is converted again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.atomic import write_atomic
from core.engines.base import load_onnxruntime
from core.engines.onnx_check import check_onnx
from core.engines.onnx_export import INPUT, RESIDUALS, onnx_missing, to_onnx
from core.errors import EngineError, ExportError
from core.threads import usable_threads
from core.weights.checkpoint import load_checkpoint
from core.weights.model_info import ModelInfo

logger = logging.getLogger(__name__)

CONVERTER_VERSION = 2  # part of the cached file's name: raise it when `to_onnx` changes


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
