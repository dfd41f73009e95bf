"""Fills the tables of a model card from the evaluation's JSON, so that no figure is typed.

A card holds pairs of markers; what lies between them is replaced:

    <!-- evaluation: measurements/lite-indoor-nyu.json -->
    <!-- /evaluation -->

The path is relative to the card. The JSON is what `python -m core evaluate ... --json` prints.

    python scripts/model_card.py checkpoints/lite-indoor.md            # fill
    python scripts/model_card.py --check checkpoints/*.md              # exit 1 if a card is stale
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

MARKED = re.compile(
    r"(?P<begin><!-- evaluation: (?P<path>\S+) -->\n).*?(?P<end><!-- /evaluation -->)", re.DOTALL
)
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

BINNED = (
    ("by_scene", "Drive or scene", "images"),
    ("by_range", "Measured depth", "pixels"),
    ("by_border", "Distance to a border", "pixels"),
)
"""Key in the JSON, head of the table, and what is counted in it."""


def fill_card(card: str, folder: Path) -> str:
    """The card's text with every marked part made anew.

    Args:
        card: the card's Markdown.
        folder: where the paths of its markers start from.

    Raises:
        ValueError: the card has no markers.
        OSError, json.JSONDecodeError, KeyError: a file is missing or no evaluation.
    """
    if not MARKED.search(card):
        raise ValueError("the card has no '<!-- evaluation: FILE.json -->' markers")

    def table(match: re.Match[str]) -> str:
        evaluation = json.loads((folder / match["path"]).read_text(encoding="utf-8"))
        return match["begin"] + "\n" + tables(evaluation) + "\n" + match["end"]

    return MARKED.sub(table, card)


def tables(evaluation: dict[str, Any]) -> str:
    """All tables of one evaluation as Markdown."""
    parts = [_heading(evaluation), _figures(evaluation)]
    for key, title, unit in BINNED:
        if evaluation.get(key):
            parts.append(_bins(evaluation[key], title, unit))
    if evaluation.get("sparsification"):
        parts.append(_confidence(evaluation["sparsification"]))
    return "\n".join(parts)


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


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def main(arguments: list[str] | None = None) -> int:
    """Fills or checks the cards; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("cards", nargs="+", type=Path)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a stale card")
    options = parser.parse_args(arguments)
    stale = []
    for card in options.cards:
        text = card.read_text(encoding="utf-8")
        filled = fill_card(text, card.parent)
        if filled != text and options.check:
            stale.append(str(card))
        elif filled != text:
            card.write_text(filled, encoding="utf-8")
    for name in stale:
        sys.stderr.write(f"{name} is out of date; run this without --check\n")
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
