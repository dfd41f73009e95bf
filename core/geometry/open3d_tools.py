"""What Open3D does: outliers, Poisson surfaces, decimation, and rendering by ray casting.

Open3D is optional at run time and slow to import, so it is loaded by the first call; everything
else in 3D works without it.
"""

from __future__ import annotations

import dataclasses
import importlib
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.camera import Intrinsics, check_pinhole
from core.errors import ExportError
from core.geometry.mesh import Mesh
from core.geometry.point_cloud import PointCloud
from core.geometry.provenance import SceneInfo

_MIN_DETAIL, _MAX_DETAIL = 4, 12  # octree depth; beyond, memory grows past any laptop's
# An outlier is further from so many neighbours than so many standard deviations of the mean.
_NEIGHBOURS, _DEVIATIONS = 20, 2.0
_THIN = 0.03  # share of a Poisson surface with the fewest points behind it: bulges over nothing
_MAX_STRETCH = 0.05  # of depth: a Poisson vertex further from every point is made up
# Pixels by which rays are moved that hit nothing: in the photo's own view every ray meets a vertex,
# and on the surface's border it may pass by.
_EDGE = 1e-3
_AROUND = ((0, 0), (_EDGE, _EDGE), (-_EDGE, _EDGE), (_EDGE, -_EDGE), (-_EDGE, -_EDGE))


def without_outliers(cloud: PointCloud) -> PointCloud:
    """Drops the points that are further from their neighbours than is usual in the cloud.

    Points are dropped, none is moved.

    Raises:
        ExportError: Open3D is missing, or nothing is left.
    """
    _, index = _cloud(load_open3d(), cloud).remove_statistical_outlier(_NEIGHBOURS, _DEVIATIONS)
    kept = np.sort(np.asarray(index, np.intp))
    if len(kept) == 0:
        raise ExportError(
            f"None of {len(cloud)} points is left without outliers, expected at least one: "
            "leave the outlier filter out."
        )
    dropped = {**cloud.dropped, "outlier": len(cloud) - len(kept)}
    return dataclasses.replace(
        cloud,
        points=cloud.points[kept],
        colors=cloud.colors[kept],
        pixels=cloud.pixels[kept],
        normals=None if cloud.normals is None else cloud.normals[kept],
        dropped=dropped,
    )


def decimated(mesh: Mesh, *, faces: int) -> Mesh:
    """The same surface with fewer triangles (quadric error metric, Garland and Heckbert, 1997).

    The photo stays its texture: where a vertex lies in the photo follows from the camera.

    Args:
        faces: at most so many triangles are left, where the surface's borders allow it.

    Raises:
        ExportError: Open3D is missing, or fewer than one face asked for.
    """
    if faces < 1:
        raise ExportError(f"The mesh is to have {faces} faces, expected 1 or more: change it.")
    if len(mesh.faces) <= faces:
        return mesh
    open3d = load_open3d()
    solid = open3d.geometry.TriangleMesh(
        open3d.utility.Vector3dVector(mesh.vertices.astype(np.float64)),
        open3d.utility.Vector3iVector(mesh.faces.astype(np.int32)),
    )
    solid = solid.simplify_quadric_decimation(faces)
    solid.remove_unreferenced_vertices()
    return _mesh(solid, mesh.scene, mesh.photo)


def poisson_surface(cloud: PointCloud, *, detail: int = 9) -> Mesh:
    """One smooth surface through the points (screened Poisson, Kazhdan and Hoppe, 2013).

    It also bridges what no camera saw; the parts with the fewest points behind them, and those
    further than 5 % of their depth from every point, are cut off again.

    Args:
        cloud: with normals (`CloudOptions(normals=True)`).
        detail: depth of the octree, 4..12: each step halves the smallest feature.

    Raises:
        ExportError: Open3D is missing, no normals, or a detail out of range.
    """
    if cloud.normals is None:
        raise ExportError(
            "The points have no normals, expected them for a Poisson surface: "
            "make the cloud with normals."
        )
    if not _MIN_DETAIL <= detail <= _MAX_DETAIL:
        raise ExportError(
            f"The Poisson detail is {detail}, expected {_MIN_DETAIL} to {_MAX_DETAIL}: change it."
        )
    open3d = load_open3d()
    points = _cloud(open3d, cloud)
    # One thread: with several, Open3D's result differs from run to run.
    solid, density = open3d.geometry.TriangleMesh.create_from_point_cloud_poisson(
        points, depth=detail, n_threads=1
    )
    density = np.asarray(density)
    vertices = open3d.geometry.PointCloud(solid.vertices)
    distance = np.asarray(vertices.compute_point_cloud_distance(points))
    depth = cloud.scene.depth_of(np.asarray(solid.vertices))
    solid.remove_vertices_by_mask(
        (density < np.quantile(density, _THIN)) | (distance > _MAX_STRETCH * depth)
    )
    if len(solid.triangles) == 0:
        raise ExportError(
            f"No Poisson surface is left from {len(cloud)} points, expected some: "
            "use more points or the plain surface."
        )
    return _mesh(solid, cloud.scene, cloud.photo)


@dataclass(frozen=True, eq=False)
class Raster:
    """A rendered picture.

    Attributes:
        values: (H, W, c) float32, interpolated; 0 where nothing is.
        depth: (H, W) float32 metres along the optical axis; infinite where nothing is.
    """

    values: NDArray[np.float32]
    depth: NDArray[np.float32]


class RayCaster:
    """Draws triangles, both sides, the nearest in front: one ray through each pixel's centre.

    Args:
        vertices: (n, 3) metres in the photo's camera frame.
        faces: (m, 3) indices.
        values: (n, c) to interpolate, perspective-correct: colours, texture coordinates.

    Raises:
        ExportError: Open3D is missing.
    """

    def __init__(
        self,
        vertices: NDArray[np.floating],
        faces: NDArray[np.integer],
        values: NDArray[np.floating],
    ) -> None:
        self._faces, self._values = faces.astype(np.uint32), values
        self._scene = load_open3d().t.geometry.RaycastingScene()
        self._scene.add_triangles(np.ascontiguousarray(vertices, np.float32), self._faces)

    def drawn(
        self,
        intrinsics: Intrinsics,
        size: tuple[int, int],
        pose: NDArray[np.floating] | None = None,
    ) -> Raster:
        """What a camera sees.

        Args:
            size: its width and height in pixels.
            pose: 4x4, of the camera in the photo's camera frame; None: the photo's own view.

        Raises:
            CameraError: a panorama's camera.
        """
        check_pinhole(intrinsics, "pictures of its scene from elsewhere")
        width, height = size
        turn, place = (np.eye(3), np.zeros(3)) if pose is None else (pose[:3, :3], pose[:3, 3])
        depth = np.full(height * width, np.inf, np.float32)
        values = np.zeros((height * width, self._values.shape[1]), np.float32)
        rows, columns = np.divmod(np.arange(height * width), width)
        for right, down in _AROUND:
            missed = np.flatnonzero(np.isinf(depth))
            x = (columns[missed] + right - intrinsics.cx) / intrinsics.fx
            y = (rows[missed] + down - intrinsics.cy) / intrinsics.fy
            rays = np.empty((len(missed), 6), np.float32)
            rays[:, :3] = place
            # Of length 1 along the optical axis, so that the distance is the depth.
            rays[:, 3:] = np.stack((x, y, np.ones_like(x)), axis=1) @ turn.T
            hits = {name: tensor.numpy() for name, tensor in self._scene.cast_rays(rays).items()}
            hit = np.isfinite(hits["t_hit"])
            seen = missed[hit]
            depth[seen] = hits["t_hit"][hit]
            second, third = hits["primitive_uvs"][hit].T
            corners = self._faces[hits["primitive_ids"][hit]].T
            for corner, weight in zip(corners, (1 - second - third, second, third), strict=True):
                values[seen] += weight[:, None] * self._values[corner]
        return Raster(values.reshape(height, width, -1), depth.reshape(height, width))


def load_open3d() -> Any:
    """The module, without what it takes along to draw in a browser, half of its time to load.

    Raises:
        ExportError: it is not there, or a system library that it needs is not.
    """
    dash = ModuleType("dash")
    dash.html = dash.dcc = dash.Dash = None  # type: ignore[attr-defined]
    ours = sys.modules.setdefault("dash", dash) is dash
    try:
        return importlib.import_module("open3d")
    except (ImportError, OSError) as error:
        raise ExportError(
            f"Open3D could not be loaded ({error}), expected it for this one step: run "
            "'make setup', which installs it and names the system libraries that it needs."
        ) from error
    finally:
        if ours:
            del sys.modules["dash"]


def _cloud(open3d: Any, cloud: PointCloud) -> Any:
    vector = open3d.utility.Vector3dVector
    points = open3d.geometry.PointCloud(vector(cloud.points.astype(np.float64)))
    if cloud.normals is not None:
        points.normals = vector(cloud.normals.astype(np.float64))
    return points


def _mesh(solid: Any, scene: SceneInfo, photo: NDArray[np.uint8]) -> Mesh:
    return Mesh(
        np.asarray(solid.vertices).astype(np.float32),
        np.asarray(solid.triangles).astype(np.uint32),
        scene,
        photo,
    )
