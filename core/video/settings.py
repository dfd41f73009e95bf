"""What is asked of a video, and what its files are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from core.errors import ConfigError
from core.files.depth_maps import ColorSettings
from core.geometry.stereo import StereoSettings
from core.images.resize import checked_resolution
from core.prediction import checked_switch
from core.scale.calibration import Measurement, given
from core.video.temporal_smoothing import SmoothingSettings

# What can be saved, and what is behind the clip's stem.
VIDEO_OUTPUTS = {
    "video": "_depth.mp4",
    "frames": "_frames",
    "exr": "_frames_exr",
    "stereo": "_stereo.mp4",
}
USUAL_OUTPUTS = ("video", "frames")
# Seconds between two frames that the network sees, at most; with 0 it sees them all.
QUALITIES = {"full": 0.0, "fast": 0.2}


@dataclass(frozen=True)
class VideoSettings:
    """What is made of a clip.

    Attributes:
        save: of `VIDEO_OUTPUTS`.
        resolution: working height in pixels; None is the model's.
        quality: of `QUALITIES`; "fast" is for the video alone, drawn at the network's size.
        flip: average with the mirrored frame.
        fov: horizontal field of view in degrees; None takes the training camera's.
        intrinsics: fx, fy, cx, cy in pixels of a frame, instead of a field of view.
        known: measurements in the first frame, or a profile; they give the scale of the clip.
        colors: of the video; ends that are not given are the whole clip's.
        steady: strength of the temporal smoothing of depth.
        most_frames: a longer clip is refused; None takes any.
        overwrite: also redo what is finished.
        png_scale: steps per metre of the frames; None: by the range of the clip's model.
        stereo: layout and eyes of the stereo film, if it is saved.

    Raises:
        ConfigError: nothing or something unknown to save, a resolution out of range, a quality
            that is unknown or not for what is saved, or a switch that is neither True nor False.
    """

    save: Sequence[str] = USUAL_OUTPUTS
    resolution: int | None = None
    quality: str = "full"
    flip: bool = False
    fov: float | None = None
    intrinsics: tuple[float, ...] | None = None
    known: tuple[Measurement, ...] = ()
    colors: ColorSettings = field(default_factory=ColorSettings)
    steady: SmoothingSettings = field(default_factory=SmoothingSettings)
    most_frames: int | None = None
    overwrite: bool = False
    png_scale: float | None = None
    stereo: StereoSettings = field(default_factory=StereoSettings)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.save) - set(VIDEO_OUTPUTS))
        if unknown or not self.save:
            raise ConfigError(
                f"Got {', '.join(unknown) or 'no output'} to save, expected some of "
                f"{','.join(VIDEO_OUTPUTS)}: correct the list."
            )
        if self.quality not in tuple(QUALITIES) or (self.quality == "fast" and self.data):
            raise ConfigError(
                f"Got quality {self.quality!r} to save {','.join(self.save)}, expected "
                f"{' or '.join(QUALITIES)}, fast for the video alone: save only video, or choose "
                "full."
            )
        if self.resolution is not None:
            checked_resolution(self.resolution)
        for name in ("flip", "overwrite"):
            checked_switch(name, getattr(self, name))

    @property
    def data(self) -> bool:
        """Whether depth itself is asked for, at full size, and not only a picture of it."""
        return any(name != "video" for name in self.save)

    def decisive(self) -> dict[str, Any]:
        """The settings that decide the result, as a sidecar holds them."""
        asked = self.resolution
        return {
            "resolution": None if asked is None else checked_resolution(asked),
            "quality": self.quality,
            "flip": bool(self.flip),
            "fov": self.fov,
            "intrinsics": None if self.intrinsics is None else list(self.intrinsics),
            **given(self.known),
            "colors": asdict(self.colors),
            "steady": asdict(self.steady),
        }


def output_path(stem: Path, name: str) -> Path:
    """Where an output of `VIDEO_OUTPUTS` goes; the stem may hold dots."""
    return Path(f"{stem}{VIDEO_OUTPUTS[name]}")
