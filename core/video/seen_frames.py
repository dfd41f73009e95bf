"""Which frames of a clip the network sees, and the depth of those between them.

It sees a scene's first frame, its last, and enough between them that no two are further apart than
asked for. A frame between two of them has the weighted mean of their log depth, weighted by how
near each is in time and by how much the picture there looks like its own: what moves keeps its
border, and nothing is taken across a cut. What that costs: docs/decisions/0005-video.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.images.averages import window_means
from core.images.resize import resample, triangle
from core.video.reader import Frame
from core.video.temporal_smoothing import CutDetector, mean_colours

Floats = NDArray[np.float32]

_CELL = 4  # pixels, at the network's size
_SIGMA = 0.05  # change of colour (0..1) at which a frame counts half or less
_LEAST = 0.02  # of that weight: where the picture is like neither, time decides


@dataclass(frozen=True, eq=False)
class Glimpse:
    """What is kept of a frame: (3, h, w) mean colours of its cells, and its time in seconds."""

    cells: Floats
    time: float


Seen = tuple[Floats, Glimpse]  # (h, w) log depth of a frame that the network saw, and its own


@dataclass(frozen=True, eq=False)
class Span:
    """A frame that the network sees, and those before it that it does not.

    Attributes:
        before: since the last one that it saw.
        last, frame: the frame.
        cut: whether a scene begins with it.
    """

    before: list[Glimpse]
    last: Glimpse
    frame: Frame
    cut: bool

    def __len__(self) -> int:
        return len(self.before) + 1


def spans(frames: Iterable[Frame], apart: float, step: float) -> Iterator[Span]:
    """All frames in order, the first one as a span of its own.

    Args:
        frames: of a clip, at one size.
        apart: seconds from one frame that the network sees to the next, at most; 0 shows it all.
        step: seconds from frame to frame, on average.
    """
    is_cut, since = CutDetector(), 0.0
    waiting: list[Glimpse] = []
    newest: Frame | None = None
    for frame in frames:
        seen = Glimpse(mean_colours(frame.rgb, _CELL), frame.time)
        cut = is_cut(seen.cells)
        if cut and waiting and newest is not None:  # the last frame of a scene
            yield Span(waiting[:-1], waiting[-1], newest, cut=False)
            waiting = []
        waiting.append(seen)
        newest = frame
        if cut or frame.time + 0.9 * step > since + apart:
            yield Span(waiting[:-1], seen, frame, cut)
            waiting, since = [], frame.time
    if waiting and newest is not None:
        yield Span(waiting[:-1], waiting[-1], newest, cut=False)


def between(first: Seen, second: Seen, seen: Glimpse) -> Floats:
    """(h, w) log depth of a frame between two that the network saw."""
    share = (seen.time - first[1].time) / (second[1].time - first[1].time)
    likeness = [
        np.exp(-((np.abs(window_means(seen.cells - cells, 3)).max(0) / _SIGMA) ** 2)) + _LEAST
        for cells in (first[1].cells, second[1].cells)
    ]
    weight = share * likeness[1]
    weight /= weight + (1 - share) * likeness[0]
    height, width = first[0].shape
    mixed: Floats = second[0] - first[0]
    mixed *= resample(weight.astype(np.float32), height, width, triangle)
    mixed += first[0]
    return mixed
