"""From a predicted photo and what is wanted of it to points, a surface, and files of both.

For the apps and the command line::

    wanted = SpaceOptions(CloudOptions(far=20, normals=True), shape="surface", faces=50_000)
    save(build(prediction, photo_rgb, wanted), "photo.glb")
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from core.errors import ExportError
from core.geometry.mesh import Mesh
from core.geometry.point_cloud import CloudOptions, PointCloud, cloud_from_depth
from core.geometry.provenance import SceneInfo, checked_pose

if TYPE_CHECKING:
    from core.prediction import Prediction

Shape = Literal["points", "surface", "poisson"]
SHAPES: tuple[Shape, ...] = get_args(Shape)
# What Open3D gets at most: 26 microseconds a triangle, and a kilobyte of memory. Depth holds no
# more detail than the network's input, which has a tenth of a megapixel.
_FINER = 2  # points to a triangle that is left: four times as many triangles before as after
_LEAST_POINTS, _MOST_POINTS = 25_000, 150_000
_POINTS_TO_A_CELL = 8  # of a Poisson surface's finest grid
_MOST_POISSON_POINTS = 1_000_000


@dataclass(frozen=True)
class SpaceOptions:
    """What is built of a photo.

    Attributes:
        points: which pixels become points.
        shape: "points" alone; "surface", the photo's grid cut where depth jumps; "poisson", one
            smooth surface through the points (Open3D); None: what the kind of file usually holds.
        outliers: drop the points that are far from their neighbours (Open3D).
        faces: at most so many triangles (Open3D), None for all. The photo's grid is thinned to a
            few times as many first.
        detail: of a Poisson surface, 4..12.
        pose: camera-to-world, 16 numbers row by row; None stays in the camera frame.

    Raises:
        ExportError: an unknown shape, no triangles, or a surface through points that lost their
            grid.
        CameraError: the numbers are not a camera pose.
    """

    points: CloudOptions = field(default_factory=CloudOptions)
    shape: Shape | None = None
    outliers: bool = False
    faces: int | None = None
    detail: int = 8
    pose: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.shape is not None and self.shape not in SHAPES:
            raise ExportError(
                f"The shape is '{self.shape}', expected one of {', '.join(SHAPES)}: choose one."
            )
        if self.shape == "surface" and self.points.voxel is not None:
            raise ExportError(
                "A surface was asked for through points thinned by voxels, expected the photo's "
                "grid of pixels: thin with the stride instead, or take the points alone."
            )
        if self.faces is not None and self.faces < 1:
            raise ExportError(
                f"The number of triangles is {self.faces}, expected 1 or more: change it, or leave "
                "it out."
            )
        if self.pose is not None:
            checked_pose(np.reshape(self.pose, (-1, 4)))

    def for_file(self, ending: str) -> SpaceOptions:
        """With the shape settled: points in .ply, a surface in .glb (while there is a grid)."""
        if self.shape is not None:
            return self
        holds_points = ending == ".ply" or (ending == ".glb" and self.points.voxel is not None)
        return replace(self, shape="points" if holds_points else "surface")

    def thinned(self, at_most: int) -> SpaceOptions:
        """The same with so many points at most, for a screen."""
        limit = min(at_most, self.points.max_points or at_most)
        return replace(self, points=replace(self.points, max_points=limit))

    def points_of(self, pixels: int) -> float:
        """At most so many points come of so many pixels."""
        return min(pixels / self.points.stride**2, self.points.max_points or math.inf)

    def lightened(self) -> SpaceOptions:
        """With no more points than the triangles or the Poisson surface asked for can show."""
        if self.shape == "poisson":
            return self.thinned(min(_POINTS_TO_A_CELL * 4**self.detail, _MOST_POISSON_POINTS))
        if self.shape != "surface" or self.faces is None:
            return self
        if self.faces >= 2 * _MOST_POINTS:  # the stride alone leaves fewer triangles
            return self.thinned(self.faces // 2)
        return self.thinned(min(max(_FINER * self.faces, _LEAST_POINTS), _MOST_POINTS))

    def needs_open3d(self, pixels: int) -> bool:
        """Whether Open3D has work to do on a photo of so many pixels."""
        if self.outliers or self.shape == "poisson":
            return True
        some = self.shape == "surface" and self.faces is not None
        return some and 2 * self.lightened().points_of(pixels) > (self.faces or 0)


def build(
    prediction: Prediction, rgb: NDArray[np.uint8], wanted: SpaceOptions
) -> PointCloud | Mesh:
    """Points or a surface of a predicted photo.

    Args:
        rgb: (H, W, 3), the photo.
        wanted: what to build; points where no shape is named.

    Raises:
        ExportError: nothing is left, or Open3D is needed and missing.
    """
    scene, confidence = SceneInfo.of(prediction), confidence_for(prediction, wanted)
    return build_from(prediction.depth, rgb, scene, wanted, confidence)


def confidence_for(prediction: Prediction, wanted: SpaceOptions) -> NDArray[np.float32] | None:
    """(H, W) in 0..1 where it is asked for and the model has one."""
    return None if wanted.points.min_confidence is None else prediction.confidence


def build_from(
    depth: NDArray[np.floating],
    rgb: NDArray[np.uint8],
    scene: SceneInfo,
    wanted: SpaceOptions,
    confidence: NDArray[np.floating] | None = None,
) -> PointCloud | Mesh:
    """Points or a surface of a depth map and its photo; see `cloud_from_depth` and `build`."""
    wanted = wanted.lightened()
    options = wanted.points
    if wanted.shape == "poisson":
        options = replace(options, normals=True)
    if wanted.pose is not None:
        scene = scene.with_pose(np.reshape(wanted.pose, (4, 4)))
    cloud = cloud_from_depth(depth, rgb, scene, options, confidence)
    if not wanted.needs_open3d(depth.size):
        return cloud.surface() if wanted.shape == "surface" else cloud
    # Open3D is slow to load: only who asks for it pays.
    from core.geometry.open3d_tools import decimated, poisson_surface, without_outliers

    if wanted.outliers:
        cloud = without_outliers(cloud)
    if wanted.shape in ("points", None):
        return cloud
    smooth = wanted.shape == "poisson"
    mesh = poisson_surface(cloud, detail=wanted.detail) if smooth else cloud.surface()
    return mesh if wanted.faces is None else decimated(mesh, faces=wanted.faces)


def save(built: PointCloud | Mesh, path: str | Path) -> None:
    """Writes what was built as it is: points stay points in a .glb too.

    Raises:
        ExportError: an ending that cannot hold it, or the disk refused.
    """
    if isinstance(built, PointCloud):
        built.save(path, surface=False)
    else:
        built.save(path)
