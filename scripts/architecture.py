"""Diagrams of docs/architecture.md, as Mermaid: the network from a pass, packages from imports."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import grimp
import torch

from core.model import LapDepth, ModelConfig

HEIGHT, WIDTH = 352, 704
PAPER = ModelConfig("resnext101_32x8d", max_depth=80.0)

# Used nearly everywhere; said in the text instead of drawn.
EVERYWHERE = ("core", "app", "core.errors", "core.atomic", "core.threads")
# `PointCloud.save` and `Mesh.save`: the one convenience that looks forward.
FORWARD = {("core.geometry", "core.files")}


def folder_of(module: str) -> str:
    """The folder or loose module of a module: `core.images.decode` -> `core.images`."""
    return ".".join(module.split(".")[:2])


def arrows() -> dict[str, set[str]]:
    """Folder -> the folders that it imports, inside functions and under TYPE_CHECKING too."""
    graph = grimp.build_graph("core", "app")
    found: dict[str, set[str]] = {}
    for module in sorted(graph.modules):
        mine = found.setdefault(folder_of(module), set())
        mine |= {folder_of(other) for other in graph.find_modules_directly_imported_by(module)}
    for folder, others in found.items():
        others.discard(folder)
    return found


def packages() -> str:
    """The folders with an arrow to what each uses, as far as that does not follow from others.

    Raises:
        ValueError: folders that use each other.
    """
    uses = {
        folder: {
            other for other in others if other not in EVERYWHERE and (folder, other) not in FORWARD
        }
        for folder, others in arrows().items()
        if folder not in EVERYWHERE
    }
    circles = [folder for folder in uses if folder in _reached(uses, folder)]
    if circles:
        raise ValueError(f"the folders {', '.join(circles)} use each other in a circle")
    names = {folder: folder.replace(".", "_") for folder in uses}
    lines = ["flowchart TD"]
    lines += [f'    {name}["{folder.replace(".", "/")}"]' for folder, name in names.items()]
    for folder, others in uses.items():
        implied = set().union(*(_reached(uses, other) for other in others)) if others else set()
        lines += [f"    {names[folder]} --> {names[other]}" for other in sorted(others - implied)]
    return _fenced(lines)


def _reached(uses: dict[str, set[str]], part: str) -> set[str]:
    seen: set[str] = set()
    waiting = [part]
    while waiting:
        for other in uses[waiting.pop()] - seen:
            seen.add(other)
            waiting.append(other)
    return seen


def network() -> str:
    """The paper's network, its shapes taken from a pass (on torch's "meta" device, no weights)."""
    with torch.device("meta"):
        model = LapDepth(PAPER).eval()
        image = torch.empty(1, 3, HEIGHT, WIDTH)
        deepest, *skips = model.encoder(image)
        gathered = model.aspp(deepest)
        features: list[torch.Tensor] = []
        for level in model.decoder.levels:
            level.register_forward_hook(lambda _module, _args, out: features.append(out[0]))
        output = model(image)
    lines = [
        "flowchart TD",
        f'    photo["photo {_shape(image)}"] --> encoder["encoder {PAPER.encoder}"]',
        '    photo --> pyramid["Laplacian pyramid"]',
        f'    encoder -- "{_shape(deepest)}" --> aspp["dense ASPP"]',
        f'    aspp -- "{_shape(gathered)}" --> r5["R5 {_shape(output.residuals[0])}"]',
    ]
    levels = [f"r{5 - index}" for index in range(len(output.residuals))]
    for index, (coarser, level) in enumerate(pairwise(levels)):
        residual, feature = output.residuals[index + 1], features[index]
        said = f"{level.upper()} {_shape(residual)}, feature {feature.shape[1]} channels"
        lines.append(f'    {level}["{said}"]')
        lines.append(f'    {coarser} -- "x2" --> {level}')
        if index < len(skips):
            lines.append(f'    encoder -- "skip {_shape(skips[index])}" --> {level}')
        lines.append(f'    pyramid -- "band {_shape(output.bands[index + 1])}" --> {level}')
    lines.append('    sum(("sum, x2 at every level"))')
    lines += [f"    {level} -.-> sum" for level in levels]
    lines.append(f'    sum --> depth["depth {_shape(output.depth)} = max_depth * sigmoid"]')
    return _fenced(lines)


def _shape(tensor: torch.Tensor) -> str:
    channels, height, width = tensor.shape[1:]
    return f"{channels} x {height} x {width}"


def _fenced(lines: Iterable[str]) -> str:
    return "\n".join(["```mermaid", *lines, "```"])
