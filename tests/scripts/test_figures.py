"""Tables of figures: of one evaluation, and of variants over the same images and several seeds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.evaluate.metrics import METRICS
from scripts import figures, reference

GEOMETRY_KEYS = ("edge_f1_0.25", "edge_f1_0.5", "edge_f1_1.0", "normal_mean_deg", "normal_11")


def evaluation() -> dict[str, object]:
    shown = {key: 0.1 * (index + 1) for index, key in enumerate(METRICS)}
    return {
        **shown,
        "images": 7,
        "protocol": "test rooms",
        "flip": True,
        "resolution": 240,
        "command": "python -m core evaluate --dataset nyu",
        "interval95": {key: [value - 0.01, value + 0.01] for key, value in shown.items()},
        "aligned": shown,
        "baselines": {"constant": {**shown, "abs_rel": 0.35, "delta1": 0.4}},
        "by_range": [
            {"label": "0-3 m", "pixels": 12, "abs_rel": 0.123, "rmse": 0.5, "delta1": 0.75},
            {"label": "3-9 m", "pixels": 0, "abs_rel": None, "rmse": None, "delta1": None},
        ],
        "by_border": [],
        "levels": [
            {**shown, "stride": 16},
            {**shown, "stride": 1, "geometry": dict.fromkeys(GEOMETRY_KEYS, 0.25)},
        ],
        "sparsification": {
            "fractions": [0.0, 0.05, 0.1],
            "error": [0.3, 0.25, 0.2],
            "oracle": [0.3, 0.2, 0.1],
            "ause": 0.04,
            "aurg": 0.02,
        },
    }


def test_a_document_shows_its_evaluation_and_keeps_the_rest(tmp_path: Path) -> None:
    (tmp_path / "tiny.json").write_text(json.dumps(evaluation()))
    card = "# Tiny\n\n<!-- evaluation: tiny.json -->\n<!-- /evaluation -->\n\nText after.\n"
    filled = reference.filled(card, tmp_path)
    assert filled.startswith("# Tiny\n\n<!-- evaluation: tiny.json -->\n\ntest rooms")
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
    assert "| R5 (1/16) | 0.100 | 0.300 | 0.700 | - | - |" in filled
    assert "| R1 (1/1) | 0.100 | 0.300 | 0.700 | 0.250 / 0.250 / 0.250 | 0.250 / 0.250 |" in filled
    assert reference.filled(filled, tmp_path) == filled


def write(folder: Path, name: str, abs_rel: np.ndarray) -> None:
    lines = ["name,pixels,abs_rel,rmse,delta1"]
    lines += [f"{i:03d},100,{value:.6f},0.5,0.8" for i, value in enumerate(abs_rel)]
    (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")


def test_differences_are_paired() -> None:
    # Images differ by far more than the variants: only pairs can tell them apart.
    images = np.random.default_rng(0).uniform(0.1, 0.5, 100)
    mean, low, high = figures.difference_interval(
        np.stack([images + 0.01, images + 0.01]), np.stack([images, images])
    )
    assert mean == pytest.approx(0.01)
    assert (low, high) == pytest.approx((0.01, 0.01))


def test_seeds_that_disagree_widen_the_interval() -> None:
    images = np.full(50, 0.2)
    mean, low, high = figures.difference_interval(
        np.stack([images + 0.01, images - 0.01]), np.stack([images, images])
    )
    assert mean == pytest.approx(0.0, abs=1e-9)
    # Both draws of two seeds are the same one in half of all cases.
    assert (low, high) == pytest.approx((-0.01, 0.01))


def test_variants_are_compared_with_the_baseline(tmp_path: Path) -> None:
    for seed in (0, 1):
        write(tmp_path, f"full-seed{seed}", np.full(4, 0.2))
        write(tmp_path, f"no-bands-seed{seed}", np.full(4, 0.25))
    write(tmp_path, "notes", np.zeros(1))  # not a run
    document = "<!-- ablation: . baseline=full -->\n<!-- /ablation -->\n"
    text = reference.filled(document, tmp_path)
    assert "| full | 2 | 0.200 (0.200, 0.200) |" in text
    assert "| no-bands | 2 | 0.250 (0.250, 0.250) | +0.050 (+0.050 to +0.050) |" in text


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no"):
        figures.read_runs(tmp_path)
    write(tmp_path, "full-seed0", np.full(4, 0.2))
    with pytest.raises(ValueError, match="no run is named best"):
        figures.ablation(tmp_path, "best")
    write(tmp_path, "full-seed1", np.full(5, 0.2))
    with pytest.raises(ValueError, match="other images"):
        figures.read_runs(tmp_path)


def test_shipped_models_stand_below_each_other(tmp_path: Path) -> None:
    both = {"edge_f1_0.25": 0.35, "edge_f1_0.5": 0.32, "edge_f1_1.0": None, "normal_mean_deg": 33.5}
    dense = evaluation() | {"model": "lite-a", "geometry": both}
    (tmp_path / "lite-a-nyu.json").write_text(json.dumps(dense))
    (tmp_path / "lite-b-kitti.json").write_text(json.dumps(evaluation() | {"model": "lite-b"}))
    (tmp_path / "speed.json").write_text("{}")
    rows = figures.models(tmp_path).splitlines()
    figure = "0.100 / 0.300 / 0.700"
    assert rows[2] == (
        f"| `lite-a` | 7 of NYU's test pairs | {figure} | {figure} | 0.350 / 0.320 / - | 33.5 / - |"
    )
    assert rows[3] == f"| `lite-b` | 7 of two KITTI drives | {figure} | {figure} | - | - |"
