"""Evaluation protocols as data: which pixels count, and what the network gets to see.

Median scaling and the other alignments are in `core.evaluate.metrics`.

Sources: NYU crop and KITTI test split from D. Eigen et al., NIPS 2014; Garg crop from R. Garg et
al., ECCV 2016; KB crop from the KITTI depth benchmark; the pixel-for-pixel window on NYU from
the LapDepth authors' evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.data.sample import DepthArray, Sample
from core.errors import DataError


@dataclass(frozen=True)
class Box:
    """Rows top..bottom and columns left..right of a picture, the ends not included."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the window in an (H, W, ...) array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


@dataclass(frozen=True)
class Protocol:
    """One way of scoring depth.

    Attributes:
        name: shown with every figure.
        max_depth: metres; ground truth at or beyond it does not count, predictions are clamped.
        min_depth: metres; the same at the near end.
        frame_size: (height, width) that every frame must have, None = any.
        bottom_crop: (height, width) cut from the bottom centre of every frame before anything
            else (the KB crop), None = the whole frame.
        window: pixels of the frame that count, None = all.
        fractions: (top, bottom, left, right) of the cropped frame that count (the Garg crop),
            None = all.
        feed: window of the frame that a network of the authors' release gets, pixel for pixel
            (see `core.evaluate.run.predictor_estimator`). None = the whole frame.
        range_edges: metres, the bins of "error by depth range".
    """

    name: str
    max_depth: float
    min_depth: float = 1e-3
    frame_size: tuple[int, int] | None = None
    bottom_crop: tuple[int, int] | None = None
    window: Box | None = None
    fractions: tuple[float, float, float, float] | None = None
    feed: Box | None = None
    range_edges: tuple[float, ...] = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 10.0)

    def prepare(self, sample: Sample) -> Sample:
        """The part of a frame that the protocol looks at, its camera moved along.

        Raises:
            DataError: the frame has another size than the protocol is made for.
        """
        height, width = sample.depth.shape
        if self.frame_size is not None and (height, width) != self.frame_size:
            raise DataError(
                f"Frame {sample.name} is {width}x{height} pixels, but the protocol {self.name} is "
                f"defined for {self.frame_size[1]}x{self.frame_size[0]}; use the original frames."
            )
        if self.bottom_crop is None:
            return sample
        rows, columns = self.bottom_crop
        if height < rows or width < columns:
            raise DataError(
                f"Frame {sample.name} is {width}x{height} pixels, but the protocol {self.name} "
                f"cuts out {columns}x{rows}; use the original KITTI frames."
            )
        left = (width - columns) // 2
        return crop(sample, Box(height - rows, height, left, left + columns))

    def counts(self, gt: DepthArray) -> NDArray[np.bool_]:
        """(H, W) bool: pixels of a prepared frame whose ground truth counts."""
        valid = (gt > self.min_depth) & (gt < self.max_depth)
        height, width = gt.shape
        window = self.window
        if self.fractions is not None:
            top, bottom, left, right = self.fractions
            window = Box(
                int(top * height), int(bottom * height), int(left * width), int(right * width)
            )
        if window is None:
            return valid
        inside = np.zeros_like(valid)
        inside[window.slices] = True
        return valid & inside

    def clamp(self, depth: NDArray[np.floating]) -> NDArray[np.float64]:
        """The prediction in double precision, clamped to the protocol's range of metres."""
        return np.clip(depth.astype(np.float64), self.min_depth, self.max_depth)

    def with_cap(self, max_depth: float) -> Protocol:
        """The same protocol that ends at another depth (KITTI is reported at 80 m and 50 m).

        Raises:
            DataError: the cap is not above the near end.
        """
        if not max_depth > self.min_depth:
            raise DataError(f"Got a cap of {max_depth} m, expected more than {self.min_depth} m.")
        inner = tuple(edge for edge in self.range_edges if edge < max_depth)
        name = f"{self.name}, cap {max_depth:g} m"
        return replace(self, name=name, max_depth=max_depth, range_edges=(*inner, max_depth))


def crop(sample: Sample, box: Box) -> Sample:
    """Cuts a window out of a frame; the principal point moves with it."""
    return replace(
        sample,
        rgb=sample.rgb[box.slices],
        depth=sample.depth[box.slices],
        cx=sample.cx - box.left,
        cy=sample.cy - box.top,
    )


NYU = Protocol(
    name="NYU Depth V2, Eigen crop",
    max_depth=10.0,
    frame_size=(480, 640),
    window=Box(45, 471, 41, 601),
    feed=Box(42, 474, 40, 616),
)

KITTI = Protocol(
    name="KITTI, KB and Garg crop",
    max_depth=80.0,
    bottom_crop=(352, 1216),
    fractions=(0.40810811, 0.99189189, 0.03594771, 0.96405229),
    range_edges=(0.0, 5.0, 10.0, 20.0, 30.0, 50.0, 80.0),
)

FOLDER = Protocol(name="whole frame", max_depth=80.0, range_edges=KITTI.range_edges)

PROTOCOLS = {"nyu": NYU, "kitti": KITTI, "folder": FOLDER}
"""Protocol by the dataset name of the command line."""
