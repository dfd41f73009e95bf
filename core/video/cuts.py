"""Scene cuts, told from the past alone, so that the first frame of a scene is known at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

_THUMB = (18, 32)  # rows and columns: a cut changes the whole picture, noise and detail do not
_LEAST = 0.06  # mean change of colour (0..1) below which nothing is a cut
_CERTAIN = 0.30  # and above which everything is
_TIMES = 3.0  # as much as the frames before changed: a pan changes much, but evenly
_MEMORY = 0.8  # share of the past in the mean change


class CutDetector:
    """Tells for every frame whether it begins a new scene.

    A wrong alarm costs one unsteadied frame; a missed cut would mix two scenes, and is caught once
    more, pixel by pixel, where the frames are blended. So this errs on the side of alarm.
    """

    def __init__(self) -> None:
        self._thumb: Tensor | None = None
        self._usual = 0.0

    def __call__(self, cells: Tensor) -> bool:
        """Takes the next frame.

        Args:
            cells: (3, h, w) mean colours in 0..1.

        Returns:
            True for the first frame, and for every frame that begins another scene.
        """
        thumb = functional.adaptive_avg_pool2d(cells[None], _THUMB)[0]
        before, self._thumb = self._thumb, thumb
        if before is None:
            return True
        change = float((thumb - before).abs().mean())
        cut = change > _CERTAIN or (change > _LEAST and change > _TIMES * self._usual)
        if cut:
            self._usual = 0.0
        else:
            self._usual = _MEMORY * self._usual + (1 - _MEMORY) * change
        return cut

    def state(self) -> dict[str, NDArray[Any]]:
        """What it knows of the frames so far."""
        known = {} if self._thumb is None else {"thumb": self._thumb.numpy()}
        return {"usual": np.array(self._usual), **known}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Goes on from a `state`."""
        self._usual = float(state["usual"])
        self._thumb = torch.from_numpy(state["thumb"]) if "thumb" in state else None


def mean_colours(rgb: Tensor, cell: int) -> Tensor:
    """(H, W, 3) uint8 to (3, ceil(H / cell), ceil(W / cell)) mean colours in 0..1."""
    image = rgb.permute(2, 0, 1)[None].to(torch.float32) / 255
    return functional.avg_pool2d(image, cell, cell, ceil_mode=True, count_include_pad=False)[0]
