"""A clip's flicker (how much depth changes where the picture does not) and its depth range."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LEAST, _MOST, _BINS = 1e-3, 1e4, 8192  # metres; a bin is 0.2 % wide
_SAMPLES = 20_000  # pixels of a frame
_PERCENTILES = (1.0, 99.0)  # as `core.files.colormap.auto_range`'s


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


class FlickerMeter:
    """Mean absolute frame-to-frame change of depth on static pixels, before and after smoothing.

    Both are measured on the same pixels of the same pairs of frames. Pairs across a cut are left
    out.
    """

    def __init__(self) -> None:
        self._last: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
        self._given = self._smoothed = self._depth = 0.0
        self._pixels = 0
        self._pairs = 0

    def add(
        self,
        given: NDArray[np.float32],
        smoothed: NDArray[np.float32],
        static: NDArray[np.bool_] | None,
        frames: int = 1,
    ) -> None:
        """Takes the next frame.

        Args:
            given: (H, W) metres, of the frame alone.
            smoothed: (H, W) metres, as written.
            static: pixels that have not moved since the frame before; None after a cut.
            frames: since the one before, among which its change is shared out.
        """
        last, self._last = self._last, (given, smoothed)
        if last is None or static is None or not static.any():
            return
        self._given += float(np.abs(given - last[0])[static].sum(dtype=np.float64)) / frames
        self._smoothed += float(np.abs(smoothed - last[1])[static].sum(dtype=np.float64)) / frames
        self._depth += float(given[static].sum(dtype=np.float64))
        self._pixels += int(np.count_nonzero(static))
        self._pairs += 1

    def state(self) -> dict[str, NDArray[Any]]:
        """All it has learned, and the last frame."""
        sums = np.array([self._given, self._smoothed, self._depth])
        state = {"sums": sums, "counts": np.array([self._pixels, self._pairs])}
        if self._last is not None:
            state |= {"given": self._last[0], "smoothed": self._last[1]}
        return state

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Goes on from a `state`."""
        self._given, self._smoothed, self._depth = map(float, state["sums"])
        self._pixels, self._pairs = map(int, state["counts"])
        if "given" in state:
            self._last = state["given"], state["smoothed"]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: in metres, and relative to the static pixels' mean depth.

        None stands where nothing was static.
        """
        found = self._pixels > 0
        return {
            "what": "mean absolute frame-to-frame depth change on static pixels",
            "before_m": self._given / self._pixels if found else None,
            "after_m": self._smoothed / self._pixels if found else None,
            "before_relative": self._given / self._depth if found else None,
            "after_relative": self._smoothed / self._depth if found else None,
            "pairs": self._pairs,
            "pixels": self._pixels,
        }
