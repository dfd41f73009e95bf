"""The interface of an engine: what the predictor needs from whatever runs the network."""

from __future__ import annotations

import os
from typing import Any, Protocol

from torch import Tensor


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

    def run(self, image: Tensor) -> list[Tensor]:
        """One pass.

        Args:
            image: (n, 3, h, w) float32 on the CPU, ImageNet-normalised, h and w multiples of 16.

        Returns:
            The residuals coarse -> fine (R5..R1), each (n, 1, h_k, w_k) float32 on the CPU. Depth
            follows from them alone (`core.model.accumulate`), so every engine gives just these.

        Raises:
            EngineError: out of memory, or the engine failed.
        """
        ...


def load_onnxruntime() -> Any:
    """The package, imported so that it sends nothing and leaves no identifier in the home folder.

    Since 1.29 its builds for Linux and macOS keep an identifier and a database of reports for their
    maker there, unless this variable is set while they are imported; Windows has the call.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime  # type: ignore[import-untyped]

    onnxruntime.disable_telemetry_events()
    return onnxruntime
