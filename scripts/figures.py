"""Tables of figures for the documents, so that no figure is typed: evaluations, and ablations.

An ablation's folder holds `VARIANT-seedN.csv`, as `python -m core evaluate ... --csv FILE` writes
them, all of the same test images. `scripts/reference.py` puts the tables into the documents.
"""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEADS = {
    "abs_rel": "AbsRel",
    "sq_rel": "SqRel (m)",
    "rmse": "RMSE (m)",
    "rmse_log": "RMSElog",
    "log10": "log10",
    "silog": "SILog",
    "delta1": "δ<1.25",
    "delta2": "δ<1.25²",
    "delta3": "δ<1.25³",
}
"""Column head by metric key, in the order of the tables."""

SETS = {"nyu": "NYU's test pairs", "kitti": "two KITTI drives", "middlebury": "Middlebury 2014"}
"""What a model was scored on, by the end of its file's name."""

BINNED = (
    ("by_scene", "Drive or scene", "images"),
    ("by_range", "Measured depth", "pixels"),
    ("by_border", "Distance to a border", "pixels"),
)
"""Key in the JSON, head of the table, and what is counted in it."""


GEOMETRY = {
    "edge F1 at 0.25 / 0.5 / 1": ("edge_f1_0.25", "edge_f1_0.5", "edge_f1_1.0"),
    "normals, mean / within 11.25°": ("normal_mean_deg", "normal_11"),
}
"""Head of a column and the keys of its figures: borders and surfaces."""


def evaluation(path: Path) -> str:
    """All tables of one evaluation, from the JSON that `python -m core evaluate ... --json` prints.

    Raises:
        OSError, json.JSONDecodeError, KeyError: a file is missing or no evaluation.
    """
    return evaluation_tables(json.loads(path.read_text(encoding="utf-8")))


def evaluation_tables(evaluation: dict[str, Any]) -> str:
    """The same, from the JSON's content."""
    parts = [_heading(evaluation), _figures(evaluation)]
    for key, title, unit in BINNED:
        if evaluation.get(key):
            parts.append(_bins(evaluation[key], title, unit))
    if evaluation.get("levels"):
        parts.append(_levels(evaluation["levels"]))
    if evaluation.get("sparsification"):
        parts.append(_confidence(evaluation["sparsification"]))
    return "\n".join(parts)


def models(folder: Path) -> str:
    """A row for every evaluation of a shipped model, from `MODEL-SET.json`."""
    heads = ["model", "pictures", "AbsRel / RMSE (m) / δ<1.25", "after median scaling", *GEOMETRY]
    lines = [_row(heads), _row(["---"] * len(heads))]
    for path in sorted(folder.glob("lite-*-*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        pictures = f"{content['images']} of {SETS[path.stem.rpartition('-')[2]]}"
        metric, scaled = (_together(row, tuple(SHOWN)) for row in (content, content["aligned"]))
        borders = _borders(content.get("geometry"))
        lines.append(_row([f"`{content['model']}`", pictures, metric, scaled, *borders]))
    return "\n".join(lines)


def _borders(geometry: dict[str, Any] | None) -> list[str]:
    """Cells of `GEOMETRY`; a dash where the truth is too sparse for it."""
    return [_together(geometry, keys) if geometry else "-" for keys in GEOMETRY.values()]


def _together(figures: dict[str, Any], keys: tuple[str, ...]) -> str:
    values = (figures.get(key) for key in keys)
    return " / ".join("-" if value is None else _number(value) for value in values)


def _levels(levels: list[dict[str, Any]]) -> str:
    heads = ["depth after level", "AbsRel", "RMSE (m)", "δ<1.25", *GEOMETRY]
    lines = [_row(heads), _row(["---"] * len(heads))]
    for level in levels:
        shown = [_number(level[key]) for key in SHOWN]
        name = f"R{level['stride'].bit_length()} (1/{level['stride']})"
        lines.append(_row([name, *shown, *_borders(level.get("geometry"))]))
    return "\n".join(lines) + "\n"


def _heading(evaluation: dict[str, Any]) -> str:
    flip = "averaged with the mirrored image" if evaluation.get("flip") else "no flip"
    text = f"{evaluation['protocol']}, {evaluation['images']} images, {flip}"
    if evaluation.get("resolution"):
        text += f", working height {evaluation['resolution']}"
    text += ".\n"
    if evaluation.get("command"):
        text += f"\n```\n{evaluation['command']}\n```\n"
    return text


def _figures(evaluation: dict[str, Any]) -> str:
    rows = [("**metric**", evaluation)]
    lines = [_row(["", *HEADS.values()]), _row(["---"] * (len(HEADS) + 1))]
    rows += [("after median scaling", evaluation["aligned"])]
    rows += [(f"trivial: {name}", row) for name, row in evaluation.get("baselines", {}).items()]
    for index, (name, row) in enumerate(rows):
        lines.append(_row([name, *(_number(row[key]) for key in HEADS)]))
        if index == 0:
            ends = evaluation["interval95"]
            cells = (f"{_number(ends[key][0])} to {_number(ends[key][1])}" for key in HEADS)
            lines.append(_row(["95 % interval", *cells]))
    for name, row in evaluation.get("baselines", {}).items():
        cells = (_factor(key, row[key], evaluation[key]) for key in HEADS)
        lines.append(_row([f"better than {name} by", *cells]))
    return "\n".join(lines) + "\n"


def _bins(bins: list[dict[str, Any]], title: str, unit: str) -> str:
    lines = [_row([title, unit, "AbsRel", "RMSE (m)", "δ<1.25"]), _row(["---"] * 5)]
    for item in bins:
        figures = (
            "-" if item[k] is None else _number(item[k]) for k in ("abs_rel", "rmse", "delta1")
        )
        lines.append(_row([item["label"], str(item[unit]), *figures]))
    return "\n".join(lines) + "\n"


def _confidence(curve: dict[str, Any]) -> str:
    shown = range(0, len(curve["fractions"]), 2)
    lines = [
        _row(["least certain pixels dropped", *(f"{curve['fractions'][i]:.0%}" for i in shown)]),
        _row(["---"] * (len(shown) + 1)),
        _row(["AbsRel of the rest", *(_number(curve["error"][i]) for i in shown)]),
        _row(["best possible order", *(_number(curve["oracle"][i]) for i in shown)]),
        "",
        f"AUSE {curve['ause']:.3f} (0 is perfect), AURG {curve['aurg']:.3f} (above 0 is of use).",
    ]
    return "\n".join(lines) + "\n"


def _factor(key: str, trivial: float, ours: float) -> str:
    """How many times better; for the shares of right pixels, of the wrong ones."""
    if key.startswith("delta"):
        trivial, ours = 1 - trivial, 1 - ours
    return f"{trivial / ours:.2f}x" if ours > 0 else "-"


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


FILE = re.compile(r"(?P<variant>.+)-seed(?P<seed>\d+)")
SHOWN = {"abs_rel": "AbsRel", "rmse": "RMSE (m)", "delta1": "δ<1.25"}
RESAMPLES = 2000

Figures = dict[str, NDArray[np.float64]]
"""Per metric an array (seeds, images)."""


def read_runs(folder: Path) -> dict[str, Figures]:
    """Per variant the per-image figures of all its seeds.

    Raises:
        ValueError: no files, or files of different images.
    """
    rows: dict[str, list[list[dict[str, str]]]] = {}
    names: list[str] | None = None
    for path in sorted(folder.glob("*.csv")):
        match = FILE.fullmatch(path.stem)
        if match is None:
            continue
        with path.open(newline="", encoding="utf-8") as file:
            table = list(csv.DictReader(file))
        images = [row["name"] for row in table]
        if names is not None and images != names:
            raise ValueError(f"{path} lists other images than the files before it")
        names = images
        rows.setdefault(match["variant"], []).append(table)
    if not rows:
        raise ValueError(f"{folder} holds no VARIANT-seedN.csv")
    return {
        variant: {
            key: np.array([[float(row[key]) for row in table] for table in tables]) for key in SHOWN
        }
        for variant, tables in rows.items()
    }


def difference_interval(
    variant: NDArray[np.float64], baseline: NDArray[np.float64]
) -> tuple[float, float, float]:
    """How much a variant's mean differs from the baseline's, with its 95 % interval.

    Both are (seeds, images) of the same images. Images are drawn in pairs, seeds of either side
    independently, so that the interval holds for other images and other seeds.
    """
    rng = np.random.default_rng(0)
    images = variant.shape[1]
    draws = np.empty(RESAMPLES)
    for index in range(RESAMPLES):
        chosen = rng.integers(0, images, images)
        means = (
            side[rng.integers(0, len(side), len(side))].mean(axis=0)[chosen].mean()
            for side in (variant, baseline)
        )
        draws[index] = next(means) - next(means)
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(variant.mean() - baseline.mean()), float(low), float(high)


def ablation(folder: Path, baseline: str) -> str:
    """The comparison of a folder's runs with one of them, the baseline first.

    Raises:
        ValueError: there is no such variant, or see `read_runs`.
    """
    runs = read_runs(folder)
    if baseline not in runs:
        raise ValueError(f"no run is named {baseline}; there are {', '.join(runs)}")
    heads = ["variant", "seeds"]
    for name in SHOWN.values():
        heads += [f"{name} (each seed)", f"against {baseline} (95 % interval)"]
    lines = [_row(heads), _row(["---"] * len(heads))]
    for variant in sorted(runs, key=lambda name: (name != baseline, name)):
        figures = runs[variant]
        cells = [variant, str(len(figures["abs_rel"]))]
        for key in SHOWN:
            seeds = ", ".join(f"{value:.3f}" for value in figures[key].mean(axis=1))
            cells.append(f"{figures[key].mean():.3f} ({seeds})")
            if variant == baseline:
                cells.append("")
                continue
            mean, low, high = difference_interval(figures[key], runs[baseline][key])
            cells.append(f"{mean:+.3f} ({low:+.3f} to {high:+.3f})")
        lines.append(_row(cells))
    return "\n".join(lines) + "\n"


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
