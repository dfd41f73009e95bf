"""What a measurement is worth: frames scored with some of their true depth given.

Three ways, each against the obvious alternatives: sparse points, true lengths, the camera's height.
What was given does not count among the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import NearestNDInterpolator

from core.camera import Intrinsics, unproject
from core.data.sample import Sample
from core.errors import CameraError, DataError
from core.evaluate.metrics import DepthMetrics, compute_metrics, mean_metrics
from core.evaluate.protocol import Protocol
from core.evaluate.scoring import Estimate
from core.geometry.find_scale import calibration_of, observed_in
from core.geometry.measure import Measurer
from core.geometry.provenance import SceneInfo
from core.geometry.sparse import bent
from core.scale.calibration import Measurement
from core.scale.fit import Fit, fit
from core.scale.measurements import CameraHeight, KnownLength

LINES = "lines"
_LINE = 0.42  # degrees between two of a LiDAR's 64 lines (Velodyne HDL-64E: 26.8 in all)
_EVERY = 4  # lines: 16 of 64
_ABOVE, _BEHIND = 0.08, 0.27  # metres from KITTI's camera to its LiDAR
_LEVEL, _LONG = 0.15, 1.0  # a length across the view: ends alike in depth (log), metres at least
_SMOOTH = 0.02  # of depth around an end, relative: no edge
_TRIED = 4000
_WRONG = 2.0  # times the truth: a length that was read wrongly

Depth = NDArray[np.floating]


@dataclass(frozen=True)
class Given:
    """What of each frame's truth is given.

    Attributes:
        sparse: so many random points, or "lines": every fourth line of a 64-line LiDAR.
        lengths: so many true lengths across the view.
        camera_height: metres above the road.
    """

    sparse: int | str | None = None
    lengths: int | None = None
    camera_height: float | None = None

    def __bool__(self) -> bool:
        return self != Given()


class KnownScores:
    """Scores frame after frame with what is given of each."""

    def __init__(self, given: Given, protocol: Protocol) -> None:
        self._given, self._protocol = given, protocol
        self._scores: dict[str, list[DepthMetrics]] = {}
        self._frames = 0
        self._unused: dict[str, int] = {}

    def add(self, sample: Sample, guess: Estimate) -> None:
        """One frame, as the protocol prepared it, and what was predicted of it."""
        random = np.random.default_rng(self._frames)
        self._frames += 1
        if self._given.sparse is not None:
            self._sparse(sample, guess, random, self._given.sparse)
        if self._given.lengths:
            self._lengths(sample, guess, random, self._given.lengths)
        if self._given.camera_height is not None:
            self._height(sample, guess, self._given.camera_height)

    def result(self) -> dict[str, DepthMetrics]:
        """The mean figures by what was made of what was given."""
        return {
            name + (f" ({self._unused[name]} frames without)" if self._unused.get(name) else ""):
            mean_metrics(rows) for name, rows in self._scores.items()
        }  # fmt: skip

    def _score(self, name: str, depth: Depth, truth: Depth) -> None:
        valid = self._protocol.counts(truth.astype(np.float32))
        if valid.any():
            figures = compute_metrics(self._protocol.clamp(depth), truth, valid)
            self._scores.setdefault(name, []).append(figures)

    def _sparse(
        self, sample: Sample, guess: Estimate, random: np.random.Generator, asked: int | str
    ) -> None:
        known = sample.depth > 0
        if asked == LINES:
            known &= _on_lines(sample)
        else:
            known &= self._protocol.counts(sample.depth)
        known &= np.isfinite(guess.depth)
        rows, columns = np.nonzero(known)
        if asked != LINES:
            if rows.size < int(asked):
                return
            chosen = random.choice(rows.size, int(asked), replace=False)
            rows, columns = rows[chosen], columns[chosen]
        if not rows.size:
            return
        truth = sample.depth.copy()
        truth[rows, columns] = 0
        metres = sample.depth[rows, columns].astype(np.float64)
        self._score("own scale", guess.depth, truth)
        factor = np.median(metres / guess.depth[rows, columns])
        self._score("one scale", guess.depth * factor, truth)
        height, width = truth.shape
        nearest = NearestNDInterpolator(np.c_[columns, rows], metres)
        self._score(
            "nearest point", nearest(*np.meshgrid(np.arange(width), np.arange(height))), truth
        )
        result = bent(
            guess.depth.astype(np.float32), columns.astype(float), rows.astype(float), metres
        )
        self._score("bent", result.depth, truth)

    def _lengths(
        self, sample: Sample, guess: Estimate, random: np.random.Generator, count: int
    ) -> None:
        known = _true_lengths(sample, self._protocol, random, count)
        if len(known) < count:
            return
        self._score("own scale", guess.depth, sample.depth)
        wrong = replace(known[-1], metres=known[-1].metres * _WRONG)
        for name, lengths in (
            ("1 length", known[:1]),
            (f"{count} lengths", known),
            (f"{count} lengths, 1 wrong", [*known[:-1], wrong]),
        ):
            self._rescaled(name, sample, guess, lengths, profile=False)
            self._rescaled(f"profile of {name}", sample, guess, lengths, profile=True)

    def _height(self, sample: Sample, guess: Estimate, metres: float) -> None:
        self._score("own scale", guess.depth, sample.depth)
        for name, profile in (("camera height", False), ("profile of camera height", True)):
            self._rescaled(name, sample, guess, [CameraHeight(metres)], profile=profile)

    def _rescaled(
        self,
        name: str,
        sample: Sample,
        guess: Estimate,
        known: Sequence[Measurement],
        *,
        profile: bool,
    ) -> None:
        """Where it cannot be done, the model's own scale stays."""
        height, width = sample.depth.shape
        camera = Intrinsics(sample.fx, sample.fy, sample.cx, sample.cy)
        ruler = Measurer(guess.depth, SceneInfo(camera, (width, height)), guess.confidence)
        depth = guess.depth
        try:
            found: Fit | None = fit(observed_in(ruler, known)) if profile else None
            if found is None:
                depth = depth * calibration_of(ruler, *known).scale
            else:
                depth = depth * found.scale * (depth / found.pivot) ** (found.power - 1)
        except CameraError:
            self._unused[name] = self._unused.get(name, 0) + 1
        self._score(name, depth, sample.depth)


def parse_sparse_count(text: str) -> int | str:
    """A number of points, or "lines".

    Raises:
        DataError: neither.
    """
    if text == LINES:
        return text
    if text.isdigit() and 1 <= int(text) <= 1_000_000:
        return int(text)
    raise DataError(
        f"Got {text[:40]!r} sparse points, expected a number from 1 or {LINES!r}: correct it."
    )


def _on_lines(sample: Sample) -> NDArray[np.bool_]:
    """(H, W), on every fourth of a LiDAR's lines, by the angle above its horizon."""
    height, width = sample.depth.shape
    x = (np.arange(width) - sample.cx) / sample.fx * sample.depth
    y = ((np.arange(height) - sample.cy) / sample.fy)[:, None] * sample.depth
    angle = np.degrees(np.arctan2(y + _ABOVE, np.hypot(x, sample.depth + _BEHIND)))
    chosen: NDArray[np.bool_] = np.floor(angle / _LINE).astype(int) % _EVERY == 0
    return chosen


def _true_lengths(
    sample: Sample, protocol: Protocol, random: np.random.Generator, count: int
) -> list[KnownLength]:
    """Lengths as one would measure them: across the view, not short, ends away from edges."""
    valid = protocol.counts(sample.depth)
    with np.errstate(divide="ignore"):
        logs = np.where(sample.depth > 0, np.log(sample.depth), np.inf)
    for axis in (0, 1):
        for step in (-3, 3):
            with np.errstate(invalid="ignore"):
                valid &= np.abs(np.roll(logs, step, axis) - logs) < _SMOOTH
    rows, columns = np.nonzero(valid)
    if not rows.size:
        return []
    camera = Intrinsics(sample.fx, sample.fy, sample.cx, sample.cy)
    points = unproject(sample.depth, camera)[rows, columns].astype(np.float64)
    a, b = random.integers(0, rows.size, (2, _TRIED))
    metres = np.linalg.norm(points[a] - points[b], axis=1)
    level = np.abs(np.log(points[a, 2] / points[b, 2])) < _LEVEL
    fine = np.flatnonzero(level & (metres > _LONG))[:count]
    return [
        KnownLength(
            (float(columns[a[i]]), float(rows[a[i]])),
            (float(columns[b[i]]), float(rows[b[i]])),
            float(metres[i]),
        )
        for i in fine
    ]


def watched(
    estimate: Callable[[Sample], Estimate], scores: KnownScores
) -> Callable[[Sample], Estimate]:
    """An estimator whose every estimate is also scored with what is given."""

    def estimated(sample: Sample) -> Estimate:
        guess = estimate(sample)
        scores.add(sample, guess)
        return guess

    return estimated
