"""Procedural materials: colour as a function of the surface point, in linear light."""

from __future__ import annotations

import numpy as np

from scripts.scenes.shapes import Array, Material


def linear(*srgb: int) -> Array:
    """An sRGB colour (0-255) in linear light."""
    c = np.array(srgb) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def _hash(x: Array, y: Array, seed: int) -> Array:
    """A repeatable value in [0, 1) for every lattice point."""
    mixed = np.sin(x * 127.1 + y * 311.7 + seed * 74.7) * 43758.5453
    return mixed - np.floor(mixed)


def noise(x: Array, y: Array, seed: int = 0, octaves: int = 4) -> Array:
    """Smooth value noise in about [0, 1]."""
    total, weight = np.zeros_like(x), 0.0
    for octave in range(octaves):
        scale = 2.0**octave
        u, v = x * scale, y * scale
        i, j = np.floor(u), np.floor(v)
        f, g = u - i, v - j
        f, g = f * f * (3 - 2 * f), g * g * (3 - 2 * g)
        top = _hash(i, j, seed) * (1 - f) + _hash(i + 1, j, seed) * f
        bottom = _hash(i, j + 1, seed) * (1 - f) + _hash(i + 1, j + 1, seed) * f
        total += (top * (1 - g) + bottom * g) / scale
        weight += 1 / scale
    return total / weight


def surface_uv(points: Array, normals: Array) -> tuple[Array, Array]:
    """Coordinates along the face a point lies on: across, and down (or away, on a floor)."""
    axis = np.argmax(np.abs(normals), axis=1)
    u = np.where(axis == 0, points[:, 2], points[:, 0])
    v = np.where(axis == 1, points[:, 2], points[:, 1])
    return u, v


def mix(a: Array, b: Array, share: Array) -> Array:
    """Colours a and b blended per point; share 0 is a."""
    return a + (b - a) * np.clip(share, 0, 1)[:, None]


def plain(colour: Array, grain: float = 0.06, scale: float = 9.0, seed: int = 0) -> Material:
    """One colour with a little unevenness."""

    def material(points: Array, normals: Array) -> Array:
        u, v = surface_uv(points, normals)
        return colour * (1 + grain * (2 * noise(u * scale, v * scale, seed) - 1))[:, None]

    return material


def planks(colour: Array, width: float = 0.14, length: float = 1.6, seed: int = 1) -> Material:
    """Floor boards along z, each with its own tone, grain along the board and a dark joint."""

    def material(points: Array, normals: Array) -> Array:
        u, v = surface_uv(points, normals)
        column = np.floor(u / width)
        along = v / length + _hash(column, column * 0, seed)
        board = np.floor(along)
        tone = 0.75 + 0.5 * _hash(column, board, seed + 1)
        grain = noise(u * 60 + 9 * board, v * 3, seed + 2)
        edge = np.minimum(np.abs(u / width - column - 0.5), 0.5)
        joint = (edge > 0.475) | (np.abs(along - board - 0.5) > 0.497)
        shade = tone * (0.8 + 0.4 * grain) * np.where(joint, 0.45, 1.0)
        return colour * shade[:, None]

    return material


def bricks(
    colour: Array, mortar: Array, width: float = 0.24, height: float = 0.075, seed: int = 5
) -> Material:
    """Bricks in running bond."""

    def material(points: Array, normals: Array) -> Array:
        u, v = surface_uv(points, normals)
        row = np.floor(v / height)
        across = u / width + 0.5 * (row % 2)
        column = np.floor(across)
        tone = 0.7 + 0.6 * _hash(column, row, seed)
        rough = 0.85 + 0.3 * noise(u * 40, v * 40, seed)
        gap = (np.abs(across - column - 0.5) > 0.47) | (np.abs(v / height - row - 0.5) > 0.44)
        return np.where(gap[:, None], mortar, colour * (tone * rough)[:, None])

    return material


def wallpaper(colour: Array, pattern: Array, period: float = 0.3) -> Material:
    """Faint vertical stripes with a small diamond in each."""

    def material(points: Array, normals: Array) -> Array:
        u, v = surface_uv(points, normals)
        a, b = u / period, v / period
        stripe = 0.35 * (np.abs(a - np.floor(a) - 0.5) < 0.22)
        diamond = np.abs(a - np.floor(a) - 0.5) + np.abs(b - np.floor(b) - 0.5) < 0.13
        return mix(np.broadcast_to(colour, points.shape), pattern, stripe + 0.65 * diamond)

    return material


def rug(inner: Array, border: Array, half: tuple[float, float]) -> Material:
    """A rug: a border, rings of lozenges, and a pile that is not quite even."""

    def material(points: Array, normals: Array) -> Array:
        u, v = points[:, 0], points[:, 2]
        lozenge = (np.abs(np.sin(u * 7)) + np.abs(np.sin(v * 7))) % 0.66 < 0.33
        frame = np.maximum(np.abs(u) / half[0], np.abs(v) / half[1]) > 0.88
        base = mix(np.broadcast_to(inner, points.shape), border, 0.75 * lozenge + frame)
        return base * (0.8 + 0.4 * noise(u * 90, v * 90, 3, 2))[:, None]

    return material


def books(colours: Array, width: float = 0.045, seed: int = 8) -> Material:
    """Book spines side by side along the face."""

    def material(points: Array, normals: Array) -> Array:
        u, v = surface_uv(points, normals)
        slot = np.floor(u / width)
        chosen = colours[(np.floor(_hash(slot, slot * 0, seed) * len(colours))).astype(int)]
        gap = np.abs(u / width - slot - 0.5) > 0.44
        band = np.abs(v - 0.05 * np.sin(slot * 3)) < 0.012
        return chosen * np.where(gap, 0.25, np.where(band, 1.7, 1.0))[:, None]

    return material


def painting(width: float, height: float) -> Material:
    """A framed landscape: sky, hills, a sun, a frame of dark wood."""

    def material(points: Array, normals: Array) -> Array:
        u, v = surface_uv(points, normals)
        a, b = u / (width / 2), v / (height / 2)
        sky = mix(
            np.broadcast_to(linear(120, 170, 215), points.shape), linear(250, 225, 190), b + 0.7
        )
        hills = b > 0.15 + 0.35 * (noise(a * 1.6 + 4, a * 0, 21) - 0.5)
        field = b > 0.5 + 0.25 * (noise(a * 1.1 + 9, a * 0, 22) - 0.5)
        colour = np.where(hills[:, None], linear(70, 105, 95), sky)
        colour = np.where(field[:, None], linear(165, 150, 70), colour)
        sun = (a - 0.35) ** 2 * (width / height) ** 2 + (b + 0.35) ** 2 < 0.02
        colour = np.where(sun[:, None], linear(255, 245, 205), colour)
        frame = (np.abs(a) > 1 - 0.10 * height / width) | (np.abs(b) > 0.9)
        return np.where(frame[:, None], linear(70, 45, 30), colour)

    return material


def panes(
    glass: Array, bars: Array, columns: int, rows: int, size: tuple[float, float]
) -> Material:
    """A window: panes between bars, brighter towards the top."""

    def material(points: Array, normals: Array) -> Array:
        u, v = surface_uv(points, normals)
        a, b = u / size[0] + 0.5, v / size[1] + 0.5
        p, q = a * columns, b * rows
        bar = (np.abs(p - np.floor(p) - 0.5) > 0.5 - 0.02 * columns) | (
            np.abs(q - np.floor(q) - 0.5) > 0.5 - 0.02 * rows
        )
        sky = glass * (1.15 - 0.4 * b)[:, None]
        return np.where(bar[:, None], bars, sky)

    return material


def facade(wall: Material, glass: Array, frame: Array, pitch: tuple[float, float]) -> Material:
    """A house front: the wall's own material with a grid of framed windows."""

    def material(points: Array, normals: Array) -> Array:
        u, v = surface_uv(points, normals)
        a, b = u / pitch[0], v / pitch[1]
        i, j = np.floor(a), np.floor(b)
        x, y = np.abs(a - i - 0.5), np.abs(b - j - 0.5)
        lit = 0.5 + 0.9 * _hash(i, j, 31)
        sheen = (0.8 + 0.5 * noise(u * 0.8 + i, v * 0.8 + j, 33))[:, None]
        window = (x < 0.24) & (y < 0.30)
        surround = (x < 0.29) & (y < 0.36)
        cross = (x < 0.012) | (y < 0.014)
        colour = np.where(surround[:, None], frame, wall(points, normals))
        pane = glass * lit[:, None] * sheen
        return np.where((window & ~cross)[:, None], pane, colour)

    return material


def foliage(colour: Array, seed: int = 41) -> Material:
    """Leaves, as clumps of light and dark."""

    def material(points: Array, normals: Array) -> Array:
        clumps = noise(points[:, 0] * 3.1 + points[:, 2] * 2.3, points[:, 1] * 3.7, seed, 5)
        return colour * (0.35 + 1.4 * clumps**2)[:, None]

    return material
