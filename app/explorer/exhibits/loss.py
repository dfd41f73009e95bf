"""The loss on a prediction made worse: what it pulls at, and how it grows with scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.explorer.computed.loss_forms import FloatArray, distorted, log_differences, punishment
from app.explorer.look import Look
from app.explorer.plots.bars import bar_of, signed_bar
from app.explorer.plots.curves import line_figure
from app.explorer.plots.maps import MEDIUM, map_figure
from app.explorer.show import Shown
from app.text import t
from core.losses import SILOG_GAIN, SILOG_LAMBDA


@dataclass(frozen=True)
class Knobs:
    """How the prediction is made worse, and how much scale error the loss forgives."""

    scale: float = 1.2
    noise: float = 0.05
    weight: float = SILOG_LAMBDA


def truth_of(look: Look) -> tuple[FloatArray, bool]:
    """The ground truth at the network's size, or the network's own depth standing in for it."""
    depth = look.prediction.levels[-1].depth
    measured = look.truth_at(*depth.shape)
    return (depth, False) if measured is None else (measured, True)


def pulls(look: Look, knobs: Knobs) -> list[Shown]:
    """The prediction made worse, and the slope of the loss at every pixel."""
    lang = look.lang
    truth, _ = truth_of(look)
    depth = look.prediction.levels[-1].depth
    predicted = distorted(depth, scale=knobs.scale, noise=knobs.noise)
    d = log_differences(predicted, truth)
    pull = punishment(d, knobs.weight)
    worse, title = t("loss.distorted", lang), t("loss.pull", lang)
    bar = bar_of(predicted, look.unit, colours=look.colours)
    slope = signed_bar(pull, t("loss.pull_unit", lang))
    return [
        Shown(
            "distorted",
            map_figure(predicted, bar, size=look.size, title=worse, longest=MEDIUM),
            worse,
            {"depth_m": predicted},
        ),
        Shown(
            "pull",
            map_figure(pull, slope, size=look.size, title=title, longest=MEDIUM),
            t("loss.pull_alt", lang),
            {"pull": pull, "d": d},
        ),
    ]


def sweep(look: Look, knobs: Knobs) -> Shown:
    """The loss as the prediction is scaled, for three lambdas; noise as chosen."""
    truth, _ = truth_of(look)
    depth = look.prediction.levels[-1].depth
    d = log_differences(distorted(depth, scale=1.0, noise=knobs.noise), truth)
    flat = d[np.isfinite(d)]
    factors = np.geomspace(0.5, 2.0, 61)
    shift, mean, square = np.log(factors), flat.mean(), np.mean(flat**2)
    curves = {}
    for weight in dict.fromkeys((0.0, knobs.weight, 1.0)):
        # mean((d + s)^2) - weight * mean(d + s)^2 for a shift s of all log depths
        values = square + 2 * mean * shift + shift**2 - weight * (mean + shift) ** 2
        curves[f"λ = {weight:g}"] = (factors, SILOG_GAIN * np.sqrt(np.maximum(values, 0)))
    title = t("loss.sweep", look.lang)
    figure = line_figure(curves, x=t("loss.scale", look.lang), y="SILog", title=title)
    figure.add_shape(
        type="line",
        x0=knobs.scale,
        x1=knobs.scale,
        y0=0,
        y1=1,
        yref="paper",
        line={"dash": "dot", "color": "grey"},
    )
    data = {name.replace("λ = ", "lambda_"): values for name, (_, values) in curves.items()}
    return Shown("sweep", figure, title, {"factor": factors, **data})
