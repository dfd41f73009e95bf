"""MobileNetV2 (Sandler et al. 2018), with torchvision's key names."""

from __future__ import annotations

from torch import Tensor, nn

from core.model.encoders.base import Encoder

STEM_WIDTH = 32
# (expansion, channels, repeats, stride of the first), Table 2 of the paper
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
TAPS = (0, 1, 2, 4, 6)  # the last stage at 1/2, 1/4, 1/8, 1/16, 1/32


def _conv_norm_act(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(),
    )


class InvertedResidual(nn.Module):
    """Expand by 1x1, filter depthwise, project linearly; added to the input where shapes agree."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        layers: list[nn.Module] = []
        if expansion != 1:
            layers.append(_conv_norm_act(inputs, hidden, 1))
        layers.append(_conv_norm_act(hidden, hidden, 3, stride, groups=hidden))
        layers += [nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
        self.conv = nn.Sequential(*layers)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, in, h, w) to (n, out, h / stride, w / stride)."""
        y: Tensor = self.conv(x)
        return x + y if self.adds else y


class MobileNetV2(Encoder):
    """MobileNetV2 without its classifier and the 1x1 convolution before it.

    Args:
        deep_stage: build the 1/32 stage too.
    """

    frozen_prefixes = ("features.0", "features.1")

    def __init__(self, *, deep_stage: bool = False) -> None:
        super().__init__(deep_stage=deep_stage)
        taps = TAPS if deep_stage else TAPS[:-1]
        layers: list[nn.Module] = [_conv_norm_act(3, STEM_WIDTH, 3, 2)]
        self._tapped: list[int] = []
        inputs = STEM_WIDTH
        for index, (expansion, outputs, repeats, stride) in enumerate(STAGES[: taps[-1] + 1]):
            for repeat in range(repeats):
                first = stride if repeat == 0 else 1
                layers.append(InvertedResidual(inputs, outputs, first, expansion))
                inputs = outputs
            if index in taps:
                self._tapped.append(len(layers) - 1)
        self.features = nn.Sequential(*layers)
        layers_of_all = 2 + sum(repeats for _, _, repeats, _ in STAGES)  # stem and last 1x1
        beyond = (f"features.{index}." for index in range(len(layers), layers_of_all))
        self.left_out = ("classifier.", *beyond)
        c2, c4, c8, c16, c32 = (STAGES[tap][1] for tap in TAPS)
        self._set_channels((c16, c8, c4, c2), c32)

    def stages(self, image: Tensor) -> list[Tensor]:
        """The features coarse -> fine; see `Encoder.stages`."""
        return self._tapped_features(image, self.features, self._tapped)
