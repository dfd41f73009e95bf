"""The index of the Python interface: what each public module offers, in a line each.

python -m scripts.api_index              # the modules' names, for pdoc
"""

from __future__ import annotations

import importlib
import inspect
from types import ModuleType

MODULES = (
    "core",
    "core.predictor",
    "core.prediction",
    "core.weights.choice_table",
    "core.images.decode",
    "core.camera",
    "core.geometry.point_cloud",
    "core.geometry.mesh",
    "core.geometry.measure",
    "core.geometry.planes",
    "core.geometry.render",
    "core.geometry.virtual_object",
    "core.geometry.open3d_tools",
    "core.files.outputs",
    "core.files.colormap",
    "core.batch.run",
    "core.weights.checkpoint",
    "core.engines",
    "core.engines.onnx_file",
    "core.inspect.inspection",
    "core.inspect.receptive_field",
    "core.evaluate.run",
    "core.evaluate.metrics",
    "core.data",
    "core.train.losses",
    "core.train.adapt",
    "core.train.loop",
    "core.train.config",
    "core.model",
    "core.errors",
)
"""What programs may rely on, in the order of a reader's way through it."""


def index() -> str:
    """A table for each module: name, and the first sentence of its docstring."""
    parts = []
    for name in MODULES:
        module = importlib.import_module(name)
        rows = [
            f"| `{item}{_signature(getattr(module, item))}` | {_summary(getattr(module, item))} |"
            for item in _public(module)
        ]
        head = [f"### {name}", "", _summary(module), "", "| name | is |", "|---|---|"]
        parts.append("\n".join([*head, *rows]))
    return "\n\n".join(parts)


def _public(module: ModuleType) -> list[str]:
    """`__all__` without plain values, or the classes and functions defined in the module."""
    stated = getattr(module, "__all__", None)
    names = stated if stated is not None else vars(module)
    return [
        name
        for name in names
        if not name.startswith("_")
        and (inspect.isclass(getattr(module, name)) or inspect.isfunction(getattr(module, name)))
        and (stated is not None or getattr(module, name).__module__ == module.__name__)
    ]


def _signature(item: object) -> str:
    """The names of a function's arguments; nothing for a class, whose page lists its fields."""
    if not inspect.isfunction(item):
        return ""
    return f"({', '.join(inspect.signature(item).parameters)})"


def _summary(item: object) -> str:
    lines = (inspect.getdoc(item) or "").partition("\n\n")[0]
    return " ".join(lines.split()).replace("|", "\\|")


if __name__ == "__main__":
    print(*MODULES)
