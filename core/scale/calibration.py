"""The result of calibrating a photo: a factor on its depth, and each measurement's residual."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.camera import GivenCamera
from core.errors import CameraError
from core.scale.measurements import CameraHeight, KnownDepth, KnownLength, SparseDepth
from core.scale.profile import MAX_FACTOR, Profile

Measurement = KnownLength | KnownDepth | CameraHeight | SparseDepth | Profile
"""Anything that `core.geometry.find_scale.calibrated` takes."""

_Kind = TypeVar("_Kind")


@dataclass(frozen=True)
class Calibration:
    """The scale that measurements or a profile give to a photo.

    Attributes:
        scale: factor on the depth that the model estimated; for a curved one at `pivot` metres.
        known: what it comes from.
        residuals: how much longer, deeper or higher than it is each of them comes out, metres; of
            sparse depth the median size of what is left, of a profile 0.
        left_out: which of `known` were left out because they contradict the others.
        power: of the curve depth' = scale * depth * (depth / pivot) ** (power - 1); 1: a factor.
        pivot: metres.
        notes: sentences for the user.

    Raises:
        CameraError: a factor that no photo of this world has.
    """

    scale: float
    known: tuple[Measurement, ...]
    residuals: tuple[float, ...] = (0.0,)
    left_out: tuple[int, ...] = ()
    power: float = 1.0
    pivot: float = 1.0
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 / MAX_FACTOR <= self.scale <= MAX_FACTOR:
            raise CameraError(
                f"With this {self.known[0].kind} the scene becomes {self.scale:.3g} times as "
                f"large, expected {1 / MAX_FACTOR:g} to {MAX_FACTOR:g} times: check the points and "
                "the metres."
            )

    def rescaled(self, depth: NDArray[np.float32]) -> NDArray[np.float32]:
        """The model's own depth in this scale (without what sparse depth bends)."""
        if self.power == 1.0:
            return depth * np.float32(self.scale)
        curve = np.power(depth / np.float32(self.pivot), np.float32(self.power - 1))
        result: NDArray[np.float32] = depth * np.float32(self.scale) * curve
        return result

    def reach(self, metres: float) -> float:
        """The same for one depth, as it may come out at most."""
        return float(self.rescaled(np.array(metres, np.float32)))

    def of(self, kind: type[_Kind]) -> tuple[_Kind, ...]:
        """Those of its measurements that are of one kind."""
        return tuple(each for each in self.known if isinstance(each, kind))

    @property
    def length(self) -> KnownLength | None:
        """The first known length, if there is one."""
        return next(iter(self.of(KnownLength)), None)

    @property
    def source(self) -> str:
        """Where the scale is from, in words."""
        return " and ".join(dict.fromkeys(each.kind for each in self.known))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, for summaries: the factor, where it is from, and the first length."""
        length = self.length
        return {
            "scale": self.scale,
            "source": self.source,
            "length": None if length is None else asdict(length),
        }

    def facts(self) -> dict[str, Any]:
        """JSON-ready, for sidecars: factor, source, and what is left over at every measurement."""
        curve = {} if self.power == 1.0 else {"power": self.power, "pivot_m": self.pivot}
        rows = [
            {"kind": each.kind, **_about(each), "residual": left, "used": i not in self.left_out}
            for i, (each, left) in enumerate(zip(self.known, self.residuals, strict=True))
        ]
        return {"factor": self.scale, **curve, "source": self.source, "residuals": rows}

    def text(self) -> str:
        """One line for the comments of a file."""
        said = f"depth times {self.scale:.9g}"
        if self.power != 1.0:
            said += f" * (depth / {self.pivot:.4g} m) ** {self.power - 1:.4g}"
        if len(self.known) == 1:
            return f"{said}, {_because(self.known[0])}"
        lengths = self.of(KnownLength)
        count = len(self.known)
        of = f"{count - len(self.left_out)} of {count}" if self.left_out else str(count)
        what = f"{of} measurements ({self.source})"
        if len(lengths) == count:
            what = f"{of} known lengths"
        off = ", ".join(f"{left:+.3g}" for left in self.residuals)
        first = f", {_because(lengths[0])}" if lengths else ""
        return f"{said}{first} (the middle of {what}, off by {off} m)"


def _about(known: Measurement) -> dict[str, Any]:
    if isinstance(known, SparseDepth | Profile):
        return known.to_dict()
    return asdict(known)


def _because(known: Measurement) -> str:
    if isinstance(known, KnownLength):
        (u0, v0), (u1, v1) = known.start, known.end
        return f"so that pixels ({u0:g}, {v0:g}) and ({u1:g}, {v1:g}) are {known.metres:g} m apart"
    if isinstance(known, KnownDepth):
        return f"so that pixel ({known.at[0]:g}, {known.at[1]:g}) is {known.metres:g} m away"
    if isinstance(known, CameraHeight):
        return f"so that the camera is {known.metres:g} m above the floor"
    if isinstance(known, Profile):
        return f"by the profile {known.name} ({known.sha256})"
    return f"then bent to {known.u.size} points of sparse depth ({known.sha256})"


def camera_of(
    known: Sequence[Measurement], fov: float | None, intrinsics: GivenCamera | None
) -> GivenCamera | None:
    """The intrinsics to predict with: as given, else those of a profile."""
    if fov is not None or intrinsics is not None:
        return intrinsics
    return next((each.camera for each in known if isinstance(each, Profile)), None)


def model_of(known: Sequence[Measurement], name: str | None) -> str | None:
    """The model to predict with: as named, else that of a profile."""
    profiles = (each.model for each in known if isinstance(each, Profile))
    return next(profiles, name) if name in (None, "", "auto") else name


def reach_in(known: Sequence[Measurement], metres: float) -> float:
    """How far depth of a model's own reach comes out by the profile among what is known."""
    profiles = (each.reach(metres) for each in known if isinstance(each, Profile))
    return next(profiles, metres)


def given(known: Sequence[Measurement]) -> dict[str, Any]:
    """Measurements as the settings of a sidecar hold them: None where nothing was given."""
    profiles = (e for e in known if isinstance(e, Profile))
    return {
        "known_lengths": [e.numbers() for e in known if isinstance(e, KnownLength)] or None,
        "known_depths": [e.numbers() for e in known if isinstance(e, KnownDepth)] or None,
        "camera_height": next((e.metres for e in known if isinstance(e, CameraHeight)), None),
        "sparse": next((e.sha256 for e in known if isinstance(e, SparseDepth)), None),
        "profile": next(({"name": e.name, "sha256": e.sha256} for e in profiles), None),
    }
