"""The command `predict`: its arguments, and a run over photos."""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.terminal import (
    STDIN_MARK,
    STDIN_NAME,
    add_camera,
    add_network,
    check_alone,
    checked_out,
    complain,
    depth_settings,
    print_json,
    progress,
    read_bytes,
)
from core.errors import ConfigError

if TYPE_CHECKING:
    from core.batch.manifest import BatchSettings, Entry
    from core.batch.plan import Job, LeftOut

PRECISIONS = ("float32", "float16", "bfloat16", "int8")
_STDOUT = "-"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the command takes."""
    parser.set_defaults(run=run)
    p = parser.add_argument
    p("paths", nargs="+", metavar="PATH", help="files, folders, patterns; - is standard input")
    p("--out", required=True, metavar="DIR", help="folder for the results")
    add_network(parser, chooser="the photo", mirrored="photo")
    p("--save", default="color,depth16", metavar="LIST", help="any of color,depth16,npy,npz,exr,"
      "levels,ply,glb,obj,stereo,anaglyph,clip (default %(default)s)")  # fmt: skip
    add_precision(parser)
    add_camera(parser, rescaled="the photo, which is the only one then")
    p("--overwrite", action="store_true", help="also redo what is finished")
    p("--json", action="store_true", help="print the manifest")
    p("--zip", metavar="FILE", help="also pack the results into FILE; - is standard output")
    p("--engine", choices=("local", "ray"), default="local", help="what runs it")
    p("--workers", type=int, metavar="N", help="Ray's processes (default: cores)")


def add_precision(parser: argparse.ArgumentParser) -> None:
    """Declares the precision of the network's arithmetic."""
    parser.add_argument(
        "--precision", choices=PRECISIONS, default="float32",
        help="of the network's arithmetic: int8 is faster on the CPU and less accurate, the halves "
        "are for GPUs (default %(default)s)",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Predicts every photo; 1 if some failed.

    Raises:
        DepthError: arguments or a model that cannot be used.
    """
    settings = _settings(options)
    from core.batch.manifest import described
    from core.batch.packing import check_own_zip, packed
    from core.batch.plan import LeftOut
    from core.batch.ray_engine import predict_files_on_ray
    from core.batch.run import predict_files, with_one_scale
    from core.predictor import models_of_run
    from core.scale.calibration import model_of

    out = _out(options)
    if options.zip and options.zip != _STDOUT:
        check_own_zip(Path(options.zip))
    left_out = LeftOut()
    entries: list[Entry] = []
    with contextlib.ExitStack() as stack:
        jobs = _jobs(options.paths, out, stack, left_out)
        if left_out:
            complain(f"{left_out} They are no pictures.")
        check_alone(settings.known, len(jobs), "photo", "one photo")
        model = model_of(settings.known, options.model)
        models, load = models_of_run(model, options.precision)
        settings = with_one_scale(settings, jobs, out, models)
        advance, say = stack.enter_context(progress(len(jobs), "photo"))
        pack: Any = None
        if options.zip:
            pack = stack.enter_context(packed(options.zip, out, manifests=len(jobs) > 1))

        def ended(entry: Entry) -> None:
            if entry.error is not None:
                say(f"{entry.input}: {entry.error}")
            for note in entry.notes:
                say(f"{entry.input}: {note}")
            if options.json:
                entries.append(entry)
            if pack is not None:
                pack(entry)
            advance()

        if options.engine == "ray":
            totals = predict_files_on_ray(
                jobs, out, model, settings,
                workers=options.workers, left_out=left_out, on_entry=ended,
            )  # fmt: skip
        else:
            totals = predict_files(
                jobs, out, models, load, settings, left_out=left_out, on_entry=ended
            )
    if options.json:
        told = {
            "model": described(models)["name"],
            "png_scale": settings.png_scale,
            "counts": vars(totals),
            "left_out": dict(left_out),
        }
        print_json({**told, "photos": [vars(entry) for entry in entries]})
    else:
        tell = complain if options.zip == _STDOUT else print
        tell(
            f"{totals.done} done, {totals.skipped} finished before, {totals.failed} failed; "
            f"results in {options.out}"
        )
    return 1 if totals.failed else 0


def _jobs(
    paths: Sequence[str], out: Path, stack: contextlib.ExitStack, left_out: LeftOut
) -> list[Job]:
    """The plan; what comes on standard input lies in a file for as long as `stack` is open."""
    from core.batch.plan import plan, same_file_key

    if STDIN_MARK not in paths:
        return plan(paths, out, left_out=left_out)
    data = read_bytes()
    file = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lapdepth-"))) / STDIN_NAME
    file.write_bytes(data)
    jobs = plan(
        [str(file) if path == STDIN_MARK else path for path in paths], out, left_out=left_out
    )
    key = same_file_key(file)
    return [replace(j, shown=STDIN_NAME) if same_file_key(j.source) == key else j for j in jobs]


def _out(options: argparse.Namespace) -> Path:
    if "://" in options.out:
        raise ConfigError(
            f"Got the address {options.out} as --out, expected a folder: mount the store as a "
            "folder, or copy the results there afterwards."
        )
    return checked_out(Path(options.out))


def _settings(options: argparse.Namespace) -> BatchSettings:
    """What is made of every photo; everything that can be wrong with the options is found here."""
    if options.workers is not None and not (options.engine == "ray" and options.workers > 0):
        raise ConfigError("--workers goes with --engine ray and is 1 or more: correct one of them.")
    if options.json and options.zip == _STDOUT:
        raise ConfigError(
            "--json and --zip - both write to standard output, expected one of them: give the zip "
            "a name."
        )
    from core.batch.manifest import BatchSettings
    from core.files.outputs import parse_outputs

    return BatchSettings(
        outputs=parse_outputs(options.save),
        precision=options.precision,
        **depth_settings(options),
    )
