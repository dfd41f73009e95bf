"""The reference engine: PyTorch on the CPU, CUDA or Apple's Metal.

With one thread and a batch below 16 PyTorch computes a 1x1 convolution as a matrix product of its
BLAS library (`use_mkldnn` in ATen's Convolution.cpp). MKL, which its builds for x86 carry, runs
on AMD's processors with half of their vector width: 113 against 260 GFLOP/s on a Zen 5 core
(`python -m benchmarks.table`). oneDNN uses what the processor has. With more threads PyTorch takes
oneDNN by itself.
"""

from __future__ import annotations

import logging

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.errors import EngineError
from core.model import LapDepth, LapDepthOutput
from core.model.fold import folded
from core.threads import usable_threads

logger = logging.getLogger(__name__)

DEVICES = ("cpu", "cuda", "mps")
PRECISIONS = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}
# What torch's allocators say; only CUDA's has an exception class of its own.
_MEMORY_WORDS = ("out of memory", "can't allocate memory", "not enough memory", "alloc_cpu")


class PointwiseConv2d(nn.Module):
    """A 1x1 convolution (stride 1, one group, on the CPU) with the weights of the given one."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.weight, self.bias = conv.weight, conv.bias

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, in, h, w) to (n, out, h, w)."""
        out: Tensor = torch.mkldnn_convolution(
            x, self.weight, self.bias, padding=(0, 0), stride=(1, 1), dilation=(1, 1), groups=1
        )
        return out


def route_pointwise(model: LapDepth) -> int:
    """Replaces the 1x1 convolutions of a folded network in place; their names stay.

    Returns:
        How many were replaced; none where this torch has no oneDNN.
    """
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return 0
    found = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if isinstance(child, nn.Conv2d) and _is_pointwise(child)
    ]
    for parent, name, conv in found:
        setattr(parent, name, PointwiseConv2d(conv))
    return len(found)


def _is_pointwise(conv: nn.Conv2d) -> bool:
    return conv.kernel_size == (1, 1) and conv.stride == (1, 1) and conv.groups == 1


def choose_device(asked: str) -> str:
    """The device to run on: "auto" is the first of CUDA, Metal and CPU that is there.

    Raises:
        EngineError: an unknown device, or one that this machine or this torch lacks.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if asked == "auto":
        return next((name for name, available in there.items() if available), "cpu")
    if asked not in DEVICES:
        raise EngineError(
            f"The device is {asked!r}, expected auto or one of {', '.join(DEVICES)}: use auto."
        )
    if not there.get(asked, True):
        raise EngineError(
            f"The device {asked!r} is not available here, expected a machine and a torch build "
            "that have it: use auto."
        )
    return asked


class TorchEngine:
    """Runs the folded network.

    Args:
        model: the network; a folded copy of it is kept, it stays as it is.
        device: of `DEVICES`.
        precision: of `PRECISIONS`. Half precision applies to the convolutions only (autocast); the
            residuals and their sum stay float32, and a pass that overflows is repeated in float32.

    Raises:
        EngineError: half precision on a device where it is not safe or not faster (the CPU).
    """

    name = "torch"

    def __init__(self, model: LapDepth, device: str = "cpu", precision: str = "float32") -> None:
        if precision not in PRECISIONS or (device == "cpu" and precision != "float32"):
            raise EngineError(
                f"The precision is {precision!r} for PyTorch on {device}, expected float32, or "
                "float16 or bfloat16 on a GPU: use float32."
            )
        self.device, self.precision = device, precision
        if device == "cpu":
            torch.set_num_threads(min(torch.get_num_threads(), usable_threads()))
        self._model = folded(model).to(device)
        if device == "cpu":
            route_pointwise(self._model)

    @torch.inference_mode()
    def run(self, image: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """See `Engine.run`."""
        try:
            x = self._sent(image)
            residuals = self._pass(x, half=self.precision != "float32")
            if self.precision != "float32" and not _finite(residuals):
                logger.info("%s overflowed; this photo is done in float32", self.precision)
                residuals = self._pass(x, half=False)
            return [residual.to("cpu", torch.float32).numpy() for residual in residuals]
        except RuntimeError as error:
            raise _translated(error, image) from error

    @torch.inference_mode()
    def scene(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Engine.scene`."""
        deepest: Tensor = self._model.encoder(self._sent(image))[0]
        return deepest.mean((2, 3))[0].cpu().numpy()

    def _sent(self, given: NDArray[np.float32]) -> Tensor:
        """The picture on the device, channels last."""
        image = torch.from_numpy(np.require(given, np.float32, ("C", "W")))
        cuda = self.device == "cuda"
        if cuda:  # from page-locked memory the driver copies at once, without a copy of its own
            image = image.pin_memory()
        return image.to(self.device, memory_format=torch.channels_last, non_blocking=cuda)

    def _pass(self, x: Tensor, *, half: bool) -> list[Tensor]:
        with torch.autocast(self.device, PRECISIONS[self.precision], enabled=half):
            output: LapDepthOutput = self._model(x)
        return output.residuals


def _finite(residuals: list[Tensor]) -> bool:
    return all(bool(torch.isfinite(residual).all()) for residual in residuals)


def _translated(error: RuntimeError, image: NDArray[np.float32]) -> Exception:
    """An `EngineError` for a lack of memory; any other error is a bug and stays what it is."""
    text = str(error).lower()
    if not isinstance(error, torch.OutOfMemoryError) and not any(
        words in text for words in _MEMORY_WORDS
    ):
        return error
    height, width = image.shape[2:]
    return EngineError(
        f"There is not enough memory for a photo at {width}x{height} working pixels, expected "
        "room for all of the network's features at once: choose a lower resolution."
    )
