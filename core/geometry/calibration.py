"""A known length in the photo, and the factor by which it rescales the scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from core.errors import CameraError

Pixel = tuple[float, float]
MIN_METRES, MAX_METRES = 0.001, 10_000.0
MAX_FACTOR = 1000.0  # as far as a model can be off: a toy room, a street from the air


@dataclass(frozen=True)
class KnownLength:
    """What the user knows: two pixels of the photo and the true distance between what they show.

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
        if not MIN_METRES <= self.metres <= MAX_METRES:  # NaN is outside too
            raise CameraError(
                f"The known length is {self.metres:g} m, expected {MIN_METRES:g} to "
                f"{MAX_METRES:g} m: type the true distance between the two points in metres."
            )

    @classmethod
    def from_numbers(cls, numbers: Sequence[float]) -> KnownLength:
        """From u0, v0, u1, v1, metres, as the command line and HTTP have it.

        Raises:
            CameraError: not five numbers, or a length out of range.
        """
        if len(numbers) != 5:
            raise CameraError(
                f"The known length has {len(numbers)} numbers, expected 5: "
                "give u0, v0, u1, v1 of the two pixels and the metres between them."
            )
        u0, v0, u1, v1, metres = (float(number) for number in numbers)
        return cls((u0, v0), (u1, v1), metres)

    def numbers(self) -> list[float]:
        """As `from_numbers` takes it."""
        return [*self.start, *self.end, self.metres]


@dataclass(frozen=True)
class Calibration:
    """What became of known lengths.

    Attributes:
        scale: factor on the depth that the model estimated, all calibrations so far in it.
        length: the one that is known, of several the first.
        others: the further ones.
        residuals: how much longer than it is each of them comes out, metres.

    Raises:
        CameraError: a factor that no photo of this world has.
    """

    scale: float
    length: KnownLength
    others: tuple[KnownLength, ...] = ()
    residuals: tuple[float, ...] = (0.0,)

    def __post_init__(self) -> None:
        if not 1 / MAX_FACTOR <= self.scale <= MAX_FACTOR:
            raise CameraError(
                f"With this known length the scene becomes {self.scale:.3g} times as large, "
                f"expected {1 / MAX_FACTOR:g} to {MAX_FACTOR:g} times: check the two points and "
                "the metres between them."
            )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, for summaries: the factor and the first length."""
        return {"scale": self.scale, "length": asdict(self.length)}

    def numbers(self) -> list[list[float]]:
        """Every length as `KnownLength.from_numbers` takes it."""
        return [known.numbers() for known in (self.length, *self.others)]

    def facts(self) -> dict[str, Any]:
        """JSON-ready, for sidecars: factor, source, and what is left over at every length."""
        lengths = zip((self.length, *self.others), self.residuals, strict=True)
        return {
            "factor": self.scale,
            "source": "known length",
            "residuals": [asdict(known) | {"residual": left} for known, left in lengths],
        }

    def text(self) -> str:
        """One line for the comments of a file."""
        (u0, v0), (u1, v1) = self.length.start, self.length.end
        return (
            f"depth times {self.scale:.9g}, so that pixels ({u0:g}, {v0:g}) and "
            f"({u1:g}, {v1:g}) are {self.length.metres:g} m apart"
        ) + self._more()

    def _more(self) -> str:
        if not self.others:
            return ""
        off = ", ".join(f"{left:+.3g}" for left in self.residuals)
        return f" (the middle of {len(self.residuals)} known lengths, off by {off} m)"
