"""A camera flight through a scene in three dimensions, from where the photo was taken and back.

Plotly measures a camera's place from the middle of the drawn box, in units of the geometric mean
of the box's sides. Ranges and proportions are therefore set here, not left to Plotly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

FRAMES, MILLISECONDS = 48, 80
_ASIDE, _UP, _BACK = 0.3, 0.25, 0.6  # of the distance looked at: how far the flight goes
_AXES = ("xaxis", "yaxis", "zaxis")


@dataclass(frozen=True)
class Box:
    """What a figure draws, from corner to corner in metres of its axes (x right, y away, z up)."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @classmethod
    def around(cls, *points: NDArray[np.floating]) -> Box:
        """Around all points (n, 3); NaN is passed over."""
        every = np.concatenate([part.astype(np.float64) for part in points])
        every = every[np.isfinite(every).all(axis=1)]
        low, high = every.min(axis=0), every.max(axis=0)
        flat = high - low < 1e-3 * max(1e-3, float((high - low).max()))
        return cls(low - 0.5e-3 * flat, high + 0.5e-3 * flat)

    @property
    def unit(self) -> float:
        """Metres of one unit in which Plotly measures a camera's place."""
        return float(np.prod(self.high - self.low) ** (1 / 3))

    def seen_from(self, place: NDArray[np.floating]) -> dict[str, float]:
        """A place in metres as Plotly has it."""
        middle = (self.low + self.high) / 2
        return dict(zip("xyz", ((place - middle) / self.unit).tolist(), strict=True))


def settle(figure: go.Figure, box: Box) -> None:
    """Shows exactly a box, one metre as long in every direction."""
    sides = (box.high - box.low) / box.unit
    ranges = zip(_AXES, box.low.tolist(), box.high.tolist(), strict=True)
    figure.update_scenes(
        aspectmode="manual",
        aspectratio=dict(zip("xyz", sides.tolist(), strict=True)),
        **{axis: {"range": [low, high]} for axis, low, high in ranges},
    )


def places(distance: float) -> NDArray[np.float64]:
    """(FRAMES, 3), where the camera is: at first and at last where the photo was taken.

    A loop to both sides, up, and so far back that the drawn camera comes into view.

    Args:
        distance: of what it looks at, metres.
    """
    turn = np.linspace(0, 2 * math.pi, FRAMES)
    away = (1 - np.cos(turn)) / 2  # 0 at both ends, and slow there
    path = np.stack((_ASIDE * np.sin(turn) * away, -_BACK * away, _UP * away), axis=1)
    return path * distance


def add_flight(figure: go.Figure, box: Box, distance: float, fly: str, stop: str) -> None:
    """Gives a figure its buttons and its frames, which hold the camera alone.

    Args:
        figure: settled in `box`; the photo's camera is at the origin and looks along +y.
        distance: of what the flight looks at, metres.
    """
    target = box.seen_from(np.array([0.0, distance, 0.0]))
    figure.frames = [
        go.Frame(
            name=str(index),
            layout={
                "scene": {
                    "camera": {
                        "eye": box.seen_from(place),
                        "center": target,
                        "up": {"x": 0, "y": 0, "z": 1},
                    }
                }
            },
        )
        for index, place in enumerate(places(distance))
    ]
    now = {"mode": "immediate", "transition": {"duration": 0}}
    start = now | {"frame": {"duration": MILLISECONDS, "redraw": True}, "fromcurrent": False}
    halt = now | {"frame": {"duration": 0, "redraw": False}}
    buttons: list[dict[str, Any]] = [
        {"label": fly, "method": "animate", "args": [None, start]},
        {"label": stop, "method": "animate", "args": [[None], halt]},
    ]
    figure.update_layout(
        updatemenus=[
            {
                "type": "buttons",
                "direction": "left",
                "showactive": False,
                "x": 0.01,
                "xanchor": "left",
                "y": 0.99,
                "yanchor": "top",
                "pad": {"t": 0, "r": 0},
                "buttons": buttons,
            }
        ]
    )
