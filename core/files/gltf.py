"""glTF 2.0 (.glb) of a surface or of points, and Wavefront .obj with .mtl and texture.

Both have y up and z backward, as Blender reads them: half a turn about x from OpenCV's axes (y
down, z forward), so nothing is mirrored. The photo is shown as it is, not lit
(KHR_materials_unlit). Source: the glTF 2.0 specification, Khronos Group, sections 3.4 to 3.9 and
4.4.
"""

from __future__ import annotations

import io
import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.atomic import write_atomic
from core.errors import ExportError
from core.files.ply import write_ply
from core.geometry.mesh import Mesh
from core.images.colour import srgb_to_light

if TYPE_CHECKING:
    from core.geometry.point_cloud import PointCloud

_EXACT_PIXELS = 1_000_000
_JPEG_QUALITY = 95
_JPEG_SIDE = 65_500  # the format's limit


@dataclass(frozen=True)
class Texture:
    """An encoded picture: its bytes, media type and file ending (with the dot)."""

    data: bytes
    media_type: str
    ending: str


def encode_texture(photo: NDArray[np.uint8]) -> Texture:
    """PNG up to a megapixel, above it JPEG 95 with full colour resolution.

    Args:
        photo: (H, W, 3) sRGB.
    """
    picture = Image.fromarray(photo)
    buffer = io.BytesIO()
    if photo.shape[0] * photo.shape[1] <= _EXACT_PIXELS or max(photo.shape) > _JPEG_SIDE:
        picture.save(buffer, "PNG", compress_level=3)
        return Texture(buffer.getvalue(), "image/png", ".png")
    picture.save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return Texture(buffer.getvalue(), "image/jpeg", ".jpg")


_FLOAT, _UINT32 = 5126, 5125
_ARRAY_BUFFER, _ELEMENT_BUFFER = 34962, 34963
_POINTS, _TRIANGLES = 0, 4
_LINEAR, _CLAMP = 9729, 33071
_MAX_BYTES = 2**32 - 1
_TO_GLTF = np.array([1, -1, -1], np.float32)


def save_geometry(path: Path, built: PointCloud | Mesh) -> None:
    """Writes what the ending names, whole or not at all: .ply in OpenCV axes, .glb or .obj.

    Args:
        built: for .obj a surface.

    Raises:
        ExportError: the disk refused.
    """
    if path.suffix.lower() == ".ply":
        write_atomic(path, lambda file: write_ply(file, built))
    elif path.suffix.lower() == ".obj" and isinstance(built, Mesh):
        save_obj(path, built)
    else:
        write_atomic(path, lambda file: write_glb(file, built))


def to_gltf_axes(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, 3) from OpenCV's axes to y up, z backward."""
    return vectors * _TO_GLTF


def write_glb(file: BinaryIO, built: PointCloud | Mesh) -> None:
    """Writes a .glb, with the comments as `asset.extras`.

    Raises:
        ExportError: more than the 4 GB that the format can count.
    """
    body = _Body()
    attributes = {"POSITION": body.add_vectors(to_gltf_axes(built.positions), bounds=True)}
    if built.normals is not None:
        attributes["NORMAL"] = body.add_vectors(to_gltf_axes(built.normals))
    primitive: dict[str, Any] = {"attributes": attributes, "material": 0, "mode": _POINTS}
    if isinstance(built, Mesh):
        attributes["TEXCOORD_0"] = body.add_vectors(built.uv)
        primitive |= {"mode": _TRIANGLES, "indices": body.add_indices(built.faces)}
    else:
        attributes["COLOR_0"] = body.add_colors(built.colors)
    pbr: dict[str, Any] = {"metallicFactor": 0, "roughnessFactor": 1}
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "LapDepth Studio", "extras": built.comments()},
        "extensionsUsed": ["KHR_materials_unlit"],
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "photo"}],
        "meshes": [{"primitives": [primitive]}],
        "materials": [
            {
                "pbrMetallicRoughness": pbr,
                "doubleSided": True,
                "extensions": {"KHR_materials_unlit": {}},
            }
        ],
        "accessors": body.accessors,
        "bufferViews": body.views,
    }
    if isinstance(built, Mesh):
        texture = encode_texture(built.photo)
        pbr["baseColorTexture"] = {"index": 0}
        view = body.add_bytes(np.frombuffer(texture.data, np.uint8))
        document["images"] = [{"bufferView": view, "mimeType": texture.media_type}]
        clamped = {"wrapS": _CLAMP, "wrapT": _CLAMP, "magFilter": _LINEAR, "minFilter": _LINEAR}
        document["samplers"] = [clamped]
        document["textures"] = [{"source": 0, "sampler": 0}]
    document["buffers"] = [{"byteLength": body.length}]
    _write_chunks(file, document, body)


class _Body:
    """The binary chunk in the making: arrays, and what the document says of each."""

    def __init__(self) -> None:
        self.arrays: list[NDArray[Any]] = []
        self.views: list[dict[str, int]] = []
        self.accessors: list[dict[str, Any]] = []
        self.length = 0

    def add_bytes(self, array: NDArray[Any], target: int | None = None) -> int:
        """A buffer view; the next one begins at a multiple of 4, as accessors demand."""
        view = {"buffer": 0, "byteOffset": self.length, "byteLength": array.nbytes}
        self.views.append(view if target is None else {**view, "target": target})
        self.arrays.append(array)
        self.length += -(-array.nbytes // 4) * 4
        return len(self.views) - 1

    def add_vectors(self, vectors: NDArray[np.float32], *, bounds: bool = False) -> int:
        data = np.ascontiguousarray(vectors, "<f4")
        accessor = self._accessor(data, _FLOAT, f"VEC{data.shape[1]}", _ARRAY_BUFFER)
        if bounds:
            accessor["min"] = data.min(axis=0).tolist()
            accessor["max"] = data.max(axis=0).tolist()
        return len(self.accessors) - 1

    def add_colors(self, colors: NDArray[np.uint8]) -> int:
        """Vertex colours are linear light in glTF; floats keep the dark ones apart."""
        linear = srgb_to_light(np.arange(256) / 255).astype(np.float32)
        return self.add_vectors(linear[colors])

    def add_indices(self, faces: NDArray[np.uint32]) -> int:
        self._accessor(
            np.ascontiguousarray(faces, "<u4").reshape(-1), _UINT32, "SCALAR", _ELEMENT_BUFFER
        )
        return len(self.accessors) - 1

    def _accessor(
        self, data: NDArray[Any], component: int, kind: str, target: int
    ) -> dict[str, Any]:
        accessor = {
            "bufferView": self.add_bytes(data, target),
            "componentType": component,
            "count": len(data),
            "type": kind,
        }
        self.accessors.append(accessor)
        return accessor


def _write_chunks(file: BinaryIO, document: Mapping[str, Any], body: _Body) -> None:
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    total = 12 + 8 + len(text) + 8 + body.length
    if total > _MAX_BYTES:
        raise ExportError(
            f"The .glb would have {total / 1e9:.1f} GB, expected less than the format's 4.3: "
            "take a larger stride."
        )
    file.write(struct.pack("<4sII", b"glTF", 2, total))
    file.write(struct.pack("<I4s", len(text), b"JSON") + text)
    file.write(struct.pack("<I4s", body.length, b"BIN\0"))
    for array in body.arrays:
        file.write(array.data)
        file.write(bytes(-array.nbytes % 4))


_MATERIAL = "newmtl photo\nKa 1 1 1\nKd 1 1 1\nKs 0 0 0\nillum 1\n"
_CHUNK = 1 << 11  # lines that are formatted at a time: meanwhile no other thread runs


def save_obj(path: Path, mesh: Mesh) -> None:
    """Writes NAME.obj, NAME.mtl and NAME_texture.png or .jpg: all of them, or none.

    Args:
        path: the .obj; the others lie beside it, under its `plain_name`.

    Raises:
        ExportError: the disk refused.
    """
    stem, texture = plain_name(path.stem), encode_texture(mesh.photo)
    picture = path.with_name(f"{stem}_texture{texture.ending}")
    material = path.with_name(f"{stem}.mtl")
    written: list[Path] = []
    try:
        for target, content in (
            (picture, texture.data),
            (material, f"{_MATERIAL}map_Kd {picture.name}\n".encode()),
        ):
            is_new = not target.exists()
            write_atomic(target, content)
            if is_new:
                written.append(target)
        write_atomic(path, lambda file: _write(file, mesh, material.name))
    except ExportError:
        for target in written:
            target.unlink(missing_ok=True)
        raise


def plain_name(stem: str) -> str:
    """A name that can stand inside an .obj.

    Many readers end a name at a space, and bytes of a name that are no text cannot be written.
    """
    return re.sub(r"[\s\ud800-\udfff]", "_", stem)


def _write(file: BinaryIO, mesh: Mesh, material: str) -> None:
    for key, text in mesh.comments().items():
        file.write(f"# {key} {' '.join(text.split())}\n".encode())
    file.write(f"mtllib {material}\nusemtl photo\n".encode())
    # 9 digits give every float32 back exactly.
    _write_lines(file, "v %.9g %.9g %.9g\n", to_gltf_axes(mesh.positions))
    uv = mesh.uv.copy()
    uv[:, 1] = 1 - uv[:, 1]  # the format counts from the lower edge
    _write_lines(file, "vt %.9g %.9g\n", uv)
    reference = "%d/%d"
    if mesh.normals is not None:
        _write_lines(file, "vn %.6g %.6g %.6g\n", to_gltf_axes(mesh.normals))
        reference = "%d/%d/%d"
    corners = reference.count("%d")
    indices = np.repeat(mesh.faces.astype(np.int64) + 1, corners, axis=1)
    _write_lines(file, f"f {' '.join([reference] * 3)}\n", indices)


def _write_lines(file: BinaryIO, line: str, rows: NDArray[np.generic]) -> None:
    for start in range(0, len(rows), _CHUNK):
        part = rows[start : start + _CHUNK]
        file.write((line * len(part) % tuple(part.ravel().tolist())).encode())
