"""Where the models and example photos lie that ship with the program.

In a checkout they lie beside the packages; an installed package holds them (`setup.py`).
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def shipped(name: str) -> Path:
    """The folder `checkpoints` or `assets` of this program, wherever it runs from."""
    installed = _PACKAGE / "_shipped" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name


EXAMPLES = shipped("assets") / "examples"
