"""Looking inside one pass of the network: what each stage holds, sees and contributes.

Everything runs on tensors and leaves the network as it was. Hooks belong to the module that they
sit on, so two threads must not look into one network at a time: `Inspector` holds the lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from core.errors import ConfigError
from core.model import LapDepth, LapDepthOutput, accumulate

ENCODER_STRIDES = (16, 8, 4, 2)
FUSION_INPUTS = ("feature", "skip", "residual", "band")
FILLS = ("mean", "zero")


@dataclass(frozen=True)
class Trace:
    """What the stages held while one image went through; n is 1, lists run coarse -> fine.

    Attributes:
        image: (1, 3, h, w), the network's input.
        features: the encoder's, at 1/16, 1/8, 1/4, 1/2.
        reduced: (1, C / 2, h / 16, w / 16), ASPP's first 1x1.
        branches: ASPP's, each (1, C / 4, h / 16, w / 16), in the order of the rates.
        context: (1, C / 2, h / 16, w / 16), ASPP's output, the decoder's first feature.
        fused: per level 1/8..1/1 what its refining convolution reads: the fused feature, then one
            channel of the coarser residual, then three of the image's band.
        output: the network's own output.
    """

    image: Tensor
    features: list[Tensor]
    reduced: Tensor
    branches: list[Tensor]
    context: Tensor
    fused: list[Tensor]
    output: LapDepthOutput


@dataclass(frozen=True)
class Occlusion:
    """What one input of a fusion is worth, measured by hiding it.

    Attributes:
        name: of `FUSION_INPUTS`, or of ASPP's concatenation.
        change: (1, 1, h, w) metres, depth without this input minus depth with it.
    """

    name: str
    change: Tensor


class Inspector:
    """A network opened for looking.

    Args:
        model: kept in evaluation mode; nobody else should run it meanwhile.
    """

    def __init__(self, model: LapDepth) -> None:
        self.model = model.eval().requires_grad_(False)
        self.lock = threading.Lock()

    def trace(self, image: Tensor) -> Trace:
        """Runs the network once and keeps what its stages gave."""
        model = self.model
        kept: dict[str, Any] = {}
        wanted: dict[str, nn.Module] = {"encoder": model.encoder, "reduced": model.aspp.reduce}
        wanted |= {f"branch{i}": branch for i, branch in enumerate(model.aspp.branches)}
        wanted |= {"context": model.aspp}

        with self.lock, torch.inference_mode():
            handles = [m.register_forward_hook(keep(kept, name)) for name, m in wanted.items()]
            for i, level in enumerate(model.decoder.levels):
                refine = level.get_submodule("refine")
                handles.append(refine.register_forward_pre_hook(keep(kept, f"fused{i}")))
            with hooks(handles):
                output = model(image)
        return Trace(
            image=image,
            features=list(kept["encoder"]),
            reduced=kept["reduced"],
            branches=[kept[f"branch{i}"] for i in range(len(model.aspp.branches))],
            context=kept["context"],
            fused=[kept[f"fused{i}"][0] for i in range(len(model.decoder.levels))],
            output=output,
        )

    def occlude(self, trace: Trace, level: int, fill: str = "mean") -> list[Occlusion]:
        """Hides the inputs of one level's fusion in turn and measures the change in depth.

        Only what the level reads is hidden; the sum of residuals stays complete.

        Args:
            level: 0 (1/8) to 3 (1/1).
            fill: "mean" replaces every channel by its mean over the image, "zero" by zero.

        Returns:
            One entry per input that this level has (the finest level has no skip).

        Raises:
            ConfigError: no such level or fill.
        """
        count = len(self.model.decoder.levels)
        if not 0 <= level < count or fill not in FILLS:
            raise ConfigError(
                f"The occlusion is of level {level} with {fill!r}; expected a level from 0 to "
                f"{count - 1} and one of {FILLS}. Choose one of these."
            )
        module = self.model.decoder.levels[level]
        result = []
        with self.lock, torch.inference_mode():
            for index, name in enumerate(FUSION_INPUTS):

                def hide(_: nn.Module, inputs: tuple[Any, ...], index: int = index) -> Any:
                    hidden = _filled(inputs[index], fill)
                    return (*inputs[:index], hidden, *inputs[index + 1 :])

                if name == "skip" and level == count - 1:
                    continue
                with hooks([module.register_forward_pre_hook(hide)]):
                    change = self._change(trace, trace.context)
                result.append(Occlusion(name, change))
        return result

    def occlude_branches(self, trace: Trace, fill: str = "mean") -> list[Occlusion]:
        """Hides ASPP's branches from its merging convolution in turn.

        Later branches of a dense ASPP still read the hidden one: what is measured is what it gives
        the decoder directly.

        Args:
            fill: see `occlude`.

        Returns:
            Per entry of the concatenation: "reduced", "branch0", ..., "pooling" where there is one.

        Raises:
            ConfigError: no such fill.
        """
        if fill not in FILLS:
            raise ConfigError(f"The fill is {fill!r}, expected one of {FILLS}: choose one.")
        model = self.model
        branches = [f"branch{i}" for i in range(len(trace.branches))]
        names = ["reduced", *branches, *(["pooling"] if model.aspp.pooling is not None else [])]
        quarter = trace.branches[0].shape[1]
        widths = [trace.reduced.shape[1]] + [quarter] * (len(names) - 1)
        result, start = [], 0
        with self.lock, torch.inference_mode():
            for name, width in zip(names, widths, strict=True):
                part = slice(start, start + width)
                start += width

                def hide(_: nn.Module, inputs: tuple[Tensor, ...], part: slice = part) -> Any:
                    gathered = inputs[0].clone()
                    gathered[:, part] = _filled(gathered[:, part], fill)
                    return (gathered,)

                with hooks([model.aspp.merge.register_forward_pre_hook(hide)]):
                    context = model.aspp(trace.features[0])
                result.append(Occlusion(name, self._change(trace, context)))
        return result

    def _change(self, trace: Trace, context: Tensor) -> Tensor:
        """Depth of this context, as the decoder works now, minus depth as it was."""
        bands = trace.output.bands[1:]
        if not self.model.config.bands:
            bands = [torch.zeros_like(band) for band in bands]
        residuals = self.model.decoder(context, trace.features[1:], bands)
        return self.model.depth_of(accumulate(residuals)[-1]) - trace.output.depth


@contextmanager
def hooks(handles: Sequence[Any]) -> Iterator[None]:
    """Removes registered hooks at the end of the block, whatever happens in it."""
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def keep(kept: dict[str, Any], name: str) -> Callable[..., None]:
    """A hook that puts what a module gives (as a pre-hook: the tuple it takes) into `kept`."""

    def hook(_module: nn.Module, *values: Any) -> None:
        kept[name] = values[-1]

    return hook


def _filled(value: Tensor, fill: str) -> Tensor:
    if fill == "zero":
        return torch.zeros_like(value)
    return value.mean((2, 3), keepdim=True).expand_as(value)
