"""Prediction over many files: one at a time, resumable, one bad photo never stops the rest.

Memory does not grow with the number of photos: results go to disk at once and the manifest's
entries to a scratch file.

All 16-bit PNGs of a run share one scale, chosen before the first photo is written. It must hold
the largest depth that the run's models can predict: a model's maximum times the photo's focal
scale, which follows from the photo's size and camera. So the headers of all photos are read first.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from core.atomic import remove_stale
from core.batch.manifest import (
    BatchSettings,
    DepthSettings,
    Entry,
    Totals,
    check_replaceable,
    write_manifests,
)
from core.batch.photo import DEPTH16, PhotoRunner
from core.batch.plan import Job, read_head, same_file_key
from core.camera import choose_intrinsics
from core.errors import DepthError
from core.files.depth_maps import DEPTH16_SCALES, depth16_scale
from core.files.sidecar import read_sidecar
from core.images.decode import read_file
from core.images.decode_worker import DecodeWorker
from core.images.resize import working_size
from core.predictor import AnyPredictor, focal_scale
from core.scale.calibration import camera_of, reach_in
from core.weights.model_info import ModelInfo

_log = logging.getLogger(__name__)

_HEAD = 1 << 18  # bytes in which a photo's header usually ends
_HEADER_SECONDS = 10.0


def with_one_scale(
    settings: BatchSettings, jobs: Sequence[Job], out: Path, models: Sequence[ModelInfo]
) -> BatchSettings:
    """The settings of a run with the scale that all its photos get; one photo needs none.

    Finished results keep theirs where it can hold the run, so that nothing is made again for it.
    """
    wanted = {output.name for output in settings.outputs}
    if settings.png_scale is not None or DEPTH16 not in wanted or len(jobs) < 2:
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


def reach_in_photos(
    settings: DepthSettings,
    models: Sequence[ModelInfo],
    photos: Iterable[tuple[tuple[int, int], float | None]],
) -> float:
    """How far depth can reach, metres, in photos or frames that any of the models may predict.

    Args:
        photos: width and height in pixels, and the focal length in pixels that EXIF gives. One
            whose camera or size cannot be says so in its turn.
    """
    farthest = 0.0
    given = camera_of(settings.known, settings.fov, settings.intrinsics)
    for size, focal_px in photos:
        with contextlib.suppress(DepthError):
            for info in models:
                camera = choose_intrinsics(
                    size, camera=info.camera, focal_px=focal_px, fov=settings.fov, given=given
                )
                working = working_size(size, info.working_height, settings.resolution)
                reach = info.config.max_depth * focal_scale(info, camera, size, working)
                farthest = max(farthest, reach_in(settings.known, reach))
    return farthest


def _reach(settings: BatchSettings, jobs: Sequence[Job], models: Sequence[ModelInfo]) -> float:
    farthest = reach_in(settings.known, max(info.config.max_depth for info in models))
    if all(info.config.focal is None for info in models):
        return farthest
    worker = DecodeWorker("core.images.decode:probe")
    seen: set[tuple[tuple[int, int], float | None]] = set()
    try:
        for job in jobs:
            # What cannot be read has no result either, and says so in its turn.
            with contextlib.suppress(DepthError, OSError):
                seen.add(_header(worker, job.source))
    finally:
        worker.close()
    farthest = max(farthest, reach_in_photos(settings, models, seen))
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
            scale = (about or {}).get("files", {}).get(DEPTH16, {}).get("scale")
            if isinstance(scale, int | float):
                yield float(scale)
                break


def predict_files(
    jobs: Sequence[Job],
    out: Path,
    models: Sequence[ModelInfo],
    load: Callable[[], AnyPredictor],
    settings: BatchSettings,
    *,
    left_out: Mapping[str, int] | None = None,
    on_entry: Callable[[Entry], None] | None = None,
) -> Totals:
    """Predicts every photo of a plan and writes its files; over several, also the manifests.

    Args:
        jobs: of `core.batch.plan.plan`.
        models: the model, or those that every photo chooses from.
        load: loads what predicts with them, called when the first photo needs it.
        settings: what is made of every photo.
        left_out: of `plan`, for the manifest.
        on_entry: told every photo's end, in order.

    Raises:
        DepthError: the model cannot be loaded, or the manifest not be written. What is wrong with
            one photo is in its entry.
    """
    remove_stale_below(jobs, out)
    settings = with_one_scale(settings, jobs, out, models)
    runner = PhotoRunner(out, models, load, settings, sources=sources_of(jobs))
    entries = (runner.run(job) for job in jobs)
    totals = record(entries, len(jobs), out, models, settings, left_out=left_out, on_entry=on_entry)
    remove_stale_below(jobs, out)  # of a run that ended while this one began
    return totals


def record(
    entries: Iterable[Entry],
    count: int,
    out: Path,
    models: Sequence[ModelInfo],
    settings: BatchSettings,
    *,
    left_out: Mapping[str, int] | None = None,
    on_entry: Callable[[Entry], None] | None = None,
) -> Totals:
    """Takes what becomes of every photo, as it comes, and over several writes the manifests.

    Raises:
        ExportError: a manifest cannot be written, or would replace a file that is not a manifest.
    """
    totals = Totals()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as lines:
        if count > 1:
            check_replaceable(out)
        try:
            for entry in entries:
                totals.count(entry)
                lines.write(entry.to_line())
                if on_entry is not None:
                    on_entry(entry)
        finally:  # an interrupted run leaves a manifest of what it did
            if count > 1 and totals != Totals():
                write_manifests(out, models, settings, totals, lines, left_out)
    return totals


def sources_of(jobs: Iterable[Job]) -> frozenset[str]:
    """The photos of a run, which no result may replace."""
    return frozenset(same_file_key(job.source) for job in jobs)


def remove_stale_below(jobs: Iterable[Job], out: Path) -> None:
    """Removes the temporary files that a killed run left among the results."""
    stems = (stem for job in jobs for stem in (job.stem, *job.others))
    for folder in sorted({(out / stem).parent for stem in stems}):
        remove_stale(folder)
