"""From what is known of a photo to the scale of its depth, and from photos to a camera's profile.

prediction = calibrated(prediction, KnownLength((u0, v0), (u1, v1), 2.04))
prediction = calibrated(prediction, profile)                  # of core.scale.profile
prediction = calibrated(prediction, SparseDepth.from_numbers([(u, v, metres), ...]))
profile = profile_of("hallway", [("photo.jpg", prediction, measurements), ...])
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from core.camera import SizedCamera, check_pinhole
from core.errors import CameraError
from core.geometry.measure import Measurer, relative_error
from core.geometry.sparse import bent
from core.scale.calibration import MAX_FACTOR, Calibration, Measurement
from core.scale.known import CameraHeight, KnownDepth, KnownLength, SparseDepth
from core.scale.profile import Fitted, Profile

if TYPE_CHECKING:
    from core.prediction import Prediction

_DISAGREES = math.log(1.35)  # what depth alone explains: a length across a room, off by a third
_CONTRADICTS = math.log(1.6)  # the spread of measurements that no one scale fits
_GROWS = 0.15  # of the scale between the nearest and the farthest measurement
# What a model is taken to be off on the whole in photos like its training's (0.09 on NYU's test
# pairs; 0.1 to 0.17 serve single lengths alike): a profile takes that for one more measurement,
# unless its own say something quite different.
_OWN_ERROR = 0.14
# Of a measurement, relative: what lengths on NYU's test pairs are off by is 1.7 times what the
# model's confidence says.
_LEAST_ERROR, _MORE_ERROR = 0.15, 1.5
_BINS = 20  # measurements that sparse depth counts as in a profile
_CURVE_FROM, _CURVE_SPREAD, _CURVE_SURE = 6, 2.0, 3.0  # measurements; far / near; standard errors
_MOST_CURVE = 0.5


@dataclass(frozen=True)
class Observed:
    """What one measurement says.

    Attributes:
        known: the measurement.
        seen: what depth makes of it, metres.
        says: the factor on depth that it asks for.
        error: of that factor, relative.
        depth: how far away it was, metres; None where it was no one place.
    """

    known: Measurement
    seen: float
    says: float
    error: float = _LEAST_ERROR
    depth: float | None = None


def calibrated(prediction: Prediction, *known: Measurement) -> Prediction:
    """The same photo in the scale of what is known of it.

    Of several measurements the middle one of the factors counts, and one that contradicts the
    others is named. Sparse depth bends the photo besides. A profile goes before: measurements of
    the photo itself decide where there are both. Calibrated again, the new replaces the old.

    Raises:
        CameraError: points outside the photo or without depth, measurements that contradict each
            other, or a profile of another model.
    """
    prediction = prediction.uncalibrated()
    profiles = [each for each in known if isinstance(each, Profile)]
    sparse = [each for each in known if isinstance(each, SparseDepth)]
    plain = [each for each in known if not isinstance(each, SparseDepth | Profile)]
    if max(len(profiles), len(sparse)) > 1 or (sparse and plain):
        raise CameraError(
            f"{len(profiles)} profiles, {len(sparse)} files of sparse depth and {len(plain)} other "
            "measurements were given, expected one profile and either sparse depth or "
            "measurements: leave the others out."
        )
    if profiles:
        prediction = prediction.calibrated(_by_profile(prediction, profiles[0]))
    if plain:
        found = calibration_of(Measurer.of(prediction), *plain)
        prediction = prediction.calibrated(_after(prediction.calibration, found))
    for points in sparse:
        prediction = _bent(prediction, points)
    return prediction


def calibration_of(ruler: Measurer, *known: Measurement) -> Calibration:
    """By how much a scene has to be rescaled for its measurements to come out as they are.

    Raises:
        CameraError: equal points, outside the photo, no depth there, no floor, a factor that no
            photo of this world has, or measurements that contradict each other.
    """
    observed = [_observe(ruler, each) for each in known]
    says = [each.says for each in observed]
    outliers = _outliers(observed)
    factor = statistics.median(value for i, value in enumerate(says) if i not in outliers)
    notes = [_outlier_note(observed, i, factor) for i in outliers]
    notes += _growing(observed, outliers)
    return Calibration(
        ruler.scene.scale * factor,
        tuple(known),
        tuple(factor * each.seen - _metres(each.known) for each in observed),
        outliers,
        notes=tuple(notes),
    )


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
    outliers = _outliers(observed)
    kept = [each for i, each in enumerate(observed) if i not in outliers]
    return Fit(_shrunk(kept), *_curve(kept), outliers)


def profile_of(
    name: str, photos: Sequence[tuple[str, Prediction, Sequence[Measurement]]]
) -> Profile:
    """The scale of a camera, from photos of it and what is known of them (`fit`).

    Args:
        name: of the profile.
        photos: name, prediction (by one model) and measurements of each.

    Raises:
        CameraError: nothing measured, as `calibration_of`, or photos of several cameras or models.
        ConfigError: a name that is none.
    """
    first = photos[0][1]
    width, height = first.photo_size
    camera = SizedCamera(width, height, first.intrinsics)
    observed: list[Observed] = []
    of_photo: list[str] = []
    for photo, prediction, known in photos:
        if prediction.info.sha256 != first.info.sha256:
            raise CameraError(
                f"The photos chose {first.info.name} and {prediction.info.name}, expected one "
                "model: name it."
            )
        check_pinhole(prediction.intrinsics, "a scale profile")
        camera.at(*prediction.photo_size)
        found = observed_in(Measurer.of(prediction.uncalibrated()), known)
        observed += found
        of_photo += [photo] * len(found)
    if not observed:
        raise CameraError(
            "Nothing was measured in the photos, expected at least one length, depth, camera "
            "height or file of sparse depth: give one."
        )
    found_scale = fit(observed)
    outliers = found_scale.outliers
    notes = [_outlier_note(observed, i, found_scale.scale) for i in outliers]
    if found_scale.power == 1.0:
        notes += _growing(observed, outliers)
    if len(observed) == 1:
        notes.append(
            f"Made from one measurement, which by itself says x{observed[0].says:.3g}: metres are "
            "right to some 15 %; three or more, far and near, make them better."
        )
    return Profile(
        name,
        first.info.name,
        first.info.sha256,
        camera,
        found_scale.scale,
        found_scale.power,
        found_scale.pivot,
        first.settings.get("resolution"),
        tuple(
            Fitted(photo, each.known.kind, _metres(each.known), each.says, i not in outliers)
            for i, (photo, each) in enumerate(zip(of_photo, observed, strict=True))
        ),
        tuple(notes),
    )


def _by_profile(prediction: Prediction, profile: Profile) -> Calibration:
    info = prediction.info
    if info.name != profile.model:
        raise CameraError(
            f"The profile {profile.name} holds for depth of {profile.model}, this photo was "
            f"predicted by {info.name}, expected the same model: leave the model out, or make a "
            "profile for this one."
        )
    notes = []
    if info.sha256 != profile.model_sha256:
        notes.append(
            f"The profile {profile.name} was made with another version of {info.name}: measure a "
            "known length to see whether it still holds."
        )
    if prediction.settings.get("resolution") != profile.resolution:
        notes.append(
            f"The profile {profile.name} was made at another resolution: its scale may be off by "
            "some per cent."
        )
    return Calibration(
        profile.scale,
        (profile,),
        power=profile.power,
        pivot=profile.pivot,
        notes=tuple(notes),
    )


def _after(before: Calibration | None, found: Calibration) -> Calibration:
    """Measurements of a photo that a profile was applied to."""
    if before is None:
        return found
    return replace(
        found,
        known=before.known + found.known,
        residuals=before.residuals + found.residuals,
        left_out=tuple(i + len(before.known) for i in found.left_out),
        power=before.power,
        pivot=before.pivot,
        notes=before.notes + found.notes,
    )


def _bent(prediction: Prediction, sparse: SparseDepth) -> Prediction:
    result = bent(prediction.depth, *sparse.on_photo(*prediction.photo_size))
    notes = []
    if 10 * result.stray > result.points:
        notes.append(
            f"{result.stray} of {result.points} points of {sparse.name} disagree with what is "
            "around them by more than 20 %: check that they belong to this photo."
        )
    before = prediction.calibration
    found = Calibration(
        prediction.scale * result.factor, (sparse,), (result.residual,), notes=tuple(notes)
    )
    return prediction.calibrated(_after(before, found), result.depth)


def observed_in(ruler: Measurer, known: Sequence[Measurement]) -> list[Observed]:
    """What measurements of a photo say; sparse depth as a few, from near to far.

    Raises:
        CameraError: as `calibration_of`.
    """
    found = []
    for each in known:
        if not isinstance(each, SparseDepth):
            found.append(_observe(ruler, each))
            continue
        u, v, metres = each.on_photo(*ruler.scene.photo_size)
        height, width = ruler.depth.shape
        columns = np.clip(np.floor(u + 0.5).astype(np.intp), 0, width - 1)
        rows = np.clip(np.floor(v + 0.5).astype(np.intp), 0, height - 1)
        seen = ruler.depth[rows, columns]
        there = np.flatnonzero(np.isfinite(seen) & (seen > 0))
        nearest_first = there[np.argsort(seen[there])]
        for part in np.array_split(nearest_first, min(_BINS, len(nearest_first)) or 1):
            if part.size:
                says = float(np.median(metres[part] / seen[part]))
                depth = float(np.median(seen[part]))
                found.append(Observed(each, depth, says, depth=depth))
    return found


def _observe(ruler: Measurer, known: Measurement) -> Observed:
    error: float | None = None
    depth: float | None = None
    if isinstance(known, KnownLength):
        line = ruler.distance(known.start, known.end)
        seen, error = line.distance, line.uncertainty
        depth = math.sqrt(ruler.depth_at(line.start) * ruler.depth_at(line.end))
        if seen == 0:
            raise CameraError(
                "The two points are the same pixel, expected two ends of a known length: "
                "mark another point."
            )
        error = None if error is None else error / seen
    elif isinstance(known, KnownDepth):
        depth = seen = ruler.depth_at(ruler.position(*known.at))
        if ruler.confidence is not None:
            column, row = ruler.pixel(*known.at)
            error = float(relative_error(ruler.confidence[row, column]))
    elif isinstance(known, CameraHeight):
        seen = ruler.floor().camera_height
    else:
        raise CameraError(f"A {known.kind} is no single measurement, expected a length or depth.")
    says = known.metres / seen
    if not 1 / MAX_FACTOR <= ruler.scene.scale * says <= MAX_FACTOR:
        Calibration(ruler.scene.scale * says, (known,))  # says what is wrong with it
    return Observed(known, seen, says, max(_MORE_ERROR * (error or 0.0), _LEAST_ERROR), depth)


def _metres(known: Measurement) -> float:
    if isinstance(known, SparseDepth):
        return float(np.median(known.metres))
    return 0.0 if isinstance(known, Profile) else known.metres


def _outliers(observed: Sequence[Observed]) -> tuple[int, ...]:
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


def _outlier_note(observed: Sequence[Observed], index: int, factor: float) -> str:
    each = observed[index]
    return (
        f"The {_name(observed, index)} ({_metres(each.known):g} m) says x{each.says:.3g} while the "
        f"others say x{factor:.3g}: it was left out; check its points and metres."
    )


def _growing(observed: Sequence[Observed], outliers: tuple[int, ...]) -> list[str]:
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
