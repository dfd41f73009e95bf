"""A 10-second 720p clip to depth: time, memory, flicker, and what happens at its cuts.

    python -m benchmarks.video [--model lite-indoor] [--seconds 10] [--json FILE]

The clip is made of three of the example photos, as a film camera on a tripod would give them
(noise, slightly unsteady exposure), the second one panned across: so it has a still scene, a moving
camera, and two cuts. It is compressed and read like any other.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.cli.video import models_of
from core.video.reader import ClipReader
from core.video.run import predict_video
from core.video.settings import VideoSettings, output_path

EXAMPLES = Path(__file__).resolve().parents[1] / "assets" / "examples"
WIDTH, HEIGHT, RATE = 1280, 720, 30
SCENES = (("room", 0.0), ("old_town", 120.0), ("garage", 0.0))  # photo, pan in pixels a second
NOISE = 5.0  # standard deviation of a channel, of 255


def frames(seconds: float) -> Iterator[NDArray[np.uint8]]:
    """The clip's frames, (720, 1280, 3)."""
    rng = np.random.default_rng(0)
    count = round(seconds * RATE)
    photos = [_photo(name) for name, _ in SCENES]
    for index in range(count):
        scene = min(len(SCENES) - 1, index * len(SCENES) // count)
        since = (index - scene * count / len(SCENES)) / RATE
        photo = photos[scene]
        left = round(since * SCENES[scene][1]) % (photo.shape[1] - WIDTH + 1)
        view = photo[:HEIGHT, left : left + WIDTH] * (1 + 0.01 * np.sin(index / 5))
        view += rng.normal(0, NOISE, view.shape)
        yield np.clip(view, 0, 255).astype(np.uint8)


def _photo(name: str) -> NDArray[np.float32]:
    """A photo cropped to 16 : 9, with a third more on its right to pan across."""
    image = Image.open(EXAMPLES / f"{name}.jpg").convert("RGB")
    wide = (WIDTH * 4 // 3, HEIGHT)
    share = min(image.width / wide[0], image.height / wide[1])
    box = (0, 0, round(wide[0] * share), round(wide[1] * share))
    return np.asarray(image.resize(wide, Image.Resampling.LANCZOS, box), np.float32)


def write_clip(path: Path, seconds: float) -> None:
    """Compresses the frames as a phone would."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"  # type: ignore[union-attr]
        stream.options = {"crf": "21", "preset": "veryfast"}
        for frame in frames(seconds):
            for packet in stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")):  # type: ignore[union-attr]
                file.mux(packet)
        for packet in stream.encode(None):  # type: ignore[union-attr]
            file.mux(packet)


def measure(model: str, seconds: float) -> dict[str, Any]:
    """Runs the clip, and once more the first frames after the cuts, each on its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = folder / "clip.mp4"
        write_clip(clip, seconds)
        models = models_of(model)
        marks: dict[str, float] = {}

        def tell(stage: str, *_: object) -> None:
            marks[stage] = time.perf_counter() - started

        models.load(None)
        started = time.perf_counter()
        result = predict_video(clip, folder / "steady", models, VideoSettings(), tell).sidecar
        lag = {}
        with ClipReader(clip) as reader:
            for index, frame in enumerate(reader):
                if index in result["cuts"]:
                    alone = models.load(None)(frame.rgb).depth
                    written = _depth(output_path(folder / "steady", "frames"), index)
                    lag[str(index)] = round(float(np.abs(written - alone).max()), 6)
        size = sum(p.stat().st_size for p in output_path(folder / "steady", "frames").iterdir())
    return {
        "model": result["model"]["name"],
        "frames": result["frames"],
        "seconds_depth": round(marks["depth"], 1),
        "seconds_in_all": round(marks["video"], 1),
        "frames_per_second": round(result["frames"] / marks["video"], 2),
        "network_ms_per_frame": result["milliseconds_per_frame"],
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "png_mb": round(size / 1e6),
        "cuts": result["cuts"],
        "difference_at_cuts_m": lag,
        "flicker": result["flicker"],
    }


def _depth(folder: Path, index: int) -> NDArray[np.float64]:
    return np.asarray(Image.open(folder / f"{index + 1:06d}.png")).astype(np.float64) / 1000


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--model", default="lite-indoor")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    text = json.dumps(measure(options.model, options.seconds), indent=2)
    sys.stdout.write(text + "\n")
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
