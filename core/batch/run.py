"""Prediction over many files: one at a time, resumable, one bad photo never stops the rest.

Memory does not grow with the number of photos: results go to disk at once and the manifest's
entries to a scratch file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from core.atomic import remove_stale
from core.batch.manifest import (
    BatchSettings,
    Entry,
    Totals,
    check_replaceable,
    write_manifests,
)
from core.batch.photo import PhotoRunner
from core.batch.plan import Job, same_file_key
from core.batch.png_scale import with_one_scale
from core.predictor import AnyPredictor
from core.weights.model_info import ModelInfo

__all__ = ["BatchSettings", "Entry", "Totals", "predict_files"]


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
        out: the output folder.
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

    Args:
        entries: in the plan's order.
        count: how many there will be.
        out, models, settings, left_out, on_entry: as for `predict_files`.

    Raises:
        ExportError: a manifest cannot be written, or a file of its name is none.
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
