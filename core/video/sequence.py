"""The frames of a clip as a sequence of 16-bit PNG files, and the video drawn from them.

Where nothing but the video is asked for, depth is smoothed and stored at the network's size, and
comes to the clip's while it is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.camera import check_pinhole
from core.engines.model_choice import Chooser
from core.errors import ExportError, VideoError
from core.files.colormap import colorize
from core.files.depth_maps import depth16_scale, encode_depth16, encode_exr
from core.geometry.find_scale import calibrated
from core.geometry.provenance import SceneInfo
from core.geometry.stereo import Rig, shown
from core.images.decode import Photo, decode
from core.images.projection import EQUIRECTANGULAR, PINHOLE, projection_note
from core.images.upsample import Guide, upsample_depth
from core.prediction import Prediction
from core.predictor import Predictor, flattened
from core.scale.calibration import camera_of
from core.threads import ahead
from core.video.flicker import DepthRange, FlickerMeter
from core.video.reader import ClipInfo, ClipReader, Frame
from core.video.settings import VideoSettings
from core.video.temporal_smoothing import TemporalSmoother
from core.video.writer import (
    EVERY,
    FilmWriter,
    Progress,
    State,
    frame_path,
    joined,
    parts,
)

Tell = Callable[[str, int, int | None], None]
UNFINISHED = ".part"
AT_ONCE = 2  # frames that are worked on at a time, each with its share of the cores


@dataclass(frozen=True)
class VideoModels:
    """What predicts a clip.

    Attributes:
        sha256: of the model, or of those that the first frame chooses from.
        load: called with the name of the chosen model, without a chooser with None.
        chooser: chooses by the first frame; None where there is one model.
    """

    sha256: tuple[str, ...]
    load: Callable[..., Predictor]
    chooser: Chooser | None = None

    def for_frame(self, rgb: NDArray[np.uint8]) -> tuple[Predictor, dict[str, Any] | None]:
        """The predictor for a whole clip, by its first frame, and how it was chosen."""
        if self.chooser is None:
            return self.load(None), None
        choice = self.chooser(rgb)
        return self.load(choice.model), choice.to_dict()


@dataclass(frozen=True, eq=False)
class _FrameDepth:
    """A frame's own depth.

    Attributes:
        rgb, depth: at the size at which depth is smoothed: the clip's, or the network's.
        time, milliseconds: the frame's, and spent on it.
        whole: the whole prediction; None where only `depth` was made.
    """

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32]
    time: float
    milliseconds: float
    whole: Prediction | None


class DepthSequence:
    """The frames' depth on disk, and what is learned while they are written.

    Args:
        reader: of the clip.
        folder: for the frames; what an interrupted run of the same left there is gone on from.
        models: predict them.
        settings: of the clip.

    Attributes:
        count, scale: how many frames there are, and their steps per metre.
        times: of the frames, in seconds from the first one.
        cuts: indices of the frames that begin a scene, without the first.
        range, flicker: of the whole clip.
        first: the first frame's prediction; choice: how it chose the model, JSON-ready.
        milliseconds: spent on predicting, all frames together.
    """

    def __init__(
        self, reader: ClipReader, folder: Path, models: VideoModels, settings: VideoSettings
    ) -> None:
        self._reader, self._folder = reader, folder
        self._models, self._settings = models, settings
        self._progress = Progress(folder, reader.info, models.sha256, settings)
        self._smoother = TemporalSmoother(settings.steady)
        self.range = DepthRange()
        self.flicker = FlickerMeter()
        self.scale = 0.0
        self.count = 0
        self.cuts: list[int] = []
        self.times: list[float] = []
        self.first: Prediction | None = None
        self.choice: dict[str, Any] | None = None
        self.milliseconds = 0.0

    def write(self) -> Iterator[int]:
        """Predicts, smooths and stores frame after frame; yields how many are done.

        Frames that are there already are read and not predicted, but for the first, which the
        sidecar tells of.
        """
        before = self._restored()
        if before:
            yield before
        frames = iter(self._reader)
        first = next(frames)  # the decoder refuses a clip without a frame
        predictor, self.choice = self._models.for_frame(first.rgb)
        wanted = (f for index, f in enumerate(chain((first,), frames)) if not 0 < index < before)
        for index, found in enumerate(ahead(partial(self._predict, predictor), wanted, AT_ONCE)):
            if index == 0:
                self._begin(found)
                if before:
                    continue
            assert self.first is not None  # noqa: S101 - see above
            depth = self.first.in_scale(found.depth)
            smoothed = self._smoother(found.rgb, depth, found.time)
            self.flicker.add(depth, smoothed.depth, smoothed.static)
            self.range.add(smoothed.depth)
            if smoothed.cut and self.count:
                self.cuts.append(self.count)
            self.count += 1
            self.times.append(round(found.time, 6))
            self.milliseconds += found.milliseconds
            check_length(self._reader.info, self.count, self._settings)
            path = frame_path(self._folder, self.count)
            _store(path, encode_depth16(smoothed.depth, self.scale))
            if self.count % EVERY == 0:
                self._progress.save(self.count, self._state())
            yield self.count
        self._progress.save(self.count, self._state())  # drawing the video may be interrupted too

    def _predict(self, predictor: Predictor, frame: Frame) -> _FrameDepth:
        asked, data = self._settings, self._settings.data
        photo = self._photo(frame)  # flat: a 360-degree clip's views would flicker
        camera = camera_of(asked.known, asked.fov, asked.intrinsics)
        first = frame.time == 0  # which the sidecar tells of, and which gives the clip its scale
        passed = predictor.passed(
            photo, asked.resolution, asked.flip, asked.fov, camera, sharpens=data or first
        )
        whole = predictor.finished(passed, photo) if data or first else None
        milliseconds = passed.seconds * 1000 if whole is None else whole.milliseconds
        if data and whole is not None:
            return _FrameDepth(frame.rgb, whole.depth, frame.time, milliseconds, whole)
        seen = passed.working.rgb
        return _FrameDepth(seen, flattened(passed, photo), frame.time, milliseconds, whole)

    def _begin(self, found: _FrameDepth) -> None:
        """Takes what the first frame says of the whole clip."""
        assert found.whole is not None  # noqa: S101 - the first frame's is made
        self.first = calibrated(found.whole, *self._settings.known)
        reach = self.first.in_scale(self.first.info.config.max_depth * self.first.focal_scale)
        self.scale = self._settings.png_scale or depth16_scale(reach)

    def _photo(self, frame: Frame) -> Photo:
        photo, clip = decode(frame.rgb), self._reader.info
        if clip.dynamic_range != "standard":
            note = (
                f"A high dynamic range video ({clip.dynamic_range}): its brightness was fitted to "
                "an ordinary one's."
            )
            photo = replace(photo, notes=(*photo.notes, note))
        if clip.projection == PINHOLE:
            return photo
        notes = photo.notes
        if clip.projection != EQUIRECTANGULAR:  # which says so by itself
            notes += projection_note(clip.projection, frame.rgb)
        return replace(photo, projection=clip.projection, notes=notes)

    def finish(self) -> None:
        """Leaves the frames alone in their folder."""
        self._progress.remove()

    def _state(self) -> State:
        return joined(
            steady=self._smoother.state(),
            flicker=self.flicker.state(),
            range=self.range.state(),
            clip={
                "cuts": np.array(self.cuts, np.int64),
                "times": np.array(self.times),
                "ms": np.array(self.milliseconds),
            },
        )

    def _restored(self) -> int:
        """Takes up what an interrupted run left: how many frames are done."""
        found = self._progress.load()
        self._progress.clear(0 if found is None else found[0])
        if found is None:
            return 0
        self.count, state = found
        self._smoother.restore(parts(state, "steady"))
        self.flicker.restore(parts(state, "flicker"))
        self.range.restore(parts(state, "range"))
        about = parts(state, "clip")
        self.cuts, self.times = about["cuts"].tolist(), about["times"].tolist()
        self.milliseconds = float(about["ms"])
        return self.count

    def draw(self, clip: Path, target: Path, near: float, far: float, tell: Tell) -> None:
        """Reads the clip again and writes it beside its coloured depth."""
        info, colormap = self._reader.info, self._settings.colors.colormap

        def beside(rgb: NDArray[np.uint8], depth: NDArray[np.float32]) -> NDArray[np.uint8]:
            guide = Guide(rgb, (depth.shape[1], depth.shape[0]), sharpens=False)
            depth = upsample_depth(depth, guide)
            return np.hstack((rgb, colorize(depth, colormap, near, far)))

        self._film(clip, target, (2 * info.width, info.height), beside, partial(tell, "video"))

    def draw_stereo(self, clip: Path, target: Path, tell: Tell) -> Rig:
        """Reads the clip again and writes what two eyes see of it; returns where these stand."""
        assert self.first is not None  # noqa: S101 - the decoder refuses a clip without a frame
        info, wanted = self._reader.info, self._settings.stereo
        check_pinhole(self.first.intrinsics, "a stereo film")
        rig = Rig.of(wanted, self.first.intrinsics.fx, *self.range.range())

        def seen(rgb: NDArray[np.uint8], depth: NDArray[np.float32]) -> NDArray[np.uint8]:
            return shown(wanted, *rig.pictures(rgb, depth))

        size = wanted.size(info.width, info.height)
        self._film(clip, target, size, seen, partial(tell, "stereo"))
        return rig

    def write_exr(self, folder: Path, tell: Tell) -> None:
        """Every stored frame as float32 metres, NaN where there is none, into a new folder."""
        assert self.first is not None  # noqa: S101 - the decoder refuses a clip without a frame
        comments = SceneInfo.of(self.first).comments()
        folder.mkdir()
        for number in range(1, self.count + 1):
            depth = self._load(number)
            depth[depth == 0] = np.nan
            _store(folder / f"{number:06d}.exr", encode_exr(depth, comments))
            tell("exr", number, self.count)

    def _film(
        self,
        clip: Path,
        target: Path,
        size: tuple[int, int],
        picture: Callable[[NDArray[np.uint8], NDArray[np.float32]], NDArray[np.uint8]],
        tell: Callable[[int, int | None], None],
    ) -> None:
        part = target.with_name(f"{target.name}{UNFINISHED}")

        def drawn(numbered: tuple[int, Frame]) -> tuple[NDArray[np.uint8], float]:
            number, frame = numbered
            return picture(frame.rgb, self._load(number)), frame.time

        try:
            with (
                ClipReader(clip) as again,
                FilmWriter(part, *size, self._reader.info.rate) as film,
            ):
                made = ahead(drawn, enumerate(again, 1), AT_ONCE)
                for number, (shown_picture, time) in enumerate(made, 1):
                    film.add(shown_picture, time)
                    tell(number, self.count)
            part.replace(target)
        except OSError as error:
            raise refused(target, error) from error
        finally:
            part.unlink(missing_ok=True)

    def _load(self, number: int) -> NDArray[np.float32]:
        with Image.open(frame_path(self._folder, number)) as image:
            return np.asarray(image, np.uint16).astype(np.float32) / np.float32(self.scale)


def check_length(clip: ClipInfo, frames: int, settings: VideoSettings) -> None:
    """Refuses a clip of more frames than wanted, as soon as it is known.

    Raises:
        VideoError: it has more.
    """
    most = settings.most_frames
    if most is not None and frames > most:
        raise VideoError(
            f"{clip.name} has {'about ' if clip.frames else 'more than '}{frames} frames, expected "
            f"at most {most}: cut it shorter, or use the command line (python -m core video)."
        )


def _store(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise refused(path, error) from error


def refused(path: Path, error: OSError) -> ExportError:
    """The error for a file that the system does not let be written."""
    return ExportError(
        f"{path.name} could not be written ({error.strerror or error}), expected a folder with "
        "free space and write permission: free some space or choose another folder."
    )
