"""From a predicted photo and what is wanted of it to points, a surface, and files of both.

For the apps and the command line::

    wanted = SpaceOptions(CloudOptions(far=20, normals=True), shape="surface", faces=50_000)
    save(build(prediction, photo_rgb, wanted), "photo.glb")
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from core.errors import ExportError
from core.geometry.pose import checked_pose
from core.mesh import Mesh
from core.point_cloud import CloudOptions, PointCloud, point_cloud

if TYPE_CHECKING:
    from core.prediction import Prediction

Shape = Literal["points", "surface", "poisson"]
SHAPES: tuple[Shape, ...] = get_args(Shape)


@dataclass(frozen=True)
class SpaceOptions:
    """What is built of a photo.

    Attributes:
        points: which pixels become points.
        shape: "points" alone; "surface", the photo's grid cut where depth jumps; "poisson", one
            smooth surface through the points (Open3D); None: what the kind of file usually holds.
        outliers: drop the points that are far from their neighbours (Open3D).
        faces: at most so many triangles (Open3D), None for all.
        detail: of a Poisson surface, 4..12.
        pose: camera-to-world, 16 numbers row by row; None stays in the camera frame.

    Raises:
        ExportError: an unknown shape, no triangles, or a surface through points that lost their
            grid.
        CameraError: a pose that is none.
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


def build(
    prediction: Prediction, rgb: NDArray[np.uint8], wanted: SpaceOptions
) -> PointCloud | Mesh:
    """Points or a surface of a predicted photo.

    Args:
        prediction: of the photo.
        rgb: (H, W, 3), the photo.
        wanted: what to build; points where no shape is named.

    Raises:
        ExportError: nothing is left, or Open3D is needed and missing.
    """
    options = wanted.points
    if wanted.shape == "poisson":
        options = replace(options, normals=True)
    pose = None if wanted.pose is None else np.reshape(wanted.pose, (4, 4))
    cloud = point_cloud(prediction, rgb, options, pose=pose)
    if not (wanted.outliers or wanted.shape == "poisson" or wanted.faces is not None):
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
