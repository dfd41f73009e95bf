"""One pass of a depth predictor over a dataset: every figure an evaluation reports."""

from __future__ import annotations

import heapq
import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.sample import Sample, scene_of
from core.errors import DataError
from core.evaluation.analysis import (
    BinError,
    BinnedErrors,
    Sparsification,
    SparsificationCurve,
    border_bins,
    border_labels,
    range_bins,
    range_labels,
    sparsification_curve,
    summarise_sparsification,
)
from core.evaluation.protocol import Protocol
from core.metrics import (
    DepthMetrics,
    Interval,
    align_median,
    bootstrap_intervals,
    compute_metrics,
    mean_metrics,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Estimate:
    """What a predictor says about one frame.

    Attributes:
        depth: (H, W) metres, NaN where it says nothing.
        confidence: (H, W), higher = more certain, or None.
    """

    depth: NDArray[np.floating]
    confidence: NDArray[np.floating] | None = None


Estimator = Callable[[Sample], Estimate]
"""Gets a frame as the protocol prepared it (it must not look at the depth)."""


@dataclass(frozen=True)
class ImageResult:
    """One frame's figures.

    Attributes:
        name: of the frame.
        pixels: how many counted.
        metrics: of the metric prediction.
        aligned: of the prediction scaled to the ground truth's median.
        scale: that factor; 1 means the metres were right on the whole.
    """

    name: str
    pixels: int
    metrics: DepthMetrics
    aligned: DepthMetrics
    scale: float


@dataclass(frozen=True, eq=False)
class Example:
    """A frame kept for the gallery: photo, prediction (clamped metres), truth and what counted."""

    result: ImageResult
    rgb: NDArray[np.uint8]
    depth: NDArray[np.float64]
    gt: NDArray[np.float32]
    valid: NDArray[np.bool_]


@dataclass(frozen=True)
class Evaluation:
    """Everything one evaluation found out.

    Attributes:
        protocol: its name.
        mean: the nine figures, mean over images.
        intervals: 95 % bootstrap interval of each figure over images.
        aligned: the figures after median scaling, mean over images.
        images: per-image results, in the dataset's order.
        skipped: names of frames without a pixel that counts.
        by_range: errors by measured depth.
        by_border: errors by distance to the nearest object border; empty for sparse truth.
        sparsification: what the confidence is worth; None where there is none.
        baselines: figures of predictors that never look at the photo, by name.
        worst: frames with the largest AbsRel, worst first.
        about: dataset, model and settings, for the report.
    """

    protocol: str
    mean: DepthMetrics
    intervals: dict[str, Interval]
    aligned: DepthMetrics
    images: tuple[ImageResult, ...]
    skipped: tuple[str, ...]
    by_range: tuple[BinError, ...]
    by_border: tuple[BinError, ...]
    sparsification: Sparsification | None
    baselines: dict[str, DepthMetrics] = field(default_factory=dict)
    worst: tuple[Example, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def by_scene(self) -> dict[str, tuple[int, DepthMetrics]]:
        """Frames and their mean figures by scene (drive); empty where all belong to one."""
        found: dict[str, list[DepthMetrics]] = {}
        for image in self.images:
            found.setdefault(scene_of(image.name), []).append(image.metrics)
        if len(found) < 2:
            return {}
        return {scene: (len(rows), mean_metrics(rows)) for scene, rows in sorted(found.items())}


Progress = Callable[[int, int], None]


def evaluate(
    estimate: Estimator,
    dataset: Sequence[Sample],
    protocol: Protocol,
    *,
    worst: int = 0,
    progress: Progress | None = None,
) -> Evaluation:
    """Scores a predictor.

    Args:
        estimate: the predictor; sees each frame as `protocol.prepare` gives it.
        dataset: frames with ground truth.
        protocol: which pixels count, and the range of metres.
        worst: how many of the worst frames to keep.
        progress: called with (frames done, frames in all).

    Raises:
        DataError: no frame has a pixel that counts, a frame does not fit the protocol, or a
            prediction has the wrong shape or is not finite where it counts.
    """
    tally = _Tally(protocol, worst)
    for index in range(len(dataset)):
        tally.add(protocol.prepare(dataset[index]), estimate)
        if progress is not None:
            progress(index + 1, len(dataset))
    return tally.result()


class _Tally:
    """Everything that is summed up during the pass over the frames."""

    def __init__(self, protocol: Protocol, worst: int) -> None:
        self.protocol = protocol
        self.worst = worst
        self.images: list[ImageResult] = []
        self.skipped: list[str] = []
        self.curves: list[SparsificationCurve] = []
        self.ranges = BinnedErrors(range_labels(protocol.range_edges))
        self.borders = BinnedErrors(border_labels())
        # Heap of (AbsRel, serial, example): the serial keeps equal errors from comparing arrays.
        self.heap: list[tuple[float, int, Example]] = []
        self.serial = itertools.count()

    def add(self, sample: Sample, estimate: Estimator) -> None:
        gt = sample.depth
        valid = self.protocol.counts(gt)
        if not valid.any():
            logger.warning("frame %s has no ground truth that counts; left out", sample.name)
            self.skipped.append(sample.name)
            return
        guess = estimate(sample)
        if guess.depth.shape != gt.shape:
            raise DataError(
                f"The prediction for {sample.name} has shape {guess.depth.shape}, expected "
                f"{gt.shape}; predictions must come at the photo's own size."
            )
        depth = self.protocol.clamp(guess.depth)
        scaled = align_median(guess.depth, gt, valid)
        result = ImageResult(
            name=sample.name,
            pixels=int(valid.sum()),
            metrics=compute_metrics(depth, gt, valid),
            aligned=compute_metrics(self.protocol.clamp(scaled), gt, valid),
            scale=float(np.median(gt[valid]) / np.median(guess.depth[valid])),
        )
        self.images.append(result)
        self.ranges.add(depth, gt, valid, range_bins(gt, self.protocol.range_edges))
        near_border = border_bins(gt)
        if near_border is not None:
            self.borders.add(depth, gt, valid, near_border)
        if guess.confidence is not None:
            self.curves.append(sparsification_curve(depth, gt, valid, guess.confidence))
        if self.worst > 0:
            example = Example(result, sample.rgb, depth, gt, valid)
            heapq.heappush(self.heap, (result.metrics.abs_rel, next(self.serial), example))
            if len(self.heap) > self.worst:
                heapq.heappop(self.heap)

    def result(self) -> Evaluation:
        if not self.images:
            raise DataError(
                f"None of the {len(self.skipped)} frames has ground truth that counts under "
                f"{self.protocol.name}; check the dataset and its depth scale."
            )
        metrics = [image.metrics for image in self.images]
        by_border = tuple(self.borders.result())
        return Evaluation(
            protocol=self.protocol.name,
            mean=mean_metrics(metrics),
            intervals=bootstrap_intervals(metrics),
            aligned=mean_metrics([image.aligned for image in self.images]),
            images=tuple(self.images),
            skipped=tuple(self.skipped),
            by_range=tuple(self.ranges.result()),
            by_border=by_border if any(item.pixels for item in by_border) else (),
            sparsification=summarise_sparsification(self.curves),
            worst=tuple(example for _, _, example in sorted(self.heap, reverse=True)),
        )
