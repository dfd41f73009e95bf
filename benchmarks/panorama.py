"""How good the joined depth of panorama views is, where the distance along every ray is known.

    python -m benchmarks.panorama FOLDER [--model lite-indoor]

FOLDER holds equirectangular pictures NAME.jpg and NAME.npy, (H, W) metres along each ray, infinite
where there is nothing, as `scripts.synthesis.panoramas` renders them. Every pixel counts by the
solid angle it covers. Prints JSON, per picture and on average: AbsRel as predicted and after one
common factor, delta1 after it, near the horizon (within 30 degrees) and above and below; the
same of the views blended without joining, and of the whole picture taken for an ordinary photo.
"step" is the median jump of the error (log) across 8 pixels where a view ends, and elsewhere.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import core
from core.camera import WHOLE_SPHERE
from core.panorama.prediction import PanoramaPrediction
from core.panorama.views import VIEWS

_HORIZON = 30.0  # degrees
_STEP = 4  # pixels to either side

Floats = NDArray[np.floating]


def compared(depth: Floats, truth: Floats, weight: Floats) -> dict[str, float]:
    """Figures of a map (H, W) against true distances, of pixels of this weight."""
    there = np.isfinite(truth) & (weight > 0)
    d, g, w = (a[there].astype(np.float64) for a in (depth, truth, weight))
    order = np.argsort(g / d)
    middle = np.searchsorted(np.cumsum(w[order]), w.sum() / 2)
    factor = float((g / d)[order][middle])
    scaled = d * factor
    share = w / w.sum()
    return {
        "abs_rel": float(share @ np.abs(d / g - 1)),
        "factor": factor,
        "scaled_abs_rel": float(share @ np.abs(scaled / g - 1)),
        "scaled_delta1": float(share @ (np.maximum(scaled / g, g / scaled) < 1.25)),
    }


def steps(depth: Floats, truth: Floats, found: PanoramaPrediction) -> dict[str, float]:
    """The jump of the log error across a view's border, and where there is none."""
    height, width = truth.shape
    with np.errstate(invalid="ignore"):
        error = np.log(depth / truth)
    jump = np.abs(np.roll(error, -_STEP, axis=1) - np.roll(error, _STEP, axis=1))
    rays = found.intrinsics.rays(np.arange(width), np.arange(height)[:, None])
    ends = np.zeros(truth.shape, bool)
    for view in VIEWS:
        seen = view.places(rays)[0]
        ends |= seen != np.roll(seen, 1, axis=1)
    level = np.abs(np.linspace(90, -90, height))[:, None] < _HORIZON
    known = np.isfinite(jump) & level
    return {
        "step_at_borders": float(np.median(jump[known & ends])),
        "step_elsewhere": float(np.median(jump[known & ~ends])),
    }


def measured(predictor: Any, path: Path) -> dict[str, Any]:
    """Everything about one picture."""
    truth = np.load(path.with_suffix(".npy"))
    height = truth.shape[0]
    latitude = 90 - (np.arange(height) + 0.5) * 180 / height
    weight = np.broadcast_to(np.cos(np.radians(latitude))[:, None], truth.shape)
    level = np.broadcast_to(np.abs(latitude)[:, None] < _HORIZON, truth.shape)
    found: PanoramaPrediction = predictor(path, fov=WHOLE_SPHERE)
    flat = predictor(path, fov=90.0)
    assert found.joining is not None  # noqa: S101 - a panorama's
    apart = replace(found.joining, fields=np.zeros_like(found.joining.fields))
    views = [look.depth for look in found.looks]
    size = truth.shape[1], height
    plain = apart.distance(views, found.intrinsics, size)
    return {
        "all": compared(found.depth, truth, weight),
        "horizon": compared(found.depth, truth, weight * level),
        "above_and_below": compared(found.depth, truth, weight * ~level),
        "without_joining": compared(plain, truth, weight),
        "horizon_without_joining": compared(plain, truth, weight * level),
        "as_one_photo": compared(flat.depth, truth, weight),
        "overlaps_differ": found.joining.spread,
        **steps(found.depth, truth, found),
    }


def averaged(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The mean of every number."""
    return {
        key: averaged([row[key] for row in rows])
        if isinstance(value, dict)
        else math.fsum(row[key] for row in rows) / len(rows)
        for key, value in rows[0].items()
    }


def main() -> None:
    """Prints the figures of a folder."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.panorama")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="lite-indoor")
    options = parser.parse_args()
    predictor = core.load_predictor(options.model)
    paths = [path for path in sorted(options.folder.glob("*.jpg"))
             if path.with_suffix(".npy").is_file()]  # fmt: skip
    pictures = {path.stem: measured(predictor, path) for path in paths}
    answer = {"model": options.model, "mean": averaged(list(pictures.values()))}
    json.dump({**answer, "pictures": pictures}, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
