"""Any backbone of the optional package timm that has features at 1/2, 1/4, 1/8 and 1/16."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from core.errors import ConfigError
from core.model.encoders.base import Encoder

PREFIX = "timm:"
STRIDES = (2, 4, 8, 16, 32)
# A checkpoint's configuration names its encoder; it must not make timm fetch "hf-hub:..." for it.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]+")


class TimmEncoder(Encoder):
    """A backbone made by timm with `features_only`; weights are random until loaded.

    Some of timm's backbones keep their layers beyond the last feature that is asked for; those are
    then built, though unused, without `deep_stage` too.

    Args:
        name: timm's own, "mobilenetv3_large_100" for instance.
        deep_stage: use the 1/32 stage too.

    Raises:
        ConfigError: timm is not installed, does not know the name, or the backbone lacks a stride.
    """

    def __init__(self, name: str, *, deep_stage: bool = False) -> None:
        super().__init__(deep_stage=deep_stage)
        strides: list[int] = _create(name).feature_info.reduction()
        wanted = STRIDES if deep_stage else STRIDES[:-1]
        if any(stride not in strides for stride in wanted):
            raise ConfigError(
                f"timm's {name!r} has features at strides {strides}; expected {list(wanted)}. "
                "Choose a convolutional backbone with a stride-2 stem."
            )
        last = {stride: index for index, stride in enumerate(strides)}
        self.body = _create(name, out_indices=tuple(last[stride] for stride in wanted))
        c2, c4, c8, c16, *deep = self.body.feature_info.channels()
        self._set_channels((c16, c8, c4, c2), deep[0] if deep else 0)

    def stages(self, image: Tensor) -> list[Tensor]:
        """The features coarse -> fine; see `Encoder.stages`."""
        fine_to_coarse: list[Tensor] = self.body(image)
        return fine_to_coarse[::-1]

    def from_imagenet(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Takes timm's own names, as its `features_only` wrapper or the classifier has them."""
        ours = self.state_dict().keys()
        renamed = {f"body.{name}": value for name, value in weights.items()}
        return {name: value for name, value in renamed.items() if name in ours}


def _create(name: str, **options: Any) -> Any:
    try:
        timm = importlib.import_module("timm")
    except ImportError as error:
        raise ConfigError(
            f"The encoder timm:{name} needs the package timm, which is not installed; run "
            "`pip install timm`, or choose an encoder of core.model.encoders.ENCODERS."
        ) from error
    if not _PLAIN_NAME.fullmatch(name):
        raise ConfigError(
            f"timm cannot be asked for {name!r}; expected a plain name of timm.list_models(). "
            "Names that would fetch a model from the network or a folder are not taken."
        )
    try:
        return timm.create_model(name, pretrained=False, features_only=True, **options)
    except Exception as error:  # timm raises many kinds, for lack of a name or of features
        raise ConfigError(
            f"timm {timm.__version__} cannot build {name!r} as a feature extractor ({error}); "
            "expected a name of timm.list_models() that supports features_only."
        ) from error
