"""What the predictor asks of whatever runs the network."""

from __future__ import annotations

from typing import Protocol

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
