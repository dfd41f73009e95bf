"""Which of the project's modules imports which, read from the syntax trees.

An import inside a function or under TYPE_CHECKING counts too.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def modules() -> dict[str, Path]:
    """Dotted name -> file of every module of core and app."""
    found = {}
    for package in ("core", "app"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imported_names(source: str, package: str) -> Iterator[str]:
    """Everything a module imports, as dotted names, relative ones resolved."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                stem = ".".join(parents[: len(parents) - node.level + 1])
                base = f"{stem}.{base}".rstrip(".")
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


@functools.cache
def direct(name: str) -> set[str]:
    """The project's own modules that a module imports (packages only where nothing finer is)."""
    path = MODULES[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    own = {n for n in imported_names(path.read_text(), package) if n in MODULES}
    return {n for n in own if not any(other.startswith(f"{n}.") for other in own)} - {name}
