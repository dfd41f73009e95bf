"""What `--save` and the download buttons offer: one table of names, suffixes and writers.

Every file is written to a temporary name and renamed (`core/atomic.py`); what the formats make of
missing and of impossible depth: `core/files/depth_maps.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigError
from core.files.writers_2d import WRITERS as FLAT
from core.files.writers_2d import ExportJob, Facts


@dataclass(frozen=True)
class Output:
    """One kind of result file.

    Attributes:
        name: of `--save`.
        suffix: behind the photo's stem.
        media_type: for downloads.
        light: needs little memory besides the depth, so that it may be written beside another.
        about: what is in it, for the documents.
    """

    name: str
    suffix: str
    media_type: str
    light: bool = False
    about: str = ""

    def path(self, stem: str | Path) -> Path:
        """Where this output of a photo goes; `stem` is a path without suffix, dots allowed."""
        return Path(f"{stem}{self.suffix}")

    def write(self, path: Path, job: ExportJob) -> Facts:
        """Writes the file; returns what the sidecar has to say about it."""
        if self.name in FLAT:
            return FLAT[self.name](path, job)
        from core.files.writers_3d import WRITERS  # only who asks for 3D pays for the import

        return WRITERS[self.name](path, job)


def with_parts(names: Iterable[str]) -> list[str]:
    """Names of outputs, each once, with the files that come along with some of them."""
    return list(dict.fromkeys(each for name in names for each in (name, *_TOGETHER.get(name, ()))))


def parse_outputs(names: str) -> tuple[Output, ...]:
    """The outputs of a comma-separated `--save` list, in the table's order, each once.

    Raises:
        ConfigError: an unknown name, or none at all.
    """
    wanted = set(with_parts(name.strip() for name in names.split(","))) - {""}
    unknown = sorted(wanted - set(OUTPUTS))
    if unknown or not wanted:
        raise ConfigError(
            f"Got {', '.join(unknown) or 'no output'} to save, expected some of "
            f"{','.join(OUTPUTS)}: correct the list."
        )
    return tuple(output for name, output in OUTPUTS.items() if name in wanted)


def write_outputs(outputs: Sequence[Output], stem: str | Path, job: ExportJob) -> dict[str, Facts]:
    """Writes several files of one photo, light ones side by side: NumPy and deflate share cores.

    Args:
        stem: a path without suffix.

    Returns:
        By the outputs' names, in their order: what the sidecar has to say.

    Raises:
        ExportError: a file cannot be written, or cannot hold this depth; others may be there.
    """
    light = [output for output in outputs if output.light]
    facts: dict[str, Facts] = {}
    with ThreadPoolExecutor(max_workers=max(1, len(light))) as pool:
        written = pool.map(lambda output: output.write(output.path(stem), job), light)
        facts |= zip((output.name for output in light), written, strict=True)
    for output in outputs:
        if not output.light:
            facts[output.name] = output.write(output.path(stem), job)
    return {output.name: facts[output.name] for output in outputs}


_BYTES = "application/octet-stream"

OUTPUTS: dict[str, Output] = {
    output.name: output
    for output in (
        Output("color", "_color.png", "image/png", light=True, about="depth in colour, for people"),
        Output(
            "depth16", "_depth16.png", "image/png", light=True,
            about="16-bit grey; metres = value / scale, the scale is in the sidecar. Dark in most "
            "viewers: that is right",
        ),
        Output("npy", "_depth.npy", _BYTES, about="float32 metres"),
        Output("npz", "_depth.npz", "application/zip", about="the same, compressed"),
        Output("exr", "_depth.exr", "image/x-exr", about="float32 metres, OpenEXR"),
        Output("levels", "_levels.npz", "application/zip",
               about="every level's residual and the depth so far"),
        Output(
            "normals", "_normals.png", "image/png",
            about="surface normals as colours, (n + 1) / 2, OpenCV axes (x right, y down, z "
            "forward); brings `normals_exr` along",
        ),
        Output("normals_exr", "_normals.exr", "image/x-exr",
               about="the same as numbers: channels `N.X`, `N.Y`, `N.Z`"),
        Output("points_exr", "_points.exr", "image/x-exr",
               about="the position of every pixel: channels `X`, `Y`, `Z`, OpenCV axes, metres"),
        Output("ply", ".ply", _BYTES, about="point cloud, OpenCV axes, metres"),
        Output(
            "splat", "_splat.ply", _BYTES,
            about="Gaussian splats, one for every point, for viewers of 3D Gaussian splatting; "
            "OpenCV axes, metres",
        ),
        Output("glb", ".glb", "model/gltf-binary",
               about="the surface through those points with the photo on it, glTF axes"),
        Output(
            "usdz", ".usdz", "model/vnd.usdz+zip",
            about="the same surface for a phone's AR viewer, at most 150,000 points; y up, metres",
        ),
        Output("obj", "_obj.zip", "application/zip",
               about="the same surface as `.obj`, `.mtl` and texture"),
        Output(
            "mcap", ".mcap", _BYTES,
            about="photo, depth, camera and points as ROS 2 messages, for Foxglove and `ros2 bag`",
        ),
        Output("stereo", "_stereo.png", "image/png", about="for both eyes, side by side"),
        Output("anaglyph", "_anaglyph.png", "image/png",
               about="for both eyes, for red-cyan glasses"),
        Output("clip", "_move.mp4", "video/mp4",
               about="a short camera move that starts at the photo's own view"),
    )
}  # fmt: skip

_TOGETHER = {"normals": ("normals_exr",)}
