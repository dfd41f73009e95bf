"""What the commands share: progress bar, complaints on stderr, JSON on stdout, camera options.

`--intrinsics 518.9,519.5,319.5,239.5` is fx, fy, cx, cy; `--known-length 120,310,480,305=2.04` is
two pixels of the photo and the metres between what they show.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from core.errors import ConfigError

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


MARK = "-"
NAME = "stdin"  # what its results are called


def read_bytes() -> bytes:
    """What comes on standard input, at most one byte more than a picture may have.

    Raises:
        ConfigError: it is a terminal, or closed.
    """
    from core.images.limits import DEFAULT_LIMITS

    if sys.stdin is None or sys.stdin.isatty():
        raise ConfigError(
            "- stands for a picture on standard input, which is a terminal, expected a file or a "
            "pipe: write `< photo.jpg` behind the command, or give the file's name."
        )
    return sys.stdin.buffer.read(DEFAULT_LIMITS.max_bytes + 1)


def read_picture() -> bytes:
    """An encoded picture of allowed size from standard input.

    Raises:
        ConfigError: it is a terminal, or closed.
        ImageError: nothing came, or too much.
    """
    from core.images.limits import DEFAULT_LIMITS, check_bytes

    data = read_bytes()
    check_bytes(len(data), DEFAULT_LIMITS, NAME)
    return data


@contextlib.contextmanager
def progress(
    total: int | None, unit: str
) -> Iterator[tuple[Callable[..., None], Callable[[str], None]]]:
    """A progress bar on stderr where that is a terminal: (advance, say a line above it)."""
    from tqdm import tqdm  # type: ignore[import-untyped]

    with tqdm(total=total, unit=unit, file=sys.stderr, disable=None, dynamic_ncols=True) as bar:

        def advance(of: int | None = None) -> None:
            if of is not None:
                bar.total = of
            bar.update()

        def say(line: str) -> None:
            with bar.external_write_mode(file=sys.stderr):
                complain(line)

        yield advance, say


def complain(text: str) -> None:
    """One line on stderr."""
    print(" ".join(text.split()), file=sys.stderr)


def print_json(content: Any) -> None:
    """Indented JSON on stdout."""
    print(json.dumps(content, indent=2))
