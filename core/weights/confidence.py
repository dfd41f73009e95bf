"""How wrong the depth of each pixel is likely to be, read from the network's own residuals.

The residuals tell where the network is unsure: at borders, where a fine level corrects a coarse
one strongly, and at the far end of the range. A perceptron of one hidden layer turns a dozen such
features, pixel by pixel, into the expected relative error. It is fitted after the network
(`core.train.confidence`), changes no depth and is computed when first asked for, in about a
fifth of a prediction's time (15 against 71 ms for 480x640 pixels, PyTorch, one thread).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from core.errors import ConfigError
from core.model import accumulate

WINDOWS = (3, 9, 31)  # working pixels over which the relief of the depth is measured
FEATURES = 13
MAX_HIDDEN = 256
MIN_ERROR = 1e-3  # no pixel is believed to be more exact than this


@dataclass(frozen=True)
class ErrorModel:
    """The fitted perceptron.

    Attributes:
        mean, scale: of each of the FEATURES inputs, which are standardised by them.
        hidden: one row of FEATURES weights for every hidden unit; hidden_bias: theirs.
        out: one weight for every hidden unit; out_bias: the logarithm of the error at rest.

    Raises:
        ConfigError: tables whose sizes do not fit each other, or entries that are no numbers.
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    hidden: tuple[tuple[float, ...], ...]
    hidden_bias: tuple[float, ...]
    out: tuple[float, ...]
    out_bias: float

    def __post_init__(self) -> None:
        units = len(self.hidden)
        sizes = {len(self.mean), len(self.scale), *(len(row) for row in self.hidden)}
        fits = sizes == {FEATURES} and 1 <= units <= MAX_HIDDEN
        if not fits or {len(self.hidden_bias), len(self.out)} != {units}:
            raise ConfigError(
                f"The error model has {units} hidden units and rows of {sorted(sizes)} entries; "
                f"expected 1 to {MAX_HIDDEN} units and rows of {FEATURES}. Fit it again."
            )
        flat = [*self.mean, *self.scale, *self.hidden_bias, *self.out, self.out_bias]
        flat += [value for row in self.hidden for value in row]
        finite = all(
            isinstance(value, int | float) and math.isfinite(value) and abs(value) < 1e6
            for value in flat
        )
        if not finite or min(self.scale) <= 0:
            raise ConfigError(
                "The error model holds entries that are no finite numbers, or a scale that is not "
                "positive; expected what the fitting writes. Fit it again."
            )

    def to_dict(self) -> dict[str, Any]:
        """The tables as JSON-ready values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ErrorModel:
        """Reads what `to_dict` wrote.

        Raises:
            ConfigError: a missing or unknown entry, or tables that do not fit.
        """
        known = {field.name for field in fields(cls)}
        try:
            if set(values) != known:
                raise TypeError(f"entries {sorted(values)}")
            rows = tuple(tuple(row) for row in values["hidden"])
            tables = {key: tuple(values[key]) for key in known - {"hidden", "out_bias"}}
            return cls(hidden=rows, out_bias=values["out_bias"], **tables)
        except TypeError as error:
            raise ConfigError(
                f"The error model is not usable ({error}); expected {sorted(known)}. Fit it again."
            ) from error

    def expected_error(self, residuals: Sequence[Tensor]) -> Tensor:
        """The expected relative error |depth - truth| / truth of every working pixel.

        Args:
            residuals: R5..R1 of one or more photos, each (n, 1, h_k, w_k).

        Returns:
            (n, 1, h, w), from MIN_ERROR up to 1.
        """
        features = (error_features(residuals) - _column(self.mean)) / _column(self.scale)
        units = functional.conv2d(
            features.clamp(-5, 5),
            torch.tensor(self.hidden)[..., None, None],
            torch.tensor(self.hidden_bias),
        )
        logs = functional.conv2d(
            torch.tanh(units),
            torch.tensor(self.out)[None, :, None, None],
            torch.tensor([self.out_bias]),
        )
        return logs.exp().clamp(MIN_ERROR, 1.0)


def error_features(residuals: Sequence[Tensor]) -> Tensor:
    """What the expected error is read from.

    Args:
        residuals: R5..R1, each (n, 1, h_k, w_k).

    Returns:
        (n, FEATURES, h, w): the sum and its logarithmic depth, the correction after every coarser
        level, the size of every finer residual, the relief of the log depth in three windows and
        the height in the picture.
    """
    sums = accumulate(residuals)
    size = sums[-1].shape[2:]
    logs = [functional.logsigmoid(_grown(total, size)) for total in sums]
    final = logs[-1]
    corrections = [(final - coarse).abs() for coarse in logs[:-1]]
    sizes = [_grown(residual.abs(), size) for residual in residuals[2:]]
    relief = [_spread(final, window) for window in WINDOWS]
    row = torch.linspace(-1, 1, size[0], device=final.device)[:, None].expand(size)
    features = [sums[-1], final, *corrections, *sizes, *relief, row.expand_as(final)]
    return torch.cat(features, 1)


def confidence(expected: Tensor, size: tuple[int, int]) -> Tensor:
    """1 - expected relative error, at the photo's size.

    Args:
        expected: (1, 1, h, w) in 0..1.
        size: (H, W) of the photo.

    Returns:
        (H, W) float32 in [0, 1].
    """
    grown = functional.interpolate(expected, size=size, mode="bilinear", align_corners=False)
    return 1 - grown[0, 0].clamp(0, 1)


def _column(values: Sequence[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).view(1, -1, 1, 1)


def _grown(level: Tensor, size: torch.Size | tuple[int, int]) -> Tensor:
    if level.shape[2:] == tuple(size):
        return level
    return functional.interpolate(level, size=tuple(size), mode="bilinear", align_corners=False)


def _spread(values: Tensor, window: int) -> Tensor:
    """The standard deviation over window x window pixels."""

    def mean(x: Tensor) -> Tensor:
        for across in ((window, 1), (1, window)):  # one axis, then the other: the same mean
            pad = (across[0] // 2, across[1] // 2)
            x = functional.avg_pool2d(x, across, 1, pad, count_include_pad=False)
        return x

    # The mean of the picture is taken off first: squares of large numbers would lose the relief.
    centred = values - values.mean((2, 3), keepdim=True)
    return (mean(centred.square()) - mean(centred).square()).clamp_min(1e-10).sqrt()
