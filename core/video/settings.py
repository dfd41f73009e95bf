"""What is asked of a video, and what its files are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from core.batch.manifest import DepthSettings
from core.errors import ConfigError
from core.geometry.stereo import StereoSettings
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
class VideoSettings(DepthSettings):
    """What is made of a clip.

    Attributes:
        save: of `VIDEO_OUTPUTS`.
        quality: of `QUALITIES`; "fast" is for the video alone, drawn at the network's size.
        steady: strength of the temporal smoothing of depth.
        most_frames: a longer clip is refused; None takes any.
        stereo: layout and eyes of the stereo film, if it is saved.

    Raises:
        ConfigError: as `DepthSettings`; nothing or something unknown to save; or a quality that is
            unknown or not for what is saved.
    """

    save: Sequence[str] = USUAL_OUTPUTS
    quality: str = "full"
    steady: SmoothingSettings = field(default_factory=SmoothingSettings)
    most_frames: int | None = None
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
        super().__post_init__()

    @property
    def data(self) -> bool:
        """Whether depth itself is asked for, at full size, and not only a picture of it."""
        return any(name != "video" for name in self.save)

    def decisive(self) -> dict[str, Any]:
        return {
            **super().decisive(),
            "quality": self.quality,
            "colors": asdict(self.colors),
            "steady": asdict(self.steady),
        }


def output_path(stem: Path, name: str) -> Path:
    """Where an output of `VIDEO_OUTPUTS` goes; the stem may hold dots."""
    return Path(f"{stem}{VIDEO_OUTPUTS[name]}")
