"""The command `video`: its arguments, and one clip after the other."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.terminal import (
    add_camera,
    add_network,
    check_alone,
    checked_out,
    complain,
    depth_settings,
    print_json,
)
from core.errors import ConfigError, DepthError, ExportError, ImageError, VideoError
from core.video.containers import KNOWN

if TYPE_CHECKING:
    from core.batch.plan import Job
    from core.video.sequence import VideoModels
    from core.video.settings import VideoSettings


def add_arguments(p: argparse.ArgumentParser) -> None:
    """Declares what the command takes."""
    p.set_defaults(run=run)
    p.add_argument(
        "paths", nargs="+", type=Path, metavar="FILE", help=f"{KNOWN}; folders, patterns"
    )
    p.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for the results")
    add_network(p, chooser="the first frame", mirrored="frames")
    p.add_argument(
        "--save",
        metavar="LIST",
        help="some of video,frames (default; with --quality fast video alone), exr, stereo",
    )
    p.add_argument(
        "--quality", choices=("full", "fast"), default="full",
        help="fast: the network sees five frames a second, and the video has its size",
    )  # fmt: skip
    add_camera(p, rescaled="the clip, by its first frame")
    p.add_argument("--colormap", metavar="NAME", help="of the video (default inferno)")
    p.add_argument("--near", type=float, metavar="M", help="near end of the colours, metres")
    p.add_argument("--far", type=float, metavar="M", help="far end of the colours, metres")
    p.add_argument(
        "--stereo", choices=("full", "half", "anaglyph"), default="full",
        help="layout of --save stereo: side by side, in the width of one, or for red-cyan glasses",
    )  # fmt: skip
    p.add_argument("--eyes", type=float, metavar="M", help="metres between the two eyes")
    p.add_argument("--unsteady", action="store_true", help="every frame on its own")
    p.add_argument("--overwrite", action="store_true", help="also redo what is finished")
    p.add_argument("--json", action="store_true", help="print the sidecars")


def run(options: argparse.Namespace) -> int:
    """Every clip in turn; 1 if some failed.

    Raises:
        DepthError: arguments or a model that cannot be used.
    """
    from core.batch.plan import LeftOut, plan
    from core.scale.calibration import model_of
    from core.video.containers import why_no_video
    from core.video.reader import require_decoder
    from core.video.run import predict_video

    checked_out(options.out)
    left_out = LeftOut()
    settings = _settings(options)
    check_alone(settings.known, len(options.paths), "clip", "a clip's first frame")
    jobs = plan(options.paths, options.out, left_out=left_out, why_not=why_no_video)
    if left_out:
        complain(f"{left_out} They are no videos.")
    check_alone(settings.known, len(jobs), "clip", "a clip's first frame")
    require_decoder()
    models = models_of(model_of(settings.known, options.model))
    settings = _with_one_scale(settings, jobs, options)
    failed, told = 0, []
    for job in jobs:
        path, stems = Path(job.source), [options.out / each for each in (job.stem, *job.others)]
        bar = _Bar(path.name)
        try:
            result = predict_video(path, stems[0], models, settings, bar.tell, others=stems[1:])
        except (ExportError, ImageError, VideoError) as error:
            failed += 1
            bar.close()
            complain(f"{path}: {error}")
            told.append({"input": str(path), "error": str(error)})
            continue
        bar.close()
        told.append({"input": str(path), **result.sidecar})
        for note in result.sidecar.get("notes", ()):
            complain(f"{path}: {note}")
        if not options.json:
            print(_summary(path, options.out, result.sidecar, result.skipped))
    if options.json:
        print_json({"clips": told})
    return 1 if failed else 0


def models_of(name: str | None) -> VideoModels:
    """The model of a run over clips; without a name the first frame of each chooses.

    Raises:
        CheckpointError: no such model, or the frame cannot choose.
    """
    from core.engines.model_choice import chooser_for
    from core.predictor import load_model
    from core.video.sequence import AT_ONCE, VideoModels
    from core.weights.checkpoint import find_model
    from core.weights.choice_table import AUTO

    name = name or AUTO
    chooser = chooser_for(name)
    if chooser is not None:
        sha256 = tuple(find_model(model).sha256 for model in chooser.models)
        return VideoModels(sha256, cache(partial(load_model, at_once=AT_ONCE)), chooser)
    load = cache(partial(load_model, name, at_once=AT_ONCE))
    return VideoModels((find_model(name).sha256,), lambda _: load())


def _settings(options: argparse.Namespace) -> VideoSettings:
    from core.files.colormap import DEFAULT_COLORMAP, colormap_of
    from core.files.depth_maps import ColorSettings
    from core.geometry.stereo import StereoSettings
    from core.video.settings import USUAL_OUTPUTS, VideoSettings
    from core.video.temporal_smoothing import SmoothingSettings

    colormap = options.colormap or DEFAULT_COLORMAP
    colormap_of(colormap)
    if None not in (options.near, options.far) and not options.near < options.far:
        raise ConfigError(
            f"The colours go from {options.near:g} m to {options.far:g} m, expected near below "
            "far: swap them, or leave one out."
        )
    wanted = options.save
    if wanted is None:
        wanted = "video" if options.quality == "fast" else ",".join(USUAL_OUTPUTS)
    return VideoSettings(
        save=tuple(part.strip() for part in wanted.split(",") if part.strip()),
        quality=options.quality,
        **depth_settings(options),
        colors=ColorSettings(colormap, options.near, options.far),
        steady=SmoothingSettings(0, 0) if options.unsteady else SmoothingSettings(),
        stereo=StereoSettings(options.stereo, options.eyes),
    )


def _with_one_scale(
    settings: VideoSettings, jobs: Sequence[Job], options: argparse.Namespace
) -> VideoSettings:
    """With the scale that the frames of all clips get; a single clip has its model's."""
    from core.batch.run import reach_in_photos, settled
    from core.files.depth_maps import depth16_scale
    from core.files.sidecar import read_sidecar
    from core.predictor import models_of_run
    from core.scale.calibration import model_of, reach_in
    from core.video.reader import ClipReader

    if len(jobs) < 2 or "frames" not in settings.save:
        return settings
    infos, _ = models_of_run(model_of(settings.known, options.model))
    reach = reach_in(settings.known, max(info.config.max_depth for info in infos))
    scales = []
    for job in jobs:
        with contextlib.suppress(DepthError), ClipReader(Path(job.source)) as reader:
            size = (reader.info.width, reader.info.height)
            reach = max(reach, reach_in_photos(settings, infos, [(size, None)]))
        for stem in (job.stem, *job.others):
            about = read_sidecar(options.out / stem)
            scale = (about or {}).get("files", {}).get("frames", {}).get("scale")
            if isinstance(scale, int | float) and not settings.overwrite:
                scales.append(float(scale))
    return replace(settings, png_scale=settled(depth16_scale(reach), scales))


def _summary(path: Path, out: Path, sidecar: dict[str, Any], skipped: bool) -> str:
    flicker = sidecar["flicker"]
    change = "no static pixels"
    if flicker["before_m"] is not None:
        change = f"flicker {flicker['before_m']:.4f} m, after smoothing {flicker['after_m']:.4f} m"
    done = "finished before" if skipped else "done"
    count = sidecar["frames"]
    frames = f"{count} frame{'s' * (count != 1)}"
    return f"{path}: {done}, {frames}, {change}; results in {out}"


class _Bar:
    """Two progress bars in turn, with the time left: depth, then the video."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stage = ""
        self._bar: Any = None

    def tell(self, stage: str, done: int, total: int | None) -> None:
        """Takes what `predict_video` tells."""
        from tqdm import tqdm  # type: ignore[import-untyped]

        if stage != self._stage:
            self.close()
            self._stage = stage
            self._bar = tqdm(
                total=total, unit="frame", desc=f"{self._name} {stage}", disable=None,
                dynamic_ncols=True,
            )  # fmt: skip
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Ends the bar that is shown."""
        if self._bar is not None:
            self._bar.close()
        self._bar, self._stage = None, ""
