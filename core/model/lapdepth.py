"""LapDepth: Laplacian-pyramid depth residuals (Song, Lim, Kim, IEEE TCSVT 31(11), 2021)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.errors import ConfigError
from core.model.aspp import ASPP
from core.model.config import MIN_DECODER_WIDTH, ModelConfig
from core.model.decoder import Decoder
from core.model.encoders import build_encoder
from core.model.pyramid import accumulate, laplacian_pyramid

STRIDE = 16  # height and width of the network's input are multiples of this


@dataclass(frozen=True)
class LapDepthOutput:
    """What one pass gives; lists run coarse -> fine (1/16, 1/8, 1/4, 1/2, 1/1).

    Attributes:
        depth: (n, 1, h, w) metres along the optical axis; of the canonical camera where the
            model's depth is focal-normalised.
        residuals: R5..R1, each (n, 1, h_k, w_k), R5 in (0, 1), the others in (-1, 1).
        bands: the image's low-pass at 1/16, then its Laplacian bands, each (n, 3, h_k, w_k).
    """

    depth: Tensor
    residuals: list[Tensor]
    bands: list[Tensor]


class LapDepth(nn.Module):
    """The whole network: encoder, ASPP, decoder, reconstruction.

    Raises:
        ConfigError: an unknown encoder, or one too narrow to set the decoder's width.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = build_encoder(config.encoder, deep_stage=config.deep_stage)
        deepest, *skips = self.encoder.channels
        width = config.decoder_width or deepest
        if width < MIN_DECODER_WIDTH or width % 32:
            raise ConfigError(
                f"The encoder {config.encoder} has {width} channels at 1/16; a decoder needs a "
                f"multiple of 32 from {MIN_DECODER_WIDTH}. Set decoder_width."
            )
        self.aspp = ASPP(deepest, width, config)
        self.decoder = Decoder(width, skips, config)

    def forward(self, image: Tensor) -> LapDepthOutput:
        """Predicts metric depth.

        Args:
            image: (n, 3, h, w), ImageNet-normalised RGB, h and w multiples of 16.

        Raises:
            ConfigError: a shape the network cannot take.
        """
        if image.ndim != 4 or image.shape[1] != 3 or any(s % STRIDE for s in image.shape[2:]):
            raise ConfigError(
                f"The network got an input of shape {tuple(image.shape)}; expected (n, 3, h, w) "
                f"with h and w multiples of {STRIDE}. Resize the image first."
            )
        bands = laplacian_pyramid(image)
        fed = bands if self.config.bands else [torch.zeros_like(band) for band in bands]
        deepest, *skips = self.encoder(image)
        residuals = self.decoder(self.aspp(deepest), skips, fed[1:])
        return LapDepthOutput(self.depth_of(accumulate(residuals)[-1]), residuals, bands)

    def depth_of(self, total: Tensor) -> Tensor:
        """Metres from an accumulated sum of residuals: max_depth * sigmoid(sum)."""
        return self.config.max_depth * torch.sigmoid(total)
