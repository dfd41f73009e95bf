"""Scoring an installed model on a dataset on disk: what the command line's `evaluate` does."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.camera import Intrinsics
from core.data import FolderDataset, KittiDataset, NyuDataset
from core.data.sample import Sample
from core.errors import DataError
from core.evaluate.baselines import predictors, training_statistics
from core.evaluate.metrics import DepthMetrics, compute_metrics, mean_metrics
from core.evaluate.protocol import PROTOCOLS, Protocol, crop
from core.evaluate.scoring import Estimate, Estimator, Evaluation, Progress, evaluate
from core.evaluate.with_measurements import Given, KnownScores, watched
from core.images.resize import checked_resolution

if TYPE_CHECKING:
    from core.predictor import Predictor

_BILINEAR = Image.Resampling.BILINEAR
_SETS: dict[str, Callable[..., Sequence[Sample]]] = {"nyu": NyuDataset, "kitti": KittiDataset}

DEFAULT_MODELS = {"nyu": "lite-indoor", "kitti": "lite-outdoor", "folder": "lite-indoor"}
"""The model that is scored on a dataset when none is named."""


@dataclass(frozen=True)
class EvaluationRequest:
    """What the command line's `evaluate` asks for.

    Attributes:
        dataset: "nyu", "kitti" or "folder".
        split: a split file, see the datasets; None = the test split of the layout.
        model: registry name or path; None = `DEFAULT_MODELS`.
        flip: average with the mirrored photo's prediction.
        resolution: working height; None = the model's.
        cap: metres at which the protocol ends; None = the protocol's own.
        first: score only so many frames; None = all.
        align: how predictions are fitted to the truth for the aligned figures, of
            `core.evaluate.metrics.ALIGNMENTS`.
        geometry: also measure borders and surfaces.
        per_level: also score the depth after each level of the decoder.
        baselines: also score the trivial predictors, fitted on the training split.
        given: also score what becomes of it with some of each frame's truth given.
        worst: how many of the worst frames to keep for the gallery.
        device, engine, precision: as in `core.load_predictor`.
    """

    dataset: str
    root: Path
    split: Path | None = None
    model: str | None = None
    flip: bool = False
    resolution: int | None = None
    cap: float | None = None
    first: int | None = None
    align: str = "median"
    geometry: bool = False
    per_level: bool = False
    baselines: bool = False
    given: Given = field(default_factory=Given)
    worst: int = 8
    device: str = "auto"
    engine: str = "auto"
    precision: str = "float32"


def predictor_estimator(
    predictor: Predictor,
    protocol: Protocol,
    *,
    flip: bool = False,
    resolution: int | None = None,
    per_level: bool = False,
) -> Estimator:
    """An estimator around a loaded predictor.

    The frame's own camera is given to the predictor. A network whose depth depends on the size of
    things in pixels (no canonical focal length) and that works at the height of the protocol's
    `feed` window gets that window pixel for pixel: for the authors' release, only that reproduces
    their figures. The rest of the frame then stays without a prediction.
    """
    info, window = predictor.info, protocol.feed
    if (
        window is None
        or info.config.focal is not None
        or (resolution or info.working_height) != window.bottom - window.top
    ):
        window = None

    def estimate(sample: Sample) -> Estimate:
        seen = sample if window is None else crop(sample, window)
        camera = Intrinsics(seen.fx, seen.fy, seen.cx, seen.cy, "given")
        prediction = predictor(seen.rgb, resolution=resolution, flip=flip, intrinsics=camera)
        height, width = seen.depth.shape
        levels = [
            np.asarray(Image.fromarray(level.depth).resize((width, height), _BILINEAR))
            for level in (prediction.levels if per_level else ())
        ]

        def placed(values: NDArray[np.float32], outside: float) -> NDArray[np.float32]:
            if window is None:
                return values
            whole = np.full(sample.depth.shape, outside, np.float32)
            whole[window.slices] = values
            return whole

        certain = prediction.confidence
        return Estimate(
            placed(prediction.depth, np.nan),
            None if certain is None else placed(certain, 0.0),
            tuple(placed(level, np.nan) for level in levels),
        )

    return estimate


def run_evaluation(request: EvaluationRequest, progress: Progress | None = None) -> Evaluation:
    """Does what the command line's `evaluate` asks for.

    Raises:
        DataError: an unknown dataset, or files of it that are missing or broken.
        CheckpointError: the model cannot be loaded.
    """
    if request.first is not None and request.first < 1:
        raise DataError(f"Got {request.first} frames to score, expected at least 1.")
    dataset = open_test_set(request)
    protocol = PROTOCOLS[request.dataset]
    if request.cap is not None:
        protocol = protocol.with_cap(request.cap)
    # Here and not above: torch takes seconds to import, and wrong arguments should fail at once.
    from core.predictor import load_model

    name = request.model or DEFAULT_MODELS[request.dataset]
    predictor = load_model(
        name, device=request.device, engine=request.engine, precision=request.precision
    )
    estimate = predictor_estimator(
        predictor,
        protocol,
        flip=request.flip,
        resolution=request.resolution,
        per_level=request.per_level,
    )
    scores = KnownScores(request.given, protocol)
    result = evaluate(
        watched(estimate, scores) if request.given else estimate,
        dataset,
        protocol,
        worst=request.worst,
        alignment=request.align,
        geometry=request.geometry,
        progress=progress,
    )
    baselines = score_baselines(request, dataset, protocol) if request.baselines else {}
    about = {
        "dataset": request.dataset,
        "model": predictor.info.name,
        "model_sha256": predictor.info.sha256,
        "flip": request.flip,
        "resolution": request.resolution or predictor.info.working_height,
        "precision": request.precision,
        "notes": resolution_notes(predictor.info.working_height, request.resolution),
        "split": None if request.split is None else request.split.name,
        "command": command_line(request),
    }
    return replace(result, baselines=baselines, known=scores.result(), about=about)


def resolution_notes(working: int, asked: int | None) -> list[str]:
    """What is to be said of figures that were measured at another height than the model's."""
    from core.prediction import size_note

    if asked is None:
        return []
    height = checked_resolution(asked)
    return list(size_note(height / working, working, height))


def command_line(request: EvaluationRequest) -> str:
    """The command that repeats an evaluation, for reports and model cards."""
    options = {
        "dataset": request.dataset,
        "root": request.root,
        "split": request.split,
        "model": request.model or DEFAULT_MODELS[request.dataset],
        "resolution": request.resolution,
        "cap": request.cap,
        "first": request.first,
        "precision": None if request.precision == "float32" else request.precision,
        "align": None if request.align == "median" else request.align,
        "sparse": request.given.sparse,
        "lengths": request.given.lengths,
        "camera-height": request.given.camera_height,
    }
    words = ["python", "-m", "core", "evaluate"]
    for name, value in options.items():
        if value is not None:
            number = f"{value:g}" if isinstance(value, float) else str(value)
            words += [f"--{name}", number]
    switches = ("flip", "geometry", "per_level", "baselines")
    words += [f"--{name.replace('_', '-')}" for name in switches if getattr(request, name)]
    return shlex.join([*words, "--json"])


def open_test_set(request: EvaluationRequest) -> Sequence[Sample]:
    """The frames that a request scores.

    Raises:
        DataError: an unknown dataset, a missing layout, or no frame.
    """
    if request.dataset in _SETS:
        dataset = _SETS[request.dataset](request.root, "val", request.split)
    elif request.dataset == "folder":
        dataset = FolderDataset(request.split or request.root)
    else:
        raise DataError(
            f"Got the dataset {request.dataset!r}, expected one of {', '.join(PROTOCOLS)}."
        )
    return dataset if request.first is None else dataset[: request.first]


def score_baselines(
    request: EvaluationRequest, dataset: Sequence[Sample], protocol: Protocol
) -> dict[str, DepthMetrics]:
    """Figures of the trivial predictors, fitted on the training split beside the test split.

    Raises:
        DataError: the dataset has no training split.
    """
    if request.dataset not in _SETS:
        raise DataError(
            f"The dataset {request.dataset!r} has no training split to fit trivial predictors on; "
            "leave them out."
        )
    training = _SETS[request.dataset](request.root, "train")
    named = predictors(training_statistics(training, protocol))
    scores: dict[str, list[DepthMetrics]] = {name: [] for name in named}
    for index in range(len(dataset)):
        sample = protocol.prepare(dataset[index])
        valid = protocol.counts(sample.depth)
        if valid.any():
            for name, predict in named.items():
                depth = protocol.clamp(predict(sample))
                scores[name].append(compute_metrics(depth, sample.depth, valid))
    return {name: mean_metrics(images) for name, images in scores.items()}
