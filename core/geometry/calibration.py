"""A known length in the photo, and the factor by which it rescales the scene."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from core.errors import CameraError

Pixel = tuple[float, float]


@dataclass(frozen=True)
class KnownLength:
    """What the user knows: two pixels of the photo and the true distance between what they show.

    Attributes:
        start, end: (u, v) in pixels of the photo.
        metres: straight-line distance.

    Raises:
        CameraError: a length that is not a positive number.
    """

    start: Pixel
    end: Pixel
    metres: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.metres) and self.metres > 0):
            raise CameraError(
                f"The known length is {self.metres:g} m, expected a positive number: "
                "type the true distance between the two points in metres."
            )

    @classmethod
    def from_numbers(cls, numbers: Sequence[float]) -> KnownLength:
        """From u0, v0, u1, v1, metres, as the command line and HTTP have it.

        Raises:
            CameraError: not five numbers, or a length that is not positive.
        """
        if len(numbers) != 5:
            raise CameraError(
                f"The known length has {len(numbers)} numbers, expected 5: "
                "give u0, v0, u1, v1 of the two pixels and the metres between them."
            )
        u0, v0, u1, v1, metres = (float(number) for number in numbers)
        return cls((u0, v0), (u1, v1), metres)


@dataclass(frozen=True)
class Calibration:
    """What became of a known length.

    Attributes:
        scale: factor on the depth that the model estimated, all calibrations so far in it.
        length: the last one.
    """

    scale: float
    length: KnownLength

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, for sidecars and summaries."""
        return asdict(self)

    def text(self) -> str:
        """One line for the comments of a file."""
        (u0, v0), (u1, v1) = self.length.start, self.length.end
        return (
            f"depth times {self.scale:.9g}, so that pixels ({u0:g}, {v0:g}) and "
            f"({u1:g}, {v1:g}) are {self.length.metres:g} m apart"
        )
