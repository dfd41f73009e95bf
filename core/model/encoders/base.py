"""The contract that every encoder keeps, and stochastic depth for encoders with residual blocks.

Stochastic depth (Huang et al., ECCV 2016) leaves residual blocks out at random while training: an
encoder that cannot rely on any one block memorises a few hundred pictures less easily.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

Channels = tuple[int, int, int, int]


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


class Encoder(nn.Module):
    """A backbone that gives four features of one image.

    A subclass builds its layers, calls `_set_channels`, and implements `stages`. Layers that only
    serve the 1/32 stage are not built unless `deep_stage` is set.

    Attributes:
        deep_stage: whether the 1/32 stage is there, upsampled and concatenated to the 1/16 feature.
        channels: of the features, coarse -> fine (1/16, 1/8, 1/4, 1/2), the 1/32 stage's included.
        left_out: how the names of a classifier's layers begin that this encoder does not have.
        frozen_prefixes: names of the first layers, which the paper's recipe keeps as pretrained.
    """

    frozen_prefixes: tuple[str, ...] = ()

    def __init__(self, *, deep_stage: bool) -> None:
        super().__init__()
        self.deep_stage = deep_stage
        self.left_out: tuple[str, ...] = ()
        self.channels: Channels = (0, 0, 0, 0)

    def _set_channels(self, channels: Channels, deep: int) -> None:
        """Declares the channels at 1/16, 1/8, 1/4, 1/2, and at 1/32."""
        c16, c8, c4, c2 = channels
        self.channels = (c16 + (deep if self.deep_stage else 0), c8, c4, c2)

    def _tapped_features(self, x: Tensor, layers: nn.Module, taps: Collection[int]) -> list[Tensor]:
        """What the layers numbered so give, coarse -> fine, when `x` goes through all of them."""
        features: list[Tensor] = []
        for index, layer in enumerate(layers.children()):
            x = layer(x)
            if index in taps:
                features.insert(0, x)
        return features

    @abstractmethod
    def stages(self, image: Tensor) -> list[Tensor]:
        """The features coarse -> fine: 1/32 first when `deep_stage`, then 1/16, 1/8, 1/4, 1/2."""

    def from_imagenet(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Turns a published classifier's state_dict into this encoder's own.

        Args:
            weights: under the names of the family's usual publisher. Only what a classifier has
                beyond this encoder is left out; what else does not belong stays, to be noticed.
        """
        return {key: value for key, value in weights.items() if not key.startswith(self.left_out)}

    def forward(self, image: Tensor) -> list[Tensor]:
        """Extracts the features.

        Args:
            image: (n, 3, h, w), ImageNet-normalised RGB, h and w multiples of 16.

        Returns:
            Coarse -> fine: (n, channels[k], h / s, w / s) for s = 16, 8, 4, 2.
        """
        features = self.stages(image)
        if not self.deep_stage:
            return features
        deep, last, *finer = features
        # h / 16 may be odd; then the last row of 1/32 reaches beyond the picture.
        upsampled = functional.interpolate(
            deep, scale_factor=2.0, mode="bilinear", align_corners=False
        )[..., : last.shape[-2], : last.shape[-1]]
        return [torch.cat((last, upsampled), 1), *finer]

    def frozen_parameters(self) -> list[nn.Parameter]:
        """The parameters of `frozen_prefixes`, which the paper's recipe does not train."""
        prefixes = tuple(prefix + "." for prefix in self.frozen_prefixes)
        return [value for name, value in self.named_parameters() if name.startswith(prefixes)]


def freeze_norm(encoder: nn.Module) -> None:
    """Keeps every BatchNorm at its pretrained statistics, scale and shift.

    Call it after each `model.train()`, which would switch them back to batch statistics.
    """
    for module in encoder.modules():
        if isinstance(module, _BatchNorm):
            module.eval()
            module.requires_grad_(False)
