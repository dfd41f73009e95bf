"""Fills the ablation tables of a document from the per-image figures of its evaluations.

The document holds pairs of markers; what lies between them is replaced:

    <!-- ablation: ablation/ baseline=full -->
    <!-- /ablation -->

The folder (relative to the document) holds `VARIANT-seedN.csv`, as
`python -m core evaluate ... --csv FILE` writes them, all of the same test images.

    python -m scripts.ablation_table docs/experiments.md            # fill
    python -m scripts.ablation_table --check docs/experiments.md    # exit 1 if it is out of date
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MARKED = re.compile(
    r"(?P<begin><!-- ablation: (?P<path>\S+) baseline=(?P<baseline>\S+) -->\n)"
    r".*?(?P<end><!-- /ablation -->)",
    re.DOTALL,
)
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


def table(runs: Mapping[str, Figures], baseline: str) -> str:
    """The comparison as a Markdown table, the baseline first.

    Raises:
        ValueError: there is no such variant.
    """
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


def fill_document(text: str, folder: Path) -> str:
    """The document with every marked table made anew.

    Raises:
        ValueError: the document has no markers, or see `read_runs` and `table`.
    """
    if not MARKED.search(text):
        raise ValueError("the document has no '<!-- ablation: FOLDER baseline=NAME -->' markers")
    return MARKED.sub(
        lambda match: (
            match["begin"]
            + "\n"
            + table(read_runs(folder / match["path"]), match["baseline"])
            + "\n"
            + match["end"]
        ),
        text,
    )


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def main(arguments: list[str] | None = None) -> int:
    """Fills or checks a document; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("document", type=Path)
    parser.add_argument("--check", action="store_true", help="write nothing, fail if out of date")
    options = parser.parse_args(arguments)
    text = options.document.read_text(encoding="utf-8")
    filled = fill_document(text, options.document.parent)
    if filled == text:
        return 0
    if options.check:
        sys.stderr.write(f"{options.document} is out of date; run this without --check\n")
        return 1
    options.document.write_text(filled, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
