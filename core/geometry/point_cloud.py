"""Coloured points from depth: chosen by masks, never moved, saved with where they come from.

For the apps::

    cloud = point_cloud(prediction, image)                       # one point per kept pixel
    cloud = point_cloud(prediction, image, CloudOptions(edge_tolerance=None, far=20, normals=True))
    cloud = point_cloud(prediction, image, CloudOptions(max_points=80_000))     # for the screen
    cloud = point_cloud(prediction, image, pose=camera_to_world, scale=1.07)
    cloud.points, cloud.colors, cloud.normals, cloud.pixels, cloud.dropped      # arrays, counts
    cloud.save("photo.ply")                # points; binary little endian, OpenCV axes
    cloud.save("photo.glb")                # textured surface; y up, z backward
    cloud.surface().save("photo.obj")      # with photo.mtl and photo_texture.png or .jpg
    cloud.save("photo.glb", surface=False)                       # points
    cloud_from_depth(depth, rgb, SceneInfo(intrinsics, (width, height)))        # plain arrays
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.camera import unproject
from core.errors import ExportError
from core.geometry import masks
from core.geometry.masks import EDGE_TOLERANCE, flying_pixels
from core.geometry.planes import surface_normals
from core.geometry.provenance import SceneInfo, to_world

if TYPE_CHECKING:
    from core.geometry.mesh import Mesh
    from core.prediction import Prediction

_MAX_CELLS = 2**20  # voxels along an axis: three such indices fit one 64-bit key


@dataclass(frozen=True)
class CloudOptions:
    """Which pixels become points. The defaults keep all but flying pixels and holes.

    Attributes:
        edge_tolerance: relative distance from both surfaces at which a pixel between them flies
            (`core.geometry.masks`); None or 0 keeps them.
        near: least depth in metres.
        far: greatest depth in metres, or None.
        min_confidence: least confidence, 0..1, or None.
        drop_sky: drop what looks like daylight sky (`core.geometry.masks.sky`).
        stride: every stride-th row and column is kept; 1 = all, need not be whole.
        max_points: the stride grows until no more points are left; None = no limit.
        voxel: edge length in metres of cells of which one point each is kept; None = none.
        normals: compute them.

    Raises:
        ExportError: a value out of range.
    """

    edge_tolerance: float | None = EDGE_TOLERANCE
    near: float = 0.0
    far: float | None = None
    min_confidence: float | None = None
    drop_sky: bool = False
    stride: float = 1.0
    max_points: int | None = None
    voxel: float | None = None
    normals: bool = False

    def __post_init__(self) -> None:
        far = math.inf if self.far is None else self.far
        _require(
            0 <= (self.edge_tolerance or 0) <= 1, "edge tolerance", self.edge_tolerance, "0..1"
        )
        reach = f"{self.near:g} to {far:g} m"
        _require(0 <= self.near < far, "depth range", reach, "0 or more, the far end beyond")
        _require(0 <= (self.min_confidence or 0) <= 1, "confidence", self.min_confidence, "0..1")
        _require(1 <= self.stride < math.inf, "stride", self.stride, "1 or more pixels")
        limit = 1 if self.max_points is None else self.max_points
        _require(limit >= 1, "number of points", self.max_points, "1 or more")
        voxel = 1.0 if self.voxel is None else self.voxel
        _require(0 < voxel < math.inf, "voxel", self.voxel, "an edge length in metres")


def kept_pixels(
    depth: NDArray[np.floating],
    rgb: NDArray[np.uint8],
    confidence: NDArray[np.floating] | None,
    options: CloudOptions,
) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """Pixels that pass the masks, and how many each mask was the first to drop."""
    kept = masks.measured(depth)
    left = int(kept.sum())
    dropped = {"no depth": depth.size - left}

    def drop(reason: str, pixels: NDArray[np.bool_]) -> None:
        nonlocal left
        np.logical_and(kept, ~pixels, out=kept)
        now = int(kept.sum())
        dropped[reason], left = left - now, now

    with np.errstate(invalid="ignore"):
        if options.near > 0:
            drop("too near", depth < options.near)
        if options.far is not None:
            drop("too far", depth > options.far)
        if options.min_confidence is not None and confidence is not None:
            drop("not confident", ~(confidence >= options.min_confidence))
    if options.drop_sky:
        drop("sky", masks.sky(rgb))
    if options.edge_tolerance:
        drop("flying", flying_pixels(depth, edge_tolerance=options.edge_tolerance))
    return kept, dropped


def stride_for(kept: NDArray[np.bool_], options: CloudOptions) -> float:
    """The stride asked for, grown until the limit is kept."""
    stride = options.stride
    if options.max_points is None:
        return stride
    while True:
        rows, columns = (grid_lines(side, stride) for side in kept.shape)
        count = int(np.count_nonzero(kept[np.ix_(rows, columns)]))
        if count <= options.max_points or stride > max(kept.shape):
            return stride
        stride *= max(1.01, math.sqrt(count / options.max_points))


def grid_lines(side: int, stride: float) -> NDArray[np.intp]:
    """Rows (or columns) of a picture that a stride keeps, the first included."""
    return np.asarray(np.floor(np.arange(0, side, stride)), np.intp)


def one_per_voxel(points: NDArray[np.float32], edge: float) -> NDArray[np.intp]:
    """Indices, ascending, of the first point in each cell: deterministic, and none is moved."""
    cells = np.floor(points.astype(np.float64) / edge)
    cells -= cells.min(axis=0)
    if cells.max() >= _MAX_CELLS:
        extent = float(np.ptp(points, axis=0).max())
        raise ExportError(
            f"The voxel is {edge:g} m for a scene of {extent:g} m, expected at least "
            f"{extent / _MAX_CELLS:.3g} m: give a larger one."
        )
    x, y, z = cells.astype(np.int64).T
    _, first = np.unique((x * _MAX_CELLS + y) * _MAX_CELLS + z, return_index=True)
    return np.asarray(np.sort(first))


def _require(holds: bool, name: str, got: object, expected: str) -> None:
    if not holds:
        raise ExportError(f"The {name} is {got}, expected {expected}: change it, or leave it out.")


__all__ = ["CloudOptions", "PointCloud", "cloud_from_depth", "point_cloud"]


@dataclass(frozen=True, eq=False)
class PointCloud:
    """Points of a photo.

    Attributes:
        points: (n, 3) float32 metres, in the frame of `scene`.
        colors: (n, 3) uint8 sRGB.
        pixels: (n,) int32, the pixel that each point is: row * width + column; ascending.
        scene: model, intrinsics, scale, frame.
        photo: (H, W, 3) uint8, texture of a surface.
        normals: (n, 3) float32, unit length, or None.
        stride: every how many pixels of the photo's grid, or None once the grid is broken up.
        dropped: reason -> number of pixels that are no points.
    """

    points: NDArray[np.float32]
    colors: NDArray[np.uint8]
    pixels: NDArray[np.int32]
    scene: SceneInfo
    photo: NDArray[np.uint8] = field(repr=False)
    normals: NDArray[np.float32] | None = None
    stride: float | None = 1.0
    dropped: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.points)

    @property
    def positions(self) -> NDArray[np.float32]:
        """The points, as of a mesh the vertices."""
        return self.points

    def comments(self) -> dict[str, str]:
        """Key -> text: what its files say about it."""
        dropped = ", ".join(f"{reason} {count}" for reason, count in self.dropped.items() if count)
        return {**self.scene.comments(), "dropped_pixels": dropped or "none"}

    def surface(self, *, edge_tolerance: float = EDGE_TOLERANCE) -> Mesh:
        """The surface through the points, cut where depth jumps.

        Args:
            edge_tolerance: relative step of depth from one grid pixel to the next that is a border.

        Raises:
            ExportError: the points lost their grid (voxels), or no three neighbours are left.
        """
        from core.geometry.mesh import grid_mesh  # a cloud alone does not pay for it

        if self.stride is None:
            raise ExportError(
                "These points are thinned by voxels, expected the photo's grid of pixels: "
                "thin with the stride instead, or save the points alone."
            )
        rows, columns = (grid_lines(side, self.stride) for side in self.photo.shape[:2])
        return grid_mesh(self, rows, columns, edge_tolerance)

    def save(self, path: str | Path, *, surface: bool | None = None) -> None:
        """Writes a file whole or not at all.

        Args:
            path: `.ply` (OpenCV axes: x right, y down, z forward), `.glb` or `.obj` (x right,
                y up, z backward); metres.
            surface: the surface (True) or the points alone (False). None: points in `.ply`, the
                surface in `.glb` (points where the grid is gone) and `.obj`.

        Raises:
            ExportError: another ending, no surface, or the disk refused.
        """
        target = Path(path)
        ending = target.suffix.lower()
        if ending not in (".ply", ".glb", ".obj"):
            raise ExportError(
                f"The file is named {target.name}, expected a name in .ply, .glb or .obj: "
                "choose one of these endings."
            )
        if surface is None:
            surface = ending == ".obj" or (ending == ".glb" and self.stride is not None)
        if surface:
            self.surface().save(target)
        elif ending == ".obj":
            raise ExportError(
                "An .obj file holds a surface here, expected .ply or .glb for points alone: "
                "choose one of these endings."
            )
        else:
            from core.files.gltf import save_geometry

            save_geometry(target, self)


def point_cloud(
    prediction: Prediction,
    image: Any,
    options: CloudOptions | None = None,
    *,
    pose: ArrayLike | None = None,
    scale: float = 1.0,
) -> PointCloud:
    """Points of a predicted photo.

    Args:
        prediction: depth, intrinsics, confidence and model.
        image: the photo that was predicted, in any form that the predictor takes.
        options: which pixels become points.
        pose: 4x4 camera-to-world matrix; the points are then in the world frame.
        scale: one more factor on the depth; a prediction that was calibrated by a known length
            (`core.geometry.find_scale.calibrated`) has its own in it already.

    Raises:
        ExportError: the image is not the predicted one, or no pixel is left.
        CameraError: a pose or scale that cannot be.
        ImageError: an image that cannot be decoded.
    """
    rgb = image if _is_rgb(image) else getattr(image, "rgb", None)
    if rgb is None:
        from core.images.decode import decode

        rgb = decode(image).rgb
    scene = SceneInfo.of(prediction, scale)
    if pose is not None:
        scene = scene.with_pose(pose)
    depth = prediction.depth if scale == 1.0 else prediction.depth * np.float32(scale)
    return cloud_from_depth(depth, rgb, scene, options, prediction.confidence)


def cloud_from_depth(
    depth: NDArray[np.floating],
    rgb: NDArray[np.uint8],
    scene: SceneInfo,
    options: CloudOptions | None = None,
    confidence: NDArray[np.floating] | None = None,
) -> PointCloud:
    """Points of a depth map and its photo.

    Args:
        depth: (H, W) metres along the optical axis, `scene.scale` in it already; not finite or
            not above 0 = none.
        rgb: (H, W, 3) of the same size.
        scene: intrinsics of this photo, scale and pose.
        options: which pixels become points; limits are in metres of `depth`.
        confidence: (H, W) in 0..1, for `options.min_confidence`.

    Raises:
        ExportError: arrays that do not fit each other, a confidence asked for that is not there,
            or no pixel left.
    """
    options = options or CloudOptions()
    _check_arrays(depth, rgb, confidence, options)
    kept, dropped = kept_pixels(depth, rgb, confidence, options)
    if not kept.any():
        reasons = ", ".join(f"{reason} {count}" for reason, count in dropped.items() if count)
        raise ExportError(
            f"None of the {depth.size} pixels is left ({reasons}), expected at least one point: "
            "check the depth for NaN or zeros, and loosen the filters."
        )
    stride = stride_for(kept, options)
    if stride != 1.0:
        sampled = np.zeros_like(kept)
        lines = np.ix_(grid_lines(kept.shape[0], stride), grid_lines(kept.shape[1], stride))
        sampled[lines] = kept[lines]
        dropped["thinned"] = int(kept.sum() - sampled.sum())
        kept = sampled
    points, colors = unproject(depth, scene.intrinsics).reshape(-1, 3), rgb.reshape(-1, 3)
    normals = surface_normals(depth, scene.intrinsics).reshape(-1, 3) if options.normals else None
    pixels = np.flatnonzero(kept)
    if options.voxel is not None:
        chosen = one_per_voxel(points[pixels], options.voxel)
        dropped["thinned"] = dropped.get("thinned", 0) + len(pixels) - len(chosen)
        pixels = pixels[chosen]
    if len(pixels) < len(points):
        points, colors = points[pixels], colors[pixels]
        normals = None if normals is None else normals[pixels]
    pose = scene.pose_matrix
    if pose is not None:
        points = to_world(points, pose)
        normals = None if normals is None else (normals @ pose[:3, :3].T).astype(np.float32)
    return PointCloud(
        points,
        np.ascontiguousarray(colors),
        pixels.astype(np.int32),
        scene,
        rgb,
        normals,
        stride if options.voxel is None else None,
        dropped,
    )


def _check_arrays(
    depth: NDArray[np.floating],
    rgb: NDArray[np.uint8],
    confidence: NDArray[np.floating] | None,
    options: CloudOptions,
) -> None:
    if depth.ndim != 2 or depth.size == 0 or not np.issubdtype(depth.dtype, np.floating):
        raise ExportError(
            f"The depth map is {depth.dtype} of shape {depth.shape}, expected floating-point "
            "metres (height, width): divide the numbers of a PNG by its scale first."
        )
    if not _is_rgb(rgb) or rgb.shape[:2] != depth.shape:
        raise ExportError(
            f"The picture is {rgb.dtype} of shape {rgb.shape}, expected uint8 "
            f"{(*depth.shape, 3)}, the depth map's size: pass the photo that was predicted."
        )
    if options.min_confidence is not None and confidence is None:
        raise ExportError(
            "A confidence threshold was given, expected a model with confidence, which this one "
            "has not: leave the threshold out."
        )
    if confidence is not None and confidence.shape != depth.shape:
        raise ExportError(
            f"The confidence has shape {confidence.shape}, expected {depth.shape}, the depth "
            "map's: pass the map of the same photo."
        )


def _is_rgb(image: object) -> bool:
    return isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.shape[2:] == (3,)
