"""What belongs to every 3D file: which model, camera, scale and frame its metres come from."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.camera import Intrinsics
from core.errors import CameraError

if TYPE_CHECKING:
    from core.prediction import Prediction

CAMERA_FRAME = "OpenCV camera (x right, y down, z forward)"
_NUMBERS = {
    "pinhole": "fx fy cx cy",
    "equirectangular": "equirectangular, fx fy (pixels per radian) cx cy",
}
WORLD_FRAME = "world, by the given camera-to-world pose (OpenCV camera axes)"


def checked_pose(pose: ArrayLike) -> NDArray[np.float64]:
    """A camera-to-world pose as a (4, 4) float64 matrix: rotation and translation in metres.

    Raises:
        CameraError: wrong shape, not finite, or not a rotation (within 1e-3).
    """
    remedy = "give the 4x4 camera-to-world matrix, metres, OpenCV axes"
    try:
        matrix = np.asarray(pose, np.float64)
    except (TypeError, ValueError) as error:
        raise CameraError(
            f"The pose is not a matrix of numbers, expected 4x4: {remedy}."
        ) from error
    if matrix.shape != (4, 4):
        raise CameraError(f"The pose has shape {matrix.shape}, expected (4, 4): {remedy}.")
    if not np.isfinite(matrix).all():
        raise CameraError(f"The pose holds NaN or infinity, expected 16 numbers: {remedy}.")
    rotation = matrix[:3, :3]
    orthogonal = np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3)
    if not (orthogonal and np.linalg.det(rotation) > 0):
        raise CameraError(
            "The pose's upper left 3x3 is scaled, sheared or mirrored, expected a rotation: "
            f"{remedy}."
        )
    if not np.allclose(matrix[3], (0, 0, 0, 1), atol=1e-6):
        raise CameraError(
            f"The pose's last row is {matrix[3].tolist()}, expected 0 0 0 1: {remedy} (not its "
            "transpose)."
        )
    return matrix


def to_world(points: NDArray[np.floating], pose: ArrayLike) -> NDArray[np.float32]:
    """Points (..., 3) of the camera frame in the world frame of a camera-to-world `pose`."""
    matrix = checked_pose(pose)
    moved = points.astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    return moved.astype(np.float32)


def read_pose(text: str) -> tuple[float, ...]:
    """The 16 numbers, row by row, of a camera-to-world matrix written out as text.

    Raises:
        CameraError: not 16 numbers, or not a pose.
    """
    try:
        numbers = [float(part) for part in text.replace(",", " ").split()]
    except ValueError as error:
        raise CameraError(
            "The pose holds something that is no number, expected 16 numbers: "
            "give the 4x4 camera-to-world matrix row by row."
        ) from error
    if len(numbers) != 16:
        raise CameraError(
            f"The pose has {len(numbers)} numbers, expected 16: "
            "give the 4x4 camera-to-world matrix row by row."
        )
    return tuple(checked_pose(np.reshape(numbers, (4, 4))).ravel().tolist())


@dataclass(frozen=True)
class SceneInfo:
    """Origin of a cloud, a mesh or a measurement; goes into the files as comments.

    Attributes:
        intrinsics: of the photo, in its pixels.
        photo_size: width and height of the photo, pixels.
        model_sha256: of its file; empty where there is none (measured depth, for instance).
        metric: whether lengths are claimed to be metres (`core.prediction.Prediction.metric`).
        scale: factor on the model's depth, already multiplied into the geometry; 1 = none.
        pose: camera-to-world, 16 numbers row by row, or None in the camera frame.
        calibration: what the scale comes from, in words; empty where it is the model's own.
        notes: sentences for the user about the photo and its depth.
    """

    intrinsics: Intrinsics
    photo_size: tuple[int, int]
    model: str = "unknown"
    model_sha256: str = ""
    metric: bool = True
    scale: float = 1.0
    pose: tuple[float, ...] | None = None
    calibration: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        checked_scale(self.scale)

    @classmethod
    def of(cls, prediction: Prediction, scale: float = 1.0) -> SceneInfo:
        """Of a predicted photo whose depth is multiplied by `scale` once more (1 = as it is)."""
        known = prediction.calibration
        return cls(
            prediction.intrinsics,
            prediction.photo_size,
            prediction.info.name or "unsaved",
            prediction.info.sha256,
            prediction.is_metric(rescaled=known is not None or scale != 1.0),
            checked_scale(scale) * (1.0 if known is None else known.scale),
            calibration="" if known is None else known.text(),
            notes=prediction.notes,
        )

    @property
    def units(self) -> str:
        """The unit of every length."""
        return "metres" if self.metric else "unknown (depth without a scale)"

    @property
    def pose_matrix(self) -> NDArray[np.float64] | None:
        """Camera-to-world, (4, 4), or None."""
        return None if self.pose is None else np.array(self.pose).reshape(4, 4)

    def in_camera(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Points (n, 3) of this scene's frame in the camera frame."""
        pose = self.pose_matrix
        if pose is None:
            return points.astype(np.float64)
        return np.asarray((points - pose[:3, 3]) @ pose[:3, :3])

    def depth_of(self, points: NDArray[np.floating]) -> NDArray[np.floating]:
        """Depth (n,) metres, for the photo's camera, of points (n, 3) of this scene's frame."""
        return self.intrinsics.depth_of(self.in_camera(points))

    def with_pose(self, pose: ArrayLike) -> SceneInfo:
        """The same in the world frame of a 4x4 camera-to-world pose, or CameraError."""
        return replace(self, pose=tuple(float(value) for value in checked_pose(pose).ravel()))

    def comments(self) -> dict[str, str]:
        """Key -> text, in the order in which the files hold them."""
        camera = self.intrinsics
        numbers = " ".join(f"{n:.9g}" for n in (camera.fx, camera.fy, camera.cx, camera.cy))
        lines = {
            "software": "LapDepth Studio",
            "model": self.model,
            "model_sha256": self.model_sha256 or "none",
            "units": self.units,
            "frame": CAMERA_FRAME if self.pose is None else WORLD_FRAME,
            "intrinsics": f"{_NUMBERS[camera.projection]} = {numbers}",
            "intrinsics_source": camera.source,
            "photo_size": f"{self.photo_size[0]} x {self.photo_size[1]}",
            "scale": f"{self.scale:.9g}",
        }
        if self.calibration:
            lines["calibration"] = self.calibration
        if self.notes:
            lines["notes"] = " ".join(self.notes)
        if self.pose is not None:
            lines["camera_to_world"] = " ".join(f"{value:.9g}" for value in self.pose)
        return lines


def checked_scale(scale: float) -> float:
    """A scale factor as it is.

    Raises:
        CameraError: not a positive finite number.
    """
    if not (math.isfinite(scale) and scale > 0):
        raise CameraError(
            f"The scale factor is {scale:g}, expected a positive number: calibrate with two "
            "different points and the true distance between them in metres."
        )
    return scale
