"""Brings library models into the scene, at their true size, mended and recoloured."""

from __future__ import annotations

import contextlib
import io
import math
import os
import random
from collections.abc import Iterator
from pathlib import Path

import bmesh
import bpy
import numpy as np
from mathutils import Matrix

from scripts.synthesis.catalog import Model
from scripts.synthesis.materials import shade, srgb, thing_colour, wood_colour

_KEPT_POLYGONS = 3_000_000
_OPAQUE = 0.5  # a surface more opaque than this is what the depth shows, so it shows itself alone


class ModelStore:
    """Imports each model once and places linked copies of it."""

    def __init__(self) -> None:
        self._meshes: dict[str, list[bpy.types.Mesh]] = {}
        self._painted: dict[tuple[str, str], bpy.types.Material] = {}
        self.used: dict[str, Model] = {}
        self._seed = ""

    def start(self, seed: str) -> None:
        """Forgets the last scene's colours; meshes are kept while they are few enough."""
        self._painted.clear()
        self.used.clear()
        self._seed = seed
        count = sum(len(m.polygons) for meshes in self._meshes.values() for m in meshes)
        if count > _KEPT_POLYGONS:
            for meshes in self._meshes.values():
                for mesh in meshes:
                    bpy.data.meshes.remove(mesh)
            self._meshes.clear()

    def place(
        self,
        model: Model,
        x: float,
        y: float,
        yaw: float = 0.0,
        z: float | None = None,
        scale: float = 1.0,
    ) -> list[bpy.types.Object]:
        """Puts the model's foot centre at (x, y, z), its front turned from -Y by `yaw`.

        Args:
            model: what to place.
            x, y: metres.
            yaw: radians about the vertical.
            z: height of the foot, metres; the library's own elevation if None.
            scale: of all three sizes.
        """
        if model.key not in self._meshes:
            self._meshes[model.key] = list(_import(model))
        self.used[model.key] = model
        height = model.elevation if z is None else z
        where = Matrix.Translation((x, y, height)) @ Matrix.Rotation(yaw, 4, "Z")
        objects = []
        for mesh in self._meshes[model.key]:
            thing = bpy.data.objects.new(model.path.stem, mesh)
            thing.matrix_world = where @ Matrix.Scale(scale, 4)
            bpy.context.scene.collection.objects.link(thing)
            for slot in thing.material_slots:
                if slot.material is not None:
                    original = slot.material
                    slot.link = "OBJECT"
                    slot.material = self._repaint(model, original)
            objects.append(thing)
        return objects

    def _repaint(self, model: Model, original: bpy.types.Material) -> bpy.types.Material:
        """The scene's own version of a model's material: often another colour."""
        known = (model.key, original.name)
        if known not in self._painted:
            # By seed, model and material alone: what was placed before must not matter.
            rng = random.Random(f"{self._seed}/{model.key}/{original.name.split('.')[0]}")
            self._painted[known] = _recoloured(original, rng, model)
        return self._painted[known]


def _import(model: Model) -> Iterator[bpy.types.Mesh]:
    """The model's meshes, their foot's centre at the origin, at the catalogue's size."""
    before = set(bpy.data.objects)
    with _silence():
        bpy.ops.wm.obj_import(filepath=str(model.path), forward_axis="NEGATIVE_Z", up_axis="Y")
    objects = [thing for thing in bpy.data.objects if thing not in before]
    bpy.context.view_layer.update()
    turn = _turn(model.rotation)
    meshes = []
    for thing in objects:
        mesh = thing.data
        mesh.transform(turn @ thing.matrix_world)
        bpy.data.objects.remove(thing)
        if mesh.polygons:
            meshes.append(mesh)
        else:
            bpy.data.meshes.remove(mesh)
    _drop_doubles(meshes)
    meshes = [mesh for mesh in meshes if mesh.polygons]
    corners = np.concatenate([_surface_points(mesh) for mesh in meshes])
    low, high = corners.min(0), corners.max(0)
    extent = np.maximum(high - low, 1e-4)
    scale = Matrix.Diagonal((*(model.size[k] / extent[k] for k in range(3)), 1))
    middle = ((low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2])
    fit = scale @ Matrix.Translation([-float(v) for v in middle])
    for mesh in meshes:
        mesh.transform(fit)
        mesh.use_fake_user = True
        for material in mesh.materials:
            if material is not None:
                material.use_fake_user = True
                _mend(material)
        yield mesh


def _drop_doubles(meshes: list[bpy.types.Mesh]) -> None:
    """Keeps one of the faces that lie on the same corners (a front and a back in one place).

    Light that leaves one of them meets the other at once: black triangles on people and lamps.
    """
    points = [_coordinates(mesh) for mesh in meshes]
    everything = np.concatenate(points)
    cell = max(1e-6, float(np.ptp(everything, 0).max()) * 1e-5)
    _, names = np.unique(np.rint(everything / cell), axis=0, return_inverse=True)
    names, seen, start = names.ravel(), set[tuple[int, ...]](), 0
    for mesh, own in zip(meshes, points, strict=True):
        known = names[start : start + len(own)].tolist()
        start += len(own)
        doubles = []
        for polygon in mesh.polygons:
            corners = tuple(sorted(known[k] for k in polygon.vertices))
            if corners in seen:
                doubles.append(polygon.index)
            seen.add(corners)
        if doubles:
            work = bmesh.new()
            work.from_mesh(mesh)
            work.faces.ensure_lookup_table()
            bmesh.ops.delete(work, geom=[work.faces[k] for k in doubles], context="FACES_ONLY")
            work.to_mesh(mesh)
            work.free()


def _coordinates(mesh: bpy.types.Mesh) -> np.ndarray:
    """(n, 3) vertices."""
    points = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", points)
    return points.reshape(-1, 3)


def _surface_points(mesh: bpy.types.Mesh) -> np.ndarray:
    """(n, 3) vertices that belong to a face; stray ones would falsify the size."""
    used = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", used)
    return _coordinates(mesh)[np.unique(used)]


def _turn(rotation: tuple[float, ...]) -> Matrix:
    """The library's rotation (y up) in Blender's frame (z up)."""
    if len(rotation) != 9:
        return Matrix.Identity(4)
    rows = Matrix((rotation[0:3], rotation[3:6], rotation[6:9]))
    up = Matrix(((1, 0, 0), (0, 0, -1), (0, 1, 0)))
    return (up @ rows @ up.inverted()).to_4x4()


def _mend(material: bpy.types.Material) -> None:
    """Drops textures without a file and half-transparency that depth cannot show."""
    tree = material.node_tree
    shader = tree.nodes.get("Principled BSDF") if tree else None
    if shader is None:
        return
    for node in list(tree.nodes):
        if node.type == "TEX_IMAGE":
            known = node.image is not None and node.image.size[0] > 0
            if not known:
                tree.nodes.remove(node)
                shader.inputs["Base Color"].default_value = (0.35, 0.3, 0.25, 1)
    alpha = shader.inputs["Alpha"]
    if not alpha.is_linked and alpha.default_value >= _OPAQUE:
        alpha.default_value = 1.0
    shader.inputs["Transmission Weight"].default_value = 0.0


def _recoloured(
    original: bpy.types.Material, rng: random.Random, model: Model
) -> bpy.types.Material:
    keep = 0.75 if model.category in ("Characters", "Exterior", "Vehicles") else 0.45
    tree = original.node_tree
    if rng.random() < keep or tree is None or "Principled BSDF" not in tree.nodes:
        return original
    material = original.copy()
    shader = material.node_tree.nodes["Principled BSDF"]
    base = shader.inputs["Base Color"]
    if base.is_linked:
        if model.category == "Characters":
            return original
        links = material.node_tree.links
        source = base.links[0].from_socket
        change = material.node_tree.nodes.new("ShaderNodeHueSaturation")
        change.inputs["Hue"].default_value = 0.5 + rng.gauss(0, 0.06)
        change.inputs["Saturation"].default_value = rng.uniform(0.6, 1.5)
        change.inputs["Value"].default_value = rng.uniform(0.45, 1.3)
        links.new(source, change.inputs["Color"])
        links.new(change.outputs["Color"], base)
    elif shader.inputs["Alpha"].default_value == 1.0:
        base.default_value = rng.choice(
            (
                thing_colour(rng),
                wood_colour(rng),
                wood_colour(rng),
                wood_colour(rng),
                srgb(rng.random(), rng.uniform(0, 0.1), rng.uniform(0.1, 0.95)),
                shade(tuple(base.default_value), rng.uniform(0.5, 1.6)),
            )
        )
    shader.inputs["Roughness"].default_value = rng.uniform(0.2, 0.9)
    return material


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keeps the importer's chatter, written by C++ code, off standard output."""
    kept = os.dup(1)
    with contextlib.redirect_stdout(io.StringIO()), Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        try:
            yield
        finally:
            os.dup2(kept, 1)
            os.close(kept)


def clear_scene(store: ModelStore, seed: str) -> None:
    """An empty scene: objects, own meshes, lights, worlds and copied materials go."""
    store.start(seed)
    for thing in list(bpy.data.objects):
        bpy.data.objects.remove(thing)
    for mesh in list(bpy.data.meshes):
        if not mesh.use_fake_user:
            bpy.data.meshes.remove(mesh)
    for kind in ("lights", "cameras", "worlds"):
        collection = getattr(bpy.data, kind)
        for item in list(collection):
            collection.remove(item)
    for material in list(bpy.data.materials):
        if not material.use_fake_user or material.users == 1:
            bpy.data.materials.remove(material)
    for image in list(bpy.data.images):
        if image.users == 0:
            bpy.data.images.remove(image)
    bpy.context.scene.world = bpy.data.worlds.new("world")


def spin(yaw: float, dx: float, dy: float) -> tuple[float, float]:
    """(dx, dy) turned by `yaw`."""
    c, s = math.cos(yaw), math.sin(yaw)
    return c * dx - s * dy, s * dx + c * dy
