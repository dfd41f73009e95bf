"""Stochastic depth: residual blocks left out at random while training (Huang et al., ECCV 2016).

An encoder that cannot rely on any one block learns a few hundred pictures by heart less easily.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def drop_blocks(encoder: nn.Module, rate: float) -> int:
    """Lets an encoder's residual blocks be left out, each image's own, in training mode only.

    The first block is never left out, the last with probability `rate`, those between in
    proportion; what stays is scaled so that the mean is that of the whole network.

    Args:
        encoder: with blocks whose attribute `adds` says that their input is added to their output.
        rate: from 0 to below 1.

    Returns:
        How many blocks can be left out now.
    """
    blocks = [module for module in encoder.modules() if getattr(module, "adds", False)]
    for index, block in enumerate(blocks):
        share = rate * index / max(1, len(blocks) - 1)

        def drop(
            module: nn.Module, inputs: tuple[Any, ...], output: Tensor, share: float = share
        ) -> Tensor:
            if not module.training or share == 0:
                return output
            x = inputs[0]
            kept = (torch.rand(len(x), 1, 1, 1, device=x.device) >= share).to(x.dtype)
            return torch.lerp(x, output, kept / (1 - share))

        block.register_forward_hook(drop)
    return len(blocks) if rate else 0
