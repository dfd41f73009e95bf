"""Set-up files agree with each other and with what the README promises."""

from __future__ import annotations

import argparse
import fnmatch
import os
import re
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from app.common.environment import VARIABLES
from app.common.request import DEFAULT_MODEL
from core import __version__
from core.cli import main as cli
from core.data import DEFAULT_DATA

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
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
# Read by the program, but meant for machines, not for people.
SET_BY_LAUNCHERS = {"RANK", "LOCAL_RANK", "WORLD_SIZE"}
SET_BY_SYSTEMS = {"PATH", "XDG_CACHE_HOME", "LOCALAPPDATA"}


def requirements(name: str) -> dict[str, Requirement]:
    lines = [line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    found = [Requirement(line) for line in lines if line]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))


# Make


def test_every_promised_target_exists() -> None:
    asked = {
        name for path in DOCUMENTS for name in re.findall(r"\bmake ([a-z]+)\b", path.read_text())
    }
    commands = {"demo", "test", "setup", "predict"}
    assert commands <= asked
    assert {name for name in asked if name not in targets()} <= {"sure", "it"}, "no such target"


def test_every_target_is_phony_and_explained() -> None:
    phony = set(re.findall(r"^\.PHONY: (.*)", MAKEFILE, re.MULTILINE)[0].split())
    explained = set(re.findall(r"^([a-z]+):.*## ", MAKEFILE, re.MULTILINE))
    assert targets() == phony == explained


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
    (tmp_path / "scripts" / "system_libs.py").touch()
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


# Requirements


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


def test_torch_stays_below_what_was_tried() -> None:
    torch = requirements("requirements.txt")["torch"].specifier
    assert "2.13.0" in torch
    assert "2.14.0" not in torch
    assert "2.10.0" not in torch  # its weights_only loader could be bypassed


# Docker


def docker_sources() -> list[str]:
    copies = re.findall(
        r"^COPY ((?:[^\\\n]|\\\n)+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE
    )
    assert copies
    return [
        source for line in copies for source in line.split()[:-1] if not source.startswith("--")
    ]


def kept_by_dockerignore(path: str) -> bool:
    kept = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.partition("#")[0].strip()
        if not pattern:
            continue
        name = pattern.removeprefix("!")
        parents = [str(parent) for parent in Path(path).parents if str(parent) != "."]
        if any(fnmatch.fnmatch(candidate, name) for candidate in (path, *parents)):
            kept = pattern.startswith("!")
    return kept


@pytest.mark.parametrize("source", docker_sources())
def test_what_docker_copies_is_there(source: str) -> None:
    assert (ROOT / source).exists()
    assert kept_by_dockerignore(source), f".dockerignore leaves {source} out"


def test_docker_runs_as_nobody_special_and_is_asked_for_its_health() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert re.search(r"^USER (?!root\b)\w+", text, re.MULTILINE)
    assert text.index("USER ") < text.index("\nCMD ")
    assert "HEALTHCHECK" in text
    assert re.search(r"^ARG TORCH_INDEX", text, re.MULTILINE)
    assert "make setup TORCH_INDEX=" in text


@pytest.mark.parametrize(
    ("variant", "index", "expected"),
    [
        ("cpu", "", "https://download.pytorch.org/whl/cpu"),
        ("cuda", "", ""),
        ("cuda", "https://example.org", "https://example.org"),
        ("tpu", "", None),
    ],
)
def test_the_variants_choose_the_index_of_torch(
    variant: str, index: str, expected: str | None
) -> None:
    """The shell of the Dockerfile's own step, with a `make` that says what it was given."""
    text = (ROOT / "Dockerfile").read_text()
    (step,) = re.findall(r"^RUN (case (?:.*\\\n)*?.*esac)", text, re.MULTILINE)
    ended = subprocess.run(
        ["sh", "-c", step.replace("\\\n", "\n") + '\nprintf "%s" "$index"'],
        env={"VARIANT": variant, "TORCH_INDEX": index},
        capture_output=True,
        text=True,
        check=False,
    )
    if expected is None:
        assert ended.returncode == 2
        assert "expected cpu or cuda" in ended.stderr
    else:
        assert ended.stdout == expected


def test_docker_copies_everything_that_the_makefile_needs_for_setup() -> None:
    rule = re.search(r"^\$\(RUNTIME\):((?:.*\\\n)*.*)\|", MAKEFILE, re.MULTILINE)
    assert rule is not None
    needed = set(rule.group(1).replace("\\", " ").split())
    assert needed <= set(docker_sources())


# Continuous integration


def test_ci_is_a_program_that_bash_understands() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    assert re.search(r"^make test$", script.read_text(), re.MULTILINE)


# README


def variables_read() -> set[str]:
    """The names of the environment variables that core and app read, from their sources."""
    pattern = re.compile(
        r"""(?:environ(?:ment)?(?:\.get\(|\[|,\ )|getenv\(
            |_VARIABLE\ =\ |\b(?:value|number)\()
            \s*["']([A-Z][A-Z0-9_]+)["'](?!\]\ =\ )""",
        re.VERBOSE,
    )
    names: set[str] = set()
    for package in ("core", "app"):
        for path in (ROOT / package).rglob("*.py"):
            names |= set(pattern.findall(path.read_text()))
    return names


def test_the_table_of_variables_is_what_the_sources_read() -> None:
    read = variables_read() | set(re.findall(r"\b(TORCH_INDEX|PYTHON)\b", MAKEFILE))
    assert {"HOST", "GRADIO_PORT", "LAPDEPTH_LOG", "LAPDEPTH_DATA"} <= read
    assert read - SET_BY_LAUNCHERS - SET_BY_SYSTEMS == {variable.name for variable in VARIABLES}


def test_defaults_of_the_table_are_those_of_the_sources() -> None:
    defaults = {variable.name: variable.default for variable in VARIABLES}
    assert defaults["LAPDEPTH_MODEL"] == DEFAULT_MODEL
    assert defaults["LAPDEPTH_DATA"] == str(DEFAULT_DATA)
    assert f"PYTHON ?= {defaults['PYTHON']}" in MAKEFILE
    for name in ("HOST", "GRADIO_PORT", "STREAMLIT_PORT"):
        assert re.search(rf"^#   {name} .*default {defaults[name]}$", MAKEFILE, re.MULTILINE)


def commands() -> dict[str, set[str]]:
    """What the command line takes: its commands and their options."""
    (choices,) = (
        action
        for action in cli._parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return {
        name: {option for action in parser._actions for option in action.option_strings}
        for name, parser in choices.choices.items()
    }


def test_the_command_line_is_the_readmes() -> None:
    offered = commands()
    section = README.partition("## Command line")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `([a-z-]+) ?([^`]*)`", section, re.MULTILINE))
    documented = {name: set(re.findall(r"--[a-z-]+", rest)) for name, rest in rows.items()}
    assert {name for name in documented if name in offered} == set(offered)
    for name in offered:
        assert documented[name] <= offered[name], f"{name} has no such option"
    paragraph = section.partition("`predict` takes")[2].partition("| name |")[0]
    named = set(re.findall(r"--[a-z][a-z-]*", paragraph)) | {"--out"}
    assert named == offered["predict"] - {"-h", "--help"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for target, anchor in re.findall(
        r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)", document.read_text()
    ):
        page = document.parent / target if target else document
        assert page.exists(), f"{document.name} links to {target}"
        if anchor:
            assert anchor in anchors(page), f"{document.name} links to {target}#{anchor}"


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


def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    photo = ROOT / "assets" / "examples" / "coffee.jpg"
    (tmp_path / "photo.jpg").write_bytes(photo.read_bytes())
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(example, names)
    depth = names["prediction"].depth
    assert depth.shape == (400, 600)
    assert 0 < depth.min() < depth.max() < 20
    assert (tmp_path / "photo.ply").stat().st_size > 400 * 600 / 2 * 15
