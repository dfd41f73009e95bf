"""What one photo becomes: depth at the photo's size, and the levels it was summed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.camera import Intrinsics
from core.errors import ConfigError
from core.images.numpy_pyramid import accumulate, laplacian_pyramid, sigmoid
from core.scale.calibration import Calibration, given
from core.scale.measurements import SparseDepth, unit_of
from core.weights.confidence import confidence
from core.weights.model_info import ModelInfo
from core.weights.network_input import normalised

Depth = TypeVar("Depth", float, NDArray[np.float32])

# Enlargements (`Prediction`) within which the median depth shifts by about 8 % at most, and by less
# than the models are wrong on average (15 %): measured on 20 photos each of NYU and KITTI.
USUAL_SIZES, METRIC_SIZES = (0.8, 1.4), (0.7, 2.0)


@dataclass(frozen=True, eq=False)
class PredictionLevel:
    """One level of the Laplacian decomposition, at its own size.

    Attributes:
        stride: working pixels per pixel of this level: 16, 8, 4, 2, 1.
        residual: (h, w) float32, max_depth * level output, in metres before the sigmoid.
        band: (h, w, 3) float32 of the photo in normalised units; at stride 16 the low-pass.
        depth: (h, w) float32 metres, focal_scale * max_depth * sigmoid(sum so far). Unless the
            model was trained with supervision at every level (`info.supervised_levels`), this is
            what the sum gives there and no estimate that the network was trained for.
    """

    stride: int
    residual: NDArray[np.float32]
    band: NDArray[np.float32]
    depth: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class WorkingPass:
    """What is kept of the unflipped pass: a few hundred kilobytes, enough for every level.

    Attributes:
        rgb: (h, w, 3) uint8, the photo as the network saw it.
        residuals: coarse -> fine, each (1, 1, h_k, w_k) float32.
    """

    rgb: NDArray[np.uint8]
    residuals: Sequence[NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Prediction:
    """Metric depth of a photo.

    Attributes:
        depth: (H, W) float32, metres along the optical axis (z), at the photo's own size; NaN
            where the photo is transparent. Metres only where `metric` says so. Of a panorama that
            was cut into views, metres along each ray (`core.panorama`).
        intrinsics: of the photo, in its pixels, with their source.
        focal_scale: photo focal length / canonical focal length at the network's input, already
            multiplied into `depth`; 1.0 where the model's depth is not focal-normalised.
        info: of the model.
        settings: JSON-ready: what was asked for (resolution, flip, fov) and used (working_size,
            engine, device, precision).
        milliseconds: from decoded photo to `depth`.
        photo_size: width and height of the photo in pixels.
        working: what `levels` is computed from.
        calibration: what `depth` was rescaled by, or None.
        own_depth: where it was rescaled, the model's own depth; else None.
        pinhole: whether this is depth of pinhole pictures, as far as can be known: the photo, or
            the views that a panorama was cut into.
        enlargement: of the network's view against the size that it was trained at, along the
            width; 1.0 unless another resolution was asked for.
        notes: sentences for the user about the photo and about this prediction.
    """

    depth: NDArray[np.float32]
    intrinsics: Intrinsics
    focal_scale: float
    info: ModelInfo
    settings: Mapping[str, Any]
    milliseconds: float
    photo_size: tuple[int, int]
    working: WorkingPass
    calibration: Calibration | None = None
    pinhole: bool = True
    enlargement: float = 1.0
    notes: tuple[str, ...] = ()
    own_depth: NDArray[np.float32] | None = None

    @property
    def metric(self) -> bool:
        """Whether depth is claimed to be metres; the one place where that is decided.

        It is where the model sees the photo near the size that it was trained at, or where a known
        length has fixed the scale; never in a panorama.
        """
        return self.is_metric(rescaled=self.calibration is not None)

    def is_metric(self, *, rescaled: bool) -> bool:
        """The same, for a depth whose scale was fixed from outside or not."""
        return self.pinhole and (rescaled or keeps_scale(self.enlargement))

    @property
    def spare_bytes(self) -> int:
        """Memory of what is kept for later besides arrays of the photo's size."""
        return 0

    @property
    def unit(self) -> str:
        """Of the depth: "m", or "relative" where it is right up to one factor at best."""
        return unit_of(self.metric)

    @property
    def scale(self) -> float:
        """Factor on the model's own depth, already in `depth` and `levels`; 1.0 = none."""
        return 1.0 if self.calibration is None else self.calibration.scale

    def in_scale(self, depth: Depth) -> Depth:
        """The model's own depth, in this photo's scale: of another frame, or of one pixel."""
        known = self.calibration
        if known is None:
            return depth
        if isinstance(depth, float):
            return known.reach(depth)
        return known.rescaled(depth)

    def known_settings(self) -> dict[str, Any]:
        """What was known of the photo, as the settings of a sidecar hold it."""
        return given(() if self.calibration is None else self.calibration.known)

    def scale_facts(self) -> dict[str, Any]:
        """JSON-ready: the factor on the model's own depth, where it is from, what is left over."""
        if self.calibration is None:
            return {"factor": 1.0, "source": "model", "residuals": []}
        return self.calibration.facts()

    def uncalibrated(self) -> Prediction:
        """The same prediction in the model's own scale."""
        if self.calibration is None or self.own_depth is None:
            return self
        notes = self.notes[: len(self.notes) - len(self.calibration.notes)]
        return replace(
            self, depth=self.own_depth, calibration=None, own_depth=None, notes=notes
        )  # fmt: skip

    def calibrated(
        self, calibration: Calibration, depth: NDArray[np.float32] | None = None
    ) -> Prediction:
        """The same prediction with another scale (`core.geometry.find_scale.calibrated` finds it).

        Args:
            calibration: instead of the one that it may have.
            depth: where sparse depth has bent it besides.
        """
        own = self.uncalibrated()
        return replace(
            own,
            depth=calibration.rescaled(own.depth) if depth is None else depth,
            calibration=calibration,
            own_depth=own.depth,
            notes=own.notes + calibration.notes,
        )

    @cached_property
    def confidence(self) -> NDArray[np.float32] | None:
        """(H, W) in [0, 1], 1 - expected relative error; None where the model has none.

        0 where there is no depth. Of the unflipped pass, computed when first asked for.
        """
        if self.info.error_model is None:
            return None
        expected = self.info.error_model.expected_error(self.working.residuals)
        sure = confidence(expected, self.depth.shape)
        missing = np.isnan(self.depth)
        return np.where(missing, np.float32(0), sure) if missing.any() else sure

    def _bend(self) -> NDArray[np.float32] | None:
        """(H, W): logarithm of what sparse depth did to `depth` besides its factor, or None."""
        known = () if self.calibration is None else self.calibration.known
        if self.own_depth is None or not any(isinstance(each, SparseDepth) for each in known):
            return None
        with np.errstate(invalid="ignore", divide="ignore"):
            bend = np.log(self.depth / self.in_scale(self.own_depth))
        finite: NDArray[np.float32] = np.nan_to_num(bend, nan=0.0, posinf=0.0, neginf=0.0)
        return finite

    @cached_property
    def levels(self) -> list[PredictionLevel]:
        """The levels of the unflipped pass, coarse -> fine, computed when first asked for."""
        residuals = self.working.residuals
        bend = self._bend()
        bands = laplacian_pyramid(normalised(self.working.rgb), len(residuals))
        depths = depth_of_levels(residuals, self.info.config.max_depth, self.focal_scale)
        return [
            PredictionLevel(
                stride=2 ** (len(residuals) - 1 - index),
                residual=(residual * np.float32(self.info.config.max_depth))[0, 0],
                band=np.ascontiguousarray(band[0].transpose(1, 2, 0)),
                depth=bent(self.in_scale(depth[0, 0]), bend),
            )
            for index, (residual, band, depth) in enumerate(
                zip(residuals, bands, depths, strict=True)
            )
        ]


def bent(depth: NDArray[np.float32], bend: NDArray[np.float32] | None) -> NDArray[np.float32]:
    """A level's depth (h, w) with the bend (H, W) of the photo's, averaged over its pixels."""
    if bend is None:
        return depth
    height, width = depth.shape
    smaller = Image.fromarray(bend).resize((width, height), Image.Resampling.BOX)
    return np.asarray(depth * np.exp(np.asarray(smaller)), np.float32)


def keeps_scale(enlargement: float) -> bool:
    """Whether a model sees a photo near enough to the size it was trained at to tell metres.

    Outside, the whole scene shifts by more than the model is wrong on average (docs/faq.md has the
    measurements).
    """
    return METRIC_SIZES[0] <= enlargement <= METRIC_SIZES[1]


def size_note(enlargement: float, working: int, asked: int) -> tuple[str, ...]:
    """What the user is told where a resolution moves the scale noticeably.

    Args:
        enlargement: as in `Prediction`.
        working, asked: rows of the network's view: the model's own, and what it was.
    """
    if USUAL_SIZES[0] <= enlargement <= USUAL_SIZES[1]:
        return ()
    way, where = ("too small", "below") if enlargement < 1 else ("too large", "above")
    how = f"may come out {way}"
    if not keeps_scale(enlargement):
        how = f"come out far {way}, and are not metres unless a known length is given"
    return (
        f"The resolution {asked} is far {where} the {working} rows at which the model sees this "
        f"photo by itself: distances {how}; leave the resolution out to measure.",
    )


def depth_of_levels(
    residuals: Sequence[NDArray[np.float32]], max_depth: float, focal_scale: float
) -> list[NDArray[np.float32]]:
    """Metres after every level, coarse -> fine: focal_scale * max_depth * sigmoid(sum so far)."""
    factors = np.float32(max_depth), np.float32(focal_scale)
    return [sigmoid(total) * factors[0] * factors[1] for total in accumulate(residuals)]


def checked_switch(name: str, given: Any) -> bool:
    """A setting that is on or off, as it is; "false" and 0 are neither.

    Raises:
        ConfigError: anything but True and False.
    """
    if not isinstance(given, bool | np.bool_):
        shown = repr(given)
        shown = shown if len(shown) <= 40 else f"{shown[:40]}..."
        raise ConfigError(
            f"The setting {name} is {shown}, expected True or False: give one of the two, not "
            "a text or a number."
        )
    return bool(given)
