"""Comparing variants over the same images and several seeds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scripts import ablation_table


def write(folder: Path, name: str, abs_rel: np.ndarray) -> None:
    lines = ["name,pixels,abs_rel,rmse,delta1"]
    lines += [f"{i:03d},100,{value:.6f},0.5,0.8" for i, value in enumerate(abs_rel)]
    (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")


def test_differences_are_paired() -> None:
    # Images differ by far more than the variants: only pairs can tell them apart.
    images = np.random.default_rng(0).uniform(0.1, 0.5, 100)
    mean, low, high = ablation_table.difference_interval(
        np.stack([images + 0.01, images + 0.01]), np.stack([images, images])
    )
    assert mean == pytest.approx(0.01)
    assert (low, high) == pytest.approx((0.01, 0.01))


def test_seeds_that_disagree_widen_the_interval() -> None:
    images = np.full(50, 0.2)
    mean, low, high = ablation_table.difference_interval(
        np.stack([images + 0.01, images - 0.01]), np.stack([images, images])
    )
    assert mean == pytest.approx(0.0, abs=1e-9)
    # Both draws of two seeds are the same one in half of all cases.
    assert (low, high) == pytest.approx((-0.01, 0.01))


def test_a_document_is_filled_and_checked(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    for seed in (0, 1):
        write(folder, f"full-seed{seed}", np.full(4, 0.2))
        write(folder, f"no-bands-seed{seed}", np.full(4, 0.25))
    write(folder, "notes", np.zeros(1))  # not a run
    document = tmp_path / "experiments.md"
    document.write_text(
        "Before\n<!-- ablation: runs baseline=full -->\n<!-- /ablation -->\nAfter\n"
    )
    assert ablation_table.main(["--check", str(document)]) == 1
    assert ablation_table.main([str(document)]) == 0
    text = document.read_text()
    assert "| full | 2 | 0.200 (0.200, 0.200) |" in text
    assert "| no-bands | 2 | 0.250 (0.250, 0.250) | +0.050 (+0.050 to +0.050) |" in text
    assert text.startswith("Before\n")
    assert text.endswith("After\n")
    assert ablation_table.main(["--check", str(document)]) == 0


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no"):
        ablation_table.read_runs(tmp_path)
    write(tmp_path, "full-seed0", np.full(4, 0.2))
    with pytest.raises(ValueError, match="no run is named best"):
        ablation_table.table(ablation_table.read_runs(tmp_path), "best")
    write(tmp_path, "full-seed1", np.full(5, 0.2))
    with pytest.raises(ValueError, match="other images"):
        ablation_table.read_runs(tmp_path)
    with pytest.raises(ValueError, match="markers"):
        ablation_table.fill_document("nothing", tmp_path)


def test_the_published_table_is_that_of_its_files() -> None:
    assert ablation_table.main(["--check", "docs/experiments.md"]) == 0
