"""The command line as a test calls it: with one tiny model, in an empty folder with a photo."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from core import engines
from core.cli.main import main
from core.weights import checkpoint
from tests.tiny_checkpoint import picture


def only_model(monkeypatch: pytest.MonkeyPatch, model: Path, folder: Path) -> None:
    """Only that model is installed, and nothing is converted for another engine."""
    monkeypatch.setattr(checkpoint, "CHECKPOINTS", model.parent)
    monkeypatch.setattr(engines, "onnx_missing", lambda: ["onnx"])
    monkeypatch.chdir(folder)


def run(*arguments: object) -> int:
    """The exit status, argparse's own included."""
    try:
        return main([str(argument) for argument in arguments])
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else -1


def photos(*names: str) -> None:
    """Photos of 120 x 90 pixels, each another one, in the current folder."""
    for seed, name in enumerate(names):
        Image.fromarray(picture(120, 90, seed)).save(f"{name}.png")
