"""Which folder of the project imports which: the arrows of docs/architecture.md."""

from __future__ import annotations

import functools

import grimp

PACKAGES = ("core", "app")


@functools.cache
def graph() -> grimp.ImportGraph:
    """Every import of `core` and `app`, those inside functions and under TYPE_CHECKING too."""
    return grimp.build_graph(*PACKAGES)


def folder_of(module: str) -> str:
    """The folder or loose module of a module: `core.images.decode` -> `core.images`."""
    return ".".join(module.split(".")[:2])


def arrows() -> dict[str, set[str]]:
    """Folder -> the folders that it imports."""
    found: dict[str, set[str]] = {}
    for module in sorted(graph().modules):
        mine = found.setdefault(folder_of(module), set())
        mine |= {folder_of(other) for other in graph().find_modules_directly_imported_by(module)}
    for folder, others in found.items():
        others.discard(folder)
    return found
