"""The command line: `python -m core COMMAND`, installed also `lapdepth COMMAND`.

Exit status: 0 done, 1 some inputs failed (each is named on stderr, the others are written),
2 unusable arguments, 130 interrupted. What a user can cause is one sentence, never a traceback.
Heavy modules are imported by the command that needs them, so that `--help` is instant.
"""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from core import __version__
from core.atomic import check_own
from core.cli import adapt, predict, profile, three_d, video
from core.cli.terminal import complain, print_json, progress
from core.errors import CameraError, CheckpointError, ConfigError, DepthError, EngineError

DONE, FAILED, UNUSABLE, INTERRUPTED = 0, 1, 2, 130
# What the arguments themselves can cause; anything else is wrong with an input.
_ARGUMENT_ERRORS = (CameraError, CheckpointError, ConfigError, EngineError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit status.

    Args:
        arguments: without the program's name; None takes the process's own.
    """
    options = _parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a file's name may be no text
        sys.stdout.reconfigure(errors="backslashreplace")
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        complain("Interrupted; what was written so far is complete and is kept.")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has seen enough, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except DepthError as error:
        complain(str(error))
        return UNUSABLE if isinstance(error, _ARGUMENT_ERRORS) else FAILED
    except OSError as error:
        complain(f"{error.filename or 'A file'} cannot be used ({error.strerror or error}).")
        return FAILED
    except MemoryError:
        complain("There is not enough memory for this; close other programs or use less at once.")
        return FAILED
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_program(), description="Metric depth from one photo, level by level."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, text, add in (
        ("predict", "depth of photos, written as files", predict.add_arguments),
        ("video", "depth of videos, with temporal smoothing", video.add_arguments),
        ("scene", "3D files, stereo pictures and a clip of one photo", three_d.add_scene),
        ("measure", "metres between points, above the floor, in a box", three_d.add_measure),
        ("profile", "the scale of a camera, from what is measured in its photos",
         profile.add_arguments),
        ("evaluate", "scores of a model on a dataset", _add_evaluate),
        ("train", "train a model by a recipe", _add_train),
        ("adapt", "fine-tune a model on frames of one's own, kept only if held-out ones get better",
         adapt.add_arguments),
        ("import-release", "convert a checkpoint of LapDepth's authors", _add_import),
        ("export", "a model for other programs", _add_export),
        ("models", "what is installed", _add_models),
    ):  # fmt: skip
        add(commands.add_parser(name, help=text, description=text))
    return parser


def _program() -> str:
    """As it was called: the installed command has a name of its own."""
    name = Path(sys.argv[0]).stem
    return name if name == "lapdepth" else "python -m core"


def _add_evaluate(p: argparse.ArgumentParser) -> None:
    p.set_defaults(run=_evaluate)
    p.add_argument("--dataset", required=True, choices=("nyu", "kitti", "folder"))
    p.add_argument("--root", required=True, type=Path, metavar="DIR", help="the dataset's folder")
    p.add_argument("--split", type=Path, metavar="FILE", help="which frames, one a line")
    p.add_argument("--model", metavar="NAME", help="default: the shipped one for the dataset")
    p.add_argument("--resolution", type=int, metavar="N", help="working height in pixels")
    p.add_argument("--cap", type=float, metavar="M", help="metres at which the protocol ends")
    p.add_argument("--first", type=int, metavar="N", help="score only the first N frames")
    p.add_argument("--flip", action="store_true", help="average with the mirrored photo")
    predict.add_precision(p)
    p.add_argument("--align", choices=("median", "scale_shift"), default="median", help="how depth"
                   " is fitted to the truth for the aligned figures (default: median)")  # fmt: skip
    p.add_argument("--geometry", action="store_true", help="measure borders and surfaces too")
    p.add_argument("--per-level", action="store_true", help="score the depth after each level")
    p.add_argument("--baselines", action="store_true", help="score trivial predictors too")
    p.add_argument("--sparse", metavar="N", help="also with N points of each frame's truth given,"
                   " or with 'lines': 16 of a LiDAR's 64")  # fmt: skip
    p.add_argument("--lengths", type=int, metavar="N", help="also with N true lengths given")
    p.add_argument("--camera-height", type=float, metavar="M", help="also with it given")
    p.add_argument("--csv", type=Path, metavar="FILE", help="write a table with a line per frame")
    p.add_argument("--gallery", type=Path, metavar="FILE", help="write a PNG of the worst frames")
    p.add_argument("--worst", type=int, default=8, metavar="K", help="frames in the gallery")
    p.add_argument("--json", action="store_true", help="print JSON instead of a table")


def _add_train(p: argparse.ArgumentParser) -> None:
    p.set_defaults(run=_train)
    p.add_argument("--config", required=True, type=Path, metavar="FILE", help="a recipe (TOML)")
    p.add_argument("--resume", action="store_true", help="continue from the last state")


def _add_import(p: argparse.ArgumentParser) -> None:
    p.set_defaults(run=_import)
    p.add_argument("file", type=Path, metavar="FILE", help="the authors' .pkl")
    p.add_argument("--dataset", required=True, choices=("kitti", "nyu"))
    p.add_argument("--name", required=True, metavar="NAME", help="of the model to make")


def _add_export(p: argparse.ArgumentParser) -> None:
    p.set_defaults(run=_export)
    p.add_argument("--model", required=True, metavar="NAME")
    p.add_argument("--format", required=True, choices=("onnx",))
    p.add_argument("--out", required=True, type=Path, metavar="FILE")
    p.add_argument("--levels", action="store_true", help="with the depth after every level")
    p.add_argument("--half", action="store_true", help="filters stored as float16: half the size")


def _add_models(p: argparse.ArgumentParser) -> None:
    p.set_defaults(run=_models)
    p.add_argument("--json", action="store_true", help="print JSON instead of a table")


def _evaluate(options: argparse.Namespace) -> int:
    for path in filter(None, (options.root, options.split)):
        if not path.exists():
            raise ConfigError(f"There is no {path}, expected the dataset: check the path.")
    from core.evaluate.report import (
        format_table,
        is_own_csv,
        is_own_gallery,
        to_json,
        write_csv,
        write_gallery,
    )
    from core.evaluate.run import EvaluationRequest, run_evaluation
    from core.evaluate.with_measurements import Given, parse_sparse_count

    if options.csv:
        check_own(options.csv, is_own_csv)
    if options.gallery:
        check_own(options.gallery, is_own_gallery)
    asked = {
        each.name: vars(options).get(each.name, each.default) for each in fields(EvaluationRequest)
    }
    asked["given"] = Given(
        None if options.sparse is None else parse_sparse_count(options.sparse),
        options.lengths,
        options.camera_height,
    )
    asked["worst"] = options.worst if options.gallery else 0
    request = EvaluationRequest(**asked)
    with progress(None, "image") as (advance, _):
        result = run_evaluation(request, lambda _done, total: advance(total))
    if options.csv:
        write_csv(result, options.csv)
    if options.gallery:
        write_gallery(result, options.gallery)
    print(to_json(result) if options.json else format_table(result))
    for name, reason in result.failed.items():
        complain(f"{name}: {reason}")
    return FAILED if result.failed else DONE


def _train(options: argparse.Namespace) -> int:
    if not options.config.is_file():
        raise ConfigError(f"There is no file {options.config}, expected a recipe: check the path.")
    from core.train.config import read_config
    from core.train.loop import train

    logging.getLogger("core").setLevel(logging.INFO)
    folder = train(read_config(options.config), resume=options.resume)
    print(f"trained; the model is in {folder}")
    return DONE


def _import(options: argparse.Namespace) -> int:
    if not options.file.is_file():
        raise ConfigError(f"There is no file {options.file}, expected a .pkl: check the path.")
    from core.weights.model_info import check_name
    from core.weights.release import import_release

    check_name(options.name)
    try:
        info = import_release(options.file, options.dataset, options.name)
    except CheckpointError as error:  # here it is the input that is wrong
        complain(str(error))
        return FAILED
    print(f"imported {info.name}: {info.path}")
    return DONE


def _export(options: argparse.Namespace) -> int:
    from core.engines.onnx_export import is_own_onnx
    from core.engines.onnx_file import export_onnx
    from core.weights.checkpoint import find_model, load_checkpoint

    check_own(options.out, is_own_onnx)
    model, info = load_checkpoint(find_model(options.model).file)
    difference = export_onnx(model, info, options.out, levels=options.levels, half=options.half)
    print(
        f"wrote {options.out}; it agrees with PyTorch within {difference:.1e} (relative). Inputs: "
        "image, and focal in its pixels; without focal, the training camera's."
    )
    return DONE


def _models(options: argparse.Namespace) -> int:
    from core.weights.checkpoint import scan_models
    from core.weights.model_info import card, facts

    installed = scan_models()
    broken = [{"file": model.path.name, "problem": model.problem} for model in installed.broken]
    if options.json:
        print_json({"models": [facts(info) for info in installed.models], "broken": broken})
    else:
        for info in installed.models:
            print(card(info))
        if not installed.models:
            print("no model is installed")
    for entry in broken:
        complain(entry["problem"])
    return FAILED if broken else DONE
