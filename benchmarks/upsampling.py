"""How depth should come from the working size to the photo's: methods side by side on NYU.

    python -m benchmarks.upsampling --root ../shared/data/nyu [--model lite-indoor] [--every 4]

Two questions. (1) How much of true depth survives a round trip: the ground truth is averaged over
s x s pixels and brought back. (2) What is left of it in practice: the model's own prediction is
brought to 480x640 and compared with the ground truth. "Border" is what lies within 4 pixels of a
step of more than 10 % in the ground truth. "Flying" is the share of pixels in the steps' own
neighbourhood whose depth belongs to neither side (more than 5 % from both). Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

import core
from core.data import NyuDataset
from core.evaluate.protocol import NYU, crop
from core.images.resize import resize_rgb
from core.images.upsample import Guide, _Upsampling, upsample_depth

Method = Callable[[Tensor, Tensor], Tensor]  # (h, w) metres, (H, W, 3) uint8 -> (H, W) metres


def interpolated(mode: str) -> Method:
    """Plain interpolation, blind to the photo."""

    def method(depth: Tensor, rgb: Tensor) -> Tensor:
        size = (rgb.shape[0], rgb.shape[1])
        return functional.interpolate(depth[None, None], size, mode=mode)[0, 0]

    return method


def guided(depth: Tensor, rgb: Tensor, radius: int = 1, eps: float = 1e-3) -> Tensor:
    """Fast guided filter (He and Sun 2015) of log depth, the photo's luminance as guide."""
    weights = torch.tensor([0.299, 0.587, 0.114])
    small = torch.from_numpy(resize_rgb(rgb.numpy(), (depth.shape[1], depth.shape[0]))[0])
    light, fine = ((x.float() / 255 @ weights)[None, None] for x in (small, rgb))
    log = depth.log()[None, None]

    def mean(x: Tensor) -> Tensor:
        return functional.avg_pool2d(x, 2 * radius + 1, 1, radius, count_include_pad=False)

    slope = (mean(light * log) - mean(light) * mean(log)) / (
        mean(light * light) - mean(light) ** 2 + eps
    )
    offset = mean(log) - slope * mean(light)
    size = (rgb.shape[0], rgb.shape[1])
    slope, offset = (
        functional.interpolate(mean(x), size, mode="bilinear") for x in (slope, offset)
    )
    return (slope * fine + offset).exp()[0, 0]


def everywhere(depth: Tensor, rgb: Tensor) -> Tensor:
    """Joint bilateral upsampling of all pixels, not of those near a step only."""
    work = _work(depth, rgb)
    work.share = np.ones_like(work.share)
    return torch.from_numpy(work.full(depth.numpy()))


def not_sharpened(depth: Tensor, rgb: Tensor) -> Tensor:
    """Ours without the round-trip correction."""
    return torch.from_numpy(_work(depth, rgb).full(depth.numpy()))


def _work(depth: Tensor, rgb: Tensor) -> _Upsampling:
    (seen,) = resize_rgb(rgb.numpy(), (depth.shape[1], depth.shape[0]))
    return _Upsampling(depth.numpy(), rgb.numpy(), seen)


def ours(depth: Tensor, rgb: Tensor) -> Tensor:
    """What the program does."""
    guide = Guide(rgb.numpy(), (depth.shape[1], depth.shape[0]))
    return torch.from_numpy(upsample_depth(depth.numpy(), guide))


METHODS: dict[str, Method] = {
    "bilinear": interpolated("bilinear"),
    "bicubic": interpolated("bicubic"),
    "guided filter": guided,
    "joint bilateral everywhere": everywhere,
    "ours, not sharpened": not_sharpened,
    "ours": ours,
}


def score(depth: Tensor, truth: Tensor) -> dict[str, float]:
    """The figures of one frame."""
    log = truth.log()[None, None]
    high = functional.max_pool2d(log, 5, 1, 2)[0, 0]
    low = -functional.max_pool2d(-log, 5, 1, 2)[0, 0]
    step = (high - low) > math.log(1.1)
    border = functional.max_pool2d(step.float()[None, None], 9, 1, 4)[0, 0] > 0
    error = (depth - truth).abs() / truth
    neither = torch.minimum((depth.log() - low).abs(), (depth.log() - high).abs()) > math.log(1.05)
    return {
        "abs_rel": float(error.mean()),
        "abs_rel_border": float(error[border].mean()),
        "abs_rel_rest": float(error[~border].mean()),
        "flying": float(neither[step].float().mean()),
    }


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--model", default="lite-indoor")
    parser.add_argument("--every", type=int, default=1, help="take every n-th frame")
    options = parser.parse_args()
    torch.set_num_threads(1)
    predictor = core.load_predictor(options.model, engine="torch")
    frames = NyuDataset(options.root, "val")
    window = NYU.window
    if window is None:
        raise SystemExit("the NYU protocol has lost its window")
    table: dict[str, dict[str, dict[str, float]]] = {}
    taken = range(0, len(frames), options.every)
    for index in taken:
        frame = frames[index]
        inner = crop(frame, window)
        rgb, truth = torch.from_numpy(inner.rgb.copy()), torch.from_numpy(inner.depth)
        seen = predictor(frame.rgb, intrinsics=[frame.fx, frame.fy, frame.cx, frame.cy])
        cases: dict[str, Callable[[Method], Tensor]] = {}
        for scale in (2, 4, 8):
            rows, columns = (side // scale * scale for side in truth.shape)
            low = functional.avg_pool2d(truth[None, None, :rows, :columns], scale)[0, 0]
            part = rgb[:rows, :columns].contiguous()
            cases[f"truth / {scale}"] = lambda m, low=low, part=part: m(low, part)  # type: ignore[misc]
        whole = torch.from_numpy(frame.rgb.copy())
        working = torch.from_numpy(seen.levels[-1].depth)
        cases["prediction"] = lambda m, d=working, p=whole: m(d, p)[window.slices]  # type: ignore[misc]
        for name, method in METHODS.items():
            for case, run in cases.items():
                with torch.inference_mode():
                    depth = run(method)
                figures = score(depth, truth[: depth.shape[0], : depth.shape[1]])
                sums = table.setdefault(case, {}).setdefault(name, dict.fromkeys(figures, 0.0))
                for key, value in figures.items():
                    sums[key] += value / len(taken)
    result = {"model": predictor.info.sha256, "frames": len(taken), "figures": rounded(table)}
    result["milliseconds"] = times()
    sys.stdout.write(json.dumps(result, indent=2) + "\n")


def rounded(
    table: dict[str, dict[str, dict[str, float]]],
) -> dict[str, dict[str, dict[str, float]]]:
    """The same with five decimals."""
    return {
        case: {name: {k: round(v, 5) for k, v in f.items()} for name, f in rows.items()}
        for case, rows in table.items()
    }


def times(repeats: int = 5) -> dict[str, float]:
    """Milliseconds of processor time, one thread, 320x240 to 4032x3024, a scene with 40 boxes."""
    rng = np.random.default_rng(0)
    depth, rgb = np.full((240, 320), 4.0, np.float32), np.zeros((3024, 4032, 3), np.uint8)
    for _ in range(40):
        y, x = int(rng.integers(0, 200)), int(rng.integers(0, 280))
        depth[y : y + 40, x : x + 40] = rng.uniform(1, 8)
    rgb[...] = rng.integers(0, 256, (3024, 4032, 1), dtype=np.uint8)
    small, large = torch.from_numpy(depth), torch.from_numpy(rgb)
    best = {}
    with torch.inference_mode():
        for name, method in METHODS.items():
            spans = []
            for _ in range(repeats):
                started = time.process_time()
                method(small, large)
                spans.append(time.process_time() - started)
            best[name] = round(min(spans) * 1000, 1)
    return best


if __name__ == "__main__":
    main()
