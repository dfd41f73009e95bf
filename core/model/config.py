"""The network's whole configuration: one frozen dataclass, stored in every checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from core.errors import ConfigError

NORMS = ("batch", "group")
ASPP_KINDS = ("dense", "classic")
# On which every encoder was pretrained; RGB in 0..1.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
MIN_DECODER_WIDTH = 128  # the finest level is C / 16 wide and gives 4 channels to residual and band


@dataclass(frozen=True)
class ModelConfig:
    """What it takes to build a `LapDepth` network; the defaults are the paper's.

    Attributes:
        encoder: a name of `core.model.encoders.ENCODERS`, or "timm:NAME".
        max_depth: the scale of the output in metres; depth spans 1.8 % to 99.3 % of it.
        norm: the decoder's normalisation, "batch" or "group".
        decoder_width: C of the decoder (its levels are C/2, C/4, C/8, C/16 wide), a multiple of
            32; None takes the encoder's channels at 1/16.
        aspp: "dense" (each branch sees all before it) or "classic" (parallel branches).
        aspp_rates: the dilation of each branch at 1/16; none is an ablation: no branches.
        deep_stage: concatenate the encoder's upsampled 1/32 stage to its 1/16 feature.
        global_context: an image-pooling branch in the ASPP, for the absolute scale.
        bands: feed the image's Laplacian bands to the decoder; False replaces them by zeros.
        weight_standardisation: standardise the decoder's filters; False is an ablation.
        residuals: predict a residual at every level; False is an ablation: the coarsest level's
            head alone gives the whole sum, without the sigmoid that bounds R5.
        focal: canonical focal length in pixels at the network's input. The output is then the
            depth that a camera of this focal length would see; multiply it by
            (real focal / canonical focal). None: depth is not focal-normalised.

    Raises:
        ConfigError: a value outside its range.
    """

    encoder: str
    max_depth: float
    norm: str = "batch"
    decoder_width: int | None = None
    aspp: str = "dense"
    aspp_rates: tuple[int, ...] = (3, 6, 12, 18)
    deep_stage: bool = False
    global_context: bool = False
    bands: bool = True
    weight_standardisation: bool = True
    residuals: bool = True
    focal: float | None = None

    def __post_init__(self) -> None:
        _require(isinstance(self.encoder, str) and bool(self.encoder), "encoder", self.encoder)
        _require(0.1 <= self.max_depth <= 1000, "max_depth", self.max_depth, "0.1 to 1000 metres")
        _require(self.norm in NORMS, "norm", self.norm, f"one of {NORMS}")
        _require(self.aspp in ASPP_KINDS, "aspp", self.aspp, f"one of {ASPP_KINDS}")
        width = self.decoder_width
        _require(
            width is None or (MIN_DECODER_WIDTH <= width <= 8192 and width % 32 == 0),
            "decoder_width",
            width,
            f"a multiple of 32 from {MIN_DECODER_WIDTH} to 8192, or none",
        )
        rates_fine = len(self.aspp_rates) <= 8 and all(1 <= r <= 64 for r in self.aspp_rates)
        _require(rates_fine, "aspp_rates", self.aspp_rates, "at most 8 dilations of 1 to 64")
        focal = self.focal
        _require(focal is None or 1 <= focal <= 1e5, "focal", focal, "1 to 100000 pixels, or none")

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ModelConfig:
        """Reads what `dataclasses.asdict` gave.

        Raises:
            ConfigError: an unknown or missing key, a wrong type, or a value out of range.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ConfigError(
                f"The model configuration has unknown keys {unknown}; known are {sorted(known)}. "
                "It may come from a newer version of this program."
            )
        try:
            return cls(**{**values, "aspp_rates": tuple(values.get("aspp_rates", (3, 6, 12, 18)))})
        except TypeError as error:
            raise ConfigError(
                f"The model configuration is not usable ({error}); expected the keys of "
                "ModelConfig with their types. Convert the checkpoint again."
            ) from error


def _require(fine: bool, key: str, got: object, expected: str = "a name") -> None:
    if not fine:
        raise ConfigError(f"The model setting {key} is {got!r}; expected {expected}.")
