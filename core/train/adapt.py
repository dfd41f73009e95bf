"""Adapting an installed model to somebody's own scenes, from a handful of their frames.

1. The frames are split into three parts that share no stretch of a recording: to learn from, to
   choose by, to judge by.
2. The scale: one factor on all depth, the median of what was measured over what was predicted.
3. The decoder's norms and heads are trained (`core.train.loop`); the encoder, which knows what the
   world looks like, stays as it was, and the best state by the second part is taken.
4. On the way between the old weights and the new ones the best place by the second part is taken
   (M. Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022).
5. The third part, which nothing was chosen by, decides whether the result is kept.

The model that is started from is never touched: undoing is removing the new file.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.atomic import write_atomic
from core.data.batches import Batches
from core.data.folder import FolderDataset
from core.data.sample import SPARSE_TYPES, FrameDataset
from core.engines.model_choice import chooser_for
from core.engines.torch_engine import TorchEngine
from core.errors import CheckpointError, ConfigError, DataError, ExportError
from core.evaluate.protocol import FOLDER
from core.evaluate.run import predictor_estimator
from core.evaluate.scoring import Evaluation, evaluate
from core.model import LapDepth
from core.predictor import Predictor
from core.train.adapt_report import FROM, Adapted, inherited, why_not
from core.train.config import TrainConfig
from core.train.fine_tuning import BATCH, MOST_STEPS, mixed, recipe
from core.train.held_out import split, usable_frames
from core.train.loop import build, optimise, to_training, train
from core.train.state import TrainState
from core.weights.checkpoint import (
    SUFFIX,
    find_model,
    load_checkpoint,
    models_folder,
    save_checkpoint,
)
from core.weights.choice_table import AUTO
from core.weights.model_info import ModelInfo, check_name
from core.weights.registry import registered_names

MIXES = (0.0, 0.25, 0.5, 0.75, 1.0)
AS_IT_WAS = "as it was"
OFF_SCALE = 5.0  # further off is another unit, not another scene
DOUBTED, PLAIN = 2.0, 1.6  # so far off may be, where another usual unit would be as near as this
USUAL_UNITS = (1.0, 256.0, 1000.0, 5000.0)  # a metre: metres, KITTI, millimetres, TUM
EPOCHS, FEWEST_STEPS = 40, 40
VALIDATIONS = 3
SCALED_BY = 20  # frames, at most
GLANCED = 5  # frames that say which model suits, where none was named

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class AdaptRequest:
    """What the command line's `adapt` asks for.

    Attributes:
        data: a folder as `core.data.folder` reads it.
        name: of the model to make.
        model: to start from; None lets the frames choose, as "auto" does.
        minutes: that it may take, about.
        seed: of everything random.
        overwrite: replace an earlier adapted model of this name.

    Raises:
        ConfigError: no time.
    """

    data: Path
    name: str
    model: str | None = None
    minutes: float = 5.0
    seed: int = 0
    overwrite: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.minutes <= 24 * 60:
            raise ConfigError(
                f"The time is {self.minutes:g} minutes, expected more than 0 and at most 1440: "
                "give 5, for instance."
            )


def adapt(request: AdaptRequest, progress: Progress | None = None) -> Adapted:
    """Makes a model for somebody's scenes, and keeps it only if held-out frames get better.

    Args:
        progress: called with (steps of the training done, steps in all).

    Raises:
        CheckpointError: a name that is taken or unusable, or no such model to start from.
        DataError: a folder that cannot be read, or too few frames with measured depth.
        ExportError: the folder of models cannot be written.
    """
    began = time.monotonic()
    target = _target(request)
    dataset = FolderDataset(request.data)
    usable = usable_frames(dataset, FOLDER.max_depth)
    parts = split(usable.names)
    learn, choose, judge = (_named(dataset, names) for names in
                            (parts.learn, parts.choose, parts.judge))  # fmt: skip
    base = find_model(request.model or _suiting(learn))
    if base.file.resolve() == target.resolve():
        raise CheckpointError(
            f"The model {request.name!r} is the one to start from, expected another name for the "
            "new one, so that the old one stays: choose another."
        )
    old = load_checkpoint(base.file)[0]
    began_scale = time.monotonic()
    some = learn[:: math.ceil(len(learn) / SCALED_BY)]
    factor = _scale(old, base, some)
    for_a_frame = (time.monotonic() - began_scale) / len(some)
    scaled = replace(base, config=replace(base.config, max_depth=base.config.max_depth * factor))
    with tempfile.TemporaryDirectory(prefix="lapdepth-adapt-") as scratch:
        config = recipe(scaled, request.data, parts, usable, request.seed, Path(scratch))
        passes = len(choose) * (1 + len(MIXES) + VALIDATIONS) + 2 * len(judge)
        spent = time.monotonic() - began + passes * for_a_frame
        steps, worth = _steps(config, 60 * request.minutes - spent)
        config = replace(config, steps=steps, val_every=max(1, steps // VALIDATIONS))
        folder = train(config, progress=progress)
        new = load_checkpoint(folder / f"{config.name}{SUFFIX}")[0]
    candidates = {AS_IT_WAS: score(old, base, choose).mean.abs_rel}
    candidates |= {
        _called(mix): score(mixed(old, new, mix), scaled, choose).mean.abs_rel for mix in MIXES
    }
    best = min(candidates, key=lambda name: candidates[name])
    mix = next((mix for mix in MIXES if _called(mix) == best), 0.0)
    result = mixed(old, new, mix)
    before = score(old, base, judge)
    after = before if best == AS_IT_WAS else score(result, scaled, judge)
    notes = list(usable.notes)
    if steps < worth:
        notes.append(f"There was time for {steps} of the {worth} steps that so many frames are "
                     "worth: give more minutes.")  # fmt: skip
    report = Adapted(
        name=request.name,
        base=base.name,
        licence=base.licence,
        kept=False,
        why=why_not(before.mean, after.mean),
        frames=(len(learn), len(choose), len(judge)),
        scale=1.0 if best == AS_IT_WAS else factor,
        mix=mix,
        steps=steps,
        seconds=round(time.monotonic() - began, 1),
        candidates=candidates,
        before=before.mean,
        after=after.mean,
        per_frame={
            a.name: (a.metrics.abs_rel, b.metrics.abs_rel)
            for a, b in zip(before.images, after.images, strict=True)
        },
        notes=tuple(notes),
    )
    if report.why:
        return report
    info = inherited(scaled, base, report)
    target.with_suffix(".json").unlink(missing_ok=True)  # an earlier file's hash
    report = replace(
        report, kept=True, sha256=save_checkpoint(target, result, info, half=True).sha256
    )
    pin = {"sha256": report.sha256, "adapted": report.to_dict()}
    write_atomic(target.with_suffix(".json"), (json.dumps(pin, indent=2) + "\n").encode())
    return report


def undo(name: str, folder: Path | None = None) -> Path:
    """Removes an adapted model; the one that it was made from is as it ever was.

    Args:
        folder: of models; None is `models_folder()`.

    Raises:
        CheckpointError: no such model, or one that was not made by `adapt`.
    """
    info = find_model(check_name(name), folder)
    if FROM not in info.provenance:
        raise CheckpointError(
            f"The model {name!r} was not made by `adapt`, expected one that was: nothing is "
            "removed."
        )
    info.file.unlink()
    info.file.with_suffix(".json").unlink(missing_ok=True)
    return info.file


def score(model: LapDepth, info: ModelInfo, frames: FrameDataset) -> Evaluation:
    """The figures of a network as a user would meet them."""
    predictor = Predictor(info, TorchEngine(model))
    return evaluate(predictor_estimator(predictor, FOLDER), frames, FOLDER)


def _target(request: AdaptRequest) -> Path:
    """Where the new model goes.

    Raises:
        CheckpointError: there is another model of this name.
        ExportError: nothing can be written there.
    """
    folder = models_folder()
    path = folder / (check_name(request.name) + SUFFIX)
    if request.name in registered_names(folder):
        raise CheckpointError(
            f"The model {request.name!r} ships with the program, expected a name of your own: it "
            "stays as it is, choose another."
        )
    if path.exists():
        earlier = find_model(request.name).provenance
        if FROM not in earlier or not request.overwrite:
            raise CheckpointError(
                f"There is a model {request.name!r} already, expected a name that is free: choose "
                "another (--overwrite replaces one that `adapt` made)."
            )
    if not os.access(folder, os.W_OK):
        raise ExportError(
            f"The folder {folder} cannot be written, expected the one for models: set "
            "LAPDEPTH_MODELS to a folder of your own with a copy of the models."
        )
    return path


def _suiting(frames: FrameDataset) -> str:
    """The model that most of a few frames choose."""
    chooser = chooser_for(AUTO)
    assert chooser is not None  # noqa: S101 - "auto" always chooses
    seen = frames[:: max(1, len(frames) // GLANCED)]
    chosen = [chooser(sample.rgb).model for sample in seen]
    return max(sorted(set(chosen)), key=chosen.count)


def _named(dataset: FrameDataset, names: tuple[str, ...]) -> FrameDataset:
    wanted = set(names)
    return FrameDataset([frame for frame in dataset.frames if frame.name in wanted])


def _scale(model: LapDepth, info: ModelInfo, frames: FrameDataset) -> float:
    """What all depth has to be multiplied by: the median over frames of each one's median.

    Raises:
        DataError: so far off that the unit must be wrong.
    """
    found = [image.scale for image in score(model, info, frames).images]
    factor = float(np.median(found))
    other = _another_unit(factor, frames)
    if other is None and _apart(factor) < OFF_SCALE:
        return factor
    read, why = frames.frames[0].depth_scale, ""
    if other is not None:
        why = f" ({factor * read / other:.3g} times, were {other:g} units a metre)"
    raise DataError(
        f"The measured depth is {factor:.3g} times what {info.name} predicts at {read:g} stored "
        f"units per metre{why}, expected about as much: say how many units are a metre (`scale` in "
        "dataset.toml), and check the camera."
    )


def _another_unit(factor: float, frames: FrameDataset) -> float | None:
    """The usual unit of depth maps that fits plainly better than the one they were read in."""
    if _apart(factor) < DOUBTED or all(f.depth_path.suffix in SPARSE_TYPES for f in frames.frames):
        return None
    read = frames.frames[0].depth_scale
    best = min(USUAL_UNITS, key=lambda unit: _apart(factor * read / unit))
    return best if _apart(factor * read / best) < PLAIN else None


def _apart(factor: float) -> float:
    return max(factor, 1 / factor)


def _steps(config: TrainConfig, seconds: float) -> tuple[int, int]:
    """How many the time allows, of those that the frames are worth; two are timed for it."""
    model = build(config)
    state = TrainState.start(model, config)
    to_training(config, model)
    images, depths = Batches(config.plan).load(0)
    for _ in range(2):
        began = time.monotonic()
        optimise(config, model, state, images, depths)
        spent = time.monotonic() - began
    worth = EPOCHS * len(config.train[0].frames) // BATCH
    worth = min(max(worth, FEWEST_STEPS), MOST_STEPS)
    return max(1, min(worth, int(seconds / spent))), worth


def _called(mix: float) -> str:
    return "scale only" if mix == 0 else f"{mix:.0%} trained"
