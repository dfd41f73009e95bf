"""The import direction: errors -> model -> checkpoint -> predictor -> evaluate/train -> cli.

Read from the syntax trees, so an import inside a function or under TYPE_CHECKING counts too.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from scripts.import_graph import MODULES, direct, imported_names

# A module may reach its own rank and those below; what is not listed takes the rank it needs.
RANKS = {
    "core.errors": 0,
    "core.model": 1,
    "core.checkpoint": 2,
    "core.predictor": 3,
    "core.evaluate": 4,
    "core.train": 4,
    "core.cli": 5,
}
LEAVES = (
    "core.camera",
    "core.imaging.exif",
    "core.metrics",
    "core.colormap",
    "core.imaging.colormap_tables",
)
PAGES_ONLY = {"gradio", "gradio_client", "streamlit", "plotly", "fastapi", "starlette"}
NOT_IN_MODEL = {"numpy", "PIL", "safetensors", "pathlib", "io", "json", "os", "shutil"}


def reached(name: str) -> set[str]:
    """The project's own modules that a module needs, directly or through others."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        for found in direct(waiting.pop()) - seen:
            seen.add(found)
            waiting.append(found)
    return seen


def external(name: str) -> set[str]:
    """The top-level packages from outside that a module imports itself."""
    package = name.rpartition(".")[0]
    tops = {n.partition(".")[0] for n in imported_names(MODULES[name].read_text(), package)}
    return tops - {"core", "app"}


def rank(name: str) -> int | None:
    """The rank of a module: its own entry, or its package's."""
    while name:
        if name in RANKS:
            return RANKS[name]
        name = name.rpartition(".")[0]
    return None


def within(package: str) -> list[str]:
    return [name for name in MODULES if name == package or name.startswith(f"{package}.")]


def test_every_ranked_module_exists() -> None:
    assert [name for name in (*RANKS, *LEAVES) if name not in MODULES] == []


@pytest.mark.parametrize("name", [name for name in MODULES if rank(name) is not None])
def test_direction(name: str) -> None:
    own = rank(name)
    assert own is not None
    above = {other for other in reached(name) if (rank(other) or 0) > own}
    assert not above, f"{name} must not need {sorted(above)}"


def test_core_never_needs_the_pages() -> None:
    for name in within("core"):
        assert not {n for n in reached(name) if n.split(".")[0] == "app"}, name
        assert not external(name) & PAGES_ONLY, f"{name} imports a page library"


@pytest.mark.parametrize("leaf", LEAVES)
def test_leaves_need_nothing_but_errors(leaf: str) -> None:
    assert reached(leaf) <= {"core.errors", *LEAVES}


def test_the_network_knows_tensors_only() -> None:
    for name in within("core.model"):
        assert not external(name) & NOT_IN_MODEL, f"{name} imports {external(name) & NOT_IN_MODEL}"


def test_no_circles() -> None:
    circles = [name for name in MODULES if name in reached(name)]
    assert circles == []


def test_no_catch_all_modules() -> None:
    names = {part for name in MODULES for part in name.split(".")}
    assert not names & {"utils", "util", "common", "helpers", "misc"}


def test_the_reader_sees_every_form_of_import() -> None:
    source = (
        "import os.path\nfrom . import sibling\nfrom ..model import layers\n"
        "def f():\n    from core.errors import DepthError\n"
    )
    names = set(imported_names(source, "core.data"))
    expected = {"os.path", "core.data.sibling", "core.model.layers", "core.errors.DepthError"}
    assert expected <= names


def test_gradio_waits_for_its_folder_of_temporary_files() -> None:
    # It asks for one, and writes to it, as soon as it is imported.
    code = "import sys, app.gradio_app; sys.exit('gradio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0
