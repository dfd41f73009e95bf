"""What one place of a stage sees: effective receptive fields, as gradients of the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from core.errors import ConfigError
from core.inspect.inspection import ENCODER_STRIDES, Inspector, hooks, keep
from core.model import LapDepth
from core.model.aspp import ASPP

FEATURES = tuple(f"feature{stride}" for stride in ENCODER_STRIDES)


def stages(model: LapDepth) -> dict[str, nn.Module]:
    """The modules whose output can be asked for by name, in the order of the pass."""
    branches = {f"branch{i}": branch for i, branch in enumerate(model.aspp.branches)}
    levels = {f"level{i}": lv.get_submodule("refine") for i, lv in enumerate(model.decoder.levels)}
    return {**branches, "aspp": model.aspp, **levels}


def receptive_field(
    inspector: Inspector, image: Tensor, names: Sequence[str], row: float, column: float
) -> dict[str, Tensor]:
    """Which pixels of the image one place of each stage depends on, and how strongly.

    The effective receptive field (Luo et al., NIPS 2016): the gradient of the sum of a stage's
    channels at one place, its absolute value summed over the image's channels.

    Args:
        image: (1, 3, h, w), as for `LapDepth.forward`.
        names: of `FEATURES`, of `stages`, or "depth".
        row, column: the place, as a share of height and width from 0 to 1.

    Returns:
        Per stage (h, w), at least 0, per unit of the normalised image.

    Raises:
        ConfigError: no such stage.
    """
    known = stages(inspector.model)
    unknown = [name for name in names if name not in (*FEATURES, *known, "depth")]
    if unknown:
        raise ConfigError(
            f"The stage {unknown[0]!r} is not in this network; expected one of "
            f"{', '.join((*FEATURES, *known, 'depth'))}. Choose one of these."
        )
    kept: dict[str, Any] = {}

    watched = {"encoder": inspector.model.encoder, **known}
    with inspector.lock, torch.enable_grad():
        leaf = image.detach().clone().requires_grad_(True)
        with hooks([m.register_forward_hook(keep(kept, name)) for name, m in watched.items()]):
            kept["depth"] = inspector.model(leaf).depth
        kept |= dict(zip(FEATURES, kept["encoder"], strict=True))
        fields = {}
        for name in names:
            height, width = kept[name].shape[-2:]
            y, x = cell_of(row, height), cell_of(column, width)
            (gradient,) = torch.autograd.grad(kept[name][0, :, y, x].sum(), leaf, retain_graph=True)
            fields[name] = gradient[0].abs().sum(0)
    return fields


def cells_seen(aspp: ASPP, feature: Tensor, branch: int | None, y: int, x: int) -> Tensor:
    """Which cells of the 1/16 feature one place of an ASPP, or of one branch of it, reads.

    Args:
        aspp: nobody else may run it meanwhile (it is hooked).
        feature: (1, c, h, w), its input.
        branch: index of the branch; None is the merged output.
        y, x: the place, in cells.

    Returns:
        (h, w), the absolute gradient summed over channels; exactly 0 where a cell is not read.
    """
    kept: dict[str, Tensor] = {}
    source = aspp if branch is None else aspp.branches[branch]
    with torch.enable_grad(), hooks([source.register_forward_hook(keep(kept, "output"))]):
        leaf = feature.detach().clone().requires_grad_(True)
        aspp(leaf)
        (gradient,) = torch.autograd.grad(kept["output"][0, :, y, x].abs().sum(), leaf)
    return gradient[0].abs().sum(0)


def cell_of(share: float, count: int) -> int:
    """The index, from 0 to count - 1, of the cell at a share from 0 to 1 of a length."""
    return max(0, min(int(share * count), count - 1))


def extent(field: Tensor) -> tuple[int, int]:
    """Height and width of the smallest centred box that holds 95 % of a field's weight.

    Args:
        field: (h, w), at least 0. The box is centred on its centre of mass.
    """
    sizes = []
    for axis in (0, 1):
        profile = field.sum(1 - axis).double()
        place = torch.arange(len(profile), dtype=torch.float64)
        total = profile.sum().clamp_min(1e-30)
        distance = (place - (place * profile).sum() / total).abs()
        order = distance.argsort()
        held = profile[order].cumsum(0) / total
        last = min(int((held < 0.95).sum()), len(profile) - 1)
        sizes.append(int(2 * distance[order][last].item()) + 1)
    return sizes[0], sizes[1]
