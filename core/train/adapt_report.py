"""What came of adapting a model: before and after, and what the new one says about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from core.evaluate.metrics import DepthMetrics
from core.weights.model_info import ModelInfo

BETTER, WORSE = 0.99, 1.01  # of AbsRel, which has to fall, and of RMSE, which must not rise
FROM = "adapted_from"  # of the provenance


@dataclass(frozen=True)
class Adapted:
    """What came of it.

    Attributes:
        name: of the new model.
        base: the model that it started from.
        licence: of both.
        kept: whether the new model was written.
        why: where it was not, the reason.
        frames: how many learned, chose and judged.
        scale: factor on all depth.
        mix: how far from the old weights (0) to the trained ones (1).
        steps: of the training.
        seconds: that all of it took.
        candidates: AbsRel of every candidate on the frames that choose, by what it is.
        before, after: figures on the frames that judge; after as the best candidate would have.
        per_frame: of these, by name, AbsRel before and after.
        sha256: of the new file; empty where it was not kept.
        notes: what should be known besides.
    """

    name: str
    base: str
    licence: str
    kept: bool
    why: str
    frames: tuple[int, int, int]
    scale: float
    mix: float
    steps: int
    seconds: float
    candidates: Mapping[str, float]
    before: DepthMetrics
    after: DepthMetrics
    per_frame: Mapping[str, tuple[float, float]]
    sha256: str = ""
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def why_not(before: DepthMetrics, after: DepthMetrics) -> str:
    """Why a result is not kept; empty where it is."""
    if not after.abs_rel < BETTER * before.abs_rel:
        return (
            f"AbsRel on the held-out frames went from {before.abs_rel:.3f} to "
            f"{after.abs_rel:.3f}, which is no improvement"
        )
    if after.rmse > WORSE * before.rmse:
        return (
            f"AbsRel on the held-out frames fell, but RMSE rose from {before.rmse:.3f} to "
            f"{after.rmse:.3f} m"
        )
    return ""


def inherited(scaled: ModelInfo, base: ModelInfo, report: Adapted) -> ModelInfo:
    """What the new model says about itself: licence and data of the old one stay with it."""
    learn, choose, judge = report.frames
    return replace(
        scaled,
        training_data=f"{base.training_data}; adapted to the user's own frames: {learn} to "
        f"learn from, {choose} to choose by",
        provenance={
            "origin": "adapted with this program's own `adapt`",
            FROM: base.name,
            f"{FROM}_sha256": base.sha256,
            "adaptation": f"depth x{report.scale:.4f}; decoder norms and heads trained "
            f"(steps: {report.steps}) and taken {report.mix:.0%} of the way",
        },
        published={},
        measured={
            "the user's own frames, held out": {
                **{key: round(value, 6) for key, value in report.after.as_dict().items()},
                "images": judge,
                "before": {"abs_rel": round(report.before.abs_rel, 6), "model": base.name},
            }
        },
    )
