"""1x1 convolutions sent to oneDNN, whatever PyTorch would choose.

With one thread and a batch below 16 PyTorch computes a 1x1 convolution as a matrix product of its
BLAS library (`use_mkldnn` in ATen's Convolution.cpp). MKL, which its builds for x86 carry, runs
on AMD's processors with half of their vector width: 113 against 260 GFLOP/s on a Zen 5 core
(`python -m benchmarks.table`). oneDNN uses what the processor has. With more threads PyTorch takes
oneDNN by itself.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from core.model import LapDepth


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
