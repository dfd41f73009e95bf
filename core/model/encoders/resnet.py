"""ResNet (He et al. 2016) and ResNeXt (Xie et al. 2017), with torchvision's key names."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from core.model.encoders.base import Encoder

STEM_WIDTH = 64
STAGE_WIDTHS = (64, 128, 256, 512)


@dataclass(frozen=True)
class ResNetSpec:
    """Blocks in each of the four stages, and the shape of a block.

    Attributes:
        blocks: how many in layer1 (1/4), layer2 (1/8), layer3 (1/16), layer4 (1/32).
        bottleneck: 1x1, 3x3, 1x1 with four times the channels out; else two 3x3.
        groups: of a bottleneck's 3x3 (ResNeXt's cardinality).
        group_width: channels of each group at the first stage.
    """

    blocks: tuple[int, int, int, int]
    bottleneck: bool = True
    groups: int = 1
    group_width: int = 64


RESNETS: dict[str, ResNetSpec] = {
    "resnet18": ResNetSpec((2, 2, 2, 2), bottleneck=False),
    "resnet34": ResNetSpec((3, 4, 6, 3), bottleneck=False),
    "resnet50": ResNetSpec((3, 4, 6, 3)),
    "resnet101": ResNetSpec((3, 4, 23, 3)),
    "resnext50_32x4d": ResNetSpec((3, 4, 6, 3), groups=32, group_width=4),
    "resnext101_32x8d": ResNetSpec((3, 4, 23, 3), groups=32, group_width=8),
}


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    padding = kernel // 2
    return nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and the identity."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = _conv(inputs, width, 3, stride)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = _conv(width, width, 3)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(inputs, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, in, h, w) to (n, width, h / stride, w / stride)."""
        y = functional.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return functional.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """1x1, 3x3 (strided, perhaps grouped), 1x1, and the identity."""

    expansion = 4

    def __init__(
        self, inputs: int, width: int, stride: int, groups: int = 1, group_width: int = 64
    ) -> None:
        super().__init__()
        inner = width * group_width // 64 * groups
        outputs = width * self.expansion
        self.conv1 = _conv(inputs, inner, 1)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = _conv(inner, inner, 3, stride, groups)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = _conv(inner, outputs, 1)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = _shortcut(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, in, h, w) to (n, 4 * width, h / stride, w / stride)."""
        y = functional.relu(self.bn1(self.conv1(x)))
        y = functional.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return functional.relu(y + (x if self.downsample is None else self.downsample(x)))


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    """The projection on the identity's path, only where the block changes the shape."""
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(_conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))


def _block(spec: ResNetSpec, inputs: int, width: int, stride: int) -> nn.Module:
    if spec.bottleneck:
        return Bottleneck(inputs, width, stride, spec.groups, spec.group_width)
    return BasicBlock(inputs, width, stride)


class ResNet(Encoder):
    """A ResNet or ResNeXt without its classifier; without layer4 unless `deep_stage`.

    The 1/2 feature is the stem's, after ReLU and before the max pooling.

    Args:
        spec: an entry of `RESNETS`.
        deep_stage: build layer4 too.
    """

    frozen_prefixes = ("conv1", "bn1", "layer1.0", "layer1.1")

    def __init__(self, spec: ResNetSpec, *, deep_stage: bool = False) -> None:
        super().__init__(deep_stage=deep_stage)
        expansion = Bottleneck.expansion if spec.bottleneck else BasicBlock.expansion
        self.conv1 = _conv(3, STEM_WIDTH, 7, 2)
        self.bn1 = nn.BatchNorm2d(STEM_WIDTH)
        self._layers: list[str] = []
        inputs = STEM_WIDTH
        for index in range(4 if deep_stage else 3):
            width = STAGE_WIDTHS[index]
            blocks: list[nn.Module] = []
            for repeat in range(spec.blocks[index]):
                stride = 2 if repeat == 0 and index > 0 else 1
                blocks.append(_block(spec, inputs, width, stride))
                inputs = width * expansion
            name = f"layer{index + 1}"
            self.add_module(name, nn.Sequential(*blocks))
            self._layers.append(name)
        self.left_out = ("fc.",) if deep_stage else ("fc.", "layer4.")
        c4, c8, c16, c32 = (width * expansion for width in STAGE_WIDTHS)
        self._set_channels((c16, c8, c4, STEM_WIDTH), c32)

    def stages(self, image: Tensor) -> list[Tensor]:
        """The features coarse -> fine; see `Encoder.stages`."""
        x = functional.relu(self.bn1(self.conv1(image)))
        features = [x]
        x = functional.max_pool2d(x, 3, 2, 1)
        for name in self._layers:
            x = self.get_submodule(name)(x)
            features.insert(0, x)
        return features
