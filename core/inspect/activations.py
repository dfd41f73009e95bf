"""What the decoder's weight preprocessing does: units before ReLU, filters before and after.

Paper, section III-C: every convolution of the decoder is pre-activated (norm -> ReLU -> conv) and
its filters are standardised.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.inspect.inspection import hooks, keep
from core.model import LapDepth
from core.model.layers import NORM_EPS, PreActConv, StandardisedConv2d, standardise
from core.model.pyramid import double

BINS = 81


@dataclass(frozen=True)
class Histogram:
    """How often values fall between edges: `edges` (n + 1,), `density` (n,) with unit area."""

    edges: Tensor
    density: Tensor


@dataclass(frozen=True)
class Units:
    """What one ReLU does to the values that reach it, over one image.

    Attributes:
        name: of the block, as in `LapDepth.named_modules`.
        channels: how many channels reach it.
        dead: share of channels that are not positive anywhere, so that nothing passes.
        zero: share of all values that become 0.
        mean, spread: of the values before ReLU (spread: standard deviation).
        before: their distribution.
    """

    name: str
    channels: int
    dead: float
    zero: float
    mean: float
    spread: float
    before: Histogram


@dataclass(frozen=True)
class Order:
    """One block in one order of its three operations.

    Attributes:
        units: what its ReLU sees.
        output: distribution of the block's output.
        output_negative: share of output values below 0.
    """

    units: Units
    output: Histogram
    output_negative: float


def blocks(model: LapDepth) -> dict[str, PreActConv]:
    """The pre-activated convolutions by name, in the order of the pass."""
    return {name: m for name, m in model.named_modules() if isinstance(m, PreActConv)}


def variant(model: LapDepth, *, standardised: bool, calibrate_on: Tensor | None = None) -> LapDepth:
    """A copy of a network with or without weight standardisation.

    Args:
        standardised: whether the copy's decoder standardises its filters.
        calibrate_on: (1, 3, h, w); given, the copy's decoder norms take their statistics from this
            image, as BatchNorm does in training. None keeps the trained statistics.
    """
    changed = copy.deepcopy(model).eval()
    for module in changed.modules():
        if isinstance(module, StandardisedConv2d):
            module.plain = not standardised
    if calibrate_on is not None:
        norms = [block.norm for block in blocks(changed).values()]
        batch = [norm for norm in norms if isinstance(norm, nn.BatchNorm2d)]
        for norm in batch:
            norm.momentum = 1.0
            norm.train()
        with torch.inference_mode():
            changed(calibrate_on)
        changed.eval()
    return changed


def before_relu(model: LapDepth, image: Tensor) -> tuple[list[Units], Tensor]:
    """Runs the network and looks at every ReLU of ASPP and decoder.

    Args:
        model: nobody else may run it meanwhile (it is hooked).
        image: (1, 3, h, w).

    Returns:
        One record per block in the order of the pass, and the depth (1, 1, h, w) in metres.
    """
    found: list[Units] = []

    def look(name: str) -> Callable[..., None]:
        def hook(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            found.append(_units(name, output))

        return hook

    handles = [b.norm.register_forward_hook(look(name)) for name, b in blocks(model).items()]
    with hooks(handles), torch.inference_mode():
        depth = model(image).depth
    return found, depth


def block_input(model: LapDepth, image: Tensor, name: str) -> Tensor:
    """What reaches one block when an image goes through (the model is hooked meanwhile)."""
    kept: dict[str, tuple[Tensor, ...]] = {}
    handle = blocks(model)[name].register_forward_pre_hook(keep(kept, name))
    with hooks([handle]), torch.inference_mode():
        model(image)
    return kept[name][0]


def compare_orders(block: PreActConv, x: Tensor, *, standardised: bool) -> dict[str, Order]:
    """One block's input sent through both orders of norm, ReLU and convolution.

    Both orders use the block's own filters and normalise with the statistics of this input, so that
    only the order differs: "pre" is norm -> ReLU -> conv, "post" is conv -> norm -> ReLU.

    Args:
        block: of `blocks`.
        x: (1, in, h, w), what reaches it.
    """
    conv = block.conv
    weight = standardise(conv.weight) if standardised else conv.weight

    def convolve(value: Tensor) -> Tensor:
        value = double(value) if block.upsample else value
        return functional.conv2d(value, weight, None, 1, conv.padding, conv.dilation)

    with torch.inference_mode():
        pre = _normalised(x)
        pre_output = convolve(functional.relu(pre))
        post = _normalised(convolve(x))
        post_output = functional.relu(post)
    return {
        "pre": _order("pre", pre, pre_output),
        "post": _order("post", post, post_output),
    }


def filters(block: PreActConv) -> tuple[Tensor, Tensor]:
    """A block's filters W and W' = standardised W, both (out, in, kh, kw)."""
    weight = block.conv.weight.detach()
    return weight, standardise(weight)


def histogram(values: Tensor, low: float | None = None, high: float | None = None) -> Histogram:
    """The distribution of values; the range is the 0.1st to 99.9th percentile unless given.

    Values outside the range are counted in the outermost bins.
    """
    flat = values.detach().flatten().float()
    if low is None or high is None:
        # quantile() refuses more than 2^24 values, and a stride changes a percentile little.
        sample = flat[:: max(1, flat.numel() // 200_000)]
        low, high = (float(q) for q in torch.quantile(sample, torch.tensor([0.001, 0.999])))
    if not high > low:
        low, high = low - 0.5, low + 0.5
    edges = torch.linspace(low, high, BINS + 1)
    counts = torch.histc(flat.clamp(low, high), bins=BINS, min=low, max=high)
    return Histogram(edges, counts / counts.sum() / (edges[1] - edges[0]))


def _normalised(x: Tensor) -> Tensor:
    mean = x.mean((0, 2, 3), keepdim=True)
    variance = x.var((0, 2, 3), keepdim=True, correction=0)
    return (x - mean) / (variance + NORM_EPS).sqrt()


def _units(name: str, value: Tensor) -> Units:
    positive = value > 0
    return Units(
        name=name,
        channels=value.shape[1],
        dead=float((~positive.any(0).flatten(1).any(1)).float().mean()),
        zero=float((~positive).float().mean()),
        mean=float(value.mean()),
        spread=float(value.std(correction=0)),
        before=histogram(value),
    )


def _order(name: str, value: Tensor, output: Tensor) -> Order:
    return Order(_units(name, value), histogram(output), float((output < 0).float().mean()))
