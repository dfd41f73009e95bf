"""The table of encoders. All of them keep the contract of `Encoder`, and one test checks them.

They start with random weights; `core.weights.imagenet` loads published ones.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from core.errors import ConfigError
from core.model.encoders.base import Channels, Encoder, freeze_norm
from core.model.encoders.efficientnet_lite import SCALINGS, EfficientNetLite
from core.model.encoders.mobilenet import MobileNetV2
from core.model.encoders.resnet import RESNETS, ResNet
from core.model.encoders.timm_features import PREFIX, TimmEncoder

__all__ = ["ENCODERS", "Channels", "Encoder", "EncoderSpec", "build_encoder", "freeze_norm"]

EncoderSpec = Callable[..., Encoder]  # called with the keyword deep_stage

ENCODERS: dict[str, EncoderSpec] = {
    **{name: partial(ResNet, spec) for name, spec in RESNETS.items()},
    "mobilenet_v2": MobileNetV2,
    **{f"efficientnet_lite{v}": partial(EfficientNetLite, v) for v in SCALINGS},
}


def build_encoder(name: str, *, deep_stage: bool = False) -> Encoder:
    """Builds an encoder with random weights.

    Args:
        name: of `ENCODERS`, or "timm:NAME" for one of timm's, when timm is installed.
        deep_stage: also build the 1/32 stage and concatenate it to the 1/16 feature.

    Raises:
        ConfigError: the name is in no table, or timm is missing or cannot build it.
    """
    if name.startswith(PREFIX):
        return TimmEncoder(name.removeprefix(PREFIX), deep_stage=deep_stage)
    if name not in ENCODERS:
        raise ConfigError(
            f"There is no encoder {name!r}; expected one of {', '.join(ENCODERS)}, or timm:NAME."
        )
    return ENCODERS[name](deep_stage=deep_stage)
