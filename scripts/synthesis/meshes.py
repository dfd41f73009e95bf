"""Own geometry: quads and boxes gathered into one mesh, UV coordinates in metres."""

from __future__ import annotations

import math
from collections.abc import Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

Point = Sequence[float]
Points = NDArray[np.float64]


class MeshBuilder:
    """Gathers quads; `build` makes one object of them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._vertices: list[Point] = []
        self._uv: list[tuple[float, float]] = []
        self._corners: list[tuple[int, ...]] = []
        self._faces: list[int] = []
        self._smooth: list[bool] = []
        self._materials: list[bpy.types.Material] = []

    def quad(
        self,
        corners: Sequence[Point],
        material: bpy.types.Material,
        origin: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """Four corners in order; U runs along the first edge, V along the last, in metres."""
        a, b, _, d = corners
        wide, high = math.dist(a, b), math.dist(a, d)
        u, v = origin
        first = len(self._vertices)
        self._vertices += corners
        self._corners.append((first, first + 1, first + 2, first + 3))
        self._smooth.append(False)
        self._uv += [(u, v), (u + wide, v), (u + wide, v + high), (u, v + high)]
        if material not in self._materials:
            self._materials.append(material)
        self._faces.append(self._materials.index(material))

    def box(
        self,
        centre: Point,
        size: Point,
        material: bpy.types.Material,
        yaw: float = 0.0,
        front: bpy.types.Material | None = None,
    ) -> None:
        """A box turned by `yaw` about the vertical; `front` covers its -Y face."""
        c, s = math.cos(yaw), math.sin(yaw)
        x, y, z = (value / 2 for value in size)

        def at(i: float, j: float, k: float) -> Point:
            dx, dy = i * x, j * y
            return centre[0] + c * dx - s * dy, centre[1] + s * dx + c * dy, centre[2] + k * z

        faces = (
            ((-1, -1, -1), (1, -1, -1), (1, -1, 1), (-1, -1, 1)),
            ((1, 1, -1), (-1, 1, -1), (-1, 1, 1), (1, 1, 1)),
            ((-1, 1, -1), (-1, -1, -1), (-1, -1, 1), (-1, 1, 1)),
            ((1, -1, -1), (1, 1, -1), (1, 1, 1), (1, -1, 1)),
            ((-1, -1, 1), (1, -1, 1), (1, 1, 1), (-1, 1, 1)),
            ((-1, 1, -1), (1, 1, -1), (1, -1, -1), (-1, -1, -1)),
        )
        for number, face in enumerate(faces):
            chosen = front if front is not None and number == 0 else material
            self.quad([at(*corner) for corner in face], chosen)

    def cylinder(
        self,
        foot: Point,
        radius: float,
        height: float,
        material: bpy.types.Material,
        top_radius: float | None = None,
        sides: int = 20,
    ) -> None:
        """An upright cylinder or cone of flat sides, with a lid."""
        upper = radius if top_radius is None else top_radius
        for k in range(sides):
            a, b = (2 * math.pi * i / sides for i in (k, k + 1))
            low = [
                (foot[0] + radius * math.cos(t), foot[1] + radius * math.sin(t), foot[2])
                for t in (a, b)
            ]
            high = [
                (foot[0] + upper * math.cos(t), foot[1] + upper * math.sin(t), foot[2] + height)
                for t in (b, a)
            ]
            self.quad([*low, *high], material, (a * radius, 0))
            tip = (foot[0], foot[1], foot[2] + height)
            self.quad([high[1], high[0], tip, tip], material)

    def sheet(self, points: Points, material: bpy.types.Material) -> None:
        """A grid of points (rows, columns, 3) as one smooth cloth-like surface."""
        rows, columns = points.shape[:2]
        along = np.linalg.norm(np.diff(points, axis=1), axis=2).mean(0)
        down = np.linalg.norm(np.diff(points, axis=0), axis=2).mean(1)
        u, v = (np.concatenate(([0.0], np.cumsum(part))) for part in (along, down))
        first = len(self._vertices)
        self._vertices += [tuple(point) for point in points.reshape(-1, 3).tolist()]
        if material not in self._materials:
            self._materials.append(material)
        for i in range(rows - 1):
            for j in range(columns - 1):
                cell = ((i, j), (i, j + 1), (i + 1, j + 1), (i + 1, j))
                self._corners.append(tuple(first + a * columns + b for a, b in cell))
                self._uv += [(float(u[b]), float(v[a])) for a, b in cell]
                self._faces.append(self._materials.index(material))
                self._smooth.append(True)

    def build(self) -> bpy.types.Object | None:
        """The object, linked to the scene; None if nothing was gathered."""
        if not self._faces:
            return None
        mesh = bpy.data.meshes.new(self.name)
        mesh.from_pydata(self._vertices, [], self._corners)
        layer = mesh.uv_layers.new(name="UVMap")
        layer.data.foreach_set("uv", np.asarray(self._uv, np.float32).ravel())
        mesh.polygons.foreach_set("material_index", np.asarray(self._faces, np.int32))
        mesh.polygons.foreach_set("use_smooth", np.asarray(self._smooth, bool))
        for material in self._materials:
            mesh.materials.append(material)
        thing = bpy.data.objects.new(self.name, mesh)
        bpy.context.scene.collection.objects.link(thing)
        return thing
