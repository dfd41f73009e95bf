"""What the commands share: progress bar, complaints on stderr, JSON on stdout, camera options.

`--intrinsics 518.9,519.5,319.5,239.5` is fx, fy, cx, cy; `--known-length 120,310,480,305=2.04` is
two pixels of the photo and the metres between what they show.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import ConfigError

if TYPE_CHECKING:
    from core.scale.calibration import Measurement

STDIN_MARK = "-"
STDIN_NAME = "stdin"  # what its results are called


def add_network(parser: argparse.ArgumentParser, *, chooser: str, mirrored: str) -> None:
    """Declares the model and how it sees a picture.

    Args:
        chooser: what chooses the model where none is named, for the help text.
        mirrored: what is mirrored by --flip.
    """
    p = parser.add_argument
    p("--model", metavar="NAME", help=f"default: {chooser} chooses (auto)")
    p("--resolution", type=int, metavar="N", help="working height in pixels, 96 or more")
    p("--flip", action="store_true", help=f"average with the mirrored {mirrored}")


def add_camera(parser: argparse.ArgumentParser, *, rescaled: str = "the photo") -> None:
    """Declares the camera and the known lengths.

    Args:
        rescaled: what a known length gives the scale of, for the help text.
    """
    p = parser.add_argument
    p("--fov", type=float, metavar="DEG", help="horizontal field of view, degrees")
    p("--intrinsics", type=numbers(4), metavar="FX,FY,CX,CY", help="the camera, in pixels")
    p("--profile", metavar="NAME", help="of a camera's scale (`profile create`)")
    add_measurements(parser, rescaled=rescaled)


def add_measurements(parser: argparse.ArgumentParser, *, rescaled: str = "the photo") -> None:
    """Declares what can be known of a photo; `rescaled` as for `add_camera`."""
    p = parser.add_argument
    p(
        "--known-length",
        type=_measured(5, "two pixels and the metres between them, 120,310,480,305=2.04"),
        action="append",
        metavar="U0,V0,U1,V1=M",
        help="two pixels and the true metres between what they show, which give the scale of "
        f"{rescaled}; may be repeated, the middle one of the factors counts",
    )
    p(
        "--known-depth",
        type=_measured(3, "a pixel and its metres, 320,240=2.04"),
        action="append",
        metavar="U,V=M",
        help="a pixel and its true metres along the optical axis (a rangefinder's, at the middle "
        "of the photo); may be repeated",
    )
    p("--camera-height", type=float, metavar="M", help="of the camera above the floor or road")
    p("--sparse", type=Path, metavar="FILE", help="measured depth at some pixels, which the depth"
      " is bent to: 16-bit PNG, CSV of u,v,metres, LiDAR .bin or .pcd")  # fmt: skip
    p("--sparse-scale", type=float, metavar="N", help="steps per metre of that PNG: 256 (KITTI),"
      " 1000 (millimetres)")  # fmt: skip
    p("--sparse-calib", type=Path, action="append", metavar="FILE", help="KITTI's calibration of"
      " the LiDAR; may be repeated")  # fmt: skip


def depth_settings(options: argparse.Namespace) -> dict[str, Any]:
    """What `core.batch.manifest.DepthSettings` takes of a command's options."""
    from core.camera import checked_fov

    return {
        "resolution": options.resolution,
        "flip": options.flip,
        "fov": None if options.fov is None else checked_fov(options.fov),
        "intrinsics": None if options.intrinsics is None else tuple(options.intrinsics),
        "known": known_of(options),
        "overwrite": options.overwrite,
    }


def known_of(options: argparse.Namespace) -> tuple[Measurement, ...]:
    """What a command knows of its photo: a profile, and measurements.

    Raises:
        DepthError: values out of range, no such profile, or sparse depth that cannot be read.
    """
    from core.scale.profile import load_profile

    profile = getattr(options, "profile", None)
    known = measurements(options)
    return known if profile is None else (load_profile(profile), *known)


def measurements(options: argparse.Namespace) -> tuple[Measurement, ...]:
    """The measurements among the options of a command; errors as for `known_of`."""
    from core.scale.measurements import CameraHeight, KnownDepth, KnownLength

    known: list[Measurement] = [*map(KnownLength.from_numbers, options.known_length or ())]
    known += map(KnownDepth.from_numbers, options.known_depth or ())
    if options.camera_height is not None:
        known.append(CameraHeight(options.camera_height))
    if options.sparse is not None:
        from core.data.sparse_file import read_sparse

        calibration = options.sparse_calib or ()
        known.append(
            read_sparse(options.sparse, scale=options.sparse_scale, calibration=calibration)
        )
    elif options.sparse_scale is not None or options.sparse_calib:
        raise ConfigError(
            "--sparse-scale and --sparse-calib say how --sparse is to be read, which is missing: "
            "give the file, or leave them out."
        )
    return tuple(known)


def check_alone(known: Sequence[Measurement], count: int, unit: str, of: str) -> None:
    """Measurements are those of one input; a profile holds for many.

    Args:
        of: what the measurements' pixels belong to.

    Raises:
        ConfigError: there are measurements, and not one input.
    """
    found = next((each.kind for each in known if each.kind != "profile"), None)
    if found is not None and count != 1:
        raise ConfigError(
            f"The {found} belongs to {of}, expected that {unit} alone and got {count}: predict it "
            "by itself, or make a profile of its camera (`profile create`)."
        )


def checked_out(folder: Path) -> Path:
    """A folder for results, which need not be there.

    Raises:
        ConfigError: a file has its name.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file, expected a folder: choose another --out.")
    return folder


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


def _measured(count: int, expected: str) -> Callable[[str], list[float]]:
    """A reader of pixels and their metres; a comma in place of "=" is understood too."""

    def read(text: str) -> list[float]:
        with contextlib.suppress(argparse.ArgumentTypeError):
            return numbers(count)(text.replace("=", ",", 1))
        raise argparse.ArgumentTypeError(f"got '{text}', expected {expected}: correct it")

    return read


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
