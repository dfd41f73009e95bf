"""One scale for the 16-bit PNGs of a run, chosen before the first photo is written.

The scale must hold all that the run's models may say of its photos. A model's depth reaches its
maximum times the photo's focal scale, which follows from the photo's size and camera: so the
headers of all photos are read first.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.batch.manifest import BatchSettings
from core.batch.plan import Job, read_head
from core.camera import choose_intrinsics
from core.errors import DepthError
from core.files.depth_maps import DEPTH16_SCALES, depth16_scale
from core.files.sidecar import read_sidecar
from core.images.decode import read_file
from core.images.decode_worker import DecodeWorker
from core.images.resize import working_size
from core.predictor import focal_scale
from core.weights.model_info import ModelInfo

_log = logging.getLogger(__name__)

_HEAD = 1 << 18  # bytes in which a photo's header usually ends
_HEADER_SECONDS = 10.0
_DEPTH16 = "depth16"


@dataclass(frozen=True, eq=False)
class _Header:
    """Of a photo: what `choose_intrinsics` reads, with no memory behind the pixels."""

    rgb: NDArray[np.uint8]
    focal_px: float | None

    @classmethod
    def of(cls, size: tuple[int, int], focal_px: float | None) -> _Header:
        """For (width, height) in pixels."""
        return cls(np.broadcast_to(np.uint8(0), (size[1], size[0], 3)), focal_px)


def with_one_scale(
    settings: BatchSettings, jobs: Sequence[Job], out: Path, models: Sequence[ModelInfo]
) -> BatchSettings:
    """The settings of a run with the scale that all its photos get; one photo needs none.

    Finished results keep theirs where it can hold the run, so that nothing is made again for it.
    """
    wanted = {output.name for output in settings.outputs}
    if settings.png_scale is not None or _DEPTH16 not in wanted or len(jobs) < 2:
        return settings
    needed = depth16_scale(_reach(settings, jobs, models))
    before = [] if settings.overwrite else [*_finished(jobs, out)]
    return replace(settings, png_scale=settled(needed, before))


def settled(needed: float, before: Iterable[float]) -> float:
    """The scale of a run, steps per metre, given those that finished results have."""
    before = {scale for scale in before if scale in DEPTH16_SCALES}
    kept = max((scale for scale in before if scale <= needed), default=needed)
    finer = sorted(scale for scale in before if scale != kept)
    if finer:
        _log.warning(
            "Finished 16-bit PNGs have %s steps per metre and this run has %g, which hold all "
            "that its models may say of its photos: they are made again.",
            " and ".join(f"{scale:g}" for scale in finer), kept,
        )  # fmt: skip
    return kept


def reach_of(
    models: Sequence[ModelInfo],
    size: tuple[int, int],
    focal_px: float | None = None,
    resolution: int | None = None,
    fov: float | None = None,
    intrinsics: Sequence[float] | None = None,
) -> float:
    """How far the models' depth can reach in a photo, metres.

    Args:
        models: any of which may predict it.
        size: width and height in pixels.
        focal_px: from its EXIF.
        resolution, fov, intrinsics: as asked for.

    Raises:
        DepthError: a camera or size that cannot be.
    """
    header = _Header.of(size, focal_px)
    reach = 0.0
    for info in models:
        camera = choose_intrinsics(header, camera=info.camera, fov=fov, given=intrinsics)
        working = working_size(size, info.working_height, resolution)
        reach = max(reach, info.config.max_depth * focal_scale(info, camera, size, working))
    return reach


def _reach(settings: BatchSettings, jobs: Sequence[Job], models: Sequence[ModelInfo]) -> float:
    farthest = max(info.config.max_depth for info in models)
    if all(info.config.focal is None for info in models):
        return farthest
    worker = DecodeWorker("core.images.probe:probe")
    seen: set[tuple[tuple[int, int], float | None]] = set()
    try:
        for job in jobs:
            # What cannot be read has no result either, and says so in its turn.
            with contextlib.suppress(DepthError, OSError):
                seen.add(_header(worker, job.source))
    finally:
        worker.close()
    for size, focal_px in seen:
        with contextlib.suppress(DepthError):
            camera = (settings.resolution, settings.fov, settings.intrinsics)
            reach = reach_of(models, size, focal_px, *camera)
            farthest = max(farthest, reach)
    return min(farthest, 65535 / DEPTH16_SCALES[-1])  # what is beyond fails on its own


def _header(worker: DecodeWorker, source: Path) -> tuple[tuple[int, int], float | None]:
    name, start = source.name, read_head(source, _HEAD)
    try:
        photo = worker.decode(start, name=name, seconds=_HEADER_SECONDS)
    except DepthError:
        if len(start) < _HEAD:
            raise
        photo = worker.decode(read_file(source), name=name, seconds=_HEADER_SECONDS)
    return photo.full_size, photo.focal_px


def _finished(jobs: Sequence[Job], out: Path) -> Iterable[float]:
    """The scales in the sidecars that an earlier run left."""
    for job in jobs:
        for stem in (job.stem, *job.others):
            about = read_sidecar(out / stem)
            scale = (about or {}).get("files", {}).get(_DEPTH16, {}).get("scale")
            if isinstance(scale, int | float):
                yield float(scale)
                break
