"""The command `profile`: makes, lists and shows the scale profiles of cameras."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.terminal import add_measurements, complain, measurements, numbers, print_json
from core.errors import ConfigError

if TYPE_CHECKING:
    from core.scale.calibration import Measurement
    from core.scale.profile import Profile


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the command takes."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    create = actions.add_parser(
        "create",
        help="from what is measured in a photo, or from a table of measurements in several",
    )
    create.set_defaults(run=_create)
    p = create.add_argument
    p("name", metavar="NAME", help="of the profile")
    p("photos", nargs="+", type=Path, metavar="PHOTO", help="of the camera; measurements on the"
      " command line are those of a single one")  # fmt: skip
    p("--model", metavar="NAME", help="default: the first photo chooses (auto)")
    p("--resolution", type=int, metavar="N", help="working height in pixels, 96 or more")
    p("--fov", type=float, metavar="DEG", help="horizontal field of view, degrees")
    p("--intrinsics", type=numbers(4), metavar="FX,FY,CX,CY", help="the camera, in pixels")
    p("--measured", type=Path, metavar="FILE", help="JSON: for each photo's file name the lists"
      " known_length, known_depth and the number camera_height")  # fmt: skip
    add_measurements(create)
    p("--overwrite", action="store_true", help="replace a profile of this name")
    p("--json", action="store_true", help="print the profile")
    listed = actions.add_parser("list", help="the profiles there are")
    listed.set_defaults(run=_list)
    shown = actions.add_parser("show", help="one profile, as JSON")
    shown.set_defaults(run=_show)
    shown.add_argument("name", metavar="NAME")


def _create(options: argparse.Namespace) -> int:
    from core.geometry.find_scale import profile_of
    from core.images.decode import decode, read_file
    from core.predictor import models_of_run
    from core.scale.profile import check_profile_name, save_profile

    check_profile_name(options.name)
    known = measurements(options)
    listed = {} if options.measured is None else _measured(options.measured)
    unknown = sorted(set(listed) - {path.name for path in options.photos})
    if unknown:
        raise ConfigError(
            f"{options.measured.name} names {unknown[0]}, expected the file names of the photos "
            f"({', '.join(path.name for path in options.photos[:5])}): correct it."
        )
    if known and len(options.photos) != 1:
        raise ConfigError(
            f"Measurements on the command line are those of one photo, expected it alone and got "
            f"{len(options.photos)}: write those of several into a file for --measured."
        )
    model, photos = options.model, []
    for path in options.photos:
        photo = decode(read_file(path), name=path.name)
        prediction = models_of_run(model)[1]()(
            photo, resolution=options.resolution, fov=options.fov, intrinsics=options.intrinsics
        )
        model = prediction.info.name
        photos.append((path.name, prediction, [*known, *listed.get(path.name, ())]))
    profile = profile_of(options.name, photos)
    path = save_profile(profile, overwrite=options.overwrite)
    for note in profile.notes:
        complain(note)
    if options.json:
        sys.stdout.write(profile.to_json())
    else:
        print(f"{_line(profile)}\n{path}")
    return 0


def _measured(path: Path) -> dict[str, list[Measurement]]:
    """The measurements in each photo, by its file name."""
    from core.data.sample import read_text
    from core.scale.measurements import CameraHeight, KnownDepth, KnownLength

    try:
        content = json.loads(read_text(path))
        found: dict[str, list[Measurement]] = {}
        for name, said in content.items():
            found[name] = [*map(KnownLength.from_numbers, said.get("known_length", ()))]
            found[name] += map(KnownDepth.from_numbers, said.get("known_depth", ()))
            if said.get("camera_height") is not None:
                found[name].append(CameraHeight(float(said["camera_height"])))
        return found
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(
            f"{path.name} cannot be read ({str(error)[:80]}), expected JSON like "
            '{"a.jpg": {"known_length": [[120, 310, 480, 305, 2.04]]}}: correct it.'
        ) from error


def _list(_: argparse.Namespace) -> int:
    from core.errors import DepthError
    from core.scale.profile import load_profile, profile_names, profiles_folder

    names, broken = profile_names(), 0
    for name in names:
        try:
            print(_line(load_profile(name)))
        except DepthError as error:
            broken += 1
            complain(str(error))
    if not names:
        print(f"there is no profile in {profiles_folder()}")
    return 1 if broken else 0


def _show(options: argparse.Namespace) -> int:
    from core.scale.profile import load_profile

    print_json(json.loads(load_profile(options.name).to_json()))
    return 0


def _line(profile: Profile) -> str:
    used = sum(each.used for each in profile.fitted)
    camera = profile.camera
    fov = camera.intrinsics.hfov(camera.width)
    bend = "" if profile.power == 1.0 else f" (power {profile.power:.3g} at {profile.pivot:.3g} m)"
    return (
        f"{profile.name}: x{profile.scale:.3f}{bend} on {profile.model}, from {used} of "
        f"{len(profile.fitted)} measurements; {camera.width}x{camera.height}, {fov:.1f} degrees"
    )
