"""Procedural surfaces: walls, floors, wood, cloth, pictures; all in metres of the UV map."""

from __future__ import annotations

import colorsys
import math
import random
from typing import Any

import bpy
import numpy as np

from scripts.synthesis.motifs import motif

Colour = tuple[float, float, float, float]


def srgb(hue: float, saturation: float, value: float) -> Colour:
    """Linear RGBA of a colour as a designer names it (HSV in sRGB)."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, min(1, saturation), min(1, value))

    def linear(c: float) -> float:
        return c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4

    return linear(red), linear(green), linear(blue), 1.0


def wall_colour(rng: random.Random) -> Colour:
    """Whites, creams and greys most often, then warm, strong and dark ones, as in real homes."""
    kind = rng.random()
    if kind < 0.55:
        return srgb(rng.uniform(0.08, 0.16), rng.uniform(0.0, 0.16), rng.uniform(0.7, 0.96))
    if kind < 0.78:
        return srgb(rng.uniform(0.05, 0.2), rng.uniform(0.2, 0.55), rng.uniform(0.5, 0.9))
    if kind < 0.92:
        return srgb(rng.random(), rng.uniform(0.08, 0.4), rng.uniform(0.4, 0.9))
    return srgb(rng.random(), rng.uniform(0.1, 0.7), rng.uniform(0.2, 0.45))


def wood_colour(rng: random.Random) -> Colour:
    """From birch to wenge."""
    value = rng.uniform(0.22, 0.85)
    return srgb(rng.uniform(0.04, 0.1), rng.uniform(0.35, 0.75) * (1.25 - value / 2), value)


def thing_colour(rng: random.Random) -> Colour:
    """Books, boxes, cushions, toys: white, black, brown and dull more often than strong."""
    kind = rng.random()
    if kind < 0.22:
        return srgb(rng.random(), rng.uniform(0, 0.1), rng.uniform(0.75, 0.97))
    if kind < 0.42:
        return srgb(rng.random(), rng.uniform(0, 0.25), rng.uniform(0.05, 0.25))
    if kind < 0.7:  # browns, beiges, dark reds and blues
        hue = rng.choice((rng.uniform(0, 0.14), rng.uniform(0, 0.14), rng.uniform(0.55, 0.68)))
        return srgb(hue, rng.uniform(0.1, 0.6), rng.uniform(0.15, 0.8))
    return srgb(rng.random(), rng.uniform(0.2, 0.85), rng.uniform(0.2, 0.9))


def shade(colour: Colour, factor: float) -> Colour:
    """The colour, lighter or darker."""
    red, green, blue = (min(1.0, c * factor) for c in colour[:3])
    return red, green, blue, 1.0


class Surface:
    """A Principled material under construction."""

    def __init__(self, name: str, roughness: float, metallic: float = 0.0) -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.tree = self.material.node_tree
        self.shader = self.tree.nodes["Principled BSDF"]
        self.shader.inputs["Roughness"].default_value = roughness
        self.shader.inputs["Metallic"].default_value = metallic
        self._uv: Any = None

    def node(self, kind: str, output: str | int = 0, **inputs: Any) -> Any:
        """A node's output; inputs are constants or other outputs, `_` in a name is a space."""
        node = self.tree.nodes.new(kind)
        for name, value in inputs.items():
            socket = node.inputs[name.replace("_", " ") if name[0] != "i" else int(name[1:])]
            if isinstance(value, bpy.types.NodeSocket):
                self.tree.links.new(value, socket)
            else:
                socket.default_value = value
        return node.outputs[output]

    def uv(self, scale: tuple[float, float] = (1, 1), turn: float = 0.0) -> Any:
        """UV coordinates in metres, scaled and turned."""
        if self._uv is None:
            self._uv = self.node("ShaderNodeTexCoord", "UV")
        return self.node(
            "ShaderNodeMapping", Vector=self._uv, Scale=(*scale, 1), Rotation=(0, 0, turn)
        )

    def mix(self, factor: Any, first: Any, second: Any, blend: str = "MIX") -> Any:
        out = self.node("ShaderNodeMixRGB", i0=factor, i1=first, i2=second)
        out.node.blend_type = blend
        return out

    def noise(self, vector: Any, scale: float, detail: float = 4) -> Any:
        """Noise over the UV plane; each unit of detail is another octave, and its time."""
        out = self.node("ShaderNodeTexNoise", Vector=vector, Scale=scale, Detail=detail)
        out.node.noise_dimensions = "2D"
        return out

    def paint(self, colour: Any, bump: Any = None, depth: float = 0.0) -> bpy.types.Material:
        """Links the base colour (and a bump of so many metres) and returns the material."""
        target = self.shader.inputs["Base Color"]
        if isinstance(colour, bpy.types.NodeSocket):
            self.tree.links.new(colour, target)
        else:
            target.default_value = colour
        if bump is not None:
            normal = self.node("ShaderNodeBump", Height=bump, Distance=depth)
            self.tree.links.new(normal, self.shader.inputs["Normal"])
        return self.material

    def image(self, pixels: np.ndarray, vector: Any, repeat: bool = True) -> Any:
        """An image texture of (H, W, 3) sRGB numbers in [0, 1]."""
        height, width = pixels.shape[:2]
        image = bpy.data.images.new("motif", width, height, alpha=False)
        rgba = np.ones((height, width, 4), np.float32)
        rgba[..., :3] = pixels[::-1]
        image.pixels.foreach_set(rgba.ravel())
        image.pack()
        node = self.tree.nodes.new("ShaderNodeTexImage")
        node.image = image
        node.extension = "REPEAT" if repeat else "EXTEND"
        self.tree.links.new(vector, node.inputs["Vector"])
        return node.outputs["Color"]


def plain(colour: Colour, roughness: float = 0.6, metallic: float = 0.0) -> bpy.types.Material:
    """One colour."""
    return Surface("plain", roughness, metallic).paint(colour)


def wall(rng: random.Random, style: str | None = None) -> bpy.types.Material:
    """Paint, plaster, wallpaper, bricks, panels or tiles."""
    style = (
        style
        or rng.choices(
            ("paint", "plaster", "paper", "stripes", "brick", "panel", "tile"),
            (8, 2.5, 0.8, 0.3, 0.5, 0.6, 0.3),
        )[0]
    )
    base = wall_colour(rng)
    other = shade(base, rng.uniform(0.55, 0.9))
    surface = Surface("wall", rng.uniform(0.5, 0.95) if style != "tile" else rng.uniform(0.1, 0.3))
    uv = surface.uv()
    if style in ("brick", "tile"):
        if style == "brick":
            base = srgb(rng.uniform(0, 0.08), rng.uniform(0.3, 0.65), rng.uniform(0.35, 0.75))
        return _blocks(surface, rng, base, style)
    if style == "panel":
        wood = wood_colour(rng)
        return _planks(surface, rng, wood, math.pi / 2)
    if style in ("paper", "stripes"):
        tile = rng.uniform(0.15, 0.6)
        pixels = motif(rng, "stripes" if style == "stripes" else "paper", base[:3])
        colour = surface.image(pixels, surface.uv((1 / tile, 1 / tile)))
        return surface.paint(colour)
    stains = surface.noise(uv, rng.uniform(0.6, 2.5), 3)
    strength = rng.uniform(0.1, 0.35) if style == "paint" else rng.uniform(0.4, 0.9)
    colour = surface.mix(surface.node("ShaderNodeMath", i0=stains, i1=strength), base, other)
    colour.node.inputs[0].links[0].from_node.operation = "MULTIPLY"
    if style == "paint":
        return surface.paint(colour)
    return surface.paint(colour, surface.noise(uv, rng.uniform(15, 120), 1), 0.01)


def floor(rng: random.Random, style: str | None = None) -> bpy.types.Material:
    """Boards, tiles, carpet, stone or chequered lino."""
    style = (
        style or rng.choices(("planks", "tile", "carpet", "stone", "checker"), (5, 2, 3, 1, 0.8))[0]
    )
    surface = Surface("floor", rng.uniform(0.15, 0.6) if style != "carpet" else 0.95)
    turn = rng.choice((0, math.pi / 2))
    if style == "planks":
        return _planks(surface, rng, wood_colour(rng), turn)
    if style == "tile":
        base = srgb(rng.uniform(0.02, 0.15), rng.uniform(0.02, 0.5), rng.uniform(0.35, 0.9))
        return _blocks(surface, rng, base, "floor tile")
    uv = surface.uv()
    hue = rng.choice((rng.random(), 0.08, 0.09, 0.1))  # beige and grey more than any other
    base = srgb(hue, rng.uniform(0.03, 0.5), rng.uniform(0.2, 0.75))
    if style == "carpet":
        fine = surface.noise(uv, rng.uniform(120, 300), 1)
        broad = surface.noise(uv, rng.uniform(0.8, 3), 2)
        colour = surface.mix(fine, shade(base, 0.45), shade(base, 1.4))
        colour = surface.mix(broad, colour, shade(base, 0.7), "SOFT_LIGHT")
        return surface.paint(colour)
    if style == "checker":
        white = srgb(0.1, rng.uniform(0, 0.15), rng.uniform(0.7, 0.95))
        size = rng.uniform(0.2, 0.45)
        checks = surface.node(
            "ShaderNodeTexChecker", Vector=uv, Color1=white, Color2=base, Scale=1 / size
        )
        return surface.paint(checks)
    veins = surface.noise(uv, rng.uniform(2, 6), 5)
    return surface.paint(surface.mix(veins, shade(base, 0.5), shade(base, 1.5)))


def wood(rng: random.Random, colour: Colour | None = None) -> bpy.types.Material:
    """Grain along the U axis of the UV map or across it."""
    surface = Surface("wood", rng.uniform(0.25, 0.7))
    base = colour or wood_colour(rng)
    turn = rng.choice((0, math.pi / 2))
    grain = surface.noise(surface.uv((1.5, 22), turn), rng.uniform(1.5, 4), 3)
    return surface.paint(surface.mix(grain, shade(base, 0.55), shade(base, 1.3)))


def cloth(rng: random.Random) -> bpy.types.Material:
    """Curtains, covers, rugs, cushions: a weave or a printed motif."""
    surface = Surface("cloth", 0.95)
    base = thing_colour(rng)
    if rng.random() < 0.55:
        tile = rng.uniform(0.15, 0.7)
        pixels = motif(rng, rng.choice(("paper", "stripes", "checks", "paper")), base[:3])
        return surface.paint(surface.image(pixels, surface.uv((1 / tile, 1 / tile))))
    weave = surface.noise(surface.uv(), rng.uniform(80, 250), 1)
    return surface.paint(surface.mix(weave, shade(base, 0.6), shade(base, 1.3)))


def bedding(rng: random.Random) -> bpy.types.Material:
    """Sheets, covers and towels: plain and pale most often, else a cloth of any kind."""
    if rng.random() < 0.35:
        return cloth(rng)
    colour = wall_colour(rng) if rng.random() < 0.7 else thing_colour(rng)
    return plain(colour, 0.95)


def worktop(rng: random.Random) -> bpy.types.Material:
    """Speckled stone, plain laminate or wood."""
    kind = rng.random()
    if kind < 0.2:
        return wood(rng)
    surface = Surface("worktop", rng.uniform(0.1, 0.4))
    base = srgb(rng.uniform(0.03, 0.14), rng.uniform(0, 0.4), rng.uniform(0.08, 0.9))
    if kind < 0.5:
        return surface.paint(base)
    specks = surface.noise(surface.uv(), rng.uniform(15, 90), 3)
    return surface.paint(surface.mix(specks, shade(base, 0.35), shade(base, 1.6)))


def picture(rng: random.Random, kind: str, width: float, height: float) -> bpy.types.Material:
    """A printed image that fills a quad of that size once: poster, painting, page, screen."""
    glow = kind == "screen"
    surface = Surface("picture", rng.uniform(0.15, 0.6))
    pixels = motif(rng, kind, thing_colour(rng)[:3], width / max(height, 1e-3))
    colour = surface.image(pixels, surface.uv((1 / width, 1 / height)), repeat=False)
    material = surface.paint(colour)
    if glow:
        surface.tree.links.new(colour, surface.shader.inputs["Emission Color"])
        surface.shader.inputs["Emission Strength"].default_value = rng.uniform(0.3, 1.5)
        material.cycles.emission_sampling = "NONE"
    return material


def glow(colour: Colour, strength: float) -> bpy.types.Material:
    """A lamp's surface: seen bright; the light itself comes from a light object."""
    surface = Surface("glow", 0.5)
    surface.shader.inputs["Emission Color"].default_value = colour
    surface.shader.inputs["Emission Strength"].default_value = strength
    surface.material.cycles.emission_sampling = "NONE"
    return surface.paint(colour)


def leaves(rng: random.Random) -> bpy.types.Material:
    """Foliage and grass."""
    surface = Surface("leaves", 0.8)
    base = srgb(rng.uniform(0.17, 0.36), rng.uniform(0.35, 0.8), rng.uniform(0.2, 0.55))
    spots = surface.noise(surface.uv(), rng.uniform(3, 14), 4)
    return surface.paint(surface.mix(spots, shade(base, 0.25), shade(base, 1.7)))


def _blocks(surface: Surface, rng: random.Random, base: Colour, style: str) -> bpy.types.Material:
    size = rng.uniform(0.2, 0.6) if style == "floor tile" else rng.uniform(0.1, 0.3)
    wide, high = (0.24, 0.075) if style == "brick" else (size, size * rng.choice((1, 1, 0.5)))
    uv = surface.uv()
    mottled = surface.mix(surface.noise(uv, rng.uniform(3, 20), 3), base, shade(base, 0.7))
    out = surface.node(
        "ShaderNodeTexBrick",
        Vector=uv,
        Color1=mottled,
        Color2=shade(base, rng.uniform(0.65, 0.98)),
        Mortar=shade(base, rng.choice((0.4, 1.3))),
        Scale=1.0,
        Mortar_Size=rng.uniform(0.003, 0.01),
        Brick_Width=wide,
        Row_Height=high,
    )
    out.node.offset = 0.5 if style == "brick" or rng.random() < 0.3 else 0.0
    return surface.paint(out)


def _planks(surface: Surface, rng: random.Random, base: Colour, turn: float) -> bpy.types.Material:
    uv = surface.uv(turn=turn)
    grain = surface.noise(surface.uv((1.2, 25), turn), rng.uniform(1.5, 4), 3)
    light = surface.mix(grain, shade(base, 0.65), shade(base, 1.25))
    dark = surface.mix(grain, shade(base, 0.45), shade(base, 0.95))
    out = surface.node(
        "ShaderNodeTexBrick",
        Vector=uv,
        Color1=light,
        Color2=dark,
        Mortar=shade(base, 0.3),
        Scale=1.0,
        Mortar_Size=rng.uniform(0.002, 0.006),
        Brick_Width=rng.uniform(0.7, 1.8),
        Row_Height=rng.uniform(0.06, 0.18),
    )
    return surface.paint(out)
