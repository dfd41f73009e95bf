"""Binary little-endian PLY, written in chunks: no second copy of the geometry in memory.

Vertex properties in this order: `x y z` float32, `nx ny nz` float32 where there are normals,
`red green blue` uchar; then faces as `list uchar int vertex_indices`. Format: G. Turk, "The PLY
Polygon File Format", 1994; the reader takes any properties, ours come in MeshLab's usual order.

Gaussian splats of a photo are one for every point, as large as its pixel, lying on its surface.
Their file is what viewers of 3D Gaussian splatting read: positions, colour as the zeroth spherical
harmonic, opacity before its sigmoid, the logarithm of three standard deviations, and a rotation as
a quaternion w, x, y, z. Axes are the camera's (x right, y down, z forward), as of scenes trained
from COLMAP. Source: B. Kerbl et al., "3D Gaussian Splatting for Real-Time Radiance Field
Rendering", 2023, and the authors' `save_ply`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from core.errors import ExportError
from core.geometry.mesh import Mesh

if TYPE_CHECKING:
    from core.geometry.point_cloud import PointCloud

_CHUNK = 1 << 17  # vertices or faces: a few megabytes, which stay in the cache
WIDTH = 0.6  # standard deviation, in distances between neighbouring points: no gaps between them
MOST_STRETCHED = 4.0  # of a pixel's footprint on a surface seen at a grazing angle
THIN = 0.1  # thickness, in widths
OPACITY = 0.99
HARMONIC = 0.28209479177387814  # the zeroth, 1 / (2 sqrt(pi))
_FIELDS = (
    *("x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", "opacity"),
    *("scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"),
)

Floats = NDArray[np.float32]


def write_ply(file: BinaryIO, built: PointCloud | Mesh) -> None:
    """Writes a cloud or a mesh."""
    columns = [_opaque(built.positions, "<f4")]
    names = ["float x", "float y", "float z"]
    if built.normals is not None:
        columns.append(_opaque(built.normals, "<f4"))
        names += ["float nx", "float ny", "float nz"]
    columns.append(_opaque(built.colors, "u1"))
    names += ["uchar red", "uchar green", "uchar blue"]
    faces, of_faces = (built.faces if isinstance(built, Mesh) else None), []
    if faces is not None:
        of_faces = [f"element face {len(faces)}", "property list uchar int vertex_indices"]
    file.write(_header(built.comments(), len(columns[0]), names, of_faces))
    _write_rows(file, columns)
    if faces is not None:
        _write_rows(file, [np.broadcast_to(np.uint8(3), len(faces)), _opaque(faces, "<u4")])


def _header(
    comments: Mapping[str, str], vertices: int, names: Sequence[str], others: Sequence[str] = ()
) -> bytes:
    """What stands before the numbers: `names` are properties of a vertex, "float x" for instance.

    `others` are further lines, of faces.
    """
    lines = ["ply", "format binary_little_endian 1.0"]
    lines += [f"comment {_ascii(key)} {_ascii(text)}" for key, text in comments.items()]
    lines += [f"element vertex {vertices}", *(f"property {name}" for name in names), *others]
    return "\n".join([*lines, "end_header", ""]).encode("ascii")


def _opaque(vectors: Any, kind: str) -> NDArray[Any]:
    """(n, 3) as n items, which are copied twice as fast as number by number."""
    data = np.ascontiguousarray(vectors, kind)
    return data.view(f"V{3 * data.itemsize}")[:, 0]


def _write_rows(file: BinaryIO, columns: Sequence[NDArray[Any]]) -> None:
    total = len(columns[0])
    fields = [(f"column{index}", column.dtype) for index, column in enumerate(columns)]
    records = np.empty(min(_CHUNK, total), fields)
    for start in range(0, total, _CHUNK):
        count = min(_CHUNK, total - start)
        for (name, _), column in zip(fields, columns, strict=True):
            records[name][:count] = column[start : start + count]
        file.write(records[:count].data)


def _ascii(text: str) -> str:
    """One line of ASCII, as the header demands; other characters as escapes."""
    return " ".join(text.split()).encode("ascii", "backslashreplace").decode("ascii")


def splats(cloud: PointCloud) -> Floats:
    """The splats of a cloud with normals, (n, 17) float32 in the order of the file.

    A pixel's footprint on a tilted surface is longer the more it is tilted: the second axis lies
    along the tilt, the third across the surface.

    Args:
        cloud: with normals and the photo's grid.

    Raises:
        ExportError: without them.
    """
    if cloud.normals is None or cloud.stride is None:
        raise ExportError(
            "The points have lost their normals or their grid, expected both for splats: thin with "
            "the stride instead of voxels."
        )
    pose = cloud.scene.pose_matrix
    centre = np.zeros(3) if pose is None else pose[:3, 3]
    points, normals = cloud.points.astype(np.float64), cloud.normals.astype(np.float64)
    rays = _unit(points - centre)
    facing = np.abs((rays * normals).sum(1))
    across = np.cross(normals, rays)
    flat = np.linalg.norm(across, axis=1) < 1e-6  # seen straight on: any direction will do
    across[flat] = np.cross(normals[flat], (0.0, 1.0, 0.1))
    across = _unit(across)
    along = np.cross(normals, across)
    camera = cloud.scene.intrinsics
    depth = cloud.scene.depth_of(cloud.points)
    width = WIDTH * depth * cloud.stride / np.sqrt(camera.fx * camera.fy)
    length = width / np.maximum(facing, 1 / MOST_STRETCHED)
    axes = np.stack((across, along, normals), axis=2)
    from scipy.spatial.transform import Rotation  # slow to import

    turned = Rotation.from_matrix(axes).as_quat()  # x, y, z, w
    result = np.empty((len(points), len(_FIELDS)), np.float32)
    result[:, 0:3], result[:, 3:6] = cloud.points, cloud.normals
    result[:, 6:9] = (cloud.colors / np.float32(255) - 0.5) / HARMONIC
    result[:, 9] = np.log(OPACITY / (1 - OPACITY))
    result[:, 10:13] = np.log(np.stack((width, length, THIN * width), axis=1))
    result[:, 13], result[:, 14:17] = turned[:, 3], turned[:, :3]
    return result


def write_splats(file: BinaryIO, table: Floats, comments: Mapping[str, str]) -> None:
    """Writes the splats, as `splats` gives them."""
    file.write(_header(comments, len(table), [f"float {name}" for name in _FIELDS]))
    file.write(np.ascontiguousarray(table, "<f4").data)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float64] = vectors / np.maximum(lengths, 1e-12)
    return unit
