"""Model cards take their figures from the evaluation's JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.evaluate.metrics import METRICS
from scripts import model_card

ROOT = Path(__file__).resolve().parents[2]
CARD = """# Tiny

Text before.

<!-- evaluation: tiny.json -->
<!-- /evaluation -->

Text after.
"""


def evaluation() -> dict[str, object]:
    figures = {key: 0.1 * (index + 1) for index, key in enumerate(METRICS)}
    return {
        **figures,
        "images": 7,
        "protocol": "test rooms",
        "flip": True,
        "resolution": 240,
        "command": "python -m core evaluate --dataset nyu",
        "interval95": {key: [value - 0.01, value + 0.01] for key, value in figures.items()},
        "aligned": figures,
        "baselines": {"constant": {**figures, "abs_rel": 0.35, "delta1": 0.4}},
        "by_range": [
            {"label": "0-3 m", "pixels": 12, "abs_rel": 0.123, "rmse": 0.5, "delta1": 0.75},
            {"label": "3-9 m", "pixels": 0, "abs_rel": None, "rmse": None, "delta1": None},
        ],
        "by_border": [],
        "sparsification": {
            "fractions": [0.0, 0.05, 0.1],
            "error": [0.3, 0.25, 0.2],
            "oracle": [0.3, 0.2, 0.1],
            "ause": 0.04,
            "aurg": 0.02,
        },
    }


def test_a_card_is_filled_checked_and_kept(tmp_path: Path) -> None:
    card = tmp_path / "tiny.md"
    card.write_text(CARD)
    (tmp_path / "tiny.json").write_text(json.dumps(evaluation()))
    assert model_card.main(["--check", str(card)]) == 1
    assert card.read_text() == CARD
    assert model_card.main([str(card)]) == 0
    filled = card.read_text()
    assert filled.startswith("# Tiny\n\nText before.\n")
    assert filled.endswith("<!-- /evaluation -->\n\nText after.\n")
    assert "test rooms, 7 images, averaged with the mirrored image, working height 240" in filled
    assert "python -m core evaluate --dataset nyu" in filled
    assert "| **metric** | 0.100 | 0.200 |" in filled
    assert "| 95 % interval | 0.090 to 0.110 |" in filled
    # AbsRel 0.35 against 0.1; a share of wrong pixels of 0.6 against 0.3.
    row = next(line for line in filled.splitlines() if "better than constant" in line)
    assert row.split(" | ")[1] == "3.50x"
    assert row.split(" | ")[7] == "2.00x"
    assert "| 0-3 m | 12 | 0.123 | 0.500 | 0.750 |" in filled
    assert "| 3-9 m | 0 | - | - | - |" in filled
    assert "AUSE 0.040" in filled
    # Nothing changes the second time, and new figures make the card stale.
    assert model_card.main(["--check", str(card)]) == 0
    (tmp_path / "tiny.json").write_text(json.dumps(evaluation() | {"abs_rel": 0.9}))
    assert model_card.main(["--check", str(card)]) == 1


def test_a_card_without_markers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="markers"):
        model_card.fill_card("# Nothing here\n", tmp_path)


def test_the_shipped_cards_show_their_evaluation() -> None:
    weights = sorted((ROOT / "checkpoints").glob("lite-*.safetensors"))
    if not weights:
        pytest.skip("no checkpoint is installed")
    for path in weights:
        card = path.with_suffix(".md")
        assert card.is_file(), f"{path.name} has no model card"
        text = card.read_text(encoding="utf-8")
        assert model_card.fill_card(text, card.parent) == text, f"{card} is out of date"
