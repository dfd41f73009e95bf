"""The benchmarks measure what they say: the plain network is the paper's, and commands load."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks.machine import in_turns
from benchmarks.networks import PAPER, work_of
from benchmarks.reference import reference_of
from core.model import LapDepth, ModelConfig

ROOT = Path(__file__).resolve().parents[1]


def test_the_plain_network_is_the_papers() -> None:
    torch.manual_seed(0)
    model = LapDepth(PAPER).eval()
    image = torch.randn(1, 3, 32, 48)
    with torch.inference_mode():
        ours, plain = model(image).residuals, reference_of(model)(image)
    assert [r.shape for r in plain] == [r.shape for r in ours]
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(plain, ours, strict=True))


def test_the_work_is_that_of_the_convolutions() -> None:
    model = LapDepth(ModelConfig(encoder="mobilenet_v2", max_depth=10.0, decoder_width=128)).eval()
    work = work_of(model, 64, 64)
    assert sum(flop for flop, _ in work.layers) == pytest.approx(work.gflop)
    enough = work.least_seconds(gflops=1.0, gbytes=1e9)
    assert enough == pytest.approx(work.gflop)
    assert work.least_seconds(1.0, 1e-3) > enough


def test_what_is_compared_takes_turns() -> None:
    seen: list[str] = []
    figures = in_turns({"a": lambda: seen.append("a"), "b": lambda: seen.append("b")}, rounds=2)
    assert seen == ["a", "b"] * 3
    assert figures["a"]["least_ms"] <= figures["a"]["median_ms"] <= figures["a"]["p90_ms"]
