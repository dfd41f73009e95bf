"""Lamps and daylight: analytic lights, which Cycles samples with little noise."""

from __future__ import annotations

import math
import random
from typing import Any

import bpy
from mathutils import Matrix

Rgb = tuple[float, float, float]


def area_light(
    position: tuple[float, float, float],
    yaw: float | None,
    size: tuple[float, float],
    watts: float,
    colour: Rgb,
) -> None:
    """A rectangle that shines down (yaw None) or along the front of a thing turned by `yaw`.

    The camera does not see it.
    """
    data = bpy.data.lights.new("area", "AREA")
    data.shape, data.size, data.size_y = "RECTANGLE", size[0], size[1]
    data.energy, data.color = watts, colour
    holder = bpy.data.objects.new("area", data)
    bpy.context.scene.collection.objects.link(holder)
    turn = Matrix.Identity(4)
    if yaw is not None:
        turn = Matrix.Rotation(yaw, 4, "Z") @ Matrix.Rotation(-math.pi / 2, 4, "X")
    holder.matrix_world = Matrix.Translation(position) @ turn
    holder.visible_camera = False


def point_light(position: tuple[float, float, float], watts: float, colour: Rgb) -> None:
    """A bulb of 6 cm."""
    data = bpy.data.lights.new("bulb", "POINT")
    data.energy, data.color, data.shadow_soft_size = watts, colour, 0.06
    holder = bpy.data.objects.new("bulb", data)
    bpy.context.scene.collection.objects.link(holder)
    holder.location = position


def sun(rng: random.Random, strength: float, low: float = 0.25, high: float = 1.2) -> None:
    """The sun, from a random side."""
    data = bpy.data.lights.new("sun", "SUN")
    data.energy, data.angle = strength, rng.choice((0.009, 0.03, 0.2))
    data.color = (1.0, rng.uniform(0.8, 0.97), rng.uniform(0.6, 0.9))
    holder = bpy.data.objects.new("sun", data)
    bpy.context.scene.collection.objects.link(holder)
    holder.rotation_euler = (math.pi / 2 - rng.uniform(low, high), 0, rng.uniform(0, 2 * math.pi))


def lamp_colour(rng: random.Random) -> Rgb:
    """From a candle's to a fluorescent tube's."""
    warmth = rng.random()
    return 1.0, 1 - 0.32 * warmth, 1 - 0.62 * warmth


def surroundings(
    rng: random.Random, *, seen: float, fill: float, day: bool = True, reach: float = 1.5
) -> None:
    """The sky as the camera sees it, and a dim even light for the rest.

    Args:
        rng: decides the sky.
        seen: brightness of the sky for the camera.
        fill: brightness of the even light that stands for further bounces.
        day: False makes the sky a night's.
        reach: metres within which surfaces take the fill light from each other.
    """
    world = bpy.context.scene.world
    world.use_nodes = True
    tree = world.node_tree
    tree.nodes.clear()

    def node(kind: str, **values: Any) -> Any:
        made = tree.nodes.new(kind)
        for name, value in values.items():
            socket = made.inputs[int(name[1:])]
            if isinstance(value, bpy.types.NodeSocket):
                tree.links.new(value, socket)
            else:
                socket.default_value = value
        return made

    up = node("ShaderNodeSeparateXYZ", i0=node("ShaderNodeTexCoord").outputs["Generated"])
    ramp = node("ShaderNodeValToRGB", i0=up.outputs["Z"])
    haze = rng.uniform(0.0, 1.0)
    zenith = (0.12 + 0.4 * haze, 0.28 + 0.3 * haze, 0.75, 1)
    horizon = (0.75, 0.8, 0.85, 1)
    if not day:
        zenith, horizon = (0.002, 0.003, 0.008, 1), (0.02, 0.015, 0.01, 1)
    ramp.color_ramp.elements[0].color, ramp.color_ramp.elements[1].color = horizon, zenith
    ramp.color_ramp.elements[1].position = rng.uniform(0.25, 0.8)
    colour = ramp.outputs[0]
    if day and rng.random() < 0.7:
        clouds = node("ShaderNodeTexNoise", i0=tree.nodes[0].outputs["Generated"])
        clouds.inputs["Scale"].default_value = rng.uniform(1.5, 6)
        clouds.inputs["Detail"].default_value = 6
        soft = node("ShaderNodeMapRange", i0=clouds.outputs[0], i1=rng.uniform(0.4, 0.6), i2=0.75)
        white = rng.uniform(0.75, 1.1)
        mixed = node("ShaderNodeMixRGB", i0=soft.outputs[0], i1=colour, i2=(white, white, white, 1))
        colour = mixed.outputs[0]
    path = node("ShaderNodeLightPath")
    sky = node("ShaderNodeBackground", i0=colour, i1=seen)
    tint = (1.0, rng.uniform(0.85, 1.0), rng.uniform(0.7, 1.1), 1)
    even = node("ShaderNodeBackground", i0=tint, i1=fill)
    both = node(
        "ShaderNodeMixShader",
        i0=path.outputs["Is Camera Ray"],
        i1=even.outputs[0],
        i2=sky.outputs[0],
    )
    node("ShaderNodeOutputWorld", i0=both.outputs[0])
    world.light_settings.distance = reach
    world.cycles.sampling_method = "NONE"
