"""A textured surface through the points of a photo's grid, cut where depth jumps."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.camera import project
from core.errors import ExportError
from core.geometry.provenance import SceneInfo

if TYPE_CHECKING:
    from core.geometry.point_cloud import PointCloud


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles seen by the photo's camera, textured with the photo.

    Attributes:
        vertices: (n, 3) float32 metres, in the frame of `scene`.
        faces: (m, 3) uint32, anticlockwise seen from the camera.
        scene: model, intrinsics, scale, frame.
        photo: (H, W, 3) uint8 sRGB, the texture.
        normals: (n, 3) float32, unit length, or None.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.uint32]
    scene: SceneInfo
    photo: NDArray[np.uint8] = field(repr=False)
    normals: NDArray[np.float32] | None = None

    @property
    def positions(self) -> NDArray[np.float32]:
        """The vertices, as of a cloud the points."""
        return self.vertices

    def comments(self) -> dict[str, str]:
        """Key -> text: what its files say about it."""
        return self.scene.comments()

    @cached_property
    def uv(self) -> NDArray[np.float32]:
        """(n, 2) texture coordinates: 0..1 from the photo's upper left to its lower right edge."""
        pixels, _ = project(self.scene.in_camera(self.vertices), self.scene.intrinsics)
        return np.nan_to_num((pixels + 0.5) / self.photo.shape[1::-1]).astype(np.float32)

    @cached_property
    def colors(self) -> NDArray[np.uint8]:
        """(n, 3) colour of the pixel that each vertex projects into."""
        return self.photo.reshape(-1, 3)[self.pixels]

    @property
    def pixels(self) -> NDArray[np.intp]:
        """(n,) row * width + column of the pixel that each vertex projects into."""
        height, width = self.photo.shape[:2]
        column = np.clip(self.uv[:, 0] * width, 0, width - 1).astype(np.intp)
        row = np.clip(self.uv[:, 1] * height, 0, height - 1).astype(np.intp)
        return np.asarray(row * width + column)

    @property
    def area(self) -> float:
        """Total area in square metres."""
        corners = self.vertices[self.faces].astype(np.float64)
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        return float(np.linalg.norm(normals, axis=1).sum() / 2)

    def save(self, path: str | Path) -> None:
        """Writes a file whole or not at all.

        Args:
            path: `.glb` or `.obj` (x right, y up, z backward, textured; `.obj` with a `.mtl` and
                a texture beside it), or `.ply` (OpenCV axes, coloured vertices); metres.

        Raises:
            ExportError: another ending, or the disk refused.
        """
        target = Path(path)
        if target.suffix.lower() not in (".glb", ".obj", ".ply"):
            raise ExportError(
                f"The file is named {target.name}, expected a name in .glb, .obj or .ply: "
                "choose one of these endings."
            )
        from core.files.gltf import save_geometry

        save_geometry(target, self)


def grid_mesh(
    cloud: PointCloud, rows: NDArray[np.intp], columns: NDArray[np.intp], edge_tolerance: float
) -> Mesh:
    """Joins neighbouring points of the photo's grid; the points become the vertices as they are.

    An edge of the grid is cut where inverse depth steps by more than `edge_tolerance` of itself
    beyond what the steps before and after it account for: a floor seen at a grazing angle steps as
    much from one row to the next as an object's border, but evenly.

    Args:
        rows, columns: of the photo that the points were taken from.
        edge_tolerance: relative step of depth that is a border.

    Raises:
        ExportError: no triangle is left.
    """
    height, width = cloud.photo.shape[:2]
    vertex_of = np.full(height * width, -1, np.int32)
    vertex_of[cloud.pixels] = np.arange(len(cloud), dtype=np.int32)
    grid = vertex_of.reshape(height, width)[np.ix_(rows, columns)]
    inverse = (1.0 / cloud.scene.depth_of(cloud.points)).astype(np.float32)
    values = np.where(grid >= 0, inverse[grid], np.nan)
    faces = _faces(grid, values, edge_tolerance)
    if len(faces) == 0:
        raise ExportError(
            f"No three neighbours are left among {len(cloud)} points, expected a surface: "
            "loosen the filters, take a smaller stride, or save the points alone."
        )
    return Mesh(cloud.points, faces, cloud.scene, cloud.photo, cloud.normals)


def _faces(
    grid: NDArray[np.int32], inverse: NDArray[np.float32], edge_tolerance: float
) -> NDArray[np.uint32]:
    """Two triangles a cell where its edges hold, one where three corners do."""
    across = _joined(inverse, edge_tolerance)
    down = _joined(inverse.T, edge_tolerance).T
    top, bottom, left, right = across[:-1], across[1:], down[:, :-1], down[:, 1:]
    upper_left, upper_right = grid[:-1, :-1], grid[:-1, 1:]
    lower_left, lower_right = grid[1:, :-1], grid[1:, 1:]
    falling = (left & bottom, right & top)  # the triangles on both sides of the diagonal \
    rising = (left & top, right & bottom)  # and of /
    with np.errstate(invalid="ignore"):
        steeper = np.abs(inverse[:-1, :-1] - inverse[1:, 1:]) > np.abs(
            inverse[:-1, 1:] - inverse[1:, :-1]
        )
    more = (rising[0].astype(np.int8) + rising[1]) - (falling[0].astype(np.int8) + falling[1])
    split = (more > 0) | ((more == 0) & steeper)
    parts = [
        (falling[0] & ~split, (upper_left, lower_left, lower_right)),
        (falling[1] & ~split, (upper_left, lower_right, upper_right)),
        (rising[0] & split, (upper_left, lower_left, upper_right)),
        (rising[1] & split, (upper_right, lower_left, lower_right)),
    ]
    faces = np.empty((sum(int(chosen.sum()) for chosen, _ in parts), 3), np.uint32)
    start = 0
    for chosen, corners in parts:
        count = int(chosen.sum())
        for corner, vertices in enumerate(corners):
            faces[start : start + count, corner] = vertices[chosen]
        start += count
    return faces


def _joined(inverse: NDArray[np.float32], edge_tolerance: float) -> NDArray[np.bool_]:
    """Whether neighbours along the last axis lie on one surface: (h, w - 1)."""
    with np.errstate(invalid="ignore"):
        step = np.abs(np.diff(inverse, axis=1))
        around = np.pad(step, ((0, 0), (1, 1)), constant_values=np.nan)
        allowed = np.nan_to_num(np.fmin(around[:, :-2], around[:, 2:]), nan=0.0)
        allowed += edge_tolerance * np.fmin(inverse[:, :-1], inverse[:, 1:])
        return np.asarray(step <= allowed)  # NaN, where a point is missing, is not
