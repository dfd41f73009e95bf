"""The command line as a test calls it (with the fixture `command_line`), and photos for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image

from core.cli.main import main
from tests.tiny_checkpoint import picture


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


def sidecar(name: str) -> dict[str, Any]:
    """The content of a JSON file."""
    content: dict[str, Any] = json.loads(Path(name).read_text())
    return content
