"""One pass of a depth predictor over a dataset: every figure an evaluation reports."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.sample import Sample, frame_name, scene_of
from core.errors import DataError
from core.evaluate.analysis import (
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
from core.evaluate.geometry import GeometryFigures, measure_geometry, summarise_geometry
from core.evaluate.metrics import (
    ALIGNMENTS,
    DepthMetrics,
    align_median,
    bootstrap_intervals,
    compute_metrics,
    mean_metrics,
)
from core.evaluate.protocol import Protocol

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Estimate:
    """What a predictor says about one frame.

    Attributes:
        depth: (H, W) metres, NaN where it says nothing.
        confidence: (H, W), higher = more certain, or None.
        levels: (H, W) metres after each level of the decoder, coarse -> fine; empty if not asked.
    """

    depth: NDArray[np.floating]
    confidence: NDArray[np.floating] | None = None
    levels: tuple[NDArray[np.floating], ...] = ()


Estimator = Callable[[Sample], Estimate]
"""Gets a frame as the protocol prepared it (it must not look at the depth)."""


@dataclass(frozen=True)
class ImageResult:
    """One frame's figures.

    Attributes:
        pixels: how many counted.
        metrics: of the metric prediction.
        aligned: of the prediction fitted to the truth.
        scale: the factor that makes the medians agree; 1 means the metres were right on the whole.
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
class LevelResult:
    """What the decoder knows after one level: its figures, and the geometry if it was asked for."""

    stride: int
    metrics: DepthMetrics
    geometry: dict[str, float]


@dataclass(frozen=True)
class Evaluation:
    """Everything one evaluation found out.

    Attributes:
        mean: the nine figures, mean over images.
        intervals: 95 % bootstrap interval of each figure over images.
        aligned: the figures of predictions fitted to the truth, mean over images.
        alignment: how they were fitted, of `core.evaluate.metrics.ALIGNMENTS`.
        images: per-image results, in the dataset's order.
        skipped: names of frames without a pixel that counts.
        failed: why frames could not be read, by name.
        by_range: errors by measured depth.
        by_border: errors by distance to the nearest object border; empty for sparse truth.
        sparsification: what the confidence is worth; None where there is none.
        geometry: borders and surfaces, see `summarise_geometry`; None if not asked for, empty
            where the truth is too sparse.
        levels: figures after each level, coarse -> fine; empty if not asked for.
        baselines: figures of predictors that never look at the photo, by name.
        known: figures with some of each frame's truth given, by what was made of that.
        worst: frames with the largest AbsRel, worst first.
        about: dataset, model and settings, for the report.
    """

    protocol: str
    mean: DepthMetrics
    intervals: dict[str, tuple[float, float]]
    aligned: DepthMetrics
    images: tuple[ImageResult, ...]
    skipped: tuple[str, ...]
    by_range: tuple[BinError, ...]
    by_border: tuple[BinError, ...]
    sparsification: Sparsification | None
    alignment: str = "median"
    failed: dict[str, str] = field(default_factory=dict)
    geometry: dict[str, float] | None = None
    levels: tuple[LevelResult, ...] = ()
    baselines: dict[str, DepthMetrics] = field(default_factory=dict)
    known: dict[str, DepthMetrics] = field(default_factory=dict)
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
    alignment: str = "median",
    geometry: bool = False,
    progress: Progress | None = None,
) -> Evaluation:
    """Scores a predictor.

    Args:
        estimate: the predictor; sees each frame as `protocol.prepare` gives it.
        protocol: which pixels count, and the range of metres.
        alignment: of `core.evaluate.metrics.ALIGNMENTS`.
        progress: called with (frames done, frames in all).

    A frame whose files cannot be read is left out and named in `Evaluation.failed`.

    Raises:
        DataError: no frame has a pixel that counts, a frame does not fit the protocol, or a
            prediction has the wrong shape or is not finite where it counts.
    """
    tally = _Tally(protocol, worst, alignment, geometry)
    for index in range(len(dataset)):
        try:
            sample = dataset[index]
        except DataError as error:
            tally.fail(frame_name(dataset, index), error)
        else:
            tally.add(protocol.prepare(sample), estimate)
        if progress is not None:
            progress(index + 1, len(dataset))
    return tally.result()


@dataclass
class _LevelTally:
    metrics: list[DepthMetrics] = field(default_factory=list)
    geometry: list[GeometryFigures] = field(default_factory=list)


class _Tally:
    """Everything that is summed up during the pass over the frames."""

    def __init__(self, protocol: Protocol, worst: int, alignment: str, geometry: bool) -> None:
        self.protocol = protocol
        self.worst = worst
        self.alignment = alignment
        self.with_geometry = geometry
        self.failed: dict[str, str] = {}
        self.geometry: list[GeometryFigures] = []
        self.levels: list[_LevelTally] = []
        self.images: list[ImageResult] = []
        self.skipped: list[str] = []
        self.curves: list[SparsificationCurve] = []
        self.ranges = BinnedErrors(range_labels(protocol.range_edges))
        self.borders = BinnedErrors(border_labels())
        self.examples: list[Example] = []

    def fail(self, name: str, error: DataError) -> None:
        logger.warning("frame %s cannot be read and is left out: %s", name, error)
        self.failed[name] = str(error)

    def add(self, sample: Sample, estimate: Estimator) -> None:
        gt = sample.depth
        if (gt < 0).any():
            raise DataError(
                f"The depth of {sample.name} is known up to scale and shift only (encoding = "
                '"inverse"), expected metres: such frames can be trained on but not scored.'
            )
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
        fitted = ALIGNMENTS[self.alignment](guess.depth, gt, valid)
        result = ImageResult(
            name=sample.name,
            pixels=int(valid.sum()),
            metrics=compute_metrics(depth, gt, valid),
            aligned=compute_metrics(self.protocol.clamp(fitted), gt, valid),
            scale=float(np.median(gt[valid]) / np.median(guess.depth[valid])),
        )
        self.images.append(result)
        self._measure(guess.depth, sample, valid, self.geometry)
        if not self.levels:
            self.levels = [_LevelTally() for _ in guess.levels]
        for level, level_depth in zip(self.levels, guess.levels, strict=True):
            clamped = self.protocol.clamp(level_depth)
            level.metrics.append(compute_metrics(clamped, gt, valid))
            self._measure(level_depth, sample, valid, level.geometry)
        self.ranges.add(depth, gt, valid, range_bins(gt, self.protocol.range_edges))
        near_border = border_bins(gt)
        if near_border is not None:
            self.borders.add(depth, gt, valid, near_border)
        if guess.confidence is not None:
            self.curves.append(sparsification_curve(depth, gt, valid, guess.confidence))
        seen = [Example(result, sample.rgb, depth, gt, valid), *self.examples]
        seen.sort(key=lambda each: each.result.metrics.abs_rel, reverse=True)
        self.examples = seen[: self.worst]

    def _measure(
        self,
        depth: NDArray[np.floating],
        sample: Sample,
        valid: NDArray[np.bool_],
        into: list[GeometryFigures],
    ) -> None:
        if self.with_geometry:
            scaled = align_median(depth, sample.depth, valid)
            figures = measure_geometry(scaled, sample, valid)
            if figures is not None:
                into.append(figures)

    def result(self) -> Evaluation:
        if not self.images:
            raise DataError(
                f"None of the {len(self.skipped) + len(self.failed)} frames has ground truth that "
                f"counts under {self.protocol.name} ({len(self.failed)} cannot be read); check the "
                "dataset and its depth scale."
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
            alignment=self.alignment,
            failed=self.failed,
            geometry=summarise_geometry(self.geometry) if self.with_geometry else None,
            levels=tuple(
                LevelResult(
                    2 ** (len(self.levels) - 1 - index),
                    mean_metrics(level.metrics),
                    summarise_geometry(level.geometry),
                )
                for index, level in enumerate(self.levels)
            ),
            worst=tuple(self.examples),
        )
