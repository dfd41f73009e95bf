"""Which frames of a folder a model is adapted to, and which it is judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.data.sample import SPARSE, Frame, FrameDataset, scene_of
from core.errors import DataError

FEWEST, MOST = 10, 200  # frames
GROUP = 5  # frames of a scene that is split by itself
STRETCH, STRETCHES = 10, 4  # frames of a stretch at least, and stretches of a scene at most
LEARN, CHOOSE = 0.6, 0.8  # where the parts of a stretch end


@dataclass(frozen=True)
class Usable:
    """The frames of a folder that can be read and have measured depth.

    Attributes:
        names: of the frames, in the folder's order.
        shape: width and height of most of the pictures.
        sparse: whether only a small share of the pixels was measured.
        notes: what was left out.
    """

    names: tuple[str, ...]
    shape: tuple[int, int]
    sparse: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Parts:
    """Names of the frames to learn from, to choose by and to judge by."""

    learn: tuple[str, ...]
    choose: tuple[str, ...]
    judge: tuple[str, ...]


def usable_frames(dataset: FrameDataset, max_depth: float) -> Usable:
    """Reads every frame once; of more than `MOST` it takes as many, evenly spread.

    Args:
        dataset: a folder's.
        max_depth: metres; what is farther is no measurement (as in `core.evaluate.protocol`).

    Raises:
        DataError: too few are left.
    """
    frames, notes = dataset.frames, []
    if len(frames) > MOST:
        places = np.linspace(0, len(frames) - 1, MOST).round().astype(int)
        notes.append(f"Of {len(frames)} frames {MOST} were taken, evenly spread.")
        frames = tuple(frames[place] for place in places)
    names, shapes, shares = [], [], []
    for frame in frames:
        try:
            sample = frame.load()
        except DataError as error:
            notes.append(f"Left out: {_without_folders(str(error), frame)}")
            continue
        measured = sample.depth > 0
        there = measured & (sample.depth < max_depth)
        if not there.any():
            what = "no measured depth"
            if measured.any():
                usual = float(np.median(sample.depth[measured]))
                what = f"a depth of {usual:.4g} m, expected less than {max_depth:g} m (its unit?)"
            notes.append(f"Left out: {frame.name} has {what}.")
            continue
        names.append(frame.name)
        shapes.append(sample.depth.shape[::-1])
        shares.append(float(there.mean()))
    check_enough(len(names), notes)
    shape = max(set(shapes), key=shapes.count)
    sparse = bool(np.median(shares) < SPARSE)
    return Usable(tuple(names), (int(shape[0]), int(shape[1])), sparse, tuple(notes))


def _without_folders(said: str, frame: Frame) -> str:
    """A sentence with a frame's files by their names: on a server nobody else knows the folder."""
    for path in (frame.rgb_path, frame.depth_path):
        said = said.replace(str(path), path.name)
    return said


def check_enough(count: int, notes: Sequence[str]) -> None:
    """That there are frames to learn from and to judge by.

    Args:
        count: of the frames with measured depth.
        notes: what was left out; the last one is said.

    Raises:
        DataError: too few.
    """
    if count < FEWEST:
        are = "is 1 frame" if count == 1 else f"are {count} frames"
        why = f" {notes[-1]}" if notes else ""
        raise DataError(
            f"There {are} with measured depth, expected at least {FEWEST}: add frames, or make a "
            f"scale profile, for which one is enough (`profile create`).{why}"
        )


def split(names: Sequence[str]) -> Parts:
    """Every stretch of a recording: its beginning to learn from, its end to judge by.

    Neighbours in a recording resemble each other: a frame drawn at random would be judged by what
    was learned from the frames on both sides of it. A long recording has several stretches, so
    that every part of the place is learned and judged.

    Args:
        names: at least `FEWEST`, all before the last slash being the scene.
    """
    scenes: dict[str, list[str]] = {}
    for name in names:
        scenes.setdefault(scene_of(name), []).append(name)
    groups = [group for group in scenes.values() if len(group) >= GROUP]
    rest = [name for group in scenes.values() if len(group) < GROUP for name in group]
    if len(rest) >= GROUP or not groups:
        groups.append(rest)
        rest = []
    learn, choose, judge = list(rest), list[str](), list[str]()  # too few to be split
    for group in groups:
        count = max(1, min(STRETCHES, len(group) // STRETCH))
        for stretch in np.array_split(np.array(group, object), count):
            first, second = round(LEARN * len(stretch)), round(CHOOSE * len(stretch))
            learn += stretch[:first].tolist()
            choose += stretch[first:second].tolist()
            judge += stretch[second:].tolist()
    return Parts(tuple(learn), tuple(choose), tuple(judge))
