"""What 8-bit integers would give: speed and accuracy of a quantised `lite-indoor`.

    python -m benchmarks.int8 --root ../shared/data/nyu [--first 60] [--calibrate 32] [--threads 2]

Post-training quantisation by ONNX Runtime: weights per channel, features per tensor, their ranges
from photos of the training split. `evaluate`'s own protocol scores float32 and int8 on the same
test frames. Prints JSON. Read docs/performance.md for why the program does not offer it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.machine import describe, in_turns, use_threads
from core.threads import usable_threads

SKIPPED_PREFIXES = ("/model/decoder/", "/model/encoder/conv_stem")


def main() -> None:
    """Prints both models' figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--root", type=Path, required=True, help="NYU Depth V2")
    parser.add_argument("--first", type=int, default=60, help="test frames")
    parser.add_argument("--calibrate", type=int, default=32, help="training frames")
    parser.add_argument("--threads", type=int, default=usable_threads())
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    use_threads(options.threads)
    import torch

    from benchmarks.networks import onnx_engine, shades
    from core.checkpoint import find_model, load_checkpoint
    from core.data import NyuDataset
    from core.engines.onnx_engine import OnnxEngine
    from core.engines.onnx_export import to_onnx
    from core.evaluate import predictor_estimator
    from core.evaluation.protocol import NYU
    from core.evaluation.scoring import evaluate
    from core.imaging.resize import resize_rgb
    from core.prediction import normalised
    from core.predictor import Predictor

    found = find_model("lite-indoor")
    if found.path is None:
        raise SystemExit("a model that was found is a file")
    model, info = load_checkpoint(found.path)
    size = (info.working_height * 4 // 3, info.working_height)
    frames = NyuDataset(options.root, "train")[: options.calibrate]
    photos = [
        normalised(resize_rgb(torch.from_numpy(frame.rgb.copy()), size)).numpy() for frame in frames
    ]
    content = to_onnx(model, info)
    contents = {
        "int8": quantised(content, photos, ()),
        "int8 encoder and ASPP": quantised(content, photos, SKIPPED_PREFIXES),
    }
    engines = {"float32": onnx_engine(model, info)}
    engines |= {name: OnnxEngine(made) for name, made in contents.items()}
    image = shades(size[1], size[0])
    report: dict[str, Any] = describe(options.threads)
    report["network"] = in_turns(
        {name: lambda e=engine: e.run(image) for name, engine in engines.items()},  # type: ignore[misc]
        options.rounds,
    )
    tests = NyuDataset(options.root, "val")[: options.first]
    for name, engine in engines.items():
        scored = evaluate(predictor_estimator(Predictor(info, engine), NYU), tests, NYU, worst=0)
        report[name] = vars(scored.mean) | {"frames": len(tests)}
    report["model_mb"] = {
        name: round(len(made) / 1e6, 1) for name, made in {"float32": content, **contents}.items()
    }
    sys.stdout.write(json.dumps(report, indent=2, default=str) + "\n")


def quantised(content: bytes, photos: list[Any], skipped: tuple[str, ...]) -> bytes:
    """An ONNX model with 8-bit convolutions, but for those whose names begin with `skipped`."""
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Photos(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left = iter(photos)

        def get_next(self) -> dict[str, Any] | None:
            photo = next(self._left, None)
            return None if photo is None else {"image": photo}

    with tempfile.TemporaryDirectory() as folder:
        whole, ready, made = (Path(folder) / f"{name}.onnx" for name in ("whole", "ready", "made"))
        whole.write_bytes(content)
        quant_pre_process(whole, ready, skip_symbolic_shape=True)
        names = [node.name for node in onnx.load(ready).graph.node]
        quantize_static(
            ready,
            made,
            Photos(),
            per_channel=True,
            op_types_to_quantize=["Conv"],
            weight_type=QuantType.QInt8,
            activation_type=QuantType.QUInt8,
            nodes_to_exclude=[name for name in names if name.startswith(skipped)]
            if skipped
            else [],
        )
        return made.read_bytes()


if __name__ == "__main__":
    main()
