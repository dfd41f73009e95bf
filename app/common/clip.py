"""An uploaded clip of one request: its depth video, the PNG sequence as a zip, a stereo film."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import Any

from app.common.cancellation import cancelled
from app.common.request import DepthRequest
from app.common.saving import safe_stem
from app.common.service import Studio
from core.errors import VideoError
from core.geometry.stereo import StereoSettings
from core.scale.calibration import model_of
from core.video.run import predict_video
from core.video.sequence import Tell, VideoModels
from core.video.settings import USUAL_OUTPUTS, VideoSettings, output_path
from core.video.temporal_smoothing import SmoothingSettings

MAX_FRAMES = 900  # half a minute of a usual clip: minutes of work on two cores


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
