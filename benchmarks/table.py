"""The figures of docs/performance.md on your own machine, as JSON.

    python -m benchmarks.table [--threads 2] [--rounds 5] [--only networks,photo] > table.json

Parts: `networks` (the paper's network plain, in each engine, against the machine's GEMM peak and
roofline; `lite-indoor`), `engines` (`lite-indoor` at 320x240 in each), `photo` (12 megapixels,
end to end), `panorama` (100 megapixels), `serving` (idle memory; one client and eight), `starting`.
What is compared takes turns, so that whatever else the machine does hits both: read the ratios
rather than the milliseconds. Ten minutes on two cores, 6 GB of memory. OpenVINO is compared where
it is installed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.machine import WARM_UP, describe, use_threads
from core.threads import usable_threads

PARTS = ("networks", "engines", "photo", "panorama", "serving", "starting")


def main() -> None:
    """Measures the parts asked for and prints them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--threads", type=int, default=usable_threads())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    options = parser.parse_args()
    wanted = options.only.split(",")
    if unknown := set(wanted) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    use_threads(options.threads)
    report: dict[str, Any] = describe(options.threads)
    report |= {"rounds": options.rounds, "warm_up_rounds": WARM_UP}
    for part in wanted:
        began = time.perf_counter()
        report[part] = _part(part, options.rounds, options.threads)()
        sys.stderr.write(f"{part}: {time.perf_counter() - began:.0f} s\n")
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


def _part(name: str, rounds: int, threads: int) -> Callable[[], dict[str, Any]]:
    """What measures a part; torch is loaded by those that need it in this process."""
    from benchmarks import programs

    if name == "panorama":
        return lambda: programs.panorama(rounds)
    if name == "serving":
        return lambda: programs.serving(rounds, threads)
    if name == "starting":
        return lambda: programs.starting(rounds, threads)
    from benchmarks import speed

    parts = {"networks": speed.networks, "engines": speed.engines, "photo": speed.end_to_end}
    return lambda: parts[name](rounds)


if __name__ == "__main__":
    main()
