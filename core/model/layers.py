"""Pre-activated, weight-standardised convolutions: what the whole decoder is made of."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.model.pyramid import double

STANDARDISATION_EPS = 1e-5
NORM_EPS = 1e-3  # BatchNorm's
NORM_MOMENTUM = 0.1


def standardise(weight: Tensor) -> Tensor:
    """Gives every filter zero mean and unit spread (Qiao et al. 2019; paper, section III-C).

    Args:
        weight: (out, in, kh, kw).

    Returns:
        The same shape. The mean is taken over one dimension after the other, and eps added
        outside the root, so that imported weights give the authors' values.
    """
    centred = weight - weight.mean(1, keepdim=True).mean(2, keepdim=True).mean(3, keepdim=True)
    spread = centred.flatten(1).std(dim=1).view(-1, 1, 1, 1) + STANDARDISATION_EPS
    return centred / spread


class StandardisedConv2d(nn.Conv2d):
    """A convolution without bias that uses its filters standardised."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        dilation: int = 1,
        plain: bool = False,
    ) -> None:
        padding = dilation * (kernel // 2)
        super().__init__(
            in_channels, out_channels, kernel, padding=padding, dilation=dilation, bias=False
        )
        self.plain = plain

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, in, h, w) to (n, out, h, w)."""
        weight = self.weight if self.plain else standardise(self.weight)
        out: Tensor = self._conv_forward(x, weight, None)
        return out

    @torch.no_grad()
    def fold(self) -> None:
        """Replaces the filters by their standardised form, once, for inference."""
        if not self.plain:
            self.weight.copy_(standardise(self.weight))
            self.plain = True


def make_norm(kind: str, channels: int) -> nn.Module:
    """The decoder's normalisation: "batch", or "group" with about 16 channels in a group."""
    if kind == "batch":
        return nn.BatchNorm2d(channels, eps=NORM_EPS, momentum=NORM_MOMENTUM)
    most = max(1, channels // 16)
    groups = next(g for g in range(most, 0, -1) if channels % g == 0)
    return nn.GroupNorm(groups, channels)  # PyTorch's eps of 1e-5, as the authors' GN network has


class PreActConv(nn.Module):
    """norm -> ReLU -> (x2 bilinear) -> weight-standardised convolution."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 3,
        *,
        norm: str,
        dilation: int = 1,
        upsample: bool = False,
        plain: bool = False,
    ) -> None:
        super().__init__()
        self.norm = make_norm(norm, in_channels)
        self.conv = StandardisedConv2d(in_channels, out_channels, kernel, dilation, plain)
        self.upsample = upsample

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, in, h, w) to (n, out, h, w), or to (n, out, 2h, 2w) where it upsamples."""
        x = functional.relu(self.norm(x), inplace=False)
        out: Tensor = self.conv(double(x) if self.upsample else x)
        return out
