"""The values that the page's controls send, by name, in the order in which they are wired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.common.request import PredictSettings, cloud_settings, number, predict_settings
from app.common.result import Scene
from app.common.service import Studio
from app.common.storage import Storage
from app.common.text import t
from app.common.three_d import checked_length, space_options
from core.errors import ImageError
from core.geometry.build import SpaceOptions


@dataclass(frozen=True)
class Asked:
    """A photo and how its depth is wanted; raw.

    Attributes:
        photo: the upload's description, None where there is none.
        model, resolution, flip, fov, intrinsics: as `predict_settings` takes them.
        known: u0, v0, u1, v1, metres of a known length, or None.
    """

    photo: Any
    model: Any
    resolution: Any
    flip: Any
    fov: Any
    intrinsics: Any
    known: Any

    @property
    def settings(self) -> PredictSettings:
        """What is asked of the model (ConfigError where it cannot be used)."""
        return predict_settings(self.model, self.resolution, self.flip, self.fov, self.intrinsics)

    def scene(
        self, studio: Studio, storage: Storage, tell: Callable[[str], None] = lambda step: None
    ) -> Scene:
        """The photo's depth, rescaled where a length is known.

        Raises:
            DepthError: no photo, or one, or settings, that cannot be used.
        """
        if self.photo is None:
            raise ImageError(t("studio.no_photo"))
        settings = self.settings
        found = studio.scene(storage.uploaded(self.photo), settings, tell)
        return found.calibrated(checked_length(self.known))


@dataclass(frozen=True)
class SpaceAsked:
    """The page's 3D settings, raw: voxels in centimetres, faces in thousands."""

    shape: Any
    edge_filter: Any
    far: Any
    confidence: Any
    sky: Any
    voxel: Any
    normals: Any
    outliers: Any
    faces: Any
    pose: Any

    def options(self) -> SpaceOptions:
        """Checked.

        Raises:
            DepthError: a value out of range, or two that exclude each other.
        """
        cells = number("voxel", self.voxel, 0, 1e5, "centimetres")
        thousands = number("faces", self.faces, 0.1, 1e5, "thousand triangles")
        return space_options(
            cloud_settings("glb", self.edge_filter),
            shape=self.shape,
            far=self.far,
            confidence=self.confidence,
            sky=self.sky,
            voxel=None if cells is None else cells / 100,
            normals=self.normals,
            outliers=self.outliers,
            faces=None if thousands is None else 1000 * thousands,
            pose=self.pose,
        )
