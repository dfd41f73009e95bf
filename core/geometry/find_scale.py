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
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from core.camera import SizedCamera, check_pinhole
from core.errors import CameraError
from core.geometry.measure import Measurer, relative_error
from core.geometry.sparse import bent
from core.scale.calibration import Calibration, Measurement
from core.scale.fit import (
    LEAST_ERROR,
    Observed,
    fit,
    growing_notes,
    metres_of,
    outlier_note,
    outliers_of,
)
from core.scale.measurements import CameraHeight, KnownDepth, KnownLength, SparseDepth
from core.scale.profile import MAX_FACTOR, Fitted, Profile

if TYPE_CHECKING:
    from core.prediction import Prediction

# What lengths on NYU's test pairs are off by is 1.7 times what the model's confidence says.
_MORE_ERROR = 1.5
_BINS = 20  # measurements that sparse depth counts as in a profile


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
    outliers = outliers_of(observed)
    factor = statistics.median(value for i, value in enumerate(says) if i not in outliers)
    notes = [outlier_note(observed, i, factor) for i in outliers]
    notes += growing_notes(observed, outliers)
    return Calibration(
        ruler.scene.scale * factor,
        tuple(known),
        tuple(factor * each.seen - metres_of(each.known) for each in observed),
        outliers,
        notes=tuple(notes),
    )


def profile_of(
    name: str, photos: Sequence[tuple[str, Prediction, Sequence[Measurement]]]
) -> Profile:
    """The scale of a camera, from photos of it and what is known of them (`fit`).

    Args:
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
    notes = [outlier_note(observed, i, found_scale.scale) for i in outliers]
    if found_scale.power == 1.0:
        notes += growing_notes(observed, outliers)
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
            Fitted(photo, each.known.kind, metres_of(each.known), each.says, i not in outliers)
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
    """What measurements of a photo say; sparse depth as a few, from near to far."""
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
    return Observed(known, seen, says, max(_MORE_ERROR * (error or 0.0), LEAST_ERROR), depth)
