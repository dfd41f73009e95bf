"""The interface of an engine, and the passes of several requests that are run as one batch."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from core.errors import EngineError


class Engine(Protocol):
    """Runs one network; safe to call from several threads at once.

    Attributes:
        name: "torch" or "onnx".
        device: "cpu", "cuda" or "mps".
        precision: of the arithmetic, "float32", "float16", "bfloat16" or "int8".
    """

    @property
    def name(self) -> str: ...
    @property
    def device(self) -> str: ...
    @property
    def precision(self) -> str: ...

    def run(self, image: Tensor) -> list[Tensor]:
        """One pass.

        Args:
            image: (n, 3, h, w) float32 on the CPU, ImageNet-normalised, h and w multiples of 16.

        Returns:
            The residuals coarse -> fine (R5..R1), each (n, 1, h_k, w_k) float32 on the CPU. Depth
            follows from them alone (`core.model.accumulate`), so every engine gives just these.

        Raises:
            EngineError: out of memory, or the engine failed.
        """
        ...


def load_onnxruntime() -> Any:
    """The package, imported so that it sends nothing and leaves no identifier in the home folder.

    Since 1.29 its builds for Linux and macOS keep an identifier and a database of reports for their
    maker there, unless this variable is set while they are imported; Windows has the call.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime  # type: ignore[import-untyped]

    onnxruntime.disable_telemetry_events()
    return onnxruntime


TOGETHER = 8  # photos in one pass of a GPU: bounds its memory


class Passes:
    """Gives callers from several threads their passes, in turn.

    On the CPU every caller gets a pass of its own: one already uses every core, a batch gains
    nothing (docs/performance.md), and a photo's depth is the same bit for bit alone and under load.
    On a GPU, who gets the turn takes along whoever waits with a picture of the same size. Nobody
    waits for others to come, so a single caller loses nothing.

    Args:
        engine: what runs the network.
        together: pictures in one pass at most; None chooses by the engine's device.
    """

    def __init__(self, engine: Engine, together: int | None = None) -> None:
        self._engine = engine
        self._together = together or (1 if engine.device == "cpu" else TOGETHER)
        self._queue: list[_Caller] = []
        self._busy = False
        self._changed = threading.Condition()  # guards the two above

    def run(self, image: Tensor) -> list[Tensor]:
        """As `Engine.run`, for this caller's (n, 3, h, w) alone."""
        mine = _Caller(image)
        with self._changed:
            self._queue.append(mine)
            self._changed.wait_for(lambda: mine.answer.done() or not self._busy)
            if mine.answer.done():  # another's pass took it along
                return mine.answer.result()
            self._busy = True
            callers = self._who_goes(mine)
        try:
            self._pass(callers)
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
        return mine.answer.result()

    def _who_goes(self, mine: _Caller) -> list[_Caller]:
        """Takes a caller from the queue, and those that fit into the same pass, oldest first."""
        callers, room = [mine], self._together - len(mine.image)
        for other in self._queue:
            alike = other is not mine and other.image.shape[1:] == mine.image.shape[1:]
            if alike and len(other.image) <= room:
                callers.append(other)
                room -= len(other.image)
        self._queue = [caller for caller in self._queue if caller not in callers]
        return callers

    def _pass(self, callers: Sequence[_Caller]) -> None:
        try:
            answers = self._residuals([caller.image for caller in callers])
        except Exception as error:  # whatever it is, every caller gets it as its own
            if len(callers) > 1 and isinstance(error, EngineError):  # together, too much memory
                for caller in callers:
                    self._pass([caller])
                return
            for caller in callers:
                caller.answer.set_exception(error)
        else:
            for caller, answer in zip(callers, answers, strict=True):
                caller.answer.set_result(answer)

    def _residuals(self, images: Sequence[Tensor]) -> list[list[Tensor]]:
        """What one pass gives to each of some pictures of one size."""
        if len(images) == 1:
            return [self._engine.run(images[0])]
        counts = [len(image) for image in images]
        residuals = self._engine.run(torch.cat(list(images)))
        ends = list(itertools.accumulate(counts))
        return [
            [level[end - count : end] for level in residuals]
            for count, end in zip(counts, ends, strict=True)
        ]


@dataclass(frozen=True, eq=False)
class _Caller:
    """Who waits, with (n, 3, h, w), for the residuals of the pictures."""

    image: Tensor
    answer: Future[list[Tensor]] = field(default_factory=Future)
