"""Temporal smoothing of a video's depth, without lag where the picture changes.

A network that sees one frame at a time gives every frame its own small error: the whole map
breathes and single pixels shimmer. Two steps take most of it away:

1. The frame's overall scale is brought towards the smoothed one: the median difference of log depth
   over what did not move.
2. Every pixel is blended with its smoothed past, the less the more its colour has changed, its
   depth has changed, or the camera moves. Depth is blended as its logarithm, so that near and far
   count alike.

A scene cut forgets the past: its first frame is what the network gave. Colours and depth are
compared as means over small cells, where the camera's noise has averaged out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.images.averages import among_neighbours, cell_means, window_means
from core.images.resize import resample, touched, triangle

Floats = NDArray[np.float32]

_THUMB = (18, 32)  # rows and columns: a cut changes the whole picture, noise and detail do not
_LEAST = 0.06  # mean change of colour (0..1) below which nothing is a cut
_CERTAIN = 0.30  # and above which everything is
_TIMES = 3.0  # as much as the frames before changed: a pan changes much, but evenly
_MEMORY = 0.8  # share of the past in the mean change

_CELLS_DOWN = 120  # rows of cells; at least two pixels a cell, or noise would count as motion
_STATIC = 0.03  # change of a cell's colour (0..1) below which it stands still
_TEXTURE = 0.03  # spread of colour among neighbouring cells from which motion would show
_COLOUR_SIGMA = 0.04
_DEPTH_SIGMA = 0.10  # of log depth, as a ratio: 10 %
_STILL_FROM, _STILL_TO = 0.2, 0.6  # share of textured cells that stand still: moving, still camera


class CutDetector:
    """Tells for every frame whether it begins a new scene.

    A false alarm costs one frame without smoothing; a missed cut would mix two scenes, and is
    caught once more, pixel by pixel, where the frames are blended. So this errs on the side of
    alarm.
    """

    def __init__(self) -> None:
        self._thumb: Floats | None = None
        self._usual = 0.0

    def __call__(self, cells: Floats) -> bool:
        """Takes the next frame.

        Args:
            cells: (3, h, w) mean colours in 0..1.

        Returns:
            True for the first frame, and for every frame that begins another scene.
        """
        thumb = resample(cells, *_THUMB, touched)
        before, self._thumb = self._thumb, thumb
        if before is None:
            return True
        change = float(np.abs(thumb - before).mean())
        cut = change > _CERTAIN or (change > _LEAST and change > _TIMES * self._usual)
        if cut:
            self._usual = 0.0
        else:
            self._usual = _MEMORY * self._usual + (1 - _MEMORY) * change
        return cut

    def state(self) -> dict[str, NDArray[Any]]:
        """What it knows of the frames so far."""
        known = {} if self._thumb is None else {"thumb": self._thumb}
        return {"usual": np.array(self._usual), **known}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Goes on from a `state`."""
        self._usual = float(state["usual"])
        self._thumb = state.get("thumb")


def mean_colours(rgb: NDArray[np.uint8], cell: int) -> Floats:
    """(H, W, 3) uint8 to (3, ceil(H / cell), ceil(W / cell)) mean colours in 0..1."""
    return np.ascontiguousarray(cell_means(rgb.transpose(2, 0, 1), cell) / np.float32(255))


@dataclass(frozen=True)
class SmoothingSettings:
    """Strength of the temporal smoothing; 0 seconds switches a step off.

    Attributes:
        seconds: time constant of a pixel's past.
        scale_seconds: time constant of the whole map's scale.
    """

    seconds: float = 0.2
    scale_seconds: float = 1.0


@dataclass(frozen=True, eq=False)
class SmoothedFrame:
    """One frame's result.

    Attributes:
        depth: (H, W) float32 metres.
        static: (H, W) bool, pixels whose colour stayed since the frame before; None after a cut.
        cut: whether a scene begins here.
    """

    depth: NDArray[np.float32]
    static: NDArray[np.bool_] | None
    cut: bool


class TemporalSmoother:
    """Takes a clip's frames in order; remembers one frame, however long the clip."""

    def __init__(self, settings: SmoothingSettings | None = None) -> None:
        self._settings = settings or SmoothingSettings()
        self._is_cut = CutDetector()
        self._cells: Floats | None = None
        self._past: Floats | None = None  # (H, W) log of the smoothed depth
        self._time = 0.0

    def __call__(
        self, rgb: NDArray[np.uint8], depth: NDArray[np.float32], time: float
    ) -> SmoothedFrame:
        """Steadies the next frame.

        Args:
            rgb: (H, W, 3).
            depth: (H, W) metres, above 0, of this frame alone.
            time: seconds, later than the frame's before.
        """
        height, width = depth.shape
        cell = max(2, round(height / _CELLS_DOWN))
        cells = mean_colours(rgb, cell)
        log = np.log(depth)
        before, past, elapsed = self._cells, self._past, time - self._time
        fits = past is not None and past.shape == log.shape
        cut = self._is_cut(cells) or not fits
        self._cells, self._time = cells, time
        if cut or before is None or past is None:
            self._past = log
            return SmoothedFrame(depth, None, True)
        change = np.abs(window_means(cells - before, 3)).max(0)
        static = change < _STATIC
        blended = self._blended(log, past, cells, change, static, cell, elapsed)
        self._past = blended
        rows, columns = np.arange(height) // cell, np.arange(width) // cell
        return SmoothedFrame(np.exp(blended), static[rows[:, np.newaxis], columns], False)

    def state(self) -> dict[str, NDArray[Any]]:
        """What it remembers of the frames so far."""
        past = {"cells": self._cells, "past": self._past}
        known = {name: x for name, x in past.items() if x is not None}
        cuts = {f"cut_{name}": x for name, x in self._is_cut.state().items()}
        return {"time": np.array(self._time), **known, **cuts}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Goes on from a `state`."""
        self._time = float(state["time"])
        self._cells, self._past = state.get("cells"), state.get("past")
        cuts = {name[4:]: x for name, x in state.items() if name.startswith("cut_")}
        self._is_cut.restore(cuts)

    def _blended(
        self,
        log: Floats,
        past: Floats,
        cells: Floats,
        change: Floats,
        static: NDArray[np.bool_],
        cell: int,
        elapsed: float,
    ) -> Floats:
        still = _stillness(cells, static)
        difference = window_means(cell_means(log - past, cell), 3)
        if still > 0 and static.any():
            offset = float(np.median(difference[static]))
            pull = np.float32(_kept(elapsed, self._settings.scale_seconds) * still * offset)
            log, difference = log - pull, difference - pull
        keep = np.exp(-((change / _COLOUR_SIGMA) ** 2) - (difference / _DEPTH_SIGMA) ** 2)
        keep *= _kept(elapsed, self._settings.seconds) * still
        past = past - log
        past *= resample(keep, log.shape[0], log.shape[1], triangle)
        past += log
        return past


def _kept(elapsed: float, seconds: float) -> float:
    """The share of the past after `elapsed` seconds."""
    return math.exp(-elapsed / seconds) if seconds > 0 else 0.0


def _stillness(cells: Floats, static: NDArray[np.bool_]) -> float:
    """1 for a still camera, 0 for a moving one.

    Told from the share of cells that stand still among those where motion would show: a white wall
    looks the same however the camera moves, and yet its depth changes.
    """
    high, low = among_neighbours(cells, np.maximum), among_neighbours(cells, np.minimum)
    textured = (high - low).max(0) > _TEXTURE
    count = int(textured.sum())
    if count == 0:
        return 1.0
    share = float((textured & static).sum()) / count
    return min(1.0, max(0.0, (share - _STILL_FROM) / (_STILL_TO - _STILL_FROM)))
