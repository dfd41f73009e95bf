"""What every command takes about the camera and the scale, spelled the same in each.

`--intrinsics 518.9,519.5,319.5,239.5` is fx, fy, cx, cy; `--known-length 120,310,480,305=2.04` is
two pixels of the photo and the metres between what they show.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.prediction import KnownLength


def add_camera(parser: argparse.ArgumentParser, *, rescaled: str = "the photo") -> None:
    """Declares the camera and the known lengths.

    Args:
        parser: of a command.
        rescaled: what a known length gives the scale of, for the help text.
    """
    p = parser.add_argument
    p("--fov", type=float, metavar="DEG", help="horizontal field of view, degrees")
    p("--intrinsics", type=numbers(4), metavar="FX,FY,CX,CY", help="the camera, in pixels")
    p(
        "--known-length",
        type=_known_length,
        action="append",
        metavar="U0,V0,U1,V1=M",
        help="two pixels and the true metres between what they show, which give the scale of "
        f"{rescaled}; may be repeated, the middle one of the factors counts",
    )


def known_lengths(options: argparse.Namespace) -> tuple[KnownLength, ...]:
    """The known lengths of a command.

    Raises:
        CameraError: a length that is out of range.
    """
    from core.prediction import KnownLength

    return tuple(map(KnownLength.from_numbers, options.known_length or ()))


def numbers(count: int) -> Callable[[str], list[float]]:
    """A reader of so many numbers with commas between them, for argparse."""

    def read(text: str) -> list[float]:
        with contextlib.suppress(ValueError):
            found = [float(part) for part in text.split(",")]
            if len(found) == count:
                return found
        raise argparse.ArgumentTypeError(
            f"got '{text}', expected {count} numbers with commas between them: correct it"
        )

    return read


def _known_length(text: str) -> list[float]:
    """Two pixels and metres; a comma in place of "=" is understood too."""
    with contextlib.suppress(argparse.ArgumentTypeError):
        return numbers(5)(text.replace("=", ",", 1))
    raise argparse.ArgumentTypeError(
        f"got '{text}', expected two pixels and the metres between them, 120,310,480,305=2.04: "
        "correct it"
    )
