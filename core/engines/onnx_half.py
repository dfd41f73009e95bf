"""An exported ONNX model with its filters stored as float16: half the bytes, float32 arithmetic.

For programs that load the model over a network. Every filter is followed by a cast to float32,
which a runtime folds away once, when it opens the model: WebAssembly has no float16 arithmetic.
"""

from __future__ import annotations

from core.engines.onnx_check import CHECKED_SIZES, open_session, run_at, sample_picture
from core.engines.onnx_engine import DEPTH, INPUT
from core.errors import ExportError

# Relative, of depth, on average over a picture: the shipped models have 0.0005 and 0.012 on the
# check's noise, and about 0.0005 on photos.
AGREES = 0.05
_LEAST_DIMENSIONS = 2  # filters; norms and biases are small, and their rounding would cost more
_LARGEST = 65504.0  # of float16


def with_half_filters(content: bytes) -> tuple[bytes, float]:
    """Rounds the filters of a model to float16 and compares the depth of both.

    Args:
        content: of an ONNX file of `core.engines.onnx_file`.

    Returns:
        The same model; inputs, outputs and metadata are as they were. And the largest mean
        relative difference of depth that was seen.

    Raises:
        ExportError: a filter that float16 cannot hold, or depth that changes too much.
    """
    rounded = _rounded(content)
    exact, half = open_session(content), open_session(rounded)
    worst = 0.0
    for size in CHECKED_SIZES:
        feeds = {INPUT: sample_picture(*size)}
        (wanted,), (got,) = (run_at(session, [DEPTH], feeds) for session in (exact, half))
        worst = max(worst, float(((got - wanted).abs() / wanted).mean()))
    if not worst <= AGREES:  # also for NaN
        raise ExportError(
            f"With filters of float16 depth changes by {worst:.1%} on average, expected at most "
            f"{AGREES:.0%}: export the model without --half."
        )
    return rounded, worst


def _rounded(content: bytes) -> bytes:
    import numpy as np
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(content)
    graph, single = model.graph, onnx.TensorProto.FLOAT
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != single or len(tensor.dims) < _LEAST_DIMENSIONS:
            continue
        values, name = numpy_helper.to_array(tensor), tensor.name
        largest = float(np.abs(values).max(initial=0))
        if not largest <= _LARGEST:  # also for NaN
            raise ExportError(
                f"The filter {name} holds {largest:g}, expected at most {_LARGEST:g}, which "
                "float16 can store: export the model without --half."
            )
        stored = f"{name}_half"
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), stored))
        casts.append(onnx.helper.make_node("Cast", [stored], [name], to=single))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return bytes(model.SerializeToString())
