"""Casting the rays: depth at the pixel centres, colour from several rays per pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scripts.scenes.shapes import Array, Shape

FAR = 1e6
SHADOW_RAYS = 2  # towards each light, from every sample of a pixel
LIFT = 1e-4  # metres; a ray that leaves a surface starts this far from it


@dataclass(frozen=True)
class Camera:
    """A pinhole camera at the origin of its own frame, turned within the scene.

    Attributes:
        width, height: in pixels.
        focal: in pixels, the same along both axes; the principal point is the picture's centre.
        yaw, pitch: degrees to the right and down.
        position: in the scene.
    """

    width: int
    height: int
    focal: float
    yaw: float = 0.0
    pitch: float = 0.0
    position: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def axes(self) -> Array:
        """Rows are the camera's right, down and forward in the scene."""
        y, p = np.deg2rad(self.yaw), np.deg2rad(self.pitch)
        turn = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
        nod = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
        return nod @ turn

    def rays(self, rows: Array, dx: float, dy: float) -> Array:
        """Directions (rows x width, 3) with unit z in the camera's frame, so t is depth."""
        v, u = np.meshgrid(rows + dy, np.arange(self.width) + dx, indexing="ij")
        local = np.stack(
            [
                (u - (self.width - 1) / 2) / self.focal,
                (v - (self.height - 1) / 2) / self.focal,
                np.ones_like(u),
            ],
            axis=-1,
        )
        return local.reshape(-1, 3) @ self.axes


@dataclass(frozen=True)
class Light:
    """Light from a point (falls off with distance) or from a far direction.

    Attributes:
        place: its position, or for a far light a position in its direction.
        colour: linear rgb; for a point light at one metre.
        far: whether it is a direction.
        spread: its extent along each axis; shadows soften with it.
    """

    place: tuple[float, float, float]
    colour: Array
    far: bool = False
    spread: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Scene:
    """Everything a picture needs.

    Attributes:
        shapes: what is there.
        lights: what lights it.
        ambient: linear rgb from everywhere, dimmed where surfaces are close together.
        sky: colours at the horizon and overhead where a ray meets nothing; None for a closed room.
        reach: metres within which surfaces dim each other's ambient light.
        exposure: factor before the tone curve.
        haze: metres at which a surface has lost 63 % of its colour to the horizon's; 0 for none.
    """

    shapes: Sequence[Shape]
    lights: Sequence[Light]
    ambient: Array
    sky: tuple[Array, Array] | None = None
    reach: float = 0.8
    exposure: float = 1.0
    haze: float = 0.0


def trace(shapes: Sequence[Shape], origins: Array, directions: Array) -> tuple[Array, Array]:
    """The first hit of every ray: its parameter t (inf for none) and the shape's index.

    Args:
        shapes: what the rays may meet.
        origins: (n, 3), or (1, 3) where all rays start at one point.
        directions: (n, 3).
    """
    best = np.full(len(directions), np.inf)
    index = np.full(len(directions), -1)
    squared = (directions * directions).sum(axis=1)
    for i, shape in enumerate(shapes):
        # Only rays that pass the shape's bounding sphere are worth the exact test.
        offset = np.array(shape.centre) - origins
        along = (directions * offset).sum(axis=1)
        radius2 = sum(extent * extent for extent in shape.size) / 4
        apart = (offset * offset).sum(axis=1) * squared - along * along
        near = np.flatnonzero(apart <= radius2 * squared)
        if near.size == 0:
            continue
        starts = origins if len(origins) == 1 else origins[near]
        t = shape.hit(starts, directions[near])
        closer = t < best[near]
        chosen = near[closer]
        best[chosen] = t[closer]
        index[chosen] = i
    return best, index


def render_depth(scene: Scene, camera: Camera) -> Array:
    """Exact z-depth (height, width) in metres at the pixel centres; 0 where there is nothing."""
    rows = np.arange(camera.height, dtype=float)
    origins = np.array([camera.position])
    t, _ = trace(scene.shapes, origins, camera.rays(rows, 0, 0))
    return np.where(np.isfinite(t), t, 0).reshape(camera.height, camera.width)


def render_colour(scene: Scene, camera: Camera, samples: int = 4, band: int = 24) -> Array:
    """The picture (height, width, 3) in [0, 1], sRGB. Repeatable: the jitter is seeded."""
    random = np.random.default_rng(20)
    offsets = [((i + 0.5) / 2 - 0.5, (j + 0.5) / 2 - 0.5) for i in range(2) for j in range(2)]
    picture = np.zeros((camera.height, camera.width, 3))
    for start in range(0, camera.height, band):
        rows = np.arange(start, min(start + band, camera.height), dtype=float)
        for dx, dy in offsets[:samples]:
            jitter = random.uniform(-0.2, 0.2, 2)
            directions = camera.rays(rows, dx + jitter[0], dy + jitter[1])
            colour = _shade(scene, camera, directions, random)
            picture[start : start + len(rows)] += colour.reshape(len(rows), camera.width, 3)
    picture *= scene.exposure / min(samples, len(offsets))
    return _tone(picture)


def _shade(scene: Scene, camera: Camera, directions: Array, random: np.random.Generator) -> Array:
    origins = np.array([camera.position])
    t, index = trace(scene.shapes, origins, directions)
    unit = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    horizon, zenith = scene.sky or (np.zeros(3), np.zeros(3))
    up = np.clip(-unit[:, 1:2] * 2.2, 0, 1) ** 0.7
    colour = horizon + (zenith - horizon) * up
    points = origins + np.where(np.isfinite(t), t, FAR)[:, None] * directions
    for i, shape in enumerate(scene.shapes):
        mine = np.flatnonzero(index == i)
        if mine.size == 0:
            continue
        local = shape.to_local(points[mine])
        local_normal = shape.normal(local)
        axes = shape.turn(np.eye(3))
        normal = local_normal @ axes.T
        facing = (normal * unit[mine]).sum(axis=1, keepdims=True) < 0
        normal = np.where(facing, normal, -normal)
        surface = shape.material(local, local_normal)
        lit = _light(scene, points[mine], normal, random)
        colour[mine] = surface * (lit + shape.glow)
    if scene.haze:
        seen = np.isfinite(t)[:, None]
        veil = 1 - np.exp(-np.where(np.isfinite(t), t, 0) / scene.haze)[:, None]
        colour = np.where(seen, colour + (horizon - colour) * veil, colour)
    return colour


def _light(scene: Scene, points: Array, normals: Array, random: np.random.Generator) -> Array:
    starts = points + LIFT * normals
    total = np.zeros_like(points)
    glow = np.array([shape.glow for shape in scene.shapes] + [0.0])
    for light in scene.lights:
        for _ in range(SHADOW_RAYS):
            off = random.uniform(-0.5, 0.5, size=points.shape) * np.array(light.spread)
            place = np.array(light.place) + off
            towards = np.broadcast_to(place, points.shape) if light.far else place - starts
            distance = np.linalg.norm(towards, axis=1, keepdims=True)
            towards = towards / distance
            cosine = np.maximum((towards * normals).sum(axis=1, keepdims=True), 0)
            blocked, index = trace(scene.shapes, starts, towards)
            free = (blocked > (FAR if light.far else distance[:, 0])) | (glow[index] > 0)
            falloff = 1.0 if light.far else 1 / np.maximum(distance, 0.3) ** 2
            total += free[:, None] * cosine * falloff * light.colour / SHADOW_RAYS
    return total + scene.ambient * _openness(scene, starts, normals, random)[:, None]


def _openness(scene: Scene, starts: Array, normals: Array, random: np.random.Generator) -> Array:
    """The share of near directions that are free (ambient occlusion), by four random rays."""
    free = np.zeros(len(starts))
    for _ in range(4):
        ray = normals + random.normal(size=normals.shape) * 0.6
        ray /= np.linalg.norm(ray, axis=1, keepdims=True)
        ray = np.where((ray * normals).sum(axis=1, keepdims=True) > 0, ray, -ray)
        t, _ = trace(scene.shapes, starts, ray)
        free += np.clip(t / scene.reach, 0.1, 1)
    return free / 4


def _tone(linear_light: Array) -> Array:
    """Linear light to sRGB, with a soft shoulder so that lamps do not burn out."""
    x = linear_light / (1 + 0.25 * linear_light)
    x = np.clip(x, 0, 1)
    return np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)
