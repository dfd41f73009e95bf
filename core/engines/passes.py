"""Whose turn it is: one pass through the network at a time, on a GPU for all that wait for one."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import torch
from torch import Tensor

from core.engines.base import Engine
from core.errors import EngineError

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
