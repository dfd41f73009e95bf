"""The batch path with very many files: memory, and what a kill in mid-run costs.

    python -m benchmarks.batch memory [--photos 100000] [--json FILE]
    python -m benchmarks.batch kill [--photos 300] [--seed 0] [--model lite-indoor] [--json FILE]

`memory` runs over links to one small picture with a predictor that answers at once, and notes the
memory in use as it goes. `kill` runs the command line over copies of the example photos, kills it
with -9 at a random moment, starts it again, and counts what was computed twice.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from core.batch.manifest import Entry
from core.batch.plan import MANIFEST, TABLE, plan
from core.batch.run import BatchSettings, predict_files
from core.files.outputs import parse_outputs
from core.prediction import Prediction
from core.predictor import load_predictor
from core.weights.checkpoint import find_model

EXAMPLES = Path(__file__).resolve().parents[1] / "assets" / "examples"
FOLDERS = 100  # the links are spread over
SIZE = 16  # pixels of the small picture's sides
COPY_SIZE = (160, 120)  # of the photos that are killed among


class _Answered:
    """Gives the same prediction for every photo."""

    def __init__(self, prediction: Prediction) -> None:
        self._prediction = prediction

    def __call__(self, *_: Any, **__: Any) -> Prediction:
        return self._prediction


def memory(photos: int, folder: Path) -> dict[str, Any]:
    """Links to one picture through the batch path; megabytes resident along the way."""
    rng = np.random.default_rng(0)
    picture = folder / "picture.png"
    Image.fromarray(rng.integers(0, 255, (SIZE, SIZE, 3), np.uint8)).save(picture)
    for index in range(photos):
        link = folder / "in" / f"{index % FOLDERS:02d}" / f"{index:06d}.png"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(picture)
    predictor = load_predictor("lite-indoor", engine="torch")
    answered = _Answered(predictor(picture))
    start = _resident()
    started = time.perf_counter()
    jobs = plan([folder / "in"], folder / "out")
    planned, planning = _resident(), time.perf_counter() - started
    along: list[list[float]] = []
    done = 0

    def note(entry: Entry) -> None:
        nonlocal done
        if entry.error is not None:
            raise RuntimeError(entry.error)
        done += 1
        if done % (photos // 10) == 0:
            along.append([done, _resident()])
            sys.stderr.write(f"{done} photos, {along[-1][1]} MB\n")

    info = find_model("lite-indoor")
    settings = BatchSettings(parse_outputs("depth16"))
    totals = predict_files(jobs, folder / "out", [info], lambda: answered, settings, on_entry=note)
    took = time.perf_counter() - started
    manifest = json.loads((folder / "out" / MANIFEST).read_bytes())
    return {
        "photos": photos,
        "done": totals.done,
        "manifest_entries": len(manifest["photos"]),
        "manifest_mb": round((folder / "out" / MANIFEST).stat().st_size / 1e6, 1),
        "table_mb": round((folder / "out" / TABLE).stat().st_size / 1e6, 1),
        "planning_seconds": round(planning, 1),
        "seconds": round(took, 1),
        "mb_before": start,
        "mb_planned": planned,
        "mb_along": along,
        "mb_peak": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _resident() -> float:
    """Megabytes of this process in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * resource.getpagesize() / 2**20, 1)


def kill(photos: int, seed: int, model: str, folder: Path) -> dict[str, Any]:
    """Kills a run with -9 at a random moment and starts it again."""
    rng = random.Random(seed)  # noqa: S311 - a moment, no secret
    sources = sorted(EXAMPLES.glob("*.jpg"))
    (folder / "in").mkdir()
    for index in range(photos):
        image = Image.open(sources[index % len(sources)]).convert("RGB").resize(COPY_SIZE)
        image.putpixel((0, 0), (index % 256, index // 256, 0))  # no two files alike
        image.save(folder / "in" / f"{index:04d}.png")
    command = [sys.executable, "-m", "core", "predict", str(folder / "in"), "--model", model]
    command += ["--out", str(folder / "out"), "--json"]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    wanted = rng.randrange(1, photos)  # then at any moment of the photo after that
    while first.poll() is None and len(list((folder / "out").glob("*.json"))) < wanted:
        time.sleep(0.01)
    time.sleep(rng.random() * 0.1)
    first.send_signal(signal.SIGKILL)
    first.wait()
    before = {path: path.stat().st_mtime_ns for path in (folder / "out").iterdir()}
    finished = {path.stem for path in before if path.suffix == ".json"}
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    manifest = json.loads((folder / "out" / MANIFEST).read_bytes())
    statuses = {Path(entry["input"]).stem: entry["status"] for entry in manifest["photos"]}
    rewritten = [p.name for p, at in before.items() if p.exists() and p.stat().st_mtime_ns != at]
    for entry in manifest["photos"]:
        with Image.open(folder / "out" / f"{entry['stem']}_depth16.png") as image:
            image.load()
        sidecar = json.loads((folder / "out" / f"{entry['stem']}.json").read_bytes())
        if sidecar["input"]["sha256"] != entry["sha256"]:
            raise RuntimeError(f"{entry['stem']} is not the photo of the manifest")
    return {
        "photos": photos,
        "finished_when_killed": len(finished),
        "skipped_afterwards": manifest["counts"]["skipped"],
        "done_afterwards": manifest["counts"]["done"],
        "finished_but_computed_again": sum(statuses[stem] != "skipped" for stem in finished),
        "files_written_again": len(rewritten),
        "temporary_files_left": len([p for p in (folder / "out").iterdir() if p.suffix == ".tmp"]),
        "manifest_agrees": json.loads(again.stdout)["photos"] == manifest["photos"],
    }


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description="The batch path with very many files.")
    parser.add_argument("what", choices=("memory", "kill"))
    parser.add_argument("--photos", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="lite-indoor")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--folder", type=Path, help="where to work (default: the system's)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        if options.what == "memory":
            result = memory(options.photos or 100_000, Path(name))
        else:
            result = kill(options.photos or 300, options.seed, options.model, Path(name))
    text = json.dumps(result, indent=2)
    sys.stdout.write(text + "\n")
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
