"""What a panorama becomes: distance all round, and the levels of its views joined likewise."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from core.camera import Intrinsics
from core.images.decode import Photo
from core.panorama.join import Joining
from core.panorama.views import CutView, Floats, cut
from core.prediction import Prediction, PredictionLevel, bent

LookAt = Callable[[Photo, Intrinsics], Prediction]
"""Predicts a view, which has the network's own size."""
Enlarge = Callable[[Floats, tuple[int, int]], Floats]
"""Brings a map (h, w), made for this width and height, to the panorama's own size."""


def predicted(
    photo: Photo, camera: Intrinsics, side: int, look: LookAt, enlarge: Enlarge
) -> PanoramaPrediction:
    """Distance all round.

    Args:
        photo: equirectangular.
        camera: of it (`core.images.projection.sphere_camera`).
        side: of a view, pixels.
        look: predicts one.
    """
    started = time.perf_counter()
    height, width = photo.rgb.shape[:2]
    views = cut(photo.rgb, camera, side)
    looks = tuple(look(_as_photo(each), each.camera) for each in views)
    depths = [each.depth for each in looks]
    joining = Joining.of(views, depths)
    # As fine as the views are in their middles, and no finer than the photo.
    finer = min(1.0, views[0].camera.fx / camera.fx)
    size = max(1, round(width * finer)), max(1, round(height * finer))
    joined = joining.distance(depths, camera.resized(width, height, *size), size)
    missing = np.isnan(joined)
    if missing.any():  # a corner of a part of the sphere that no view looks at
        nearest = ndimage.distance_transform_edt(
            missing, return_distances=False, return_indices=True
        )
        joined = joined[tuple(nearest)]
    depth = enlarge(joined, size)
    if photo.transparent is not None:
        depth[photo.transparent] = np.nan
    first = looks[0]
    return PanoramaPrediction(
        depth=depth,
        intrinsics=camera,
        focal_scale=first.focal_scale,
        info=first.info,
        settings={**first.settings, "fov": None, "intrinsics": None, "views": len(views)},
        milliseconds=1000 * (time.perf_counter() - started),
        photo_size=(width, height),
        working=first.working,
        enlargement=first.enlargement,
        notes=(*photo.notes, _note(joining), *first.notes),
        joining=joining,
        looks=looks,
        size=size,
    )


def _as_photo(view: CutView) -> Photo:
    side = len(view.rgb)
    return Photo(view.rgb, None, None, "array", None, "", (side, side))


def _note(joining: Joining) -> str:
    return (
        f"This is a 360-degree (equirectangular) panorama: it was cut into {len(joining.views)} "
        f"views, whose depths differ by {joining.spread:.0%} where they overlap after they were "
        "joined; every value is the distance from the camera, not the depth along one axis."
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class PanoramaPrediction(Prediction):
    """Distance of everything around.

    `depth` is metres along each pixel's ray, not along an axis; `intrinsics` says
    "equirectangular". `levels` joins those of the views by the scales found for the finest.

    Attributes:
        joining: how the views were joined.
        size: width and height at which they are joined.
    """

    joining: Joining
    looks: tuple[Prediction, ...]
    size: tuple[int, int]

    @property
    def spare_bytes(self) -> int:
        """Of the views: picture, depth, and about twice as much of residuals."""
        return sum(3 * look.depth.nbytes + 3 * look.depth.size for look in self.looks)

    @cached_property
    def confidence(self) -> NDArray[np.float32] | None:
        """(H, W) in [0, 1], as `Prediction.confidence`, of the views joined."""
        seen = [look.confidence for look in self.looks]
        known = [each for each in seen if each is not None]
        if not known or len(known) < len(seen):
            return None
        joined = self._blended(known, self.size)
        large = Image.fromarray(joined).resize(self.photo_size, Image.Resampling.BILINEAR)
        return np.where(np.isnan(self.depth), np.float32(0), np.asarray(large).clip(0, 1))

    @cached_property
    def levels(self) -> list[PredictionLevel]:
        """The levels of the views, joined: equirectangular, coarse -> fine."""
        joined, bend = [], self._bend()
        for parts in zip(*(look.levels for look in self.looks), strict=True):
            stride = parts[0].stride
            size = max(1, self.size[0] // stride), max(1, self.size[1] // stride)
            depth = self._distance([part.depth for part in parts], size)
            bands = [
                self._blended([part.band[..., channel] for part in parts], size)
                for channel in range(3)
            ]
            joined.append(
                PredictionLevel(
                    stride=stride,
                    residual=self._blended([part.residual for part in parts], size),
                    band=np.stack(bands, axis=-1),
                    depth=bent(self.in_scale(depth), bend),
                )
            )
        return joined

    def _camera(self, size: tuple[int, int]) -> Intrinsics:
        return self.intrinsics.resized(*self.photo_size, *size)

    def _blended(self, pictures: Sequence[Floats], size: tuple[int, int]) -> Floats:
        return self.joining.blended(pictures, self._camera(size), size)

    def _distance(self, depths: Sequence[Floats], size: tuple[int, int]) -> Floats:
        return self.joining.distance(depths, self._camera(size), size)
