"""An ASPP of either kind on the photo's 1/16 feature, for the pages about atrous convolution."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.explorer.kept import kept
from app.explorer.look import Look
from core.inside.receptive_field import cells_seen
from core.model import ModelConfig
from core.model.aspp import ASPP

SEED = 0


@dataclass(frozen=True, eq=False)
class AsppView:
    """An ASPP and its input.

    Attributes:
        aspp: the model's own, or one with random weights.
        feature: (1, c, h, w), the encoder's 1/16 feature of the photo.
        trained: whether the weights are the model's.
        lock: held while the ASPP runs with hooks.
    """

    aspp: ASPP
    feature: Tensor
    trained: bool
    lock: threading.Lock

    def seen(self, branch: int, y: int, x: int) -> NDArray[np.float32]:
        """(h, w): how strongly one place of a branch hangs on each cell, 0 where not at all."""
        with self.lock:
            seen: NDArray[np.float32] = cells_seen(self.aspp, self.feature, branch, y, x).numpy()
        return seen


def asppview(look: Look, kind: str, rates: tuple[int, ...]) -> AsppView:
    """The model's own ASPP where it is of this kind with these rates, else a random one."""
    own = look.info.config
    opened = look.inspector
    feature = look.trace.features[0]
    if (kind, rates) == (own.aspp, own.aspp_rates):
        return AsppView(opened.model.aspp, feature, trained=True, lock=opened.lock)
    aspp = _random_aspp(look.info.sha256, kind, rates, feature.shape[1], own)
    return AsppView(aspp, feature, trained=False, lock=opened.lock)


@kept
def _random_aspp(
    model_sha: str,  # noqa: ARG001  (a key of the cache)
    kind: str,
    rates: tuple[int, ...],
    channels: int,
    _config: ModelConfig,
) -> ASPP:
    config = replace(_config, aspp=kind, aspp_rates=rates)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return ASPP(channels, config.decoder_width or channels, config).eval().requires_grad_(False)
