"""The coarse-to-fine decoder: one residual of the depth at every scale.

What becomes of the residuals, the sum and the sigmoid that give the depth of a level, is
`LapDepth.depth_of` here in the network and `core.prediction.depth_of_levels` on a photo's way.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.model.config import ModelConfig
from core.model.layers import PreActConv
from core.model.pyramid import double

BAND_CHANNELS = 3
BAND_GAIN = 0.1  # how much of the image's band goes straight into the residual
# Standardised filters have unit spread, so a head with unit gains would start deep in the flat
# part of tanh and stay there; these gains start it in the middle.
LAST_HEAD_GAIN = 0.03
HEAD_GAIN = 0.3


@dataclass(frozen=True)
class LevelSpec:
    """One level above the coarsest: channels in and out, of the skip (0: none), of the head."""

    inputs: int
    outputs: int
    skip: int
    head: tuple[int, ...]


def level_specs(width: int, skips: Sequence[int]) -> list[LevelSpec]:
    """The levels 1/8, 1/4, 1/2, 1/1 for decoder width C and the skips' channels (1/8, 1/4, 1/2)."""
    c2, c4, c8, c16, c32 = (width // d for d in (2, 4, 8, 16, 32))
    return [
        LevelSpec(c2, c4, skips[0], (c4, c8, c16, 1)),
        LevelSpec(c4, c8, skips[1], (c8, c16, 1)),
        LevelSpec(c8, c16, skips[2], (c16, 1)),
        LevelSpec(c16, c16, 0, (c16, c32, 1)),
    ]


def make_head(channels: Sequence[int], config: ModelConfig) -> nn.Sequential:
    """A stack of 3x3 convolutions through `channels`, started with small gains."""
    plain = not config.weight_standardisation
    pairs = list(itertools.pairwise(channels))
    head = nn.Sequential(*(PreActConv(i, o, norm=config.norm, plain=plain) for i, o in pairs))
    for index, block in enumerate(head):
        gain = LAST_HEAD_GAIN if index == len(pairs) - 1 else HEAD_GAIN
        norm = block.get_submodule("norm")
        nn.init.constant_(norm.get_parameter("weight"), gain)
    return head


class Level(nn.Module):
    """Refines the coarser level's feature and predicts this level's residual."""

    def __init__(self, spec: LevelSpec, config: ModelConfig) -> None:
        super().__init__()
        norm, plain = config.norm, not config.weight_standardisation
        inner = spec.outputs - BAND_CHANNELS - 1
        up_channels = spec.outputs if spec.skip else inner
        self.up = PreActConv(spec.inputs, up_channels, norm=norm, upsample=True, plain=plain)
        self.fuse = (
            PreActConv(up_channels + spec.skip, inner, 1, norm=norm, plain=plain)
            if spec.skip
            else None
        )
        self.refine = PreActConv(spec.outputs, spec.outputs, norm=norm, plain=plain)
        self.head = make_head(spec.head, config)

    def forward(
        self, feature: Tensor, skip: Tensor | None, coarser: Tensor, band: Tensor
    ) -> tuple[Tensor, Tensor]:
        """One step from scale s to scale 2s.

        Args:
            feature: (n, inputs, h, w) of the coarser level.
            skip: (n, skip, 2h, 2w) of the encoder, None at the finest level.
            coarser: (n, 1, h, w), the coarser level's residual.
            band: (n, 3, 2h, 2w), the image's Laplacian band at this level.

        Returns:
            This level's feature (n, outputs, 2h, 2w) and residual (n, 1, 2h, 2w) in (-1, 1).
        """
        x = self.up(feature)
        if self.fuse is not None and skip is not None:
            x = self.fuse(torch.cat((x, skip), 1))
        x = self.refine(torch.cat((x, double(coarser).to(x.dtype), band.to(x.dtype)), 1))
        lifted = self.head(x).float() + BAND_GAIN * band.mean(1, keepdim=True)
        return x, torch.tanh(lifted)


class Decoder(nn.Module):
    """R5 from the ASPP feature, then R4..R1, each level refining the one before.

    Args:
        width: C of the decoder.
        skips: channels of the encoder's features at 1/8, 1/4, 1/2.
        config: norm and ablations.
    """

    def __init__(self, width: int, skips: Sequence[int], config: ModelConfig) -> None:
        super().__init__()
        self.coarsest = make_head([width // d for d in (2, 4, 8, 16, 32)] + [1], config)
        specs = level_specs(width, skips) if config.residuals else []
        self.levels = nn.ModuleList(Level(spec, config) for spec in specs)

    def forward(
        self, feature: Tensor, skips: Sequence[Tensor], bands: Sequence[Tensor]
    ) -> list[Tensor]:
        """Predicts the residuals.

        Args:
            feature: (n, C / 2, h / 16, w / 16) of the ASPP.
            skips: the encoder's features at 1/8, 1/4, 1/2.
            bands: the image's Laplacian bands at 1/8, 1/4, 1/2, 1/1, each (n, 3, ..).

        Returns:
            Coarse -> fine: R5 in (0, 1) at 1/16, then R4..R1 in (-1, 1), each (n, 1, ..).
        """
        lifted = self.coarsest(feature).float()
        if not self.levels:
            return [lifted, *(torch.zeros_like(band[:, :1]) for band in bands)]
        residuals = [torch.sigmoid(lifted)]
        for level, skip, band in zip(self.levels, [*skips, None], bands, strict=True):
            feature, residual = level(feature, skip, residuals[-1], band)
            residuals.append(residual)
        return residuals
