"""A clip from the page: of bounded length, in a folder of its own."""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.common.cancellation import cancelled
from app.common.outputs import safe_stem
from app.common.request import DepthRequest
from app.common.service import Studio
from core.errors import VideoError
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
    request: DepthRequest,
    folder: Path,
    tell: Tell,
    *,
    steady: bool = True,
) -> VideoFiles:
    """Predicts an uploaded clip.

    Args:
        studio: gives the model.
        clip: the uploaded file.
        request: as for a photo; ends of the colours that are not given are the whole clip's.
        folder: the request's own; when it is deleted (the client left), or the call's
            time is over, the work ends.
        tell: as `core.video.run.predict_video`'s.
        steady: over time.

    Raises:
        DepthError: as `predict_video`, for instance a clip of more than `MAX_FRAMES`.
    """
    stem = folder / safe_stem(clip.stem)
    asked = VideoSettings(
        resolution=request.resolution,
        flip=request.flip,
        fov=request.fov,
        colors=request.colors,
        steady=SteadySettings() if steady else SteadySettings(0, 0),
        most_frames=MAX_FRAMES,
    )
    chooser, predictors = studio.predictors(request.model)
    models = VideoModels(
        tuple(predictor.info.sha256 for predictor in predictors),
        lambda name: studio.predictor(name or request.model),
        chooser,
    )
    about = predict_video(clip, stem, models, asked, _watched(tell))
    sequence = output_path(stem, "frames")
    archive = sequence.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as target:  # PNG is deflated already
        for path in (*sorted(sequence.iterdir()), Path(f"{stem}.json")):
            target.write(path, path.relative_to(folder))
    shutil.rmtree(sequence)
    return VideoFiles(output_path(stem, "video"), archive, about.sidecar)


def _watched(tell: Tell) -> Tell:
    is_cancelled = cancelled()

    def told(stage: str, done: int, total: int | None) -> None:
        if is_cancelled():
            raise VideoError(
                "The video was stopped because nobody waits for it, expected the page to stay "
                "open: send it again."
            )
        tell(stage, done, total)

    return told
