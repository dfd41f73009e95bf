"""The paper's network written plainly in PyTorch: what the fast paths are compared with.

It shares nothing with `core.model`, so that no change there can move the measure. Filters are
standardised on every call, every norm is computed, tensors lie contiguous. Its parameters come from
a `core.model.LapDepth` in the order in which both declare them (`reference_of`).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as everybody writes it

BLOCKS, WIDTHS, GROUPS, GROUP_WIDTH = (3, 4, 23), (64, 128, 256), 32, 8  # ResNeXt101-32x8d
RATES = (3, 6, 12, 18)


def twice(x: Tensor) -> Tensor:
    """Twice the size, bilinear."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class Block(nn.Module):
    """ResNeXt's bottleneck."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        inner, outputs = width * GROUP_WIDTH // 64 * GROUPS, 4 * width
        self.conv1, self.bn1 = nn.Conv2d(inputs, inner, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, 1, groups=GROUPS, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3, self.bn3 = nn.Conv2d(inner, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
        self.short = None
        if stride != 1 or inputs != outputs:
            conv = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.short = nn.Sequential(conv, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, in, h, w) to (n, 4 width, h / stride, w / stride)."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.short is None else self.short(x)))


class Backbone(nn.Module):
    """ResNeXt101 down to 1/16."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        stages, inputs = [], 64
        for index, (blocks, width) in enumerate(zip(BLOCKS, WIDTHS, strict=True)):
            strides = [2 if index else 1] + [1] * (blocks - 1)
            sizes = [inputs] + [4 * width] * (blocks - 1)
            stages.append(nn.Sequential(*map(Block, sizes, [width] * blocks, strides)))
            inputs = 4 * width
        self.stages = nn.ModuleList(stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        """The features at 1/16, 1/8, 1/4, 1/2."""
        x = F.relu(self.bn1(self.conv1(x)))
        features = [x]
        x = F.max_pool2d(x, 3, 2, 1)
        for stage in self.stages:
            x = stage(x)
            features.insert(0, x)
        return features


class Conv(nn.Module):
    """A convolution whose filters are standardised when it is called."""

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        self.padding, self.dilation = dilation * (kernel // 2), dilation

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, in, h, w) to (n, out, h, w)."""
        w = self.weight
        w = w - w.mean(1, keepdim=True).mean(2, keepdim=True).mean(3, keepdim=True)
        w = w / (w.flatten(1).std(dim=1).view(-1, 1, 1, 1) + 1e-5)
        return F.conv2d(x, w, None, 1, self.padding, self.dilation)


class PreAct(nn.Module):
    """Norm, ReLU, perhaps twice the size, convolution."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 3, dilation: int = 1, up: bool = False
    ) -> None:
        super().__init__()
        self.norm, self.up = nn.BatchNorm2d(inputs, eps=1e-3), up
        self.conv = Conv(inputs, outputs, kernel, dilation)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, in, h, w) to (n, out, h, w), or twice that."""
        x = F.relu(self.norm(x))
        out: Tensor = self.conv(twice(x) if self.up else x)
        return out


def head(*widths: int) -> nn.Sequential:
    """3x3 convolutions through `widths`."""
    return nn.Sequential(*(PreAct(a, b) for a, b in pairwise(widths)))


class Level(nn.Module):
    """One level above the coarsest."""

    def __init__(self, inputs: int, outputs: int, skip: int, *widths: int) -> None:
        super().__init__()
        inner = outputs - 4
        self.up = PreAct(inputs, outputs if skip else inner, up=True)
        self.fuse = PreAct(outputs + skip, inner, 1) if skip else None
        self.refine, self.head = PreAct(outputs, outputs), head(*widths)


class Reference(nn.Module):
    """LapDepth with ResNeXt101-32x8d, decoder width 1024, BatchNorm."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Backbone()
        self.reduce = Conv(1024, 512, 1)
        self.branches = nn.ModuleList(
            nn.Sequential(PreAct(512 + 256 * i, 256, 1), PreAct(256, 256, dilation=rate))
            for i, rate in enumerate(RATES)
        )
        self.merge = PreAct(512 + 4 * 256, 512)
        self.coarsest = head(512, 256, 128, 64, 32, 1)
        self.levels = nn.ModuleList(
            (
                Level(512, 256, 512, 256, 128, 64, 1),
                Level(256, 128, 256, 128, 64, 1),
                Level(128, 64, 64, 64, 1),
                Level(64, 64, 0, 64, 32, 1),
            )
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        """The residuals, coarse -> fine."""
        bands, smaller = [], image
        for _ in range(4):
            larger = smaller
            smaller = F.interpolate(larger, scale_factor=0.5, mode="bilinear", align_corners=False)
            bands.insert(0, larger - twice(smaller))
        feature, *skips = self.encoder(image)
        seen = [self.reduce(feature)]
        for branch in self.branches:
            seen.append(branch(torch.cat(seen, 1)))
        x = self.merge(torch.cat(seen, 1))
        residuals = [torch.sigmoid(self.coarsest(x))]
        for level, skip, band in zip(self.levels, [*skips, None], bands, strict=True):
            x = level.up(x)
            if level.fuse is not None:
                x = level.fuse(torch.cat((x, skip), 1))
            x = level.refine(torch.cat((x, twice(residuals[-1]), band), 1))
            residuals.append(torch.tanh(level.head(x) + 0.1 * band.mean(1, keepdim=True)))
        return residuals


def reference_of(model: nn.Module) -> Reference:
    """The plain network with a `LapDepth`'s weights, in eval mode.

    Raises:
        ValueError: it is not the paper's network.
    """
    plain = Reference().eval()
    ours, theirs = plain.state_dict(), model.state_dict()
    if [v.shape for v in ours.values()] != [v.shape for v in theirs.values()]:
        raise ValueError("the network is not the paper's, or declares its parts in another order")
    plain.load_state_dict(dict(zip(ours, theirs.values(), strict=True)))
    return plain.requires_grad_(False)
