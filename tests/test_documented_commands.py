"""The documents' commands are ones that the program takes, their Python imports what there is."""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from core.cli import main as cli

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND = re.compile(r"\.venv/bin/python -m core ((?!COMMAND)[a-z].*?)(?:\s{2,}#.*)?(?=$|`)", re.M)
PLACEHOLDERS = {"..."}


def commands() -> list[str]:
    """What the documents show behind `.venv/bin/python -m core`, each once."""
    found = (line for path in DOCUMENTS for line in COMMAND.findall(path.read_text()))
    return sorted({line.strip() for line in found if not line.rstrip().endswith("\\")})


def test_there_are_commands_to_check() -> None:
    assert len(commands()) > 10


@pytest.mark.parametrize("command", commands())
def test_a_documented_command_can_be_parsed(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word for word in shlex.split(command) if word not in PLACEHOLDERS]
    try:
        cli._parser().parse_args(words)
    except SystemExit:
        pytest.fail(f"{command}\n{capsys.readouterr().err}")


def test_every_command_and_option_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    (choices,) = (
        action
        for action in cli._parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    assert all(f"`{name}" in readme for name in choices.choices)
    predict = choices.choices["predict"]
    options = {option for action in predict._actions for option in action.option_strings}
    assert {option for option in options if option[:2] == "--" and option not in readme} == {
        "--help"
    }


def test_python_examples_import_what_there_is() -> None:
    imports = {
        (module, name.strip())
        for path in DOCUMENTS
        for example in re.findall(r"```python\n(.*?)```", path.read_text(), re.DOTALL)
        for module, names in re.findall(r"^from (core[\w.]*) import (.+)$", example, re.M)
        for name in names.split(",")
    }
    assert len(imports) > 5
    assert [
        (module, name)
        for module, name in sorted(imports)
        if not hasattr(importlib.import_module(module), name)
    ] == []


def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    photo = ROOT / "assets" / "examples" / "coffee.jpg"
    (tmp_path / "photo.jpg").write_bytes(photo.read_bytes())
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(example, names)
    depth = names["prediction"].depth
    assert depth.shape == (400, 600)
    assert 0 < depth.min() < depth.max() < 20
    assert (tmp_path / "photo.ply").stat().st_size > 400 * 600 / 2 * 15
