"""Many photos of one request: the same files as on the command line, in one zip."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from app.geometry_limits import geometry_limits
from app.sentence import sentence
from app.service import Studio
from app.settings import DisplaySettings, PredictSettings
from app.wanted import wanted
from core.atomic import write_atomic
from core.batch.archive import MAX_BYTES, unpack
from core.batch.manifest import described, write_table
from core.batch.packing import packed
from core.batch.plan import MANIFEST, TABLE, plan
from core.batch.run import BatchSettings, Entry, predict_files
from core.errors import ConfigError, ExportError
from core.export import ColorSettings, parse_outputs
from core.model_choice import AUTO, AutoPredictor
from core.predictor import AnyPredictor
from core.version import VERSION

UNPACKED = "unpacked"
MAX_PHOTOS = 200  # of one request; more would hold a place for too long


def run_batch(
    studio: Studio,
    photos: Sequence[Path],
    settings: PredictSettings,
    display: DisplaySettings,
    outputs: Sequence[str],
    folder: Path,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Path, dict[str, Any]]:
    """Predicts every photo and packs the files.

    Args:
        studio: gives the model.
        photos: uploaded files; a zip stands for the photos in it.
        settings, display: as for one photo.
        outputs: kinds of files wanted.
        folder: the request's own; when it is deleted or the client left, the batch stops.
        tell: called with (photos done, photos in all).

    Returns:
        the zip, and its manifest: model, settings, counts, and for every photo what became of it.

    Raises:
        DepthError: too many photos, no such model, or a full disk. What is wrong with one photo
            is in the manifest.
    """
    inputs = _unpacked(photos, folder)
    chooser = studio.chooser() if (settings.model or studio.default_model) == AUTO else None
    if chooser is None:
        predictor = studio.predictor(settings.model)
        models, predict = [predictor.info], cast(AnyPredictor, predictor)
    else:
        models = [studio.predictor(name).info for name in chooser.models]
        predict = AutoPredictor(chooser, studio.predictor)
    out = folder / "results"
    jobs = plan(inputs, out)  # uploads are flat, their names cleaned by Gradio
    entries: list[dict[str, Any]] = []
    still_wanted = wanted()
    tell(0, len(jobs))

    def note(entry: Entry) -> None:
        if not (still_wanted() and folder.is_dir()):
            raise ExportError(
                "The batch was stopped: its client left or the server ends, expected both to "
                "stay: send the photos again."
            )
        entries.append(_public(entry))
        tell(len(entries), len(jobs))

    archive = folder / "depth.zip"
    # Packed photo by photo and deleted at once: a batch takes its room on the disk only once.
    with packed(str(archive), out, move=True) as pack:

        def ended(entry: Entry) -> None:
            note(entry)
            pack(entry)

        totals = predict_files(
            jobs,
            out,
            models,
            lambda: predict,
            BatchSettings(
                parse_outputs(",".join(outputs)),
                resolution=settings.resolution,
                flip=settings.flip,
                fov=settings.fov,
                colors=ColorSettings(display.colormap, display.near, display.far),
                apart=geometry_limits(),
            ),
            on_entry=ended,
        )
        manifest = {
            "version": VERSION,
            "model": described(models),
            "settings": {**asdict(settings), **asdict(display), "save": list(outputs)},
            "counts": asdict(totals),
            "photos": entries,
        }
        # Instead of the batch's own, which name the server's paths.
        write_atomic(out / MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode())
        write_table(out / TABLE, manifest, entries)
    shutil.rmtree(out)
    shutil.rmtree(folder / UNPACKED, ignore_errors=True)
    return archive, manifest


def _unpacked(photos: Sequence[Path], folder: Path) -> list[Path]:
    """The inputs of the plan, every zip unpacked into a folder of its own.

    Raises:
        ConfigError: too many photos.
        DepthError: a zip that cannot be unpacked, or all of them together hold too much.
    """
    inputs, count, left = [], 0, MAX_BYTES
    for number, path in enumerate(photos):
        if zipfile.is_zipfile(path):
            inputs.append(folder / UNPACKED / str(number))
            count += unpack(path, inputs[-1], MAX_PHOTOS, left)
            left -= sum(file.stat().st_size for file in inputs[-1].rglob("*") if file.is_file())
        else:
            inputs.append(path)
            count += 1
        if count > MAX_PHOTOS:
            raise ConfigError(
                f"The batch has more than {MAX_PHOTOS} photos, expected at most so many: send them "
                "in several batches, or use the command line (python -m core predict)."
            )
    return inputs


def _public(entry: Entry) -> dict[str, Any]:
    """An entry without the server's paths."""
    error = None if entry.error is None else sentence(ExportError(entry.error))
    return {**vars(entry), "input": Path(entry.input).name, "error": error}
