"""Augmented training batches by step number, the same ones however often a run is resumed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.data import open_dataset
from core.data.augment import AugmentConfig, mark_sky, training_view
from core.data.sample import FrameDataset, Sample, scenes
from core.errors import DataError

CACHE_BYTES = 2 << 30  # decoded frames kept in memory; a set that is larger is read again and again


@dataclass(frozen=True)
class DataSource:
    """One dataset to train or validate on.

    Attributes:
        dataset: "nyu", "kitti" or "folder" (see `core.data.open_dataset`).
        root: its folder; relative paths start from the environment's LAPDEPTH_DATA.
        border: pixels at every side of a frame that hold no picture.
        repeat: how many times an epoch visits every frame.
        scenes: the only scenes (drives) to take, named as in the index; empty takes all.
        frames: the only frames to take, by name; empty takes all.
        sky: mark the sky of the pictures as far (`core.data.augment`).
    """

    dataset: str
    root: str
    split: str = "train"
    border: int = 0
    repeat: int = 1
    scenes: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()
    sky: bool = False


@dataclass(frozen=True)
class BatchPlan:
    """How batches are made: see `core.train.config.TrainConfig` for the fields."""

    sources: tuple[DataSource, ...]
    size: tuple[int, int]
    focal: float | None
    augment: AugmentConfig
    batch: int
    steps: int
    seed: int
    max_depth: float
    widths: tuple[int, ...] = ()
    closing_step: int | None = None
    closing_augment: AugmentConfig = AugmentConfig()  # noqa: RUF009 - frozen


def open_source(source: DataSource) -> Sequence[Sample]:
    """The frames of a source.

    Raises:
        DataError: a scene or frame it names that its dataset does not have, or scenes of a
            dataset that has none.
    """
    dataset = open_dataset(source.dataset, source.root, source.split)
    if source.frames:
        return _named(dataset, source)
    if not source.scenes:
        return dataset
    known = scenes(dataset) if isinstance(dataset, FrameDataset) else {}
    missing = [scene for scene in source.scenes if scene not in known]
    if missing or not isinstance(dataset, FrameDataset):
        raise DataError(
            f"The recipe asks for the scenes {missing} of {source.dataset} {source.root}; "
            f"expected some of {sorted(known) or 'none: this dataset has no scenes'}."
        )
    return FrameDataset([frame for scene in source.scenes for frame in known[scene]])


def _named(dataset: Sequence[Sample], source: DataSource) -> FrameDataset:
    known = {f.name: f for f in dataset.frames} if isinstance(dataset, FrameDataset) else {}
    missing = [name for name in source.frames if name not in known]
    if missing:
        raise DataError(
            f"The recipe asks for the frame {missing[0]} of {source.dataset} {source.root}, "
            f"expected one of its {len(known)} frames: correct its name."
        )
    return FrameDataset([known[name] for name in source.frames])


class DrawOrder:
    """Which frame the n-th draw takes: every epoch visits each frame `repeat` times, shuffled."""

    def __init__(self, sources: Sequence[DataSource], lengths: Sequence[int], seed: int) -> None:
        self.frames = [
            (source, index)
            for source, (spec, length) in enumerate(zip(sources, lengths, strict=True))
            for index in range(length)
            for _ in range(spec.repeat)
        ]
        if not self.frames:
            raise DataError("The training data hold no frame; expected at least one.")
        self.seed = seed
        self._epoch, self._order = -1, np.zeros(0, np.int64)

    def __getitem__(self, draw: int) -> tuple[int, int]:
        epoch, place = divmod(draw, len(self.frames))
        if epoch != self._epoch:
            rng = np.random.default_rng([self.seed, 1, epoch])
            self._epoch, self._order = epoch, rng.permutation(len(self.frames))
        return self.frames[int(self._order[place])]


class Batches:
    """The batches of a run; the next one is prepared while the present one is trained on.

    Args:
        rank, world: this process's place among the processes that share every batch.
    """

    def __init__(self, plan: BatchPlan, rank: int = 0, world: int = 1) -> None:
        self.plan, self.rank, self.world = plan, rank, world
        self.datasets = [open_source(source) for source in plan.sources]
        self.order = DrawOrder(plan.sources, [len(d) for d in self.datasets], plan.seed)
        self.cache: dict[tuple[int, int], Sample] = {}
        self.cached_bytes = 0

    def load(self, step: int) -> tuple[Tensor, Tensor]:
        """This process's share of a step's batch: images (n, 3, h, w), depths (n, 1, h, w)."""
        first = step * self.plan.batch
        draws = range(first + self.rank, first + self.plan.batch, self.world)
        height, width = self.plan.size
        widths = (width, *self.plan.widths)
        size = (height, widths[step % len(widths)])
        closing = self.plan.closing_step is not None and step >= self.plan.closing_step
        augment = self.plan.closing_augment if closing else self.plan.augment
        images, depths = zip(*(self._view(draw, size, augment) for draw in draws), strict=True)
        return torch.stack(images), torch.stack(depths)

    def from_step(self, step: int) -> Iterator[tuple[int, Tensor, Tensor]]:
        """All batches from `step` to the last: (step, images, depths)."""
        with ThreadPoolExecutor(1) as pool:
            upcoming = pool.submit(self.load, step)
            for current in range(step, self.plan.steps):
                images, depths = upcoming.result()
                if current + 1 < self.plan.steps:
                    upcoming = pool.submit(self.load, current + 1)
                yield current, images, depths

    def _view(
        self, draw: int, size: tuple[int, int], augment: AugmentConfig
    ) -> tuple[Tensor, Tensor]:
        source, index = self.order[draw]
        plan = self.plan
        rng = np.random.default_rng([plan.seed, 2, draw])
        border = plan.sources[source].border
        sample = self._sample(source, index)
        return training_view(sample, size, plan.focal, augment, rng, border, plan.max_depth)

    def _sample(self, source: int, index: int) -> Sample:
        kept = self.cache.get((source, index))
        if kept is None:
            kept = self.datasets[source][index]
            if self.plan.sources[source].sky:
                kept = mark_sky(kept)
            self.cached_bytes += kept.rgb.nbytes + kept.depth.nbytes
            if self.cached_bytes <= CACHE_BYTES:
                self.cache[source, index] = kept
        return kept
