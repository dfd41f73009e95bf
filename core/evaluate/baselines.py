"""Predictors that never look at the photo: what a network has to beat to be worth anything."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.data.sample import Sample
from core.errors import DataError
from core.evaluate.protocol import Protocol

logger = logging.getLogger(__name__)

# Half a percent per bin: far finer than the differences the row medians are used to show.
_BIN_WIDTH = 0.005
_NEAREST = 0.01  # metres; no sensor of these sets measures nearer


@dataclass(frozen=True)
class TrainingStatistics:
    """What a training set's depth looks like on average, as its protocol crops the frames.

    Attributes:
        constant: geometric mean of all measured depths, metres.
        row_mean: (H,) mean depth of every row, metres.
        row_median: (H,) median depth of every row, metres.
        mean_map: (H, W) mean depth of every pixel, metres; the row's mean where nothing was ever
            measured.
        geometric_map: the same with geometric means.
    """

    constant: float
    row_mean: NDArray[np.float64]
    row_median: NDArray[np.float64]
    mean_map: NDArray[np.float64]
    geometric_map: NDArray[np.float64]
    frames: int


def training_statistics(samples: Iterable[Sample], protocol: Protocol) -> TrainingStatistics:
    """Averages the depth of a training set.

    Frames that the protocol cannot crop, or whose size is not that of the first one, are left out.

    Args:
        protocol: crops the frames and ends the range of metres; its window is not applied.

    Raises:
        DataError: no frame with a measured depth is left.
    """
    tally: _Tally | None = None
    left_out = 0
    for sample in samples:
        try:
            depth = protocol.prepare(sample).depth
        except DataError:
            left_out += 1
            continue
        tally = tally or _Tally(depth.shape, protocol.max_depth)
        if depth.shape != tally.total.shape:
            left_out += 1
            continue
        tally.add(depth, (depth > protocol.min_depth) & (depth < protocol.max_depth))
    if left_out:
        logger.info("%d training frames do not fit %s and are left out", left_out, protocol.name)
    if tally is None or not tally.count.any():
        raise DataError(
            f"The training set has no measured depth that fits {protocol.name}; expected frames of "
            "the same kind as the test set; check its root folder."
        )
    return tally.result()


def predictors(
    statistics: TrainingStatistics,
) -> dict[str, Callable[[Sample], NDArray[np.float64]]]:
    """The trivial predictors by name; each gives (H, W) metres for a prepared frame."""

    def rows(values: NDArray[np.float64]) -> Callable[[Sample], NDArray[np.float64]]:
        def predict(sample: Sample) -> NDArray[np.float64]:
            height, width = sample.depth.shape
            return np.repeat(_resized(values[:, None], height, 1), width, axis=1)

        return predict

    return {
        "constant": lambda sample: np.full(sample.depth.shape, statistics.constant),
        "row mean": rows(statistics.row_mean),
        "row median": rows(statistics.row_median),
        "mean map": lambda sample: _resized(statistics.mean_map, *sample.depth.shape),
        "geometric mean map": lambda sample: _resized(
            statistics.geometric_map, *sample.depth.shape
        ),
    }


class _Tally:
    """Running sums over training frames of one size."""

    def __init__(self, shape: tuple[int, ...], max_depth: float) -> None:
        self.count = np.zeros(shape)
        self.total = np.zeros(shape)
        self.log_total = np.zeros(shape)
        self.frames = 0
        self.bins = int(np.log(max_depth / _NEAREST) / _BIN_WIDTH) + 1
        self.histogram = np.zeros((shape[0], self.bins))

    def add(self, depth: NDArray[np.float32], valid: NDArray[np.bool_]) -> None:
        self.frames += 1
        logs = np.log(np.where(valid, depth, 1.0))
        self.count += valid
        self.total += np.where(valid, depth, 0.0)
        self.log_total += logs
        place = np.clip((logs - np.log(_NEAREST)) / _BIN_WIDTH, 0, self.bins - 1).astype(int)
        # One histogram per row, all in one count.
        place += self.bins * np.arange(len(depth))[:, None]
        counts = np.bincount(place[valid], minlength=self.histogram.size)
        self.histogram += counts.reshape(self.histogram.shape)

    def result(self) -> TrainingStatistics:
        row_count = self.count.sum(axis=1)
        seen = row_count > 0
        half = np.cumsum(self.histogram, axis=1) >= row_count[:, None] / 2
        medians = _NEAREST * np.exp((half.argmax(axis=1) + 0.5) * _BIN_WIDTH)
        row_mean, mean_map = _means(self.total, self.count)
        _, log_map = _means(self.log_total, self.count)
        return TrainingStatistics(
            constant=float(np.exp(self.log_total.sum() / self.count.sum())),
            row_mean=row_mean,
            row_median=_filled(medians, seen),
            mean_map=mean_map,
            geometric_map=np.exp(log_map),
            frames=self.frames,
        )


def _means(
    total: NDArray[np.float64], count: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means by row and by pixel of sums; unseen pixels take their row's mean."""
    row_count = count.sum(axis=1)
    rows = _filled(total.sum(axis=1) / np.maximum(row_count, 1), row_count > 0)
    return rows, np.where(count > 0, total / np.maximum(count, 1), rows[:, None])


def _filled(values: NDArray[np.float64], seen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Rows that were never measured (the sky) take the value of the nearest row that was."""
    rows = np.arange(len(values))
    return np.interp(rows, rows[seen], values[seen])


def _resized(values: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """Nearest neighbour, by pixel centres."""
    rows = ((np.arange(height) + 0.5) * values.shape[0] / height).astype(int)
    columns = ((np.arange(width) + 0.5) * values.shape[1] / width).astype(int)
    return values[np.ix_(rows, columns)]
