"""Cycles on the processor: linear colour by path tracing, depth through the pixel centres."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
import OpenEXR
from mathutils import Matrix
from numpy.typing import NDArray

from scripts.synthesis.denoise import denoise

NO_SURFACE = 1e9  # metres; Blender writes 1e10 where a ray meets nothing

Pose = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class View:
    """A camera: position (metres, z up), heading, and horizontal field of view.

    Attributes:
        yaw: radians; 0 looks along +X, a quarter turn along +Y.
        pitch: radians, positive looks up.
        roll: radians, positive turns the camera clockwise as seen from behind.
        fov: radians across the picture's width; a full turn is an equirectangular panorama, whose
            depth is the distance along each ray.
    """

    position: tuple[float, float, float]
    yaw: float
    pitch: float
    roll: float
    fov: float

    @property
    def matrix(self) -> Matrix:
        """Camera to world, Blender's axes (x right, y up, z backward)."""
        turn = (
            Matrix.Rotation(self.yaw - math.pi / 2, 3, "Z")
            @ Matrix.Rotation(math.pi / 2 + self.pitch, 3, "X")
            @ Matrix.Rotation(-self.roll, 3, "Z")
        )
        return Matrix.Translation(self.position) @ turn.to_4x4()

    @property
    def pose(self) -> Pose:
        """Camera to world, OpenCV's axes (x right, y down, z forward), rows of a 4x4."""
        flipped = self.matrix @ Matrix.Diagonal((1, -1, -1, 1))
        return tuple(tuple(round(float(v), 6) for v in row) for row in flipped)

    def intrinsics(self, width: int, height: int) -> tuple[float, float, float, float]:
        """fx, fy, cx, cy in pixels, pixel centres at integer coordinates."""
        focal = width / 2 / math.tan(self.fov / 2)
        return focal, focal, (width - 1) / 2, (height - 1) / 2


@dataclass(frozen=True)
class Quality:
    """What a frame costs.

    Attributes:
        samples: paths per pixel.
        threads: processor threads.
    """

    width: int = 384
    height: int = 288
    samples: int = 4
    threads: int = 1
    bounces: int = 1


def prepare(quality: Quality) -> None:
    """Sets the scene's renderer; call it once per scene."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    cycles = scene.cycles
    cycles.device = "CPU"
    cycles.use_adaptive_sampling = False
    cycles.samples, cycles.use_denoising = quality.samples, False
    cycles.max_bounces = quality.bounces + 1
    cycles.diffuse_bounces = quality.bounces
    cycles.glossy_bounces = 1
    cycles.transmission_bounces = 1
    cycles.transparent_max_bounces = 12
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 4.0
    cycles.use_fast_gi = True
    cycles.fast_gi_method = "ADD"
    cycles.ao_bounces_render = quality.bounces
    cycles.use_light_tree = True
    cycles.pixel_filter_type, cycles.filter_width = "BLACKMAN_HARRIS", 1.5
    bpy.context.view_layer.cycles.denoising_store_passes = True
    scene.render.use_persistent_data = True
    scene.render.resolution_x, scene.render.resolution_y = quality.width, quality.height
    scene.render.resolution_percentage = 100
    scene.render.threads_mode, scene.render.threads = "FIXED", quality.threads
    scene.render.use_compositing = scene.render.use_sequencer = False
    scene.view_layers[0].use_pass_z = True
    scene.view_settings.view_transform = "Raw"


def render(views: list[View], seed: int) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Renders views of the scene as it stands; the scene's glass is opaque afterwards.

    Returns:
        Per view linear colour (H, W, 3), and depth (H, W) in metres along the optical axis (of a
        panorama along each ray), through each pixel's centre, infinite where there is no surface.
    """
    scene = bpy.context.scene
    camera = bpy.data.cameras.new("camera")
    camera.sensor_fit = "HORIZONTAL"
    camera.clip_start, camera.clip_end = 0.01, 5000.0
    holder = bpy.data.objects.new("camera", camera)
    scene.collection.objects.link(holder)
    scene.camera = holder

    def shoot(wanted: str) -> Iterator[dict[str, NDArray[np.float32]]]:
        with tempfile.TemporaryDirectory(dir=_fast_folder()) as folder:
            for number, view in enumerate(views):
                holder.matrix_world = view.matrix
                if view.fov >= 2 * math.pi:
                    camera.type, camera.panorama_type = "PANO", "EQUIRECTANGULAR"
                else:
                    camera.type, camera.angle = "PERSP", view.fov
                scene.cycles.seed = (seed + number) % 2**30
                yield _run(scene, Path(folder) / f"{wanted}.exr")

    # Photos: filtered samples all over the pixel, then the denoiser.
    colours = [denoise(passes) for passes in shoot("photo")]
    # Depth: one sample in a box so narrow that it lies in the pixel's centre. Light that a pane
    # lets through at random would end in one surface or the other, so panes count as surfaces.
    scene.cycles.samples = 1
    scene.cycles.pixel_filter_type, scene.cycles.filter_width = "BOX", 0.01
    scene.cycles.max_bounces = 0
    bpy.context.view_layer.cycles.denoising_store_passes = False
    for material in bpy.data.materials:
        shader = material.node_tree and material.node_tree.nodes.get("Principled BSDF")
        if shader and not shader.inputs["Alpha"].is_linked:
            shader.inputs["Alpha"].default_value = 1.0
    depths = [passes["Depth"] for passes in shoot("depth")]
    infinite = np.float32(np.inf)
    return [
        (colour, np.where(depth < NO_SURFACE, depth, infinite))
        for colour, depth in zip(colours, depths, strict=True)
    ]


def _run(scene: bpy.types.Scene, path: Path) -> dict[str, NDArray[np.float32]]:
    """Renders once; the passes by name, (H, W, 3) or (H, W)."""
    settings = scene.render.image_settings
    settings.file_format, settings.color_depth = "OPEN_EXR_MULTILAYER", "32"
    settings.exr_codec = "NONE"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    found: dict[str, dict[str, NDArray[np.float32]]] = {}
    with OpenEXR.File(str(path), separate_channels=True) as file:
        for name, channel in file.channels().items():
            _, group, part = name.rsplit(".", 2)
            found.setdefault(group, {})[part] = np.array(channel.pixels, np.float32)
    return {
        group: np.stack([parts[n] for n in order if n in parts], -1).squeeze()
        for group, parts in found.items()
        for order in ["RGB" if "R" in parts else "XYZ" if "X" in parts else "ZV"]
    }


def _fast_folder() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
