"""What tests of `core` share: a tiny model, a command line that has it alone, runs over photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from core.predictor import Predictor
    from tests.core.batch_runs import Flat, Run


@pytest.fixture(scope="session")
def tiny(tiny_models: Path) -> Path:
    """The checkpoint of a tiny model."""
    return tiny_models / "tiny.safetensors"


@pytest.fixture(scope="session")
def tiny_predictor(tiny: Path) -> Predictor:
    """The same, loaded into PyTorch."""
    from core.predictor import load_model

    return load_model(tiny, engine="torch")


@pytest.fixture
def command_line(monkeypatch: pytest.MonkeyPatch, tiny: Path, tmp_path: Path) -> None:
    """An empty folder; the tiny model alone is installed, and nothing is converted for it."""
    from core import engines
    from core.weights import checkpoint

    monkeypatch.setattr(checkpoint, "CHECKPOINTS", tiny.parent)
    monkeypatch.setattr(engines, "onnx_missing", lambda: ["onnx"])
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def engine() -> Flat:
    """Of the runs over photos."""
    from tests.core.batch_runs import Flat

    return Flat()


@pytest.fixture
def run(tmp_path: Path, engine: Flat) -> Run:
    """A run over photos into `tmp_path / "out"`."""
    from tests.core.batch_runs import starter

    return starter(tmp_path, engine)
