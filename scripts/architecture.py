"""Diagrams of docs/architecture.md, as Mermaid: the network from a pass, packages from imports."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import torch

from core.model import LapDepth, ModelConfig
from scripts.import_graph import MODULES, direct

HEIGHT, WIDTH = 352, 704
PAPER = ModelConfig("resnext101_32x8d", max_depth=80.0)

# Box -> what it holds; a module belongs to the first whose name, or package, it is.
PARTS = {
    "explorer pages": ("app.explorer",),
    "depth page": ("app",),
    "command line": (
        *("core.cli", "core.cli_camera", "core.cli_space", "core.__main__", "core.standard_input"),
        *("core.terminal", "core.batch.command", "core.video.command"),
    ),
    "training": (
        *("core.train", "core.training", "core.losses", "core.losses_geometry"),
        *("core.data.augment", "core.data.batches"),
    ),
    "evaluation": ("core.evaluate", "core.evaluation", "core.metrics", "core.data"),
    "video": ("core.video",),
    "batch": ("core.batch",),
    "predictor": ("core.predictor", "core.model_choice", "core.pipeline"),
    "engines": ("core.engines",),
    "inside views": ("core.inside",),
    "3D and measuring": ("core.geometry", "core.point_cloud", "core.mesh"),
    "files out": (
        *("core.export", "core.depth_bytes"),
        *("core.colormap", "core.imaging.colormap_tables"),
    ),
    "prediction": ("core.prediction", "core.geometry.calibration"),
    "checkpoints": (
        *("core.checkpoint", "core.model_files", "core.release_keys"),
        "core.uncertainty",
    ),
    "photos in": ("core.image", "core.imaging", "core.camera"),
    "network": ("core.model",),
}  # fmt: skip
EVERYWHERE = (
    "core",
    "core.errors",
    "core.version",
    "core.atomic",
    "core.threads",
    "core.shipped",
    "core.plain_text",
)  # said in the text instead of drawn


def part_of(module: str) -> str | None:
    """The box of a module, the longest name deciding; None for what everything uses.

    Raises:
        KeyError: no box has it.
    """
    if module in EVERYWHERE:
        return None
    fits = [
        (len(name), part)
        for part, names in PARTS.items()
        for name in names
        if module == name or module.startswith(f"{name}.")
    ]
    if not fits:
        raise KeyError(f"{module} belongs to no box of scripts/architecture.py")
    return max(fits)[1]


def packages() -> str:
    """Boxes with an arrow to what each uses, as far as that does not follow from other arrows.

    Raises:
        ValueError: boxes that use each other.
    """
    uses: dict[str, set[str]] = {part: set() for part in PARTS}
    for module in MODULES:
        part = part_of(module)
        if part is not None:
            found = {part_of(other) for other in direct(module)}
            uses[part] |= {other for other in found if other is not None} - {part}
    circles = [part for part in PARTS if part in _reached(uses, part)]
    if circles:
        raise ValueError(f"the boxes {', '.join(circles)} use each other in a circle")
    names = {part: f"p{index}" for index, part in enumerate(PARTS)}
    lines = ["flowchart TD"]
    lines += [f'    {name}["{part}"]' for part, name in names.items()]
    for part, others in uses.items():
        implied = set().union(*(_reached(uses, other) for other in others)) if others else set()
        for other in sorted(others - implied, key=list(PARTS).index):
            lines.append(f"    {names[part]} --> {names[other]}")
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
