"""One colour range for a whole clip, from a histogram that does not grow with it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LEAST, _MOST, _BINS = 1e-3, 1e4, 8192  # metres; a bin is 0.2 % wide
_SAMPLES = 20_000  # pixels of a frame
_PERCENTILES = (1.0, 99.0)  # as `core.colormap.auto_range`'s


class DepthRange:
    """Collects depth frame by frame and gives its 1st and 99th percentile."""

    def __init__(self) -> None:
        self._counts = np.zeros(_BINS, np.int64)
        self._edges = np.geomspace(_LEAST, _MOST, _BINS + 1)

    def add(self, depth: NDArray[np.float32]) -> None:
        """Takes a frame's depth, (H, W) metres."""
        step = max(1, math.isqrt(depth.size // _SAMPLES))
        self._counts += np.histogram(depth[::step, ::step], self._edges)[0]

    def state(self) -> dict[str, NDArray[Any]]:
        """All it has learned."""
        return {"counts": self._counts}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Goes on from a `state`."""
        self._counts = state["counts"].astype(np.int64)

    def range(self) -> tuple[float, float]:
        """Near and far end in metres, near < far; 0 to 1 where nothing was added."""
        total = int(self._counts.sum())
        if total == 0:
            return 0.0, 1.0
        below = np.cumsum(self._counts)
        low, high = (int(np.searchsorted(below, total * p / 100)) for p in _PERCENTILES)
        return float(self._edges[low]), float(self._edges[high + 1])
