"""How time and memory grow: with the photo, the batch, the threads and the network.

    python -m benchmarks.scaling [--rounds 5] [--model lite-indoor] > scaling.json

Every point is a process of its own, so that its peak memory is its own. Photos go from array to
depth; batch and threads are the network alone; "photo threads" is a 12-megapixel JPEG to both PNG
files; clients call /predict of a depth page over HTTP, each call with another 640x480 photo. On a
machine with more cores there are more points. `--only` takes some of the curves. Prints JSON.
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
CLIENTS = (1, 2, 4, 8, 16)
ENCODERS = ("mobilenet_v2", "efficientnet_lite0", "efficientnet_lite2", "resnet18", "resnet50")


def main() -> None:
    """Prints the curves."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", default="lite-indoor")
    parser.add_argument("--threads", type=int, default=usable_threads())
    parser.add_argument("--only", default=",".join(POINTS), help=f"some of {','.join(POINTS)}")
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
        "photo threads": tuple(threads),
        "clients": CLIENTS,
        "encoder": ENCODERS,
    }
    wanted = options.only.split(",")
    if unknown := set(wanted) - set(curves):
        parser.error(f"no such curve: {', '.join(sorted(unknown))}; there are {', '.join(curves)}")
    for kind in wanted:
        values = curves[kind]
        report[kind] = {str(value): _apart(kind, value, options) for value in values}
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


def _apart(kind: str, value: Any, options: argparse.Namespace) -> Any:
    threads = value if kind.endswith("threads") else options.threads
    command = [sys.executable, "-m", "benchmarks.scaling", "--point", kind, str(value)]
    command += ["--rounds", str(options.rounds), "--model", options.model]
    command += ["--threads", str(threads)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def _measured(run: Callable[[], object], rounds: int) -> dict[str, float]:
    figures = in_turns({"run": run}, rounds)["run"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return figures | {"peak_memory_mb": round(peak, 1)}


def _photo(megapixels: str, model: str, rounds: int) -> dict[str, float]:
    """A photo of 4 : 3, array in, depth out."""
    import numpy as np
    import torch
    from PIL import Image
    from torch.nn import functional

    import core
    from benchmarks.photos import EXAMPLE

    side = (float(megapixels) * 1e6 / 12) ** 0.5
    size = (round(3 * side), round(4 * side))
    with Image.open(EXAMPLE) as example:
        small = torch.from_numpy(np.array(example))
    whole = functional.interpolate(small.permute(2, 0, 1)[None], size, mode="nearest")
    photo = whole[0].permute(1, 2, 0).contiguous().numpy()
    predictor = core.load_predictor(model)
    return _measured(lambda: predictor(photo), rounds)


def _batch(count: str, model: str, rounds: int) -> dict[str, float]:
    import core
    from benchmarks.networks import shades

    predictor = core.load_predictor(model)
    height = predictor.info.working_height
    image = shades(height, height * 4 // 3, int(count))
    figures = _measured(lambda: predictor.engine.run(image.numpy()), rounds)
    return figures | {"ms_per_photo": round(figures["median_ms"] / int(count), 2)}


def _whole_photo(_threads: str, model: str, rounds: int) -> dict[str, float]:
    """A 12-megapixel JPEG to both PNG files."""
    import tempfile
    from pathlib import Path

    import core
    from benchmarks.photos import jpeg
    from core.files.outputs import OUTPUTS, write_outputs
    from core.files.writers_2d import ExportJob

    predictor, data = core.load_predictor(model), jpeg(4000, 3000)
    wanted = [OUTPUTS["color"], OUTPUTS["depth16"]]
    with tempfile.TemporaryDirectory() as folder:

        def everything() -> None:
            photo = core.decode(data)
            write_outputs(wanted, Path(folder) / "photo", ExportJob(predictor(photo), photo.rgb))

        return _measured(everything, rounds)


def _clients(count: str, model: str, rounds: int) -> dict[str, float]:
    from benchmarks.own_server import own_server
    from benchmarks.photos import jpeg
    from benchmarks.programs import SERVER, at_work, ready_clients

    content = jpeg(640, 480)
    with own_server(**SERVER | {"LAPDEPTH_MODEL": model}) as (url, pid):
        clients = ready_clients(url, int(count), content)
        return at_work(clients, max(rounds, 32 // int(count)), content, pid)


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
    figures = _measured(lambda: engine.run(image.numpy()), rounds)
    return figures | {"gflop": round(work.gflop, 2), "million_parameters": work.parameters}


POINTS: dict[str, Callable[[str, str, int], dict[str, float]]] = {
    "pixels": _photo,
    "batch": _batch,
    "threads": lambda _, model, rounds: _batch("1", model, rounds),
    "photo threads": _whole_photo,
    "clients": _clients,
    "encoder": _encoder,
}


if __name__ == "__main__":
    main()
