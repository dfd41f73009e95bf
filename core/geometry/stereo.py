"""What two eyes see of a picture with depth: by moving its pixels, fast enough for a film.

An eye that stands left of the camera sees near things farther right than far ones. Each row is
moved by itself. Where two pixels meet the nearer one is left; what the camera never saw, beside
near things, is filled from the farther neighbour, as `core.geometry.render` does for one photo.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.errors import ConfigError
from core.geometry.render import NEAR_SHARE, Picture, anaglyph, side_by_side

Layout = Literal["full", "half", "anaglyph"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
LEAST_EYES, MOST_EYES = 0.001, 100.0  # metres
_CRACK = 3  # columns: what a slanted surface is torn apart by


@dataclass(frozen=True)
class StereoSettings:
    """How a film is shown to two eyes.

    Attributes:
        layout: "full", both pictures side by side, left first; "half", the same in the width of
            one (for televisions); "anaglyph", for red-cyan glasses.
        eyes: metres between them; None: a thirtieth of the film's nearest depth.

    Raises:
        ConfigError: another layout, or eyes that far apart.
    """

    layout: Layout = "full"
    eyes: float | None = None

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            raise ConfigError(
                f"The stereo layout is {self.layout!r}, expected one of {', '.join(LAYOUTS)}: "
                "choose one."
            )
        if self.eyes is not None and not LEAST_EYES <= self.eyes <= MOST_EYES:
            raise ConfigError(
                f"The eyes are {self.eyes:g} m apart, expected {LEAST_EYES:g} to {MOST_EYES:g}: "
                "people's are 0.063 m apart; leave it out for one that suits the scene."
            )

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of a film of width x height pixels."""
        return (2 * width if self.layout == "full" else width), height


@dataclass(frozen=True)
class Rig:
    """Two eyes on both sides of a camera.

    Attributes:
        focal: of the camera, in pixels along the width.
        eyes: metres between them.
        screen: depth in metres that comes to lie on the screen: nearer stands before it.
    """

    focal: float
    eyes: float
    screen: float

    @classmethod
    def of(cls, settings: StereoSettings, focal: float, near: float, far: float) -> Rig:
        """For a film whose depth goes from `near` to `far` metres: as much before as behind."""
        eyes = near * NEAR_SHARE if settings.eyes is None else settings.eyes
        return cls(focal, eyes, 2 / (1 / near + 1 / far))

    def disparity(self, depth: NDArray[np.floating]) -> NDArray[np.float32]:
        """Pixels by which the left eye sees a depth farther right than the right eye does."""
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = np.where(depth > 0, 1 / depth, 0)  # no depth: infinitely far
        return np.asarray(self.focal * self.eyes * (inverse - 1 / self.screen), np.float32)

    def pictures(self, rgb: Picture, depth: NDArray[np.floating]) -> tuple[Picture, Picture]:
        """Left and right (H, W, 3) of a picture (H, W, 3) with depth (H, W) in metres."""
        half = self.disparity(depth) * np.float32(0.5)
        return _moved(rgb, half), _moved(rgb[:, ::-1], half[:, ::-1])[:, ::-1]


def shown(settings: StereoSettings, left: Picture, right: Picture) -> Picture:
    """Both as one picture, as the layout says."""
    if settings.layout == "anaglyph":
        return anaglyph(left, right)
    if settings.layout == "half":
        height, width = left.shape[:2]
        first = width // 2
        left, right = (
            np.asarray(Image.fromarray(each).resize((part, height), Image.Resampling.BOX))
            for each, part in ((left, first), (right, width - first))
        )
    return side_by_side(left, right)


def _moved(rgb: Picture, shift: NDArray[np.float32]) -> Picture:
    """A picture whose pixels move right by `shift` (H, W), which grows with nearness."""
    height, width = shift.shape
    columns = np.arange(width, dtype=np.float32)
    target = np.rint(columns + shift).astype(np.intp)
    rows = np.broadcast_to(np.arange(height)[:, None], target.shape)
    inside = (target >= 0) & (target < width)
    # From right to left: of pixels that meet, the left one came farther, so it is the nearer one,
    # and the last that is written stays.
    order = np.s_[:, ::-1]
    there = inside[order]
    moved = np.full((height, width), np.nan, np.float32)
    moved[rows[order][there], target[order][there]] = shift[order][there]
    return _sampled(rgb, _sources(moved, columns))


def _sources(moved: NDArray[np.float32], columns: NDArray[np.float32]) -> NDArray[np.float32]:
    """The column (H, W) of the picture that each place shows."""
    width = len(columns)
    known = np.isfinite(moved)
    index = np.broadcast_to(np.arange(width), moved.shape)
    before = np.maximum.accumulate(np.where(known, index, -1), axis=1)
    after = np.minimum.accumulate(np.where(known, index, width)[:, ::-1], axis=1)[:, ::-1]
    gap = after - before
    left, right = (
        np.take_along_axis(moved, places.clip(0, width - 1), axis=1) for places in (before, after)
    )
    left = np.where(before < 0, np.inf, left)
    right = np.where(after >= width, np.inf, right)
    nearest = np.where(right < left, after, before).clip(0, width - 1)
    farther = np.minimum(left, right)
    farther = np.where(np.isfinite(farther), farther, 0)
    # A crack goes on as its surface does; a real hole shows its farther border.
    place = np.where(gap <= _CRACK, columns, nearest.astype(np.float32))
    return np.where(known, columns - moved, place - farther).astype(np.float32)


def _sampled(rgb: Picture, columns: NDArray[np.float32]) -> Picture:
    """Linear along each row."""
    columns = columns.clip(0, rgb.shape[1] - 1)
    first = np.minimum(columns.astype(np.intp), max(rgb.shape[1] - 2, 0))
    share = (columns - first)[..., None]
    second = np.minimum(first + 1, rgb.shape[1] - 1)
    rows = np.arange(rgb.shape[0])[:, None]
    mixed = rgb[rows, first] * (1 - share) + rgb[rows, second] * share
    result: Picture = np.rint(mixed).astype(np.uint8)
    return result
