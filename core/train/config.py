"""The training recipe: a TOML file read into frozen dataclasses; the defaults are the paper's."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from core.data.augment import AugmentConfig
from core.data.batches import BatchPlan, DataSource
from core.data.sample import read_text
from core.errors import ConfigError
from core.evaluate.protocol import PROTOCOLS
from core.model.config import ModelConfig
from core.weights.model_info import MAX_WORKING_HEIGHT, MIN_WORKING_HEIGHT

SCHEDULES = ("poly", "cosine")
TUNED = ("all", "decoder", "light")


@dataclass(frozen=True)
class LossConfig:
    """Weights of the losses of `core.train.losses`.

    `silog` on the final depth always counts 1. `edges` and `normals` need dense depth.
    """

    levels: float = 0.0
    absolute: float = 0.0
    relative: float = 0.0
    gradient: float = 0.0
    sobel: float = 0.0
    edges: float = 0.0
    normals: float = 0.0
    sobel_from: float = 0.83  # share of the steps after which the Sobel loss joins
    equal_images: bool = False  # every image counts the same, however many pixels were measured


@dataclass(frozen=True)
class OptimiserConfig:
    """AdamW for two groups (encoder, decoder) and the schedule of their learning rates.

    Attributes:
        encoder_lr, decoder_lr: the learning rates after warm-up.
        final: the last learning rate as a share of the first.
        schedule: of `SCHEDULES`; "poly" has the power 0.5.
        warmup: steps of linear warm-up.
        encoder_decay, decoder_decay: weight decay.
        eps: AdamW's epsilon.
        clip: largest norm of the gradient; 0 leaves it as it is.
    """

    encoder_lr: float = 1e-4
    decoder_lr: float = 1e-4
    final: float = 0.1
    schedule: str = "poly"
    warmup: int = 0
    encoder_decay: float = 1e-2
    decoder_decay: float = 0.0
    eps: float = 1e-3
    clip: float = 0.0

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            raise ConfigError(
                f"The training configuration has the schedule {self.schedule!r}; expected one of "
                f"{', '.join(SCHEDULES)}."
            )


@dataclass(frozen=True)
class CardConfig:
    """What the checkpoint will say about itself; the camera's numbers are in pixels.

    `working_height` is the height of the network's input where the model is used, 0 that of `size`.
    """

    licence: str = "not stated"
    training_data: str = "not stated"
    working_height: int = 0
    camera_width: int = 640
    camera_height: int = 480
    camera_fx: float = 518.858
    camera_fy: float = 519.470


@dataclass(frozen=True)
class TrainConfig:
    """A whole training run.

    Attributes:
        name: of the run and of the checkpoint it makes.
        model: the network.
        size: (height, width) of the network's input.
        widths: further widths of it, in turn with the first from step to step.
        train, val: data; `val` may be empty.
        steps: optimiser steps; batch: samples in each, over all processes.
        accumulate: passes a step is split into; their losses are averaged, so each process's
            share of the batch must be a multiple of it.
        precision: "fp32" or "bf16" (convolutions only; losses and reconstruction stay fp32).
        ema: decay of the running mean of the weights that is validated and saved; 0 is off.
        save_every, val_every: steps between states on disk and between validations.
        val_images: how many frames a validation looks at; 0 is all of them.
        drop_blocks: stochastic depth of the encoder (`core.model.encoders.base`); 0 is off.
        imagenet: start the encoder from its ImageNet weights.
        encoder_weights: their file (torchvision's names); empty takes the installed package's.
        init: a checkpoint to start from instead.
        tune: what is trained: "all"; "decoder", with the encoder as it was; or "light", the
            decoder's norms and its heads. With the latter two every norm keeps its statistics, so
            that a few pictures move the network and do not replace what it knows.
        closing: share of the steps after which `closing_augment` takes the place of `augment`, so
            that the run ends on views like those it will be asked about.
        out: folder of the run (state, log, checkpoints).
        seed: of everything random.
        threads: of PyTorch on the CPU; 0 leaves its choice.
        protocol: how a validation scores, of `PROTOCOLS`; "folder" takes frames of any size.
        tensorboard: write TensorBoard's events beside the log.
    """

    name: str
    model: ModelConfig
    train: tuple[DataSource, ...]
    val: tuple[DataSource, ...] = ()
    size: tuple[int, int] = (416, 544)
    widths: tuple[int, ...] = ()
    steps: int = 45_000
    batch: int = 16
    accumulate: int = 1
    precision: str = "fp32"
    ema: float = 0.0
    save_every: int = 500
    val_every: int = 2000
    val_images: int = 0
    drop_blocks: float = 0.0
    imagenet: bool = True
    encoder_weights: str = ""
    init: str = ""
    tune: str = "all"
    out: str = "runs"
    seed: int = 0
    threads: int = 0
    protocol: str = "nyu"
    tensorboard: bool = False
    card: CardConfig = field(default_factory=CardConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    closing: float = 1.0
    closing_augment: AugmentConfig = field(default_factory=AugmentConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)

    def __post_init__(self) -> None:
        height, width = self.size
        fits = not any(side % 16 for side in (height, width, *self.widths))
        fits = fits and MIN_WORKING_HEIGHT <= height <= MAX_WORKING_HEIGHT
        if not fits or not self.train or self.precision not in ("fp32", "bf16"):
            raise ConfigError(
                f"The training configuration has size {self.size}, {len(self.train)} training "
                f"sources and precision {self.precision!r}; expected multiples of 16, a height "
                f"from {MIN_WORKING_HEIGHT}, at least one source, and fp32 or bf16."
            )
        if self.tune not in TUNED:
            raise ConfigError(
                f"The training configuration has tune {self.tune!r}; expected one of "
                f"{', '.join(TUNED)}."
            )
        if not 0 <= self.drop_blocks < 1:
            raise ConfigError(
                f"The training configuration has drop_blocks {self.drop_blocks}; expected a "
                "probability from 0 to below 1."
            )
        counts = (self.steps, self.batch, self.accumulate, self.save_every, self.val_every)
        if min(counts) < 1 or self.batch % self.accumulate:
            raise ConfigError(
                f"The training configuration has steps {self.steps}, batch {self.batch}, "
                f"accumulate {self.accumulate}, save_every {self.save_every} and val_every "
                f"{self.val_every}; expected positive numbers, and a batch that the accumulation "
                "divides."
            )
        if self.protocol not in PROTOCOLS:
            raise ConfigError(
                f"The training configuration has the protocol {self.protocol!r}; expected one of "
                f"{', '.join(PROTOCOLS)}."
            )

    def check_processes(self, world: int) -> None:
        """Lets a batch be shared by so many processes only in equal parts.

        Every process averages its gradient over `accumulate` equal passes, and the processes'
        gradients are averaged again: with unequal parts some images would count more than others,
        and a process with fewer passes than the rest would leave them waiting.

        Raises:
            ConfigError: the batch has no equal parts.
        """
        parts = world * self.accumulate
        if self.batch % parts:
            raise ConfigError(
                f"The training configuration has batch {self.batch} and accumulate "
                f"{self.accumulate} for {world} processes; expected a batch that is a multiple of "
                f"{parts}: change batch, accumulate or the number of processes."
            )

    @property
    def plan(self) -> BatchPlan:
        """What the batches are made of."""
        return BatchPlan(
            self.train,
            self.size,
            self.model.focal,
            self.augment,
            self.batch,
            self.steps,
            self.seed,
            self.model.max_depth,
            self.widths,
            round(self.closing * self.steps),
            self.closing_augment,
        )


def read_config(path: Path) -> TrainConfig:
    """Reads a TOML recipe.

    With `base = "other.toml"` it is that recipe, of the same folder, but for what it says itself:
    key by key in tables, whole lists of sources.

    Raises:
        ConfigError: an unreadable file, an unknown key, a wrong type or value.
    """
    config: TrainConfig = _build(TrainConfig, _values(path), str(path))
    return config


def _values(path: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    try:
        values = tomllib.loads(read_text(path))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"The configuration {path} cannot be read ({error}); expected a TOML file such as "
            "those in configs/."
        ) from error
    base = values.pop("base", None)
    if base is None:
        return values
    if not isinstance(base, str) or path in above:
        raise ConfigError(
            f"The configuration {path} has the base {base!r}; expected the name of another TOML "
            "file beside it, which is not based on this one."
        )
    for key, value in _values(path.with_name(base), (*above, path)).items():
        if isinstance(value, dict) and isinstance(values.get(key), dict):
            values[key] = value | values[key]
        else:
            values.setdefault(key, value)
    return values


def _build(kind: type[Any], values: dict[str, Any], where: str) -> Any:
    hints = get_type_hints(kind)
    known = {f.name for f in fields(kind)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ConfigError(f"{where} has unknown keys {unknown}; known are {sorted(known)}.")
    built = {key: _convert(hints[key], value, f"{where}: {key}") for key, value in values.items()}
    try:
        return kind(**built)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{where} is not usable: {error}.") from error


def _convert(hint: Any, value: Any, where: str) -> Any:
    if is_dataclass(hint) and isinstance(hint, type) and isinstance(value, dict):
        return _build(hint, value, where)
    if isinstance(value, list):
        if value and isinstance(value[0], dict):
            return tuple(_build(DataSource, item, where) for item in value)
        return tuple(value)
    if hint is float and isinstance(value, int):
        return float(value)
    if isinstance(hint, type) and hint in (int, float, str, bool) and type(value) is not hint:
        raise ConfigError(f"{where} is {value!r}; expected {hint.__name__}.")
    return value
