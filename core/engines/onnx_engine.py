"""ONNX Runtime on the CPU: the engine that predicts where nothing else is asked for.

With a shipped model comes its graph, `checkpoints/NAME.onnx.gz`, which takes its filters from the
checkpoint: it needs no PyTorch. Any other model is converted once, checked against PyTorch and kept
in the user's cache folder under the checkpoint's SHA-256, so that later starts only open it. ONNX
files hold no code; a file that does not have the hash written beside it, or was made from another
checkpoint, is converted again.
"""

from __future__ import annotations

import contextlib
import ctypes
import gzip
import hashlib
import importlib.util
import json
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from core.atomic import write_atomic
from core.errors import EngineError, ExportError
from core.threads import usable_threads
from core.weights.checkpoint import CHECKPOINTS, load_weights
from core.weights.model_info import ModelInfo
from core.weights.registry import graph_of

INPUT = "image"
DEPTH = "depth"
STRIDES = (16, 8, 4, 2, 1)
RESIDUALS = tuple(f"residual_{stride}" for stride in STRIDES)
SCENE = "scene"
OF_NETWORK = "model."  # before the names of a checkpoint's tensors in a shipped graph

logger = logging.getLogger(__name__)

CONVERTER_VERSION = 4  # part of the cached file's name: raise it when `to_onnx` changes


def load_onnxruntime() -> Any:
    """The package, imported so that it sends nothing and leaves no identifier in the home folder.

    Since 1.29 its builds for Linux and macOS keep an identifier and a database of reports for their
    maker there, unless this variable is set while they are imported; Windows has the call.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime  # type: ignore[import-untyped]

    onnxruntime.disable_telemetry_events()
    return onnxruntime


def onnx_missing(*names: str) -> list[str]:
    """Which of these packages are not installed; none named, those to run a model with."""
    wanted = names or ("onnxruntime",)
    return [name for name in wanted if importlib.util.find_spec(name) is None]


class OnnxEngine:
    """Runs a converted network.

    Args:
        precision: of the arithmetic in it, "float32" or "int8".
        weights: the checkpoint's, by name, where the file has none of its own.
        at_once: calls that share the cores, each of them computed by fewer threads.

    Raises:
        EngineError: the file is no model that ONNX Runtime can open.
    """

    name = "onnx"
    device = "cpu"

    def __init__(
        self,
        content: bytes,
        precision: str = "float32",
        weights: Mapping[str, NDArray[np.float32]] | None = None,
        at_once: int = 1,
    ) -> None:
        self.precision = precision
        onnxruntime = load_onnxruntime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = max(1, usable_threads() // at_once)
        options.enable_cpu_mem_arena = False  # which keeps all features until the next pass
        # Its threads would go on spinning behind a pass, on the cores that the next step needs.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        options.log_severity_level = 4  # fatal only: errors come as exceptions
        if weights:
            held = {
                OF_NETWORK + name: onnxruntime.OrtValue.ortvalue_from_numpy(values)
                for name, values in weights.items()
            }
            options.add_external_initializers([*held], [*held.values()])
        self._only_needed = onnxruntime.RunOptions()
        self._only_needed.only_execute_path_to_fetches = True
        try:
            self._session: Any = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's exceptions share no public base
            raise EngineError(
                f"ONNX Runtime cannot open the converted model ({error}), expected one made by "
                "this program: use the engine torch."
            ) from error

    def run(self, image: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """See `Engine.run`."""
        return self._outputs(RESIDUALS, image)

    def scene(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Engine.scene`."""
        scene: NDArray[np.float32] = self._outputs((SCENE,), image)[0][0]
        return scene

    def _outputs(
        self, names: tuple[str, ...], image: NDArray[np.float32]
    ) -> list[NDArray[np.float32]]:
        feeds = {INPUT: np.ascontiguousarray(image)}
        try:
            found: list[NDArray[np.float32]] = self._session.run(
                list(names), feeds, self._only_needed
            )
        except Exception as error:  # as above
            height, width = image.shape[2:]
            raise EngineError(
                f"ONNX Runtime failed at {width}x{height} working pixels ({first_line(error)}), "
                "expected room for all of the network's features at once: choose a lower "
                "resolution, or the engine torch."
            ) from error
        return found


_opened: WeakValueDictionary[tuple[Path, str, int], OnnxEngine] = WeakValueDictionary()


def open_onnx_engine(info: ModelInfo, precision: str = "float32", at_once: int = 1) -> OnnxEngine:
    """Opens a checkpoint's converted model, converting it first if need be.

    Args:
        info: of the checkpoint.
        precision: "float32", or "int8" (`core.engines.int8`).
        at_once: as `OnnxEngine`'s.

    Raises:
        EngineError: `onnx` or `onnxruntime` is not installed, or the conversion failed.
        CheckpointError: the checkpoint cannot be loaded.
    """
    missing = onnx_missing()
    if missing:
        raise EngineError(
            "The package onnxruntime is not installed, expected it for the engine onnx: install "
            "it with pip, or use the engine torch."
        )
    kind = "" if precision == "float32" else f"-{precision}"
    path = cache_folder() / f"{info.sha256}-v{CONVERTER_VERSION}{kind}.onnx"
    key = path, info.sha256, at_once
    engine = _opened.get(key)  # what chooses a photo's model shares the network of one of them
    if engine is None:
        graph = graph_of(CHECKPOINTS, info.sha256) if precision == "float32" else None
        if graph is not None:
            names, content = gzip.decompress(graph).split(b"\n", 1)
            weights, _ = load_weights(info.file)
            taken = {name: weights[name] for name in json.loads(names)}
            engine = OnnxEngine(content, weights=taken, at_once=at_once)
            del weights, taken
        else:
            content = _converted(info, path, precision)
            engine = OnnxEngine(content, precision, at_once=at_once)
        _opened[key] = engine
        give_back_memory()  # a copy of the filters, and what optimising the graph took
    return engine


def give_back_memory() -> None:
    """Hands freed memory back to the system, where the C library is glibc."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _converted(info: ModelInfo, path: Path, precision: str) -> bytes:
    """The model from the cache, converted first if need be."""
    content = _read_cached(path)
    if content is None:
        content = _convert(info)
        if precision == "int8":
            from core.engines.int8 import calibration_pictures, quantised

            content = quantised(content, calibration_pictures(info))
        _write_cached(path, content)
    return content


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
    missing = onnx_missing("onnx", "torch")
    if missing:
        raise EngineError(
            f"The model {info.name!r} was never converted, and without {' and '.join(missing)} it "
            "cannot be, expected a shipped model or one that was used here before: install what "
            "is missing with pip."
        )
    from core.engines import onnx_export

    logger.info("converting %s for ONNX Runtime, once", info.name)
    return onnx_export.converted(info)


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


def first_line(error: BaseException) -> str:
    """What an error says, in one line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
