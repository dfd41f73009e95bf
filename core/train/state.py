"""What a training run is at a given step, saved without pickle and restored bit for bit."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_safetensors
from torch import Tensor, nn

from core.atomic import write_atomic
from core.errors import CheckpointError, ConfigError
from core.model import LapDepth
from core.train.config import OptimiserConfig, TrainConfig

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FILE = "log.jsonl"


class RunLog:
    """The log of a run.

    Args:
        folder: of the run; `log.jsonl` is added to, and with `tensorboard` its events too.
        tensorboard: also write what TensorBoard shows.

    Raises:
        ConfigError: the package `tensorboard` is wanted and not installed.
    """

    def __init__(self, folder: Path, *, tensorboard: bool = False) -> None:
        self._path = folder / FILE
        self._events: SummaryWriter | None = None
        if tensorboard:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError as error:
                raise ConfigError(
                    "The recipe asks for TensorBoard, which is not installed; expected the package "
                    "tensorboard. Run: pip install tensorboard"
                ) from error
            self._events = SummaryWriter(str(folder))

    def write(self, step: int, figures: Mapping[str, Any]) -> None:
        """Adds one record; figures may be nested one level deep."""
        with self._path.open("a", encoding="utf-8") as log:
            log.write(json.dumps({"step": step, **figures}) + "\n")
        if self._events is None:
            return
        for key, value in figures.items():
            inner = value if isinstance(value, Mapping) else {"": value}
            for name, number in inner.items():
                tag = f"{key}/{name}" if name else key
                self._events.add_scalar(tag, number, step)
        self._events.flush()


def learning_rates(config: OptimiserConfig, step: int, steps: int) -> tuple[float, float]:
    """(encoder, decoder) learning rates of a step."""
    progress = step / max(1, steps)
    share = (
        (1 - progress) ** 0.5
        if config.schedule == "poly"
        else 0.5 + 0.5 * math.cos(math.pi * progress)
    )
    factor = config.final + (1 - config.final) * share
    if step < config.warmup:
        factor *= (step + 1) / config.warmup
    return config.encoder_lr * factor, config.decoder_lr * factor


class Ema:
    """A running mean of all weights and norm statistics; younger runs are averaged shorter."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.values = {key: value.detach().clone() for key, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Takes the model's present weights into the mean."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for key, value in model.state_dict().items():
            if value.is_floating_point():
                self.values[key].lerp_(value, 1 - decay)
            else:
                self.values[key].copy_(value)


@dataclass
class TrainState:
    """Everything that changes while training."""

    model: LapDepth
    optimiser: torch.optim.AdamW
    ema: Ema | None
    step: int = 0
    best: float = math.inf

    @classmethod
    def start(cls, model: LapDepth, config: TrainConfig) -> TrainState:
        """The state before the first step."""
        recipe = config.optimiser
        encoder = [p for p in model.encoder.parameters() if p.requires_grad]
        inside = {id(p) for p in model.encoder.parameters()}
        decoder = [p for p in model.parameters() if p.requires_grad and id(p) not in inside]
        groups = [
            {"params": encoder, "lr": recipe.encoder_lr, "weight_decay": recipe.encoder_decay},
            {"params": decoder, "lr": recipe.decoder_lr, "weight_decay": recipe.decoder_decay},
        ]
        optimiser = torch.optim.AdamW(groups, eps=recipe.eps)
        return cls(model, optimiser, Ema(model, config.ema) if config.ema else None)

    def weights(self) -> dict[str, Tensor]:
        """The weights to validate and to ship: the running mean, or the model's own."""
        return self.ema.values if self.ema is not None else self.model.state_dict()

    def _parameters(self) -> list[nn.Parameter]:
        return [p for group in self.optimiser.param_groups for p in group["params"]]

    def tensors(self) -> dict[str, Tensor]:
        """The state as one flat table."""
        table = {f"model.{key}": value for key, value in self.model.state_dict().items()}
        if self.ema is not None:
            table |= {f"ema.{key}": value for key, value in self.ema.values.items()}
        for index, parameter in enumerate(self._parameters()):
            for key, value in self.optimiser.state.get(parameter, {}).items():
                table[f"adam.{index}.{key}"] = value
        return {key: value.detach().contiguous().clone() for key, value in table.items()}

    def restore(self, table: dict[str, Tensor], step: int, best: float, updates: int) -> None:
        """Takes over what `tensors` gave."""

        def part(prefix: str) -> dict[str, Tensor]:
            return {k.removeprefix(prefix): v for k, v in table.items() if k.startswith(prefix)}

        self.model.load_state_dict(part("model."))
        if self.ema is not None:
            for key, value in part("ema.").items():
                self.ema.values[key].copy_(value)
            self.ema.updates = updates
        for index, parameter in enumerate(self._parameters()):
            kept = part(f"adam.{index}.")
            for key in ("exp_avg", "exp_avg_sq"):
                if key in kept:  # Adam's means follow the memory layout of their parameter
                    kept[key] = torch.empty_like(parameter).copy_(kept[key])
            if kept:
                self.optimiser.state[parameter] = kept
        self.step, self.best = step, best


def save_state(path: Path, state: TrainState) -> None:
    """Writes the state whole or not at all.

    Raises:
        ExportError: the disk refused; the last state stays.
    """
    header = {
        "step": state.step,
        "best": state.best,
        "updates": state.ema.updates if state.ema else 0,
    }
    write_atomic(path, to_safetensors(state.tensors(), {"train": json.dumps(header)}))


def load_state(path: Path, state: TrainState) -> None:
    """Restores a state that `save_state` wrote for the same recipe.

    Raises:
        CheckpointError: a file that is damaged or belongs to another network.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads(file.metadata()["train"])
            names = file.keys()  # the file itself is no dictionary
            table = {key: file.get_tensor(key) for key in names}
        state.restore(table, header["step"], header["best"], header["updates"])
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"The training state {path} cannot be resumed ({error}); expected the state of the "
            "same recipe. Move it away to start afresh."
        ) from error
