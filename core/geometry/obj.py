"""Wavefront .obj with a .mtl and the photo as texture: y up, z backward, as Blender reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from core.atomic import write_atomic
from core.errors import ExportError
from core.geometry.gltf import Geometry, to_gltf_axes
from core.geometry.texture import Texture

_CHUNK = 1 << 11  # lines that are formatted at a time: meanwhile no other thread runs


def save_obj(path: Path, geometry: Geometry, comments: Mapping[str, str], texture: Texture) -> None:
    """Writes NAME.obj, NAME.mtl and NAME_texture.png or .jpg: all of them, or none.

    Args:
        path: the .obj; the others lie beside it, under its `plain_name`.
        geometry: with faces and uv, OpenCV axes, metres.
        comments: key -> text, one comment line each.
        texture: the photo.

    Raises:
        ExportError: the disk refused.
    """
    stem = plain_name(path.stem)
    picture = path.with_name(f"{stem}_texture{texture.ending}")
    material = path.with_name(f"{stem}.mtl")
    written: list[Path] = []
    try:
        for target, content in (
            (picture, texture.data),
            (material, _material(picture.name).encode()),
        ):
            is_new = not target.exists()
            write_atomic(target, content)
            if is_new:
                written.append(target)
        write_atomic(path, lambda file: _write(file, geometry, comments, material.name))
    except ExportError:
        for target in written:
            target.unlink(missing_ok=True)
        raise


def plain_name(stem: str) -> str:
    """A name that can stand inside an .obj.

    Many readers end a name at a space, and bytes of a name that are no text cannot be written.
    """
    return re.sub(r"[\s\ud800-\udfff]", "_", stem)


def _material(picture: str) -> str:
    return f"newmtl photo\nKa 1 1 1\nKd 1 1 1\nKs 0 0 0\nillum 1\nmap_Kd {picture}\n"


def _write(file: BinaryIO, geometry: Geometry, comments: Mapping[str, str], material: str) -> None:
    if geometry.faces is None or geometry.uv is None:
        raise ValueError("an .obj needs faces and texture coordinates")
    for key, text in comments.items():
        file.write(f"# {key} {' '.join(text.split())}\n".encode())
    file.write(f"mtllib {material}\nusemtl photo\n".encode())
    # 9 digits give every float32 back exactly.
    _write_lines(file, "v %.9g %.9g %.9g\n", to_gltf_axes(geometry.positions))
    uv = geometry.uv.copy()
    uv[:, 1] = 1 - uv[:, 1]  # the format counts from the lower edge
    _write_lines(file, "vt %.9g %.9g\n", uv)
    reference = "%d/%d"
    if geometry.normals is not None:
        _write_lines(file, "vn %.6g %.6g %.6g\n", to_gltf_axes(geometry.normals))
        reference = "%d/%d/%d"
    corners = reference.count("%d")
    indices = np.repeat(geometry.faces.astype(np.int64) + 1, corners, axis=1)
    _write_lines(file, f"f {' '.join([reference] * 3)}\n", indices)


def _write_lines(file: BinaryIO, line: str, rows: NDArray[np.generic]) -> None:
    for part in _parts(rows):
        file.write((line * len(part) % tuple(part.ravel().tolist())).encode())


def _parts(rows: NDArray[np.generic]) -> Iterator[NDArray[np.generic]]:
    for start in range(0, len(rows), _CHUNK):
        yield rows[start : start + _CHUNK]
