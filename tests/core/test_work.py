"""A guard: the operations and the memory of a prediction may fall, and never grow unnoticed.

Counts, not seconds: they are the same on every machine. Whoever makes a prediction do less lowers
the numbers here; whoever has a reason to make it do more says so in the commit that raises them.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from core import predictor as predictor_module
from core.engines.onnx_export import to_onnx
from core.engines.torch_engine import TorchEngine
from core.files.colormap import colorize
from core.files.outputs import ColorSettings, encode_color, encode_depth16
from core.images import upsample
from core.images.upsample import Guide, upsample_depth
from core.predictor import load_predictor
from core.weights.checkpoint import load_checkpoint
from tests.tiny_checkpoint import picture, pictures, save_tiny

CONVOLUTIONS = ("aten.conv2d", "aten.mkldnn_convolution")
# Of the tiny network at 96x128.
NETWORK = {
    "convs": 73,
    "norms": 21,
    "operations": 239,
    "bytes": 20_306_112,
    "flops": 188_888_448,
    "nodes": 331,
}
UPSAMPLING = {"operations": 93, "lines": 2463, "bytes": 1_620_000}  # 32x24 to 640x480
PREDICTION = {"operations": 411, "bytes": 22_580_000}  # of the tiny model, 640x480, array to depth


class _Operations(TorchDispatchMode):
    """Counts what PyTorch runs and the bytes of what it makes anew."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        self.calls[str(func).rsplit(".", 1)[0]] += 1
        seen = [*args, *(kwargs or {}).values()]
        given = {x.untyped_storage().data_ptr() for x in seen if isinstance(x, torch.Tensor)}
        for x in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(x, torch.Tensor) and x.untyped_storage().data_ptr() not in given:
                self.bytes += x.untyped_storage().nbytes()
        return out


class _Lines:
    """Counts the lines of one file that Python runs: NumPy's operations cannot be counted."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.count = 0

    def __enter__(self) -> _Lines:
        self._before = sys.gettrace()
        sys.settrace(self._called)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _called(self, frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename != self._path:
            return None
        self.count += event == "line"
        return self._called


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("work"))


def test_the_networks_operations(checkpoint: Path) -> None:
    model, _ = load_checkpoint(checkpoint)
    engine, image = TorchEngine(model), pictures(1, 96, 128)
    engine.run(image)
    with _Operations() as plain, torch.inference_mode():
        model(image)
    with _Operations() as folded:
        engine.run(image)
    convolutions = sum(folded.calls[name] for name in CONVOLUTIONS)
    assert convolutions == sum(plain.calls[name] for name in CONVOLUTIONS) == NETWORK["convs"]
    assert folded.calls["aten.batch_norm"] <= NETWORK["norms"]
    assert folded.calls["aten.std"] == 0 < plain.calls["aten.std"]  # filters: once, when loaded
    assert folded.calls.total() <= NETWORK["operations"] < plain.calls.total()
    assert folded.bytes <= NETWORK["bytes"] < plain.bytes


def test_the_networks_arithmetic(checkpoint: Path) -> None:
    model, _ = load_checkpoint(checkpoint)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(pictures(1, 96, 128))
    assert counter.get_total_flops() <= NETWORK["flops"]


def test_the_converted_graph(checkpoint: Path) -> None:
    graph = onnx.load_from_string(to_onnx(*load_checkpoint(checkpoint))).graph
    kinds = Counter(node.op_type for node in graph.node)
    assert kinds["Conv"] == NETWORK["convs"]
    assert kinds["BatchNormalization"] <= NETWORK["norms"]
    assert kinds["ReduceMean"] <= 4  # of the bands; none standardises filters
    assert kinds.total() <= NETWORK["nodes"]


def test_levels_nobody_asked_for_are_not_computed(checkpoint: Path) -> None:
    prediction = load_predictor(checkpoint, engine="torch")(picture(128, 96))
    assert "levels" not in vars(prediction)
    assert "confidence" not in vars(prediction)
    assert len(prediction.levels) == 5
    assert "levels" in vars(prediction)


def test_upsampling_makes_the_result_and_little_else(monkeypatch: pytest.MonkeyPatch) -> None:
    depth = torch.full((24, 32), 4.0)
    depth[:, 20:] = 6.0
    guide = Guide(torch.from_numpy(picture(640, 480)), (32, 24))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # what runs in other threads is not seen here
    with _Operations() as work, torch.inference_mode():
        upsample_depth(depth, guide)
    assert work.calls.total() <= UPSAMPLING["operations"]
    tracemalloc.start()
    with _Lines(upsample.__file__) as lines:
        upsample_depth(depth, guide)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert lines.count <= UPSAMPLING["lines"]
    assert peak <= UPSAMPLING["bytes"]


def test_a_whole_prediction(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # as above
    predictor, photo = load_predictor(checkpoint, engine="torch"), picture(640, 480)
    with _Operations() as work:
        predictor(photo)
    assert work.calls.total() <= PREDICTION["operations"]
    assert work.bytes <= PREDICTION["bytes"]
    # The guard guards: with one operation more it would have failed.
    plain = predictor_module.normalised
    monkeypatch.setattr(predictor_module, "normalised", lambda rgb: plain(rgb).clone())
    with _Operations() as more:
        predictor(photo)
    assert more.calls.total() == work.calls.total() + 1
    assert more.calls.total() > PREDICTION["operations"]
    assert more.bytes > PREDICTION["bytes"]


def test_png_files_are_made_without_a_second_picture() -> None:
    depth = np.linspace(1, 9, 3000 * 4000, dtype=np.float32).reshape(3000, 4000)
    whole = colorize(depth).nbytes
    for encode in (
        lambda: encode_color(depth, ColorSettings()),
        lambda: encode_depth16(depth, 1000),
    ):
        encode()
        tracemalloc.start()
        made = len(encode())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak - 2 * made < whole / 8  # the file exists as chunks and as a whole
