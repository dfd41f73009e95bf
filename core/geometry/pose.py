"""Camera-to-world poses: checked 4x4 matrices, metres, OpenCV camera axes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import CameraError


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
