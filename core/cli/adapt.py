"""The command `adapt`: a model for one's own scenes, from a handful of their frames."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.terminal import complain, print_json, progress
from core.errors import ConfigError

if TYPE_CHECKING:
    from core.train.adapt_report import Adapted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the command takes."""
    parser.set_defaults(run=run)
    p = parser.add_argument
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--data", type=Path, metavar="DIR", help="frames with measured depth, 10 to"
                      " 200, and a dataset.toml (docs/data.md)")  # fmt: skip
    what.add_argument("--undo", action="store_true", help="remove the adapted model NAME")
    p("--name", required=True, metavar="NAME", help="of the model to make")
    p("--model", metavar="NAME", help="to start from; default: the frames choose (auto)")
    p("--minutes", type=float, default=5.0, metavar="N", help="that it may take, about (5)")
    p("--seed", type=int, default=0, metavar="N", help="of everything random")
    p("--overwrite", action="store_true", help="replace an earlier adapted model of this name")
    p("--json", action="store_true", help="print JSON instead of a table")


def run(options: argparse.Namespace) -> int:
    """Runs the command: 0 kept, 1 not kept since held-out frames got no better."""
    if options.undo:
        from core.train.adapt import undo

        print(f"removed {undo(options.name)}")
        return 0
    if not options.data.exists():
        raise ConfigError(f"There is no {options.data}, expected a folder of frames: check it.")
    from core.train.adapt import AdaptRequest, adapt

    request = AdaptRequest(
        options.data, options.name, options.model, options.minutes, options.seed, options.overwrite
    )
    with progress(None, "step") as (advance, _):
        report = adapt(request, lambda _done, total: advance(total))
    if options.json:
        print_json(report.to_dict())
    else:
        print(table(report))
    for note in report.notes:
        complain(note)
    if not report.kept:
        complain(f"Not kept: {report.why}; {report.base} stays as it is.")
    return 0 if report.kept else 1


def table(report: Adapted) -> str:
    """Before and after, for a terminal."""
    learn, choose, judge = report.frames
    before, after = report.before, report.after
    rows = [
        f"{report.base} -> {report.name}, in {report.seconds:.0f} s; frames: {learn} to learn "
        f"from, {choose} to choose by, {judge} held out",
        f"depth x{report.scale:.3f}, steps: {report.steps}, taken {report.mix:.0%} of the way",
        "",
        "to choose by         AbsRel",
        *(f"  {name:<19}{value:.3f}" for name, value in report.candidates.items()),
        "",
        "held out             AbsRel   RMSE (m)  SILog    δ<1.25",
        *(f"  {name:<19}{of.abs_rel:.3f}    {of.rmse:.3f}     {of.silog:5.1f}    {of.delta1:.3f}"
          for name, of in (("before", before), ("after", after))),
        f"  better on {sum(b < a for a, b in report.per_frame.values())} of "
        f"{len(report.per_frame)} frames",
        "",
        f"licence (of {report.base}, and so of this): {report.licence}",
    ]  # fmt: skip
    if report.kept:
        rows.append(f"kept: --model {report.name}; undo: adapt --undo --name {report.name}")
    return "\n".join(rows)
