"""Many photos, or a clip, of one request: the same files as on the command line, in one zip."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from app.common.cancellation import cancelled, geometry_limits
from app.common.request import DepthRequest
from app.common.saving import safe_stem
from app.common.service import Studio
from app.common.translations import error_sentence
from core import __version__
from core.atomic import write_atomic, write_refused
from core.batch.archive import MAX_BYTES, unpack
from core.batch.manifest import BatchSettings, Entry, described, write_table
from core.batch.packing import packed
from core.batch.plan import MANIFEST, TABLE, LeftOut, plan
from core.batch.run import predict_files, with_one_scale
from core.errors import ConfigError, ExportError, VideoError
from core.files.outputs import parse_outputs
from core.files.sidecar import read_sidecar
from core.geometry.stereo import StereoSettings
from core.predictor import AnyPredictor, AutoPredictor
from core.scale.calibration import model_of
from core.video.run import predict_video
from core.video.sequence import Tell, VideoModels
from core.video.settings import USUAL_OUTPUTS, VideoSettings, output_path
from core.video.temporal_smoothing import SmoothingSettings

UNPACKED = "unpacked"
MAX_FRAMES = 900  # half a minute of a usual clip: minutes of work on two cores
MAX_PHOTOS = 200  # of one request; more would hold a place for too long


def run_batch(
    studio: Studio,
    photos: Sequence[Path],
    request: DepthRequest,
    outputs: Sequence[str],
    folder: Path,
    tell: Callable[[int, int], None] = lambda done, total: None,
    made: Callable[[Entry, Path], None] = lambda entry, stem: None,
) -> tuple[Path, dict[str, Any]]:
    """Predicts every photo and packs the files.

    Args:
        photos: uploaded files; a zip stands for the photos in it.
        request: how their depth is wanted; no intrinsics and no measurements, which are one
            photo's; a profile holds for all.
        folder: the request's own; when it is deleted or the client left, the batch stops.
        tell: called with (photos done, photos in all).
        made: called with each photo's entry and the stem of its files, before they are packed.

    Returns:
        the zip, and its manifest: model, settings, counts, and for every photo what became of it.

    Raises:
        DepthError: too many photos, no such model, or a full disk. What is wrong with one photo
            is in the manifest.
    """
    inputs = _unpacked(photos, folder)
    chooser, predictors = studio.predictors(model_of(request.known, request.model) or "")
    models = [predictor.info for predictor in predictors]
    predict = (
        cast(AnyPredictor, predictors[0])
        if chooser is None
        else AutoPredictor(chooser, studio.predictor)
    )
    out = folder / "results"
    left_out = LeftOut()
    # Uploads are flat, their names cleaned by Gradio; the folders they lie in are the server's.
    jobs = plan(inputs, out, left_out=left_out, mirror=False)
    wanted = parse_outputs(",".join(outputs))
    asked = BatchSettings(wanted, apart=geometry_limits(), **request.settings)
    asked = with_one_scale(asked, jobs, out, models)
    entries: list[dict[str, Any]] = []
    scales: list[float] = []
    is_cancelled = cancelled()
    tell(0, len(jobs))

    def note(entry: Entry) -> None:
        if is_cancelled() or not folder.is_dir():
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
            scales.extend(_png_scale(out, entry))
            made(entry, out / entry.stem)
            pack(entry)

        totals = predict_files(
            jobs,
            out,
            models,
            lambda: predict,
            asked,
            on_entry=ended,
        )
        manifest = {
            "version": __version__,
            "model": described(models),
            "settings": {**request.to_dict(), **asdict(request.colors), "save": list(outputs)},
            "png_scale": scales[0] if scales else None,
            "counts": asdict(totals),
            "left_out": dict(left_out),
            "photos": entries,
        }
        # Instead of the batch's own, which name the server's paths.
        write_atomic(out / MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode())
        write_table(out / TABLE, manifest, entries)
    shutil.rmtree(out)
    shutil.rmtree(folder / UNPACKED, ignore_errors=True)
    return archive, manifest


def _png_scale(out: Path, entry: Entry) -> list[float]:
    """The scale of a photo's 16-bit PNG, where it has one."""
    about = read_sidecar(out / entry.stem) if entry.files else None
    scale = (about or {}).get("depth", {}).get("png_scale")
    return [] if scale is None else [scale]


def _unpacked(photos: Sequence[Path], folder: Path) -> list[Path]:
    """The inputs of the plan, every zip unpacked into a folder of its own."""
    inputs: list[Path] = []
    count, left = 0, MAX_BYTES
    for number, path in enumerate(photos):
        if zipfile.is_zipfile(path):
            inputs.append(folder / UNPACKED / str(number))
            if sum(map(zipfile.is_zipfile, photos)) > 1:  # then the results say from which
                inputs[-1] /= safe_stem(path.stem)
            count += unpack(path, inputs[-1], MAX_PHOTOS, left)
            left -= sum(file.stat().st_size for file in inputs[-1].rglob("*") if file.is_file())
        else:
            # Gradio keeps two equal uploads of one name as one file, and both are wanted.
            inputs.append(_again(path, folder / UNPACKED / str(number)) if path in inputs else path)
            count += 1
        if count > MAX_PHOTOS:
            raise ConfigError(
                f"The batch has more than {MAX_PHOTOS} photos, expected at most so many: send them "
                "in several batches, or use the command line (python -m core predict)."
            )
    return inputs


def _again(path: Path, folder: Path) -> Path:
    """The same file in another folder."""
    try:
        folder.mkdir(parents=True)
        return Path(shutil.copy(path, folder / path.name))
    except OSError as error:
        raise write_refused(path.name, error) from error


def _public(entry: Entry) -> dict[str, Any]:
    """An entry without the server's paths."""
    error = None if entry.error is None else error_sentence(ExportError(entry.error))
    return {**vars(entry), "input": Path(entry.input).name, "error": error}


def run_video(
    studio: Studio,
    clip: Path,
    request: DepthRequest,
    folder: Path,
    tell: Tell,
    *,
    steady: bool = True,
    quality: str = "full",
    stereo: StereoSettings | None = None,
) -> tuple[list[Path], dict[str, Any]]:
    """Predicts an uploaded clip.

    Args:
        request: as for a photo; ends of the colours that are not given are the whole clip's.
        folder: the request's own; when it is deleted (the client left), or the call's
            time is over, the work ends.
        quality: of `core.video.settings.QUALITIES`; fast gives no PNG sequence.
        stereo: layout and eyes of a film for two eyes, where one is wanted.

    Returns:
        the files (clip and depth side by side; the PNG sequence and the sidecar, as a zip, or the
        sidecar alone; the stereo film, if wanted), and the sidecar.
    """
    stem = folder / safe_stem(clip.stem)
    saved = ("video",) if quality == "fast" else USUAL_OUTPUTS
    asked = VideoSettings(
        save=(*saved, "stereo") if stereo else saved,
        quality=quality,
        stereo=stereo or StereoSettings(),
        **request.settings,
        steady=SmoothingSettings() if steady else SmoothingSettings(0, 0),
        most_frames=MAX_FRAMES,
    )
    named = model_of(request.known, request.model) or ""
    chooser, predictors = studio.predictors(named)
    models = VideoModels(
        tuple(predictor.info.sha256 for predictor in predictors),
        lambda name: studio.predictor(name or named),
        chooser,
    )
    is_cancelled = cancelled()

    def tell_unless_cancelled(stage: str, done: int, total: int | None) -> None:
        if is_cancelled():
            raise VideoError(
                "The video was stopped because nobody waits for it, expected the page to stay "
                "open: send it again."
            )
        tell(stage, done, total)

    about = predict_video(clip, stem, models, asked, tell_unless_cancelled)
    if "frames" not in asked.save:
        return [output_path(stem, "video"), Path(f"{stem}.json")], about.sidecar
    sequence = output_path(stem, "frames")
    archive = sequence.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as target:  # PNG is deflated already
        for path in (*sorted(sequence.iterdir()), Path(f"{stem}.json")):
            target.write(path, path.relative_to(folder))
    shutil.rmtree(sequence)
    film = [output_path(stem, "stereo")] if stereo else []
    return [output_path(stem, "video"), archive, *film], about.sidecar
