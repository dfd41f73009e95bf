"""The frames of a clip as a sequence of 16-bit PNG files, and the video drawn from them.

Where nothing but the video is asked for, frames are read and depth is smoothed and stored at the
network's size, and comes to the clip's while it is drawn; "fast" draws it at the network's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.camera import Intrinsics, check_pinhole
from core.engines.model_choice import Chooser
from core.errors import VideoError
from core.files.colormap import colorize
from core.files.depth_maps import depth16_scale, encode_depth16, encode_exr
from core.geometry.find_scale import calibrated
from core.geometry.provenance import SceneInfo
from core.geometry.stereo import Rig, shown
from core.images.decode import Photo, decode
from core.images.projection import EQUIRECTANGULAR, PINHOLE, projection_note
from core.images.upsample import Guide, upsample_depth
from core.prediction import Prediction
from core.predictor import Predictor
from core.scale.calibration import camera_of
from core.threads import ahead
from core.video.flicker import DepthRange, FlickerMeter
from core.video.reader import ClipInfo, ClipReader, Frame
from core.video.seen_frames import Glimpse, Seen, Span, between, spans
from core.video.settings import QUALITIES, VideoSettings
from core.video.temporal_smoothing import SmoothedFrame, TemporalSmoother
from core.video.writer import (
    EVERY,
    UNFINISHED,
    FilmWriter,
    Progress,
    State,
    frame_path,
    joined,
    parts,
    refused,
)

Tell = Callable[[str, int, int | None], None]
_Predicted = tuple[Frame, Prediction]
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
        seen: indices of the frames that the network saw, where not all of them.
        damaged: whether the clip is cut short or damaged.
        range, flicker: of the whole clip.
        choice: how the first frame chose the model, JSON-ready.
        milliseconds: spent on predicting, all frames together.
    """

    def __init__(
        self, reader: ClipReader, folder: Path, models: VideoModels, settings: VideoSettings
    ) -> None:
        self._reader, self._folder = reader, folder
        self._models, self._settings = models, settings
        self._progress = Progress(folder, reader.info, models.sha256, settings)
        self._smoother = TemporalSmoother(settings.steady)
        self._last: Seen | None = None  # where depth is at the network's size
        self.range = DepthRange()
        self.flicker = FlickerMeter()
        self.scale = 0.0
        self.count = 0
        self.cuts: list[int] = []
        self.seen: list[int] = []
        self.damaged = False
        self.times: list[float] = []
        self._first: Prediction | None = None
        self.choice: dict[str, Any] | None = None
        self.milliseconds = 0.0

    @property
    def first(self) -> Prediction:
        """The first frame's prediction, which `write` begins with."""
        assert self._first is not None  # noqa: S101 - the decoder refuses a clip without a frame
        return self._first

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
        whole = self._whole(predictor, first)
        self._first = calibrated(whole, *self._settings.known)
        reach = self.first.in_scale(self.first.info.config.max_depth * self.first.focal_scale)
        self.scale = self._settings.png_scale or depth16_scale(reach)
        if self._settings.data:
            yield from self._write_whole(predictor, frames, () if before else ((first, whole),))
        else:
            self._reader.close()
            yield from self._write_small(predictor, whole.intrinsics)
        self._progress.save(self.count, self._state())  # drawing the video may be interrupted too

    def _write_whole(
        self, predictor: Predictor, frames: Iterator[Frame], begun: Iterable[_Predicted]
    ) -> Iterator[int]:
        """Every frame for itself, at the clip's size; `begun` has those that are predicted."""

        def predicted(frame: Frame) -> _Predicted:
            return frame, self._whole(predictor, frame)

        rest = (frame for index, frame in enumerate(frames, 1) if index >= self.count)
        for frame, found in chain(begun, ahead(predicted, rest, AT_ONCE)):
            smoothed = self._smoothed(frame, found.depth, found.milliseconds)
            if smoothed.cut and self.count:
                self.cuts.append(self.count)
            self._put(smoothed.depth, frame.time)
            if self.count % EVERY == 0:
                self._progress.save(self.count, self._state())
            yield self.count
        self.damaged = self._reader.damaged

    def _write_small(self, predictor: Predictor, camera: Intrinsics) -> Iterator[int]:
        """The frames at the network's size, of which it sees as many as the quality wants."""
        info, asked = self._reader.info, self._settings
        width, height = self.first.settings["working_size"]
        camera = camera.resized(info.width, info.height, width, height)
        ripples = (width, height) != (info.width, info.height)

        def look(span: Span) -> tuple[Span, NDArray[np.float32], float]:
            passed = predictor.passed(
                decode(span.frame.rgb), asked.resolution, asked.flip, None, camera, sharpens=False
            )
            assert passed.guide is not None  # noqa: S101 - it has just been passed
            depth = predictor.flat(passed, passed.guide) if ripples else passed.depth
            return span, depth, passed.seconds * 1000

        with ClipReader(self._reader.path, (width, height)) as reader:
            found = spans(reader, QUALITIES[asked.quality], 1 / info.rate)
            saved = self.count
            for span, depth, milliseconds in ahead(look, _after(self.count, found), AT_ONCE):
                if span.cut:
                    self._smoother = TemporalSmoother(asked.steady)
                    self.cuts += [self.count] if self.count else []
                smoothed = self._smoothed(span.frame, depth, milliseconds, len(span)).depth
                now = np.log(smoothed), span.last
                for seen in span.before:
                    assert self._last is not None  # noqa: S101 - nothing is before the first
                    self._put(np.exp(between(self._last, now, seen)), seen.time)
                    yield self.count
                self.seen.append(self.count)
                self._put(smoothed, span.last.time)
                self._last = now
                if self.count - saved >= EVERY:
                    saved = self.count
                    self._progress.save(saved, self._state())
                yield self.count
            self.damaged = reader.damaged

    def _smoothed(
        self, frame: Frame, depth: NDArray[np.float32], milliseconds: float, frames: int = 1
    ) -> SmoothedFrame:
        """The depth of a frame that the network saw, so many after the one before, in scale."""
        depth = self.first.in_scale(depth)
        smoothed = self._smoother(frame.rgb, depth, frame.time)
        self.flicker.add(depth, smoothed.depth, smoothed.static, frames)
        self.range.add(smoothed.depth)
        self.milliseconds += milliseconds
        return smoothed

    def _put(self, depth: NDArray[np.float32], time: float) -> None:
        """Stores the next frame."""
        self.count += 1
        self.times.append(round(time, 6))
        check_length(self._reader.info, self.count, self._settings)
        _store(frame_path(self._folder, self.count), encode_depth16(depth, self.scale))

    def _whole(self, predictor: Predictor, frame: Frame) -> Prediction:
        """A frame's own prediction, at the clip's size."""
        asked = self._settings
        photo = self._photo(frame)  # flat: a 360-degree clip's views would flicker
        camera = camera_of(asked.known, asked.fov, asked.intrinsics)
        passed = predictor.passed(photo, asked.resolution, asked.flip, asked.fov, camera)
        return predictor.finished(passed, photo)

    def _photo(self, frame: Frame) -> Photo:
        photo, clip = decode(frame.rgb), self._reader.info
        notes = photo.notes
        if clip.dynamic_range != "standard":
            notes += (
                f"A high dynamic range video ({clip.dynamic_range}): its brightness was fitted to "
                "an ordinary one's.",
            )
        if clip.projection == PINHOLE:
            return replace(photo, notes=notes)
        if clip.projection != EQUIRECTANGULAR:  # which says so by itself
            notes += projection_note(clip.projection, frame.rgb)
        return replace(photo, projection=clip.projection, notes=notes)

    def finish(self) -> None:
        """Leaves the frames alone in their folder."""
        self._progress.remove()

    def _state(self) -> State:
        last: State = {}
        if self._last is not None:
            log, glimpse = self._last
            last = {"log": log, "cells": glimpse.cells, "time": np.array(glimpse.time)}
        return joined(
            steady=self._smoother.state(),
            flicker=self.flicker.state(),
            range=self.range.state(),
            clip={
                "cuts": np.array(self.cuts, np.int64),
                "seen": np.array(self.seen, np.int64),
                "times": np.array(self.times),
                "ms": np.array(self.milliseconds),
            },
            last=last,
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
        self.seen, self.milliseconds = about["seen"].tolist(), float(about["ms"])
        last = parts(state, "last")
        if last:
            self._last = last["log"], Glimpse(last["cells"], float(last["time"]))
        return self.count

    def draw(self, target: Path, near: float, far: float, tell: Tell) -> None:
        """Reads the clip again and writes it beside its coloured depth."""
        info, colormap = self._reader.info, self._settings.colors.colormap
        size = info.width, info.height
        if self._settings.quality == "fast":  # not larger than the clip
            size = min(size, self.first.settings["working_size"], key=math.prod)

        def beside(rgb: NDArray[np.uint8], depth: NDArray[np.float32]) -> NDArray[np.uint8]:
            guide = Guide(rgb, (depth.shape[1], depth.shape[0]), sharpens=False)
            depth = upsample_depth(depth, guide)
            return np.hstack((rgb, colorize(depth, colormap, near, far)))

        width, height = size
        self._film(target, (2 * width, height), beside, partial(tell, "video"), of=(width, height))

    def draw_stereo(self, target: Path, tell: Tell) -> Rig:
        """Reads the clip again and writes what two eyes see of it; returns where these stand."""
        info, wanted = self._reader.info, self._settings.stereo
        check_pinhole(self.first.intrinsics, "a stereo film")
        rig = Rig.of(wanted, self.first.intrinsics.fx, *self.range.range())

        def seen(rgb: NDArray[np.uint8], depth: NDArray[np.float32]) -> NDArray[np.uint8]:
            return shown(wanted, *rig.pictures(rgb, depth))

        size = wanted.size(info.width, info.height)
        self._film(target, size, seen, partial(tell, "stereo"))
        return rig

    def write_exr(self, folder: Path, tell: Tell) -> None:
        """Every stored frame as float32 metres, NaN where there is none, into a new folder."""
        comments = SceneInfo.of(self.first).comments()
        folder.mkdir()
        for number in range(1, self.count + 1):
            depth = self._load(number)
            depth[depth == 0] = np.nan
            _store(folder / f"{number:06d}.exr", encode_exr(depth, comments))
            tell("exr", number, self.count)

    def _film(
        self,
        target: Path,
        size: tuple[int, int],
        picture: Callable[[NDArray[np.uint8], NDArray[np.float32]], NDArray[np.uint8]],
        tell: Callable[[int, int | None], None],
        of: tuple[int, int] | None = None,
    ) -> None:
        """Draws every frame, read at the size `of` or its own."""
        part = target.with_name(f"{target.name}{UNFINISHED}")
        try:
            with (
                ClipReader(self._reader.path, of) as again,
                FilmWriter(part, *size, self._reader.info.rate) as film,
            ):

                def drawn(numbered: tuple[int, Frame]) -> av.VideoFrame:
                    number, frame = numbered
                    return film.frame(picture(frame.rgb, self._load(number)), frame.time)

                made = ahead(drawn, enumerate(again, 1), AT_ONCE)
                for number, drawn_frame in enumerate(made, 1):
                    film.write(drawn_frame)
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


def _after(count: int, found: Iterable[Span]) -> Iterator[Span]:
    """Those that end behind so many frames."""
    reached = 0
    for span in found:
        reached += len(span)
        if reached > count:
            yield span


def _store(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise refused(path, error) from error
