"""A clip from the page: of bounded length, in a folder of its own."""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.common.cancellation import wanted
from app.common.outputs import safe_stem
from app.common.request import DisplaySettings, PredictSettings
from app.common.service import Studio
from core.errors import VideoError
from core.files.outputs import ColorSettings
from core.video.run import predict_video
from core.video.sequence import Tell, VideoModels
from core.video.settings import VideoSettings, output_path
from core.video.temporal_smoothing import SteadySettings

MAX_FRAMES = 900  # half a minute of a usual clip: minutes of work on two cores


@dataclass(frozen=True)
class VideoFiles:
    """What a clip became.

    Attributes:
        video: clip and depth side by side.
        frames: the PNG sequence and the sidecar, as a zip.
        about: the sidecar's content.
    """

    video: Path
    frames: Path
    about: dict[str, Any]


def run_video(
    studio: Studio,
    clip: Path,
    settings: PredictSettings,
    display: DisplaySettings,
    folder: Path,
    tell: Tell,
    *,
    steady: bool = True,
) -> VideoFiles:
    """Predicts an uploaded clip.

    Args:
        studio: gives the model.
        clip: the uploaded file.
        settings, display: as for a photo; ends that are not given are the whole clip's.
        folder: the request's own; when it is deleted (the client left), or the call's
            time is over, the work ends.
        tell: as `core.video.run.predict_video`'s.
        steady: over time.

    Raises:
        DepthError: as `predict_video`, for instance a clip of more than `MAX_FRAMES`.
    """
    stem = folder / safe_stem(clip.stem)
    asked = VideoSettings(
        resolution=settings.resolution,
        flip=settings.flip,
        fov=settings.fov,
        colors=ColorSettings(display.colormap, display.near, display.far),
        steady=SteadySettings() if steady else SteadySettings(0, 0),
        most_frames=MAX_FRAMES,
    )
    about = predict_video(clip, stem, _models(studio, settings), asked, _watched(tell))
    sequence = output_path(stem, "frames")
    archive = sequence.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as target:  # PNG is deflated already
        for path in (*sorted(sequence.iterdir()), Path(f"{stem}.json")):
            target.write(path, path.relative_to(folder))
    shutil.rmtree(sequence)
    return VideoFiles(output_path(stem, "video"), archive, about.sidecar)


def _models(studio: Studio, settings: PredictSettings) -> VideoModels:
    chooser = studio.chooser_for(settings.model)
    if chooser is None:
        predictor = studio.predictor(settings.model)
        return VideoModels((predictor.info.sha256,), lambda _: predictor)
    sha256 = tuple(studio.predictor(name).info.sha256 for name in chooser.models)
    return VideoModels(sha256, studio.predictor, chooser)


def _watched(tell: Tell) -> Tell:
    still_wanted = wanted()

    def told(stage: str, done: int, total: int | None) -> None:
        if not still_wanted():
            raise VideoError(
                "The video was stopped because nobody waits for it, expected the page to stay "
                "open: send it again."
            )
        tell(stage, done, total)

    return told
