"""What a user can know of a photo: lengths, depths, the camera's height, sparse measured depth.

Pixels are those of the photo as it is seen, centres at integers; depth is along the optical axis.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import CameraError

Pixel = tuple[float, float]
MIN_METRES, MAX_METRES = 0.001, 10_000.0


def unit_of(metric: bool) -> str:
    """The unit of depth as files, pages and HTTP name it."""
    return "m" if metric else "relative"


@dataclass(frozen=True)
class KnownLength:
    """Two pixels of the photo and the true distance between what they show.

    Attributes:
        start, end: (u, v) in pixels of the photo.
        metres: straight-line distance, 0.001..10,000.

    Raises:
        CameraError: another length.
    """

    start: Pixel
    end: Pixel
    metres: float

    def __post_init__(self) -> None:
        _check("known length", self.metres, "type the true distance between the two points")

    @classmethod
    def from_numbers(cls, numbers: Sequence[float]) -> KnownLength:
        """From u0, v0, u1, v1, metres, as the command line and HTTP have it.

        Raises:
            CameraError: not five numbers, or a length out of range.
        """
        remedy = "give u0, v0, u1, v1 of the two pixels and the metres between them"
        u0, v0, u1, v1, metres = _floats(cls.kind, numbers, 5, remedy)
        return cls((u0, v0), (u1, v1), metres)

    def numbers(self) -> list[float]:
        """As `from_numbers` takes it."""
        return [*self.start, *self.end, self.metres]

    kind = "known length"


@dataclass(frozen=True)
class KnownDepth:
    """A pixel of the photo and how far away along the optical axis is what it shows.

    Raises:
        CameraError: a depth that is not 0.001..10,000 m.
    """

    at: Pixel
    metres: float
    kind = "known depth"

    def __post_init__(self) -> None:
        _check("known depth", self.metres, "type the distance of that point")

    @classmethod
    def from_numbers(cls, numbers: Sequence[float]) -> KnownDepth:
        """From u, v, metres.

        Raises:
            CameraError: not three numbers, or a depth out of range.
        """
        u, v, metres = _floats(cls.kind, numbers, 3, "give u, v of the pixel and its metres")
        return cls((u, v), metres)

    def numbers(self) -> list[float]:
        """As `from_numbers` takes it."""
        return [*self.at, self.metres]


@dataclass(frozen=True)
class CameraHeight:
    """How high above the floor (or the road) the camera was.

    Raises:
        CameraError: a height that is not 0.001..10,000 m.
    """

    metres: float
    kind = "camera height"

    def __post_init__(self) -> None:
        _check("camera's height", self.metres, "type its height above the floor")


@dataclass(frozen=True, eq=False)
class SparseDepth:
    """Measured depth at some pixels: of a LiDAR, a depth camera, a list.

    Attributes:
        u, v: (n,) float64, pixels of a picture of `size`.
        metres: (n,) float64 along the optical axis.
        size: width and height of the picture that the pixels belong to; None: the photo's.
        name: of the file.
        clip: whether points outside the photo are left out, as a LiDAR has them, or an error.

    Raises:
        CameraError: no point, arrays of several lengths, or values that are no depth.
    """

    u: NDArray[np.float64]
    v: NDArray[np.float64]
    metres: NDArray[np.float64]
    size: tuple[int, int] | None = None
    name: str = field(default="sparse depth", compare=False)
    clip: bool = False
    kind = "sparse depth"

    def __post_init__(self) -> None:
        if not self.u.shape == self.v.shape == self.metres.shape or self.u.ndim != 1:
            raise CameraError(
                f"The sparse depth has {self.u.size} columns, {self.v.size} rows and "
                f"{self.metres.size} depths, expected as many of each: give u, v and metres of "
                "every point."
            )
        if self.u.size == 0:
            raise CameraError(
                f"The sparse depth {self.name} holds no point, expected at least one: give u, v "
                "and metres of a pixel whose depth was measured."
            )
        wrong = ~((self.metres >= MIN_METRES) & (self.metres <= MAX_METRES))  # NaN is wrong too
        if wrong.any():
            raise CameraError(
                f"The sparse depth {self.name} has a point of {self.metres[wrong][0]:g} m, "
                f"expected {MIN_METRES:g} to {MAX_METRES:g} m: leave out what was not measured."
            )
        if not (np.isfinite(self.u).all() and np.isfinite(self.v).all()):
            raise CameraError(
                f"The sparse depth {self.name} has a pixel that is no number, expected u and v: "
                "correct or leave out that point."
            )

    @classmethod
    def from_numbers(cls, points: Sequence[Sequence[float]]) -> SparseDepth:
        """From rows u, v, metres.

        Raises:
            CameraError: as the class.
        """
        table = np.array([[float(number) for number in row] for row in points], np.float64)
        if table.ndim != 2 or table.shape[1] != 3:
            raise CameraError(
                f"The sparse depth is of shape {table.shape}, expected rows of 3 numbers: give u, "
                "v and metres of every point."
            )
        return cls(table[:, 0], table[:, 1], table[:, 2], name="points")

    def numbers(self) -> list[list[float]]:
        """Rows u, v, metres."""
        rows: list[list[float]] = np.stack((self.u, self.v, self.metres), axis=1).tolist()
        return rows

    @cached_property
    def sha256(self) -> str:
        """Names its content."""
        content = hashlib.sha256(repr(self.size).encode())
        for part in (self.u, self.v, self.metres):
            content.update(part.tobytes())
        return content.hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SparseDepth) and other.sha256 == self.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)

    def on_photo(
        self, width: int, height: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Its pixels u, v in a photo of this size, and their metres.

        Raises:
            CameraError: the photo has another shape, or a point lies outside.
        """
        u, v = self.u, self.v
        if self.size is not None and self.size != (width, height):
            across, down = width / self.size[0], height / self.size[1]
            if not 1 / _STRETCH < across / down < _STRETCH:
                raise CameraError(
                    f"The sparse depth {self.name} belongs to a picture of "
                    f"{self.size[0]}x{self.size[1]} pixels, the photo has {width}x{height}, "
                    "expected the same shape: give the depth that was measured for this photo."
                )
            u, v = (u + 0.5) * across - 0.5, (v + 0.5) * down - 0.5
        outside = ~((u >= -0.5) & (u <= width - 0.5) & (v >= -0.5) & (v <= height - 0.5))
        if outside.any() and not (self.clip and not outside.all()):
            first = int(np.flatnonzero(outside)[0])
            raise CameraError(
                f"{int(outside.sum())} of the {u.size} points of {self.name} are outside the "
                f"photo, the first at ({u[first]:g}, {v[first]:g}), expected 0 to {width - 1} "
                f"across and 0 to {height - 1} down: give pixels of this photo."
            )
        return u[~outside], v[~outside], self.metres[~outside]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: what it was, without the points."""
        return {"name": self.name, "points": int(self.u.size), "sha256": self.sha256}


_STRETCH = 1.02  # how far a depth map's shape may be off the photo's: sizes are rounded


def _floats(kind: str, numbers: Sequence[float], count: int, remedy: str) -> list[float]:
    if len(numbers) != count:
        raise CameraError(f"The {kind} has {len(numbers)} numbers, expected {count}: {remedy}.")
    return [float(number) for number in numbers]


def _check(what: str, metres: float, remedy: str) -> None:
    if not MIN_METRES <= metres <= MAX_METRES:  # NaN is outside too
        raise CameraError(
            f"The {what} is {metres:g} m, expected {MIN_METRES:g} to {MAX_METRES:g} m: {remedy} "
            "in metres."
        )
