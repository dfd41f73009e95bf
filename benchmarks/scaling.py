"""How time and memory grow: with the photo, the batch, the threads and the network.

    python -m benchmarks.scaling [--rounds 5] [--model lite-indoor] > scaling.json

Every point is a process of its own, so that its peak memory is its own. Photos go from array to
depth; batch and threads are the network alone. Clients are in `benchmarks.table`. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.machine import describe, in_turns, use_threads
from core.threads import usable_threads

MEGAPIXELS = (0.3, 1, 3, 12, 25, 50, 100)
BATCHES = (1, 2, 4, 8)
ENCODERS = ("mobilenet_v2", "efficientnet_lite0", "efficientnet_lite2", "resnet18", "resnet50")


def main() -> None:
    """Prints the curves."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", default="lite-indoor")
    parser.add_argument("--threads", type=int, default=usable_threads())
    parser.add_argument("--point", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.point:
        use_threads(options.threads)
        kind, value = options.point
        sys.stdout.write(json.dumps(POINTS[kind](value, options.model, options.rounds)))
        return
    threads = [count for count in (1, 2, 4, 8, 16) if count <= usable_threads()]
    report = describe(options.threads) | {"rounds": options.rounds, "model": options.model}
    curves: dict[str, tuple[Any, ...]] = {
        "pixels": MEGAPIXELS,
        "batch": BATCHES,
        "threads": tuple(threads),
        "encoder": ENCODERS,
    }
    for kind, values in curves.items():
        report[kind] = {str(value): _apart(kind, value, options) for value in values}
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


def _apart(kind: str, value: Any, options: argparse.Namespace) -> Any:
    threads = value if kind == "threads" else options.threads
    command = [sys.executable, "-m", "benchmarks.scaling", "--point", kind, str(value)]
    command += ["--rounds", str(options.rounds), "--model", options.model]
    command += ["--threads", str(threads)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)  # noqa: S603
    return json.loads(done.stdout)


def _measured(run: Callable[[], object], rounds: int) -> dict[str, float]:
    figures = in_turns({"run": run}, rounds)["run"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return figures | {"peak_memory_mb": round(peak, 1)}


def _photo(megapixels: str, model: str, rounds: int) -> dict[str, float]:
    """A photo of 4 : 3, array in, depth out."""
    import numpy as np
    import torch
    from torch.nn import functional

    import core

    side = (float(megapixels) * 1e6 / 12) ** 0.5
    size = (round(3 * side), round(4 * side))
    with _example() as example:
        small = torch.from_numpy(np.array(example))
    whole = functional.interpolate(small.permute(2, 0, 1)[None], size, mode="nearest")
    photo = whole[0].permute(1, 2, 0).contiguous().numpy()
    predictor = core.load_predictor(model)
    return _measured(lambda: predictor(photo), rounds)


def _example() -> Any:
    """The example photo, opened."""
    from PIL import Image

    from benchmarks.photos import EXAMPLE

    return Image.open(EXAMPLE)


def _batch(count: str, model: str, rounds: int) -> dict[str, float]:
    import core
    from benchmarks.networks import shades

    predictor = core.load_predictor(model)
    height = predictor.info.working_height
    image = shades(height, height * 4 // 3, int(count))
    figures = _measured(lambda: predictor.engine.run(image), rounds)
    return figures | {"ms_per_photo": round(figures["median_ms"] / int(count), 2)}


def _encoder(name: str, _model: str, rounds: int) -> dict[str, float]:
    """Other networks of the family, decoder width 256, 320x240, folded PyTorch."""
    import torch

    from benchmarks.networks import shades, work_of
    from core.engines.torch_engine import TorchEngine
    from core.model import LapDepth, ModelConfig

    torch.manual_seed(0)
    model = LapDepth(ModelConfig(encoder=name, max_depth=10.0, decoder_width=256)).eval()
    work, image = work_of(model, 240, 320), shades(240, 320)
    engine = TorchEngine(model)
    figures = _measured(lambda: engine.run(image), rounds)
    return figures | {"gflop": round(work.gflop, 2), "million_parameters": work.parameters}


POINTS: dict[str, Callable[[str, str, int], dict[str, float]]] = {
    "pixels": _photo,
    "batch": _batch,
    "threads": lambda _, model, rounds: _batch("1", model, rounds),
    "encoder": _encoder,
}


if __name__ == "__main__":
    main()
