"""Engines: what runs the network. PyTorch is the reference; the others must agree with it."""

from __future__ import annotations

import importlib.util
import logging
import sys
from pathlib import Path
from types import ModuleType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.engines.onnx_engine import onnx_missing, open_onnx_engine
from core.errors import EngineError
from core.weights.checkpoint import load_checkpoint
from core.weights.model_info import ModelInfo

__all__ = ["ENGINES", "Engine", "open_engine"]

ENGINES = ("auto", "torch", "onnx")

logger = logging.getLogger(__name__)


class Engine(Protocol):
    """Runs one network; safe to call from several threads at once.

    Attributes:
        name: "torch" or "onnx".
        device: "cpu", "cuda" or "mps".
        precision: of the arithmetic, "float32", "float16", "bfloat16" or "int8".
    """

    @property
    def name(self) -> str: ...
    @property
    def device(self) -> str: ...
    @property
    def precision(self) -> str: ...

    def run(self, image: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """One pass.

        Args:
            image: (n, 3, h, w) float32, ImageNet-normalised, h and w multiples of 16.

        Returns:
            The residuals coarse -> fine (R5..R1), each (n, 1, h_k, w_k) float32. Depth follows
            from them alone (`core.prediction.depth_of_levels`), so every engine gives just these.

        Raises:
            EngineError: out of memory, or the engine failed.
        """
        ...

    def scene(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mean of the encoder's deepest feature over one image of `run`: (channels,)."""
        ...


def open_engine(
    info: ModelInfo,
    *,
    device: str = "auto",
    engine: str = "auto",
    precision: str = "float32",
    at_once: int = 1,
) -> Engine:
    """Loads a checkpoint into an engine.

    Args:
        info: of the checkpoint, which is a file.
        device: "auto", "cpu", "cuda" or "mps".
        engine: "torch"; "onnx" (the CPU only); "auto" is ONNX Runtime on the CPU where it is
            installed, since it is the faster there, and PyTorch everywhere else.
        precision: "float32"; "float16" or "bfloat16" with PyTorch on a GPU; "int8" with ONNX
            Runtime, somewhat faster and less accurate (docs/performance.md says by how much).
        at_once: passes that ONNX Runtime shall share the cores among.

    Raises:
        CheckpointError: the file is missing or damaged.
        EngineError: a name that is unknown, or not available here.
    """
    if engine not in ENGINES:
        raise EngineError(
            f"The engine is {engine!r}, expected one of {', '.join(ENGINES)}: use auto."
        )
    if info.path is None:
        raise EngineError("The model was never saved, expected a checkpoint file: save it first.")
    if engine == "onnx" or (engine == "auto" and precision == "int8"):
        if device not in ("auto", "cpu") or precision not in ("float32", "int8"):
            raise EngineError(
                f"The engine onnx was asked for on {device} in {precision}, expected the CPU and "
                "float32 or int8: use the engine torch there."
            )
        return open_onnx_engine(info, precision, at_once)
    place = (
        "cpu"
        if engine == "auto" and (device == "cpu" or (device == "auto" and not _gpu_may_be()))
        else None
    )
    if place is None:
        place = _torch_engine().choose_device(device)
    if engine == "auto" and place == "cpu" and precision == "float32" and not onnx_missing():
        try:
            return open_onnx_engine(info, at_once=at_once)
        except EngineError as error:
            logger.warning("PyTorch is used instead of ONNX Runtime: %s", error)
    torch_engine = _torch_engine()
    model, _ = load_checkpoint(info.path)
    opened: Engine = torch_engine.TorchEngine(model, place, precision)
    return opened


def _gpu_may_be() -> bool:
    """Whether it is worth to load PyTorch, which takes seconds, to ask it for a GPU."""
    if importlib.util.find_spec("torch") is None:
        return False
    devices = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")  # NVIDIA's, AMD's, Windows' in Linux
    return sys.platform != "linux" or any(Path(name).exists() for name in devices)


def _torch_engine() -> ModuleType:
    try:
        from core.engines import torch_engine
    except ModuleNotFoundError as error:
        raise EngineError(
            "PyTorch is not installed, expected it for this device, precision or engine: install "
            "torch, or use the engine onnx on the CPU in float32."
        ) from error
    return torch_engine
