"""The commands in three dimensions: `scene` writes one photo's files, `measure` reads metres."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.terminal import (
    STDIN_MARK,
    STDIN_NAME,
    add_camera,
    add_network,
    checked_out,
    complain,
    known_of,
    numbers,
    read_bytes,
)
from core.errors import CameraError, ConfigError, ExportError

if TYPE_CHECKING:
    from core.geometry.three_d import SpaceOptions
    from core.images.decode import Photo
    from core.prediction import Prediction


_OBJECT = "_object.png"


def add_scene(parser: argparse.ArgumentParser) -> None:
    """Gives the command `scene` its arguments."""
    _add_photo(parser, _scene)
    p = parser.add_argument
    p("--out", required=True, type=Path, metavar="DIR", help="folder for the results")
    p("--save", default="ply,glb", metavar="LIST", help="what predict saves, or obj, stereo,"
      " anaglyph, clip (default %(default)s)")  # fmt: skip
    p("--shape", choices=("points", "surface", "poisson"), help="default: points in .ply, else a"
      " surface")  # fmt: skip
    p("--edges", type=float, default=0.05, metavar="SHARE", help="border filter, relative to depth;"
      " 0 keeps all (default %(default)s)")  # fmt: skip
    p("--near", type=float, default=0.0, metavar="M", help="least depth, metres")
    p("--far", type=float, metavar="M", help="greatest depth, metres")
    p("--confidence", type=float, metavar="C", help="least confidence, 0 to 1")
    p("--no-sky", action="store_true", help="drop what looks like daylight sky")
    p("--stride", type=float, default=1.0, metavar="N", help="keep every Nth row and column")
    p("--max-points", type=int, metavar="N", help="at most so many points")
    p("--voxel", type=float, metavar="M", help="keep one point in every cell of this edge, metres")
    p("--normals", action="store_true", help="write normals")
    p("--no-outliers", action="store_true", help="drop points far from their neighbours (Open3D)")
    p("--faces", type=int, metavar="N", help="at most so many triangles (Open3D)")
    p("--detail", type=int, default=8, choices=range(4, 13), metavar="N", help="of a Poisson"
      " surface, 4 to 12")  # fmt: skip
    p("--object", type=_placing, metavar="KIND,U,V,M", help="also the photo with a ball or cube"
      " of so many metres standing on that pixel, hidden by what stands nearer; a fifth number"
      " moves it so many metres further away")  # fmt: skip
    p("--pose", type=Path, metavar="FILE", help="text file with a 4x4 camera-to-world matrix: the"
      " geometry is then in the world frame")  # fmt: skip


def add_measure(parser: argparse.ArgumentParser) -> None:
    """Gives the command `measure` its arguments."""
    _add_photo(parser, _measure)
    p = parser.add_argument
    p("--point", type=numbers(2), action="append", metavar="U,V", help="a pixel; several give the"
      " distances from each to the next")  # fmt: skip
    p("--box", type=numbers(4), metavar="U0,V0,U1,V1", help="two corners around a target")
    p("--csv", action="store_true", help="print a table instead of JSON")


def _add_photo(parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int]) -> None:
    parser.set_defaults(run=run)
    p = parser.add_argument
    p("photo", type=Path, metavar="PHOTO", help="one picture file; - is standard input")
    add_network(parser, chooser="the photo", mirrored="photo")
    add_camera(parser)


def _scene(options: argparse.Namespace) -> int:
    from core.batch.plan import job_of
    from core.batch.results import (
        check_name,
        check_replaceable,
        fingerprint,
        replacing,
        same_result,
        staged,
        stem_for,
    )
    from core.files.outputs import parse_outputs, write_outputs
    from core.files.sidecar import write_sidecar
    from core.files.writers_2d import ExportJob
    from core.files.writers_3d import write_object

    checked_out(options.out)
    outputs, wanted = parse_outputs(options.save), _wanted(options)
    job = job_of(Path(STDIN_NAME) if str(options.photo) == STDIN_MARK else options.photo)
    stems = [options.out / each for each in (job.stem, *job.others)]
    check_name(stems[0], [*(output.suffix for output in outputs), _OBJECT])
    photo, prediction = _predicted(options)
    stem = stem_for(stems, photo.sha256, photo.name, overwrite=False)
    targets = [output.path(stem) for output in outputs]
    targets += [Path(f"{stem}{_OBJECT}")] if options.object else []
    check_replaceable(stem, targets, frozenset({os.path.normpath(options.photo.absolute())}))
    with staged(stem) as new:
        work = ExportJob(prediction, photo.rgb, space=wanted)
        facts = write_outputs(outputs, new, work)
        made = {output.name: output.path(new) for output in outputs}
        if options.object:
            kind, u, v, size, *back = options.object
            made["object"] = Path(f"{new}{_OBJECT}")
            facts["object"] = write_object(
                made["object"], prediction, photo.rgb, kind=kind, at=(u, v), size=size,
                back=sum(back),
            )  # fmt: skip
        files = {
            name: {"file": path.name, **facts[name], **fingerprint(path)}
            for name, path in made.items()
        }
        content = _described(photo, prediction, files, options)
        kept = {
            name: each for name, each in same_result(stem, content).items() if name not in files
        }
        content["files"] = kept | files
        names = [each["file"] for each in kept.values()]
        with replacing(stem, {path.name: path for path in made.values()}, names):
            sidecar = write_sidecar(stem, content)
    _tell_notes(photo, prediction)
    for written in files.values():
        print(stem.parent / written["file"])
    print(sidecar)
    return 0


def _described(
    photo: Photo, prediction: Prediction, files: dict[str, Any], options: argparse.Namespace
) -> dict[str, Any]:
    """The sidecar; its settings say what was asked of the scene, so that `predict` knows it."""
    from core.files.sidecar import describe

    content = describe(photo, prediction, files)
    others = ("command", "run", "photo", "out", "save", "model", "resolution", "flip", "fov")
    asked = {name: value for name, value in vars(options).items() if name not in others}
    asked["pose"] = None if options.pose is None else options.pose.name
    asked["sparse"] = None if options.sparse is None else options.sparse.name
    asked["sparse_calib"] = [path.name for path in options.sparse_calib or ()] or None
    content["settings"]["scene"] = asked
    return content


def _measure(options: argparse.Namespace) -> int:
    from core.geometry.measure import Measurer, survey_box, survey_points
    from core.geometry.measure_results import to_csv

    if not options.point and not options.box:
        raise ConfigError(
            "Nothing to measure was given, expected --point U,V or --box U0,V0,U1,V1: mark one."
        )
    photo, prediction = _predicted(options)
    ruler = Measurer.of(prediction)
    found = survey_points(ruler, options.point or [])
    if options.box:
        found += survey_box(ruler, options.box)
    _tell_notes(photo, prediction)
    if options.csv:
        print(to_csv(found, ruler.scene), end="")
        return 0
    result = {
        "unit": ruler.scene.units,
        "metric": prediction.metric,
        "notes": list(prediction.notes),
        "model": prediction.info.name,
        "intrinsics": prediction.intrinsics.to_dict(),
        "calibration": None if prediction.calibration is None else prediction.calibration.to_dict(),
        "scale": prediction.scale_facts(),
        "results": [result.to_dict() for result in found],
    }
    print(json.dumps(result, indent=2))
    return 0


def _tell_notes(photo: Photo, prediction: Prediction) -> None:
    for note in prediction.notes:
        complain(f"{photo.name}: {note}")


def _predicted(options: argparse.Namespace) -> tuple[Photo, Prediction]:
    """The photo and its depth, rescaled where a length is known."""
    from core.geometry.find_scale import calibrated
    from core.images.decode import decode
    from core.predictor import models_of_run
    from core.scale.calibration import camera_of, model_of

    known = known_of(options)
    piped = str(options.photo) == STDIN_MARK
    photo = decode(read_bytes(), name=STDIN_NAME) if piped else decode(options.photo)
    prediction = models_of_run(model_of(known, options.model))[1]()(
        photo,
        resolution=options.resolution,
        flip=options.flip,
        fov=options.fov,
        intrinsics=camera_of(known, options.fov, options.intrinsics),
    )
    return photo, calibrated(prediction, *known)


def _wanted(options: argparse.Namespace) -> SpaceOptions:
    from core.data.sample import read_text
    from core.geometry.point_cloud import CloudOptions
    from core.geometry.provenance import read_pose
    from core.geometry.three_d import SpaceOptions

    pose = None
    if options.pose is not None:
        try:
            pose = read_pose(read_text(options.pose))
        except (OSError, UnicodeDecodeError) as error:
            raise CameraError(
                f"The pose {options.pose.name} cannot be read ({error}), expected a text file with "
                "16 numbers: check the path."
            ) from error
    try:
        points = CloudOptions(
            edge_tolerance=options.edges or None,
            near=options.near,
            far=options.far,
            min_confidence=options.confidence,
            drop_sky=options.no_sky,
            stride=options.stride,
            max_points=options.max_points,
            voxel=options.voxel,
            normals=options.normals,
        )
        return SpaceOptions(
            points, options.shape, options.no_outliers, options.faces, options.detail, pose
        )
    except ExportError as error:  # here the argument is wrong, not what it is asked of
        raise ConfigError(str(error)) from error


def _placing(text: str) -> list[Any]:
    """An object's kind, the pixel it stands on, its size and how far it is moved away."""
    kind, _, rest = text.partition(",")
    with contextlib.suppress(ValueError):
        numbers = [float(part) for part in rest.split(",")]
        if kind in ("ball", "cube") and len(numbers) in (3, 4):
            return [kind, *numbers]
    raise argparse.ArgumentTypeError(
        f"got '{text}', expected ball or cube and 3 or 4 numbers, ball,512,600,0.3: correct it"
    )
