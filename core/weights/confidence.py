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

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigError
from core.images.averages import window_means
from core.images.numpy_pyramid import accumulate, log_sigmoid
from core.images.resize import resample, triangle

Floats = NDArray[np.float32]

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

    def expected_error(self, residuals: Sequence[Floats]) -> Floats:
        """The expected relative error |depth - truth| / truth of every working pixel.

        Args:
            residuals: R5..R1 of one or more photos, each (n, 1, h_k, w_k).

        Returns:
            (n, 1, h, w), from MIN_ERROR up to 1.
        """
        tables = (self.mean, self.scale, self.hidden, self.hidden_bias, self.out)
        mean, scale, hidden, bias, out = (np.array(table, np.float32) for table in tables)
        found = error_features(residuals)
        features = np.moveaxis(found, 1, -1).reshape(-1, FEATURES)
        features = np.clip((features - mean) / scale, -5, 5)
        logs = np.tanh(features @ hidden.T + bias) @ out + np.float32(self.out_bias)
        errors: Floats = np.clip(np.exp(logs), np.float32(MIN_ERROR), np.float32(1))
        return errors.reshape(len(found), 1, *found.shape[2:])


def error_features(residuals: Sequence[Floats]) -> Floats:
    """What the expected error is read from.

    Args:
        residuals: R5..R1, each (n, 1, h_k, w_k).

    Returns:
        (n, FEATURES, h, w): the sum and its logarithmic depth, the correction after every coarser
        level, the size of every finer residual, the relief of the log depth in three windows and
        the height in the picture.
    """
    sums = accumulate(residuals)
    height, width = sums[-1].shape[2:]
    logs = [log_sigmoid(_grown(total, height, width)) for total in sums]
    final = logs[-1]
    corrections = [np.abs(final - coarse) for coarse in logs[:-1]]
    sizes = [_grown(np.abs(residual), height, width) for residual in residuals[2:]]
    relief = [_spread(final, window) for window in WINDOWS]
    row = np.linspace(-1, 1, height, dtype=np.float32)[:, np.newaxis]
    rows = np.broadcast_to(row, final.shape)
    return np.concatenate([sums[-1], final, *corrections, *sizes, *relief, rows], 1)


def confidence(expected: Floats, size: tuple[int, int]) -> Floats:
    """1 - expected relative error, at the photo's size.

    Args:
        expected: (1, 1, h, w) in 0..1.
        size: (H, W) of the photo.

    Returns:
        (H, W) float32 in [0, 1].
    """
    sure: Floats = 1 - np.clip(_grown(expected, *size)[0, 0], 0, 1)
    return sure


def _grown(level: Floats, height: int, width: int) -> Floats:
    if level.shape[2:] == (height, width):
        return level
    return np.stack([resample(each[0], height, width, triangle)[np.newaxis] for each in level])


def _spread(values: Floats, window: int) -> Floats:
    """The standard deviation over window x window pixels."""
    # The mean of the picture is taken off first: squares of large numbers would lose the relief.
    centred = values - values.mean((2, 3), keepdims=True)
    variance = window_means(centred**2, window) - window_means(centred, window) ** 2
    spread: Floats = np.sqrt(np.maximum(variance, np.float32(1e-10)))
    return spread
