"""Atrous spatial pyramid pooling on the 1/16 feature: dense (paper, Fig. 3) or classic."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.model.config import ModelConfig
from core.model.layers import PreActConv, StandardisedConv2d


class ImagePooling(nn.Module):
    """The mean of the whole feature, seen everywhere: the scene as one vector."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, in, h, w) to (n, out, h, w), the same vector at every place."""
        pooled = functional.relu(self.conv(x.mean((2, 3), keepdim=True)))
        return pooled.expand(-1, -1, x.shape[2], x.shape[3])


class ASPP(nn.Module):
    """Sees the 1/16 feature at several dilations and reduces it to C / 2 channels.

    Args:
        in_channels: of the encoder's 1/16 feature.
        width: C of the decoder.
        config: kind and rates of the branches, norm, ablations.
    """

    def __init__(self, in_channels: int, width: int, config: ModelConfig) -> None:
        super().__init__()
        half, quarter = width // 2, width // 4
        plain = not config.weight_standardisation
        self.dense = config.aspp == "dense"
        self.reduce = StandardisedConv2d(in_channels, half, 1, plain=plain)
        self.branches = nn.ModuleList()
        for index, rate in enumerate(config.aspp_rates):
            seen = half + (index * quarter if self.dense else 0)
            self.branches.append(
                nn.Sequential(
                    PreActConv(seen, quarter, 1, norm=config.norm, plain=plain),
                    PreActConv(quarter, quarter, norm=config.norm, dilation=rate, plain=plain),
                )
            )
        self.pooling = ImagePooling(half, quarter) if config.global_context else None
        gathered = half + quarter * (len(config.aspp_rates) + int(config.global_context))
        self.merge = PreActConv(gathered, half, norm=config.norm, plain=plain)

    def forward(self, feature: Tensor) -> Tensor:
        """Maps (n, in_channels, h, w) to (n, C / 2, h, w)."""
        seen = [self.reduce(feature)]
        for branch in self.branches:
            seen.append(branch(torch.cat(seen, 1) if self.dense else seen[0]))
        if self.pooling is not None:
            seen.append(self.pooling(seen[0]))
        merged: Tensor = self.merge(torch.cat(seen, 1))
        return merged
