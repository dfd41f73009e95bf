"""The network rewritten for inference: the same function, with fewer operations.

Three rewrites, none of which changes what the network computes beyond rounding (tested at 1e-4
relative for every encoder): filters are standardised once and not on every call; a BatchNorm that
sees the output of one convolution only is folded into that convolution; weights lie
channels-last, the layout in which CPU and GPU kernels convolve without copies.
"""

from __future__ import annotations

import copy
import itertools
import logging
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from core.model.lapdepth import LapDepth
from core.model.layers import PreActConv, StandardisedConv2d

logger = logging.getLogger(__name__)

_PROBE_SIZE = 64  # pixels; the deepest stage still sees 2x2
_AGREES = 1e-4  # relative; a rewrite further off than this is not the same function


def folded(model: LapDepth) -> LapDepth:
    """An inference copy of a network; the original is left as it is.

    The copy keeps the module names, so that hooks on `aspp` and `decoder` find the same
    activations. It is in eval mode, its parameters want no gradient, and it cannot be trained.
    """
    rewritten = copy.deepcopy(model).eval().requires_grad_(False)
    for module in rewritten.modules():
        if isinstance(module, StandardisedConv2d):
            module.fold()
    for stack in _exclusive_stacks(rewritten):
        _fold_stack(stack)
    _fold_encoder(rewritten)
    rewritten.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return rewritten


def _exclusive_stacks(model: LapDepth) -> Iterator[nn.Sequential]:
    """Sequences of pre-activated convolutions whose inner results nobody else reads."""
    for module in model.modules():
        if isinstance(module, nn.Sequential) and all(isinstance(m, PreActConv) for m in module):
            yield module


def _fold_stack(stack: nn.Sequential) -> None:
    """Folds each block's norm into the convolution of the block before it."""
    blocks = list(stack)
    for before, block in itertools.pairwise(blocks):
        norm, conv = block.get_submodule("norm"), before.get_submodule("conv")
        if isinstance(norm, nn.BatchNorm2d) and isinstance(conv, nn.Conv2d):
            before.conv = fuse_conv_bn_eval(_plain(conv), norm)
            block.norm = nn.Identity()


def _plain(conv: nn.Conv2d) -> nn.Conv2d:
    """A convolution of torch's own class: a `StandardisedConv2d` takes no bias."""
    if type(conv) is not StandardisedConv2d:
        return conv
    plain = nn.Conv2d(
        conv.in_channels,
        conv.out_channels,
        kernel_size=(conv.kernel_size[0], conv.kernel_size[1]),
        padding=conv.padding if isinstance(conv.padding, str) else tuple(conv.padding),  # type: ignore[arg-type]
        dilation=(conv.dilation[0], conv.dilation[1]),
        bias=False,
    ).eval()
    plain.weight = conv.weight
    return plain.requires_grad_(False)


def _fold_encoder(model: LapDepth) -> None:
    """Folds the encoder's norms, and takes it back where that changed what it computes.

    Backbones declare a norm right after the convolution it follows. That is a habit and no
    contract (a pre-activated timm network breaks it), so the result is compared with the original.
    """
    generator = torch.Generator().manual_seed(0)
    probe = torch.randn(1, 3, _PROBE_SIZE, _PROBE_SIZE, generator=generator)
    encoder = copy.deepcopy(model.encoder)
    for parent in encoder.modules():
        _fold_children(parent)
    with torch.inference_mode():
        before, after = model.encoder(probe), encoder(probe)
    if all(_agree(a, b) for a, b in zip(before, after, strict=True)):
        model.encoder = encoder
    else:
        logger.info("the norms of %s are not where folding expects them", model.config.encoder)


def _fold_children(parent: nn.Module) -> None:
    children = list(parent.named_children())
    for (conv_name, conv), (norm_name, norm) in itertools.pairwise(children):
        if (
            isinstance(conv, nn.Conv2d)
            and isinstance(norm, nn.BatchNorm2d)
            and norm.running_var is not None
            and norm.num_features == conv.out_channels
        ):
            setattr(parent, conv_name, fuse_conv_bn_eval(conv, norm))
            setattr(parent, norm_name, nn.Identity())


def _agree(expected: Tensor, got: Tensor) -> bool:
    scale = expected.abs().max()
    return bool((expected - got).abs().max() <= _AGREES * scale)
