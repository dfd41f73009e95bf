"""What an evaluation looks like as text, JSON, CSV and a picture."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.data import Sample
from core.evaluate.metrics import METRICS
from core.evaluate.protocol import Protocol
from core.evaluate.report import format_table, to_json, write_csv, write_gallery
from core.evaluate.scoring import Estimate, Evaluation, evaluate
from core.files.colormap import INVALID_COLOR

PROTOCOL = Protocol("test rooms", max_depth=10.0, range_edges=(0.0, 3.0, 10.0))


def frame(name: str, depth: float) -> Sample:
    gt = np.full((24, 32), depth, np.float32)
    gt[:, 16:] *= 2
    gt[:2] = 0.0
    return Sample(np.full((24, 32, 3), 80, np.uint8), gt, 30.0, 30.0, 16.0, 12.0, name)


@pytest.fixture
def result() -> Evaluation:
    factors = {"a": 1.1, "b": 1.6, "none": 1.0}
    samples = [frame("a", 2.0), frame("b", 4.0), frame("none", 0.0)]
    found = evaluate(
        lambda s: Estimate(np.maximum(s.depth, 1) * factors[s.name], -s.depth),
        samples,
        PROTOCOL,
        worst=2,
    )
    return replace(found, baselines={"constant": found.aligned}, about={"model": "tiny"})


def test_json_has_the_promised_keys(result: Evaluation) -> None:
    content = json.loads(to_json(result))
    assert list(content)[:10] == [*METRICS, "images"]
    assert content["images"] == 2
    assert content["skipped"] == ["none"]
    # 0.1 for the first; 0.6 for the second's near half, 10 m instead of 8 m for its far half.
    assert content["abs_rel"] == pytest.approx((0.1 + (0.6 + 0.25) / 2) / 2)
    assert content["model"] == "tiny"
    assert content["protocol"] == "test rooms"
    low, high = content["interval95"]["abs_rel"]
    assert low <= content["abs_rel"] <= high
    assert [b["label"] for b in content["by_range"]] == ["0-3 m", "3-10 m"]
    assert content["sparsification"]["fractions"][0] == 0
    assert set(content["baselines"]["constant"]) == set(METRICS)


def test_table_shows_every_figure(result: Evaluation) -> None:
    text = format_table(result)
    figures = json.loads(to_json(result))
    for key in METRICS:
        assert key in text
        assert f"{figures[key]:.4f}" in text
    for words in ("2 images", "model tiny", "scale-aligned", "constant", "3-10 m", "AUSE", "none"):
        assert words in text
    assert max(len(line) for line in text.splitlines()) < 130


def test_csv_has_a_line_per_image(result: Evaluation, tmp_path: Path) -> None:
    write_csv(result, tmp_path / "images.csv")
    with (tmp_path / "images.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["a", "b"]
    assert int(rows[0]["pixels"]) == 22 * 32
    assert float(rows[0]["abs_rel"]) == pytest.approx(0.1, abs=1e-5)
    assert float(rows[0]["scale"]) == pytest.approx(1 / 1.1, abs=1e-5)
    assert float(rows[0]["aligned_abs_rel"]) == pytest.approx(0.0, abs=1e-5)


def test_gallery_shows_the_worst_first(result: Evaluation, tmp_path: Path) -> None:
    write_gallery(result, tmp_path / "worst.png")
    with Image.open(tmp_path / "worst.png") as picture:
        sheet = np.asarray(picture.convert("RGB"))
    # Four pictures of 240x180 beside each other, a label above, two rows.
    assert sheet.shape == (2 * 196, 4 * 240, 3)
    first, second = sheet[16:196], sheet[212:392]
    assert (first[:, :240] == 80).all()  # the photo
    # The truth has no depth in its first rows: grey, and two distances below.
    assert (first[2, 480:720] == INVALID_COLOR).all()
    assert (first[90, 500] != first[90, 700]).any()
    # "b" is off by 60 % and 25 %, "a" by 10 % everywhere: brighter errors above.
    assert first[90, 720:].mean() > second[90, 720:].mean()
    assert sheet[:16].max() > 200  # a label was written
