"""Binary little-endian PLY, written in chunks: no second copy of the geometry in memory.

Vertex properties in this order: `x y z` float32, `nx ny nz` float32 where there are normals,
`red green blue` uchar; then faces as `list uchar int vertex_indices`. Format: G. Turk, "The PLY
Polygon File Format", 1994; the reader takes any properties, ours come in MeshLab's usual order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

_CHUNK = 1 << 17  # vertices or faces: a few megabytes, which stay in the cache


def write_ply(
    file: BinaryIO,
    points: NDArray[np.float32],
    colors: NDArray[np.uint8],
    *,
    normals: NDArray[np.float32] | None = None,
    faces: NDArray[np.integer] | None = None,
    comments: Mapping[str, str],
) -> None:
    """Writes a cloud, or a mesh where there are faces.

    Args:
        points: (n, 3) metres.
        colors: (n, 3) sRGB.
        normals: (n, 3) unit length, or None.
        faces: (m, 3) indices into the points, or None for a cloud.
        comments: key -> text, one comment line each.
    """
    vectors = [np.ascontiguousarray(points, "<f4")]
    names = ["float x", "float y", "float z"]
    if normals is not None:
        vectors.append(np.ascontiguousarray(normals, "<f4"))
        names += ["float nx", "float ny", "float nz"]
    names += ["uchar red", "uchar green", "uchar blue"]
    of_faces = []
    if faces is not None:
        of_faces = [f"element face {len(faces)}", "property list uchar int vertex_indices"]
    file.write(header(comments, len(points), names, of_faces))
    _write_vertices(file, vectors, np.ascontiguousarray(colors, np.uint8))
    if faces is not None:
        _write_faces(file, faces)


def header(
    comments: Mapping[str, str], vertices: int, names: Sequence[str], others: Sequence[str] = ()
) -> bytes:
    """What stands before the numbers: `names` are properties of a vertex, "float x" for instance.

    `others` are further lines, of faces.
    """
    lines = ["ply", "format binary_little_endian 1.0"]
    lines += [f"comment {_ascii(key)} {_ascii(text)}" for key, text in comments.items()]
    lines += [f"element vertex {vertices}", *(f"property {name}" for name in names), *others]
    return "\n".join([*lines, "end_header", ""]).encode("ascii")


def _write_vertices(file: BinaryIO, vectors: list[NDArray[Any]], colors: NDArray[np.uint8]) -> None:
    # Whole vectors are copied as opaque 12-byte items: twice as fast as number by number.
    fields = [(f"vector{index}", "V12") for index in range(len(vectors))] + [("color", "V3")]
    opaque = [vector.view("V12")[:, 0] for vector in vectors] + [colors.view("V3")[:, 0]]
    records = np.empty(min(_CHUNK, len(colors)), np.dtype(fields))
    for start in range(0, len(colors), _CHUNK):
        count = min(_CHUNK, len(colors) - start)
        for (name, _), source in zip(fields, opaque, strict=True):
            records[name][:count] = source[start : start + count]
        file.write(records[:count].data)


def _write_faces(file: BinaryIO, faces: NDArray[np.integer]) -> None:
    records = np.empty(min(_CHUNK, len(faces)), np.dtype([("count", "u1"), ("index", "<i4", 3)]))
    records["count"] = 3
    for start in range(0, len(faces), _CHUNK):
        count = min(_CHUNK, len(faces) - start)
        records["index"][:count] = faces[start : start + count]
        file.write(records[:count].data)


def _ascii(text: str) -> str:
    """One line of ASCII, as the header demands; other characters as escapes."""
    return " ".join(text.split()).encode("ascii", "backslashreplace").decode("ascii")
