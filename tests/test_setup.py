"""Set-up files agree with each other and with what the README promises."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from app.common.environment import VARIABLES
from app.common.request import DEFAULT_MODEL
from core import __version__
from core.data import DEFAULT_DATA

ROOT = Path(__file__).resolve().parents[1]
MAKEFILE = (ROOT / "Makefile").read_text()
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *(
        path
        for folder in ("docs", "assets", "checkpoints")
        for path in (ROOT / folder).rglob("*.md")
    ),
]


def requirements(name: str) -> dict[str, Requirement]:
    lines = [line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    found = [Requirement(line) for line in lines if line]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def test_predict_without_a_picture_is_one_sentence() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "IMAGE"}
    ended = subprocess.run(
        ["make", "--dry-run", "predict"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "IMAGE is not set; expected a photo" in ended.stderr


def test_an_old_python_is_one_sentence(tmp_path: Path) -> None:
    """In a folder of its own, with a python that says it is older than 3.11."""
    old = tmp_path / "python3.9"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    for name in ("Makefile", "requirements.txt", "requirements-overrides.txt", "constraints.txt"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "scripts").mkdir()
    for name in ("system_libs.py", "torch_index.py"):
        (tmp_path / "scripts" / name).touch()
    ended = subprocess.run(
        ["make", "setup", f"PYTHON={old}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "expected Python 3.11 or newer" in ended.stderr
    assert not (tmp_path / ".venv").exists()


def test_the_lock_fits_the_ranges() -> None:
    lock = requirements("constraints.txt")
    overrides = requirements("requirements-overrides.txt")
    for name in ("requirements.txt", "requirements-dev.txt"):
        for package, requirement in requirements(name).items():
            if package in overrides:
                assert package not in lock, f"{package} belongs to requirements-overrides.txt"
                continue
            assert package in lock, f"{package} of {name} is not locked; run `make lock`"
            (pin,) = lock[package].specifier
            assert pin.operator == "=="
            assert pin.version in requirement.specifier, f"{package} {pin.version} of the lock"


def test_the_lock_names_no_place() -> None:
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert line.startswith("#") or re.fullmatch(r"[\w.-]+==[\w.!]+", line), line


def test_what_runs_here_is_in_range() -> None:
    names = ("requirements.txt", "requirements-dev.txt", "requirements-overrides.txt")
    for name in names:
        for package, requirement in requirements(name).items():
            installed = version(package)
            assert requirement.specifier.contains(installed, prereleases=True), (
                f"{package} {installed} does not satisfy {requirement}"
            )


def test_defaults_of_the_table_are_those_of_the_sources() -> None:
    defaults = {variable.name: variable.default for variable in VARIABLES}
    assert defaults["LAPDEPTH_MODEL"] == DEFAULT_MODEL
    assert defaults["LAPDEPTH_DATA"] == str(DEFAULT_DATA)
    assert f"PYTHON ?= {defaults['PYTHON']}" in MAKEFILE
    for name in ("HOST", "GRADIO_PORT", "STREAMLIT_PORT"):
        assert re.search(rf"^#   {name} .*default {defaults[name]}$", MAKEFILE, re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "core.__version__"}
    latest = re.search(r"^## \[([\d.]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    cited = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert latest is not None
    assert cited is not None
    assert __version__ == latest.group(1) == cited.group(1)


def test_links_lead_somewhere() -> None:
    broken = []
    for document in DOCUMENTS:
        for target, anchor in re.findall(
            r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)", document.read_text()
        ):
            page = document.parent / target if target else document
            if not page.exists() or (anchor and anchor not in anchors(page)):
                broken.append(f"{document.name} links to {target}#{anchor}")
    assert broken == []
