"""Speed and memory of writing 3D files, beside Open3D's writer and trimesh's in the same run.

    python -m benchmarks.point_cloud [--repeat 3] [--large 4000x3000] [--small 640x480]

Prints JSON: for every case the least and the median seconds and the peak memory of a process of its
own, and the ratios to the other writers. Ours syncs its file to the disk before it counts as
written; the others do not. What needs a library that is not installed is left out, and said.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from core.camera import from_fov
from core.geometry.origin import SceneInfo
from core.geometry.point_cloud import CloudOptions, PointCloud, cloud_from_depth

Size = tuple[int, int]


def scene(size: Size) -> tuple[np.ndarray, np.ndarray, SceneInfo]:
    """A room-like depth map (floor, wall, boxes) with fine relief, and a photo."""
    width, height = size
    v, u = np.mgrid[:height, :width].astype(np.float32)
    below = np.maximum(v / height - 0.45, 1e-3)
    depth = np.minimum(1.2 / below, 6.0).astype(np.float32)
    boxes = (((u // (width / 8)).astype(int) + (v // (height / 6)).astype(int)) % 4) == 0
    depth[boxes] *= 0.7
    depth *= 1 + 0.002 * np.sin(u / 7) * np.cos(v / 5)
    rgb = np.stack((u * 255 / width, v * 255 / height, (u + v) % 256), axis=-1).astype(np.uint8)
    return depth, rgb, SceneInfo(from_fov(width, height, 60), size, "benchmark")


def every_pixel(size: Size) -> PointCloud:
    """The full-density cloud: no filter."""
    return cloud_from_depth(*scene(size), CloudOptions(edge_tolerance=None))


def ours_ply(size: Size, folder: Path) -> Callable[[], object]:
    """Points to PLY: the writer alone."""
    cloud = every_pixel(size)
    return lambda: cloud.save(folder / "a.ply")


def ours_depth_to_ply(size: Size, folder: Path) -> Callable[[], object]:
    """Depth and photo to PLY, with the default filter."""
    depth, rgb, info = scene(size)
    return lambda: cloud_from_depth(depth, rgb, info).save(folder / "a.ply")


def ours_depth_to_full_ply(size: Size, folder: Path) -> Callable[[], object]:
    """Depth and photo to a PLY of every pixel."""
    depth, rgb, info = scene(size)
    options = CloudOptions(edge_tolerance=None)
    return lambda: cloud_from_depth(depth, rgb, info, options).save(folder / "a.ply")


def ours_depth_to_glb(size: Size, folder: Path) -> Callable[[], object]:
    """Depth and photo to a textured surface."""
    depth, rgb, info = scene(size)
    return lambda: cloud_from_depth(depth, rgb, info).save(folder / "a.glb")


def open3d_ply(size: Size, folder: Path) -> Callable[[], object]:
    """The same points through Open3D's own containers and writer."""
    import open3d

    cloud = every_pixel(size)

    def write() -> None:
        vector = open3d.utility.Vector3dVector
        points = open3d.geometry.PointCloud(vector(cloud.points.astype(np.float64)))
        points.colors = vector(cloud.colors / 255.0)
        open3d.io.write_point_cloud(str(folder / "a.ply"), points)

    return write


def trimesh_ply(size: Size, folder: Path) -> Callable[[], object]:
    """The same points through trimesh."""
    import trimesh

    cloud = every_pixel(size)
    return lambda: trimesh.PointCloud(cloud.points, cloud.colors).export(folder / "a.ply")


def trimesh_glb(size: Size, folder: Path) -> Callable[[], object]:
    """The same surface and texture through trimesh."""
    import trimesh
    from PIL import Image

    depth, rgb, info = scene(size)

    def write() -> None:
        mesh = cloud_from_depth(depth, rgb, info).surface()
        uv = mesh.uv * np.float32([1, -1]) + np.float32([0, 1])
        visual = trimesh.visual.TextureVisuals(uv=uv, image=Image.fromarray(rgb))
        vertices = mesh.vertices * np.float32([1, -1, -1])
        trimesh.Trimesh(vertices, mesh.faces, visual=visual, process=False).export(folder / "a.glb")

    return write


CASES: dict[str, tuple[Callable[[Size, Path], Callable[[], object]], str | None]] = {
    "ply_writer": (ours_ply, None),
    "ply_writer_open3d": (open3d_ply, "open3d"),
    "ply_writer_trimesh": (trimesh_ply, "trimesh"),
    "depth_to_full_ply": (ours_depth_to_full_ply, None),
    "depth_to_ply": (ours_depth_to_ply, None),
    "depth_to_glb": (ours_depth_to_glb, None),
    "depth_to_glb_trimesh": (trimesh_glb, "trimesh"),
}


def run(name: str, size: Size, repeat: int) -> dict[str, Any]:
    """Times one case in this process."""
    with tempfile.TemporaryDirectory() as folder:
        action = CASES[name][0](size, Path(folder))
        seconds = []
        for _ in range(repeat):
            start = time.perf_counter()
            action()
            seconds.append(time.perf_counter() - start)
        (file,) = Path(folder).iterdir()
        megabytes = file.stat().st_size / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {
        "seconds": round(statistics.median(seconds), 4),
        "least_seconds": round(min(seconds), 4),
        "peak_memory_gb": round(peak, 3),
        "file_mb": round(megabytes, 1),
    }


def run_apart(name: str, size: Size, repeat: int) -> dict[str, Any]:
    """Times one case in a process of its own, so that its peak memory is its own."""
    command = [sys.executable, "-m", "benchmarks.point_cloud", "--case", name]
    command += ["--small", "x".join(map(str, size)), "--repeat", str(repeat)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def machine() -> dict[str, Any]:
    """Where and with what the figures were made, and how busy it was at the start."""
    load = round(os.getloadavg()[0], 1)
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}, no GPU",
        "load_average_at_start": load,
        "versions": {
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in ("numpy", "open3d", "trimesh")},
        },
    }


def main() -> None:
    """Runs every case and prints the table as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--large", default="4000x3000")
    parser.add_argument("--small", default="640x480")
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    small, large = (
        tuple(int(side) for side in size.split("x")) for size in (chosen.small, chosen.large)
    )
    if chosen.case:
        sys.stdout.write(json.dumps(run(chosen.case, small, chosen.repeat)))
        return
    report: dict[str, Any] = {**machine(), "repeat": chosen.repeat, "left_out": [], "ratios": {}}
    for label, size in (("small", small), ("large", large)):
        results: dict[str, Any] = {"size": size}
        for name, (_, library) in CASES.items():
            if library and importlib.util.find_spec(library) is None:
                report["left_out"].append(f"{name}: {library} is not installed")
            elif label == "small" or "glb" not in name:
                results[name] = run_apart(name, size, chosen.repeat)
        report[label] = results
        for name, (_, library) in CASES.items():
            own = name.removesuffix(f"_{library}")
            if library and name in results:
                ratio = results[name]["seconds"] / results[own]["seconds"]
                report["ratios"][f"{label} {name} / {own}"] = round(ratio, 2)
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
