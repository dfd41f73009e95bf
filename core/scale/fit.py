"""One scale from several measurements: robust fit, outliers, and whether it changes with depth.

`core.geometry.find_scale` finds what the measurements see in a prediction and calls this, for one
photo and for a camera's profile, which `core.scale.profile` stores.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import CameraError
from core.scale.calibration import Measurement
from core.scale.measurements import SparseDepth
from core.scale.profile import Profile

_DISAGREES = math.log(1.35)  # what depth alone explains: a length across a room, off by a third
_CONTRADICTS = math.log(1.6)  # the spread of measurements that no one scale fits
_GROWS = 0.15  # of the scale between the nearest and the farthest measurement
# What a model is taken to be off on the whole in photos like its training's (0.09 on NYU's test
# pairs; 0.1 to 0.17 serve single lengths alike): a profile takes that for one more measurement,
# unless its own say something quite different.
_OWN_ERROR = 0.14
LEAST_ERROR = 0.15  # of a measurement, relative
_CURVE_FROM, _CURVE_SPREAD, _CURVE_SURE = 6, 2.0, 3.0  # measurements; far / near; standard errors
_MOST_CURVE = 0.5


@dataclass(frozen=True)
class Observed:
    """What one measurement says.

    Attributes:
        seen: what depth makes of it, metres.
        says: the factor on depth that it asks for.
        error: of that factor, relative.
        depth: how far away it was, metres; None where it was no one place.
    """

    known: Measurement
    seen: float
    says: float
    error: float = LEAST_ERROR
    depth: float | None = None


@dataclass(frozen=True)
class Fit:
    """What measurements of a camera's photos say together.

    Attributes:
        scale, power, pivot: as in `core.scale.calibration.Calibration`.
        outliers: places of those that contradict the others and were left out.
    """

    scale: float
    power: float
    pivot: float
    outliers: tuple[int, ...]


def fit(observed: Sequence[Observed]) -> Fit:
    """The scale of a camera from measurements of one or more of its photos.

    With a few measurements the model's own scale counts as one more, so that a single length
    across a badly seen corner does not spoil it; a scale that is plainly another is taken as it is.
    Where measurements reach far and near and the factor plainly changes with depth, it is curved:
    straight in the logarithm of depth.

    Raises:
        CameraError: they contradict each other.
    """
    outliers = outliers_of(observed)
    kept = [each for i, each in enumerate(observed) if i not in outliers]
    return Fit(_shrunk(kept), *_curve(kept), outliers)


def metres_of(known: Measurement) -> float:
    """The length, depth or height that is known; the middle one of sparse depth, 0 of a profile."""
    if isinstance(known, SparseDepth):
        return float(np.median(known.metres))
    return 0.0 if isinstance(known, Profile) else known.metres


def outliers_of(observed: Sequence[Observed]) -> tuple[int, ...]:
    """Those that contradict the others.

    Raises:
        CameraError: there is no telling who is right.
    """
    logs = np.log([each.says for each in observed])
    away = np.abs(logs - np.median(logs))
    spread = 1.4826 * float(np.median(away))
    two = len(logs) == 2
    far = np.flatnonzero(away > max(_DISAGREES, 3 * spread))
    hopeless = spread > _CONTRADICTS or 2 * (len(logs) - len(far)) <= len(logs)
    if (two and abs(logs[0] - logs[1]) > _CONTRADICTS) or (len(logs) > 2 and hopeless):
        said = ", ".join(f"{_name(observed, i)} x{each.says:.3g}"
                         for i, each in enumerate(observed[:8]))  # fmt: skip
        raise CameraError(
            f"The measurements contradict each other ({said}), expected them to ask for about the "
            "same scale: check the points and the metres, and leave the wrong ones out."
        )
    return () if two else tuple(int(i) for i in far)


def _name(observed: Sequence[Observed], index: int) -> str:
    kind = observed[index].known.kind
    number = sum(each.known.kind == kind for each in observed[: index + 1])
    alone = sum(each.known.kind == kind for each in observed) == 1
    return kind if alone else f"{kind} {number}"


def outlier_note(observed: Sequence[Observed], index: int, factor: float) -> str:
    """A sentence on one that was left out, where the others ask for `factor`."""
    each = observed[index]
    return (
        f"The {_name(observed, index)} ({metres_of(each.known):g} m) says x{each.says:.3g} while "
        f"the others say x{factor:.3g}: it was left out; check its points and metres."
    )


def growing_notes(observed: Sequence[Observed], outliers: tuple[int, ...]) -> list[str]:
    """A warning where the scale changes with distance."""
    kept = [each for i, each in enumerate(observed) if i not in outliers and each.depth]
    depths = np.log([each.depth or 1.0 for each in kept])
    if len(kept) < 4 or np.ptp(depths) < math.log(1.5):
        return []
    slope, error = _slope(depths, np.log([each.says for each in kept]))
    change = slope * float(np.ptp(depths))
    if abs(change) < _GROWS or abs(slope) < 2 * error:
        return []
    near, far = math.exp(depths.min()), math.exp(depths.max())
    way = "short" if change > 0 else "long"
    return [
        f"The error grows with distance: from {near:.2g} to {far:.2g} m of depth lengths come out "
        f"more and more too {way}, by {abs(math.expm1(change)):.0%} in all; trust metres near the "
        "measured places."
    ]


def _slope(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Of a straight line, and its standard error."""
    centred = x - x.mean()
    square = float((centred**2).sum())
    slope = float((centred * y).sum()) / square
    left = y - y.mean() - slope * centred
    return slope, math.sqrt(float((left**2).sum()) / max(len(x) - 2, 1) / square)


def _curve(kept: Sequence[Observed]) -> tuple[float, float]:
    """Power and pivot of the profile; 1 and 1 where one factor explains what was measured."""
    there = [each for each in kept if each.depth is not None]
    depths = np.log([each.depth or 1.0 for each in there])
    if len(there) < _CURVE_FROM or np.ptp(depths) < math.log(_CURVE_SPREAD):
        return 1.0, 1.0
    slope, error = _slope(depths, np.log([each.says for each in there]))
    if abs(slope) < _CURVE_SURE * error or abs(slope) > _MOST_CURVE:
        return 1.0, 1.0
    return 1.0 + slope, math.exp(float(depths.mean()))


def _shrunk(kept: Sequence[Observed]) -> float:
    """The factor, the model's own scale being one more measurement of it."""
    logs = np.log([each.says for each in kept])
    trust = np.array([each.error for each in kept]) ** -2.0
    factor = float(np.median(logs))
    for _ in range(5):
        # Geman and McClure's weight: what is plainly another scale gets no pull back.
        own = _OWN_ERROR**-2 / (1 + (factor / (2 * _OWN_ERROR)) ** 2) ** 2
        weights = trust / (1 + (logs - factor) ** 2 * trust / 4) ** 2 if len(logs) > 2 else trust
        factor = float((weights * logs).sum() / (weights.sum() + own))
    return math.exp(factor)
