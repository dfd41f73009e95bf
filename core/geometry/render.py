"""Views of a photo's surface from elsewhere: stereo pairs, anaglyphs, a short camera move.

What the photo never saw, behind its objects and beyond its borders, is filled from the farther
neighbour: plausible for small moves, and never shown as measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from core.geometry.mesh import Mesh
from core.geometry.open3d_tools import RayCaster
from core.geometry.provenance import checked_pose

_LONG_SIDE = 640
_SWAY = 0.05  # of the median depth: how far a camera move goes
NEAR_SHARE = 1 / 30  # eyes' distance / nearest depth: the rule of thumb of stereo photography
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601

Picture = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class View:
    """A rendered view.

    Attributes:
        rgb: (H, W, 3) uint8 sRGB, holes filled.
        depth: (H, W) float32 metres; infinite where the photo has nothing to show.
    """

    rgb: Picture
    depth: NDArray[np.float32]


def render(
    mesh: Mesh,
    *,
    width: int | None = None,
    pose: ArrayLike | None = None,
    shift: float = 0.0,
    caster: RayCaster | None = None,
) -> View:
    """The surface as a camera like the photo's sees it.

    Args:
        width: of the picture in pixels; None: the photo's, at most 640 on the long side.
        pose: 4x4, of the new camera in the photo's camera frame (metres, OpenCV axes); None: the
            photo's own view.
        shift: moves the picture sideways on the sensor, in photo widths (stereo convergence).
        caster: of the same mesh, where several views are rendered.

    Raises:
        CameraError: not a pose.
    """
    photo_height, photo_width = mesh.photo.shape[:2]
    if width is None:
        width = round(photo_width * min(1.0, _LONG_SIDE / max(photo_width, photo_height)))
    height = max(1, round(photo_height * width / photo_width))
    camera = mesh.scene.intrinsics.resized(photo_width, photo_height, width, height)
    camera = camera.cropped(-shift * width, 0)
    caster = caster or _caster(mesh)
    drawn = caster.drawn(camera, (width, height), None if pose is None else checked_pose(pose))
    texture = mesh.photo
    if width < photo_width:  # smaller first, or fine texture would flicker
        smaller = Image.fromarray(texture).resize((width, height), Image.Resampling.BOX)
        texture = np.asarray(smaller)
    return View(_filled(_sampled(texture, drawn.values), drawn.depth), drawn.depth)


def stereo_pair(mesh: Mesh) -> tuple[Picture, Picture]:
    """What a left and a right eye on both sides of the photo's camera see.

    The eyes are a thirtieth of the nearest depth apart. Both pictures are shifted so that the
    median depth falls on the screen: nearer things stand in front of it, farther ones behind.
    """
    near, median = (float(v) for v in np.percentile(_depths(mesh), (5, 50)))
    base = near * NEAR_SHARE
    converged = mesh.scene.intrinsics.fx * base / 2 / median / mesh.photo.shape[1]
    caster = _caster(mesh)
    left, right = (
        render(mesh, pose=_moved(side * base / 2), shift=side * converged, caster=caster).rgb
        for side in (-1, 1)
    )
    return left, right


def side_by_side(left: Picture, right: Picture) -> Picture:
    """Both pictures in one, left first (for parallel viewing)."""
    return np.concatenate((left, right), axis=1)


def anaglyph(left: Picture, right: Picture) -> Picture:
    """For red-cyan glasses, red on the left eye: grey left, coloured right (little rivalry)."""
    result = right.copy()
    result[..., 0] = np.round(left.astype(np.float32) @ _LUMA)
    return result


def camera_move(mesh: Mesh, *, frames: int = 24) -> Iterator[Picture]:
    """A short loop that begins and ends at the photo's own view.

    The camera goes along a small ellipse around the photo's place and looks at the middle of the
    scene.
    """
    median = float(np.median(_depths(mesh)))
    caster = _caster(mesh)
    for index in range(frames):
        turn = 2 * math.pi * index / frames
        side = _SWAY * median * math.sin(turn)
        lift = _SWAY * median / 3 * (1 - math.cos(turn))
        yield render(mesh, pose=_looking(side, -lift, median), caster=caster).rgb


def _caster(mesh: Mesh) -> RayCaster:
    return RayCaster(mesh.scene.in_camera(mesh.vertices), mesh.faces, mesh.uv)


def _depths(mesh: Mesh) -> NDArray[np.float64]:
    return mesh.scene.in_camera(mesh.vertices)[:, 2]


def _moved(x: float) -> NDArray[np.float64]:
    pose = np.eye(4)
    pose[0, 3] = x
    return pose


def _looking(x: float, y: float, distance: float) -> NDArray[np.float64]:
    """At (x, y, 0), turned to the point straight ahead of the photo at a distance."""
    forward = np.array([-x, -y, distance])
    forward /= np.linalg.norm(forward)
    right = np.cross([0.0, 1.0, 0.0], forward)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, 0], pose[:3, 1], pose[:3, 2] = right, np.cross(forward, right), forward
    pose[:3, 3] = x, y, 0
    return pose


def _sampled(texture: Picture, uv: NDArray[np.float32]) -> Picture:
    """Bilinear look-up of texture coordinates (H, W, 2)."""
    height, width = texture.shape[:2]
    x = np.clip(uv[..., 0] * width - 0.5, 0, width - 1)
    y = np.clip(uv[..., 1] * height - 0.5, 0, height - 1)
    left, top = (
        np.minimum(np.floor(p).astype(np.intp), n - 2 if n > 1 else 0)
        for p, n in ((x, width), (y, height))
    )
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    across, down = (x - left)[..., None], (y - top)[..., None]
    upper = texture[top, left] * (1 - across) + texture[top, right] * across
    lower = texture[bottom, left] * (1 - across) + texture[bottom, right] * across
    return np.asarray(np.round(upper * (1 - down) + lower * down), np.uint8)


def _filled(rgb: Picture, depth: NDArray[np.float32]) -> Picture:
    """Holes take the farther one of their neighbours in the row, else in the column."""
    for axis in (1, 0):
        if np.isfinite(depth).all():
            break
        rgb, depth = _filled_along(rgb, depth, axis)
    return rgb


def _filled_along(
    rgb: Picture, depth: NDArray[np.float32], axis: int
) -> tuple[Picture, NDArray[np.float32]]:
    colors, z = np.moveaxis(rgb, axis, 1), np.moveaxis(depth, axis, 1)
    rows, length = np.arange(z.shape[0])[:, None], z.shape[1]
    known = np.isfinite(z)
    index = np.arange(length)
    before = np.maximum.accumulate(np.where(known, index, -1), axis=1)
    after = np.minimum.accumulate(np.where(known, index, length)[:, ::-1], axis=1)[:, ::-1]
    has_before, has_after = before >= 0, after < length
    before, after = np.maximum(before, 0), np.minimum(after, length - 1)
    farther = has_before & (~has_after | (z[rows, before] >= z[rows, after]))
    source = np.where(farther, before, after)  # itself where it is known; a hole where none is
    moved_colors, moved_depth = colors[rows, source], z[rows, source]
    return np.moveaxis(moved_colors, 1, axis), np.moveaxis(moved_depth, 1, axis)
