"""What a run writes down while it trains: JSON lines, and TensorBoard's events where asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import ConfigError

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
