"""What work in three dimensions may cost on a server."""

from __future__ import annotations

from app.environment import value
from app.wanted import wanted
from core.geometry.apart import Apart


def geometry_limits() -> Apart:
    """The limits of one call, which also ends its process when nobody waits for it any more."""
    return Apart(int(value("LAPDEPTH_3D_MB")) * 1_000_000, wanted=wanted())
