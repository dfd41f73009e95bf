"""Sparse measured depth from files: 16-bit PNG, CSV, LiDAR points with their calibration.

- `.png` and what else `core.data.depth_file` reads: a depth map, 0 where nothing was measured. Its
  units are said by `scale`, or by `depth.png_scale` of the sidecar `NAME.json` beside it; they are
  never guessed.
- CSV: lines `u,v,metres`, pixels of the photo; a line of names and lines after # are skipped.
- `.bin` (KITTI: float32 x, y, z, reflectance) and `.pcd` (ASCII or binary, with x, y, z): points
  of a LiDAR, brought into the picture by KITTI's calibration, one file (`P2`, `R0_rect`,
  `Tr_velo_to_cam`) or the two of the raw data (`P_rect_02`, `R_rect_00`, `R`, `T`).
  Source: A. Geiger et al., "Vision meets Robotics: The KITTI Dataset", IJRR 2013, section 3.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.data.depth_file import NPY_MAGIC, in_metres, read_stored
from core.errors import CameraError, DataError
from core.images.exr_reader import EXR_MAGIC, PFM_MAGIC
from core.scale.measurements import MAX_METRES, MIN_METRES, SparseDepth

MAX_BYTES = 256 << 20
MAX_POINTS = 4_000_000
_METRES_ALREADY = (NPY_MAGIC, EXR_MAGIC, *PFM_MAGIC)
_MAPS = (b"\x89PNG", b"II*\0", b"MM\0*", *_METRES_ALREADY)
_BIN, _PCD = ".bin", (b"# .PCD", b"VERSION")
_PCD_TYPES = {("F", 4): "<f4", ("F", 8): "<f8", ("U", 1): "u1", ("U", 2): "<u2", ("U", 4): "<u4",
              ("I", 1): "i1", ("I", 2): "<i2", ("I", 4): "<i4"}  # fmt: skip
_HEAD = 4096  # bytes in which a PCD's header ends

Points = NDArray[np.float64]


def read_sparse(
    path: Path, *, scale: float | None = None, calibration: Sequence[Path] = ()
) -> SparseDepth:
    """Reads a file of sparse depth.

    Args:
        path: of it; what it is is told by its content, LiDAR's `.bin` by its name.
        scale: stored units per metre of a depth map (256: KITTI's, 1000: millimetres).
        calibration: files of KITTI's calibration, for LiDAR points.

    Raises:
        DataError: it cannot be read, or what it holds is not as its format says.
    """
    data = _content(path, MAX_BYTES)
    if scale is None:
        scale = _scale_beside(path)
    if path.suffix.lower() == _BIN:
        return project_points(kitti_points(data), _calibration(path, calibration), path.name)
    if data.startswith(_PCD):
        return project_points(pcd_points(data), _calibration(path, calibration), path.name)
    return parse_sparse(data, path.name, scale=scale)


def parse_sparse(data: bytes, name: str, *, scale: float | None = None) -> SparseDepth:
    """Sparse depth from a depth map's or a CSV file's bytes.

    Args:
        name: of it, for errors and sidecars.
        scale: stored units per metre of a depth map.
    """
    if name.lower().endswith(_BIN) or data.startswith(_PCD):
        raise DataError(
            f"{name} holds LiDAR points, which need a calibration, expected a CSV of u,v,metres or "
            "a 16-bit PNG here: use the command line (--sparse with --sparse-calib)."
        )
    try:
        if data.startswith(_MAPS):
            return _of_map(data, name, scale)
        return _of_table(data, name)
    except CameraError as error:
        raise DataError(str(error)) from error


def _of_map(data: bytes, name: str, scale: float | None) -> SparseDepth:
    if scale is None:
        if not data.startswith(_METRES_ALREADY):
            raise DataError(
                f"{name} is a 16-bit picture and nothing says how many of its steps are a metre, "
                "expected that to be said: give 256 (KITTI) or 1000 (millimetres) as the scale of "
                "the sparse depth (--sparse-scale)."
            )
        scale = 1.0
    if not (math.isfinite(scale) and scale > 0):
        raise DataError(
            f"The scale of {name} is {scale:g} steps per metre, expected a number above 0: give "
            "256 (KITTI) or 1000 (millimetres)."
        )
    metres = in_metres(read_stored(data), scale)
    rows, columns = np.nonzero(metres)
    if rows.size > MAX_POINTS:
        raise DataError(
            f"{name} holds {rows.size:,} measured pixels, expected at most {MAX_POINTS:,}: make "
            "it smaller."
        )
    return SparseDepth(
        columns.astype(np.float64), rows.astype(np.float64),
        metres[rows, columns].astype(np.float64), (metres.shape[1], metres.shape[0]), name,
    )  # fmt: skip


def _of_table(data: bytes, name: str) -> SparseDepth:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{name} is neither a depth map nor a table of text, expected a 16-bit PNG, a CSV of "
            "u,v,metres, or on the command line LiDAR points (.bin, .pcd): convert it to one of "
            "these."
        ) from error
    flat = array("d")
    for number, ended in enumerate(io.StringIO(text), 1):
        line = ended.rstrip("\r\n")
        said = line.partition("#")[0].replace(";", ",")
        parts = said.split(",") if "," in said else said.split()
        if not "".join(parts).strip():
            continue
        found: list[float] = []
        with contextlib.suppress(ValueError):
            found = [float(part) for part in parts]
        if len(found) != 3 or not all(map(math.isfinite, found)):
            if not flat and number == 1 and not found:  # the names of the columns
                continue
            raise DataError(
                f"Line {number} of {name} is {line[:40]!r}, expected u,v,metres: correct the line."
            )
        if not MIN_METRES <= found[2] <= MAX_METRES:
            raise DataError(
                f"Line {number} of {name} has {found[2]:g} m, expected {MIN_METRES:g} to "
                f"{MAX_METRES:g} m: correct the line, or leave it out."
            )
        flat.extend(found)
        if len(flat) > 3 * MAX_POINTS:
            raise DataError(f"{name} has more than {MAX_POINTS:,} points: thin them.")
    if not flat:
        raise DataError(
            f"{name} holds no point ({len(data)} bytes), expected lines u,v,metres: give at least "
            "one pixel whose depth was measured."
        )
    u, v, metres = np.array(flat).reshape(-1, 3).T
    return SparseDepth(u, v, metres, name=name)


def kitti_points(data: bytes) -> Points:
    """(n, 3) metres in the LiDAR's frame, of a KITTI `.bin`.

    Raises:
        DataError: it is empty, or not whole points.
    """
    if not data or len(data) % 16:
        raise DataError(
            f"The LiDAR file has {len(data)} bytes, expected 16 for each point (float32 x, y, z, "
            "reflectance): take KITTI's velodyne_points."
        )
    points = np.frombuffer(data, "<f4").reshape(-1, 4)[:MAX_POINTS, :3].astype(np.float64)
    return points[np.isfinite(points).all(axis=1)]


def pcd_points(data: bytes) -> Points:
    """(n, 3) metres of a `.pcd` (Point Cloud Library), ASCII or binary.

    Raises:
        DataError: a header that cannot be read, a compressed file, or fewer points than it says.
    """
    head, layout, start = _pcd_header(data)
    names = head.get("FIELDS", [])
    count = int(head.get("POINTS", ["0"])[0])
    kinds = [_PCD_TYPES.get((kind, int(size))) for kind, size in
             zip(head.get("TYPE", []), head.get("SIZE", []), strict=False)]  # fmt: skip
    repeats = [int(number) for number in head.get("COUNT", ["1"] * len(names))]
    if not ({"x", "y", "z"} <= set(names) and len(kinds) == len(names) == len(repeats)
            and None not in kinds and 0 < count <= MAX_POINTS):  # fmt: skip
        raise DataError(
            f"The .pcd file has the fields {' '.join(names)[:60]!r} and {count:,} points, expected "
            f"x, y, z among them and 1 to {MAX_POINTS:,} points: save it again."
        )
    if layout == "ascii":
        try:
            rows = [line.split() for line in data[start:].decode("ascii").splitlines()[:count]]
            places = [sum(repeats[: names.index(axis)]) for axis in "xyz"]
            points = np.array([[float(row[place]) for place in places] for row in rows])
        except (ValueError, IndexError) as error:
            raise DataError("The .pcd file's points are garbled: save it again.") from error
    elif layout == "binary":
        # Fields may share a name ("_" is padding): their places are told by number.
        record = np.dtype([(str(i), kind, (times,)) for i, (kind, times) in
                           enumerate(zip(kinds, repeats, strict=True))])  # fmt: skip
        whole = data[start : start + count * record.itemsize]
        table = np.frombuffer(whole[: len(whole) // record.itemsize * record.itemsize], record)
        points = np.stack([table[str(names.index(axis))][:, 0] for axis in "xyz"], axis=1)
    else:
        raise DataError(
            f"The .pcd file's data are {layout[:20]!r}, expected ascii or binary: convert it with "
            "pcl_convert_pcd_ascii_binary FILE OUT 1."
        )
    if len(points) < count:
        raise DataError(
            f"The .pcd file holds {len(points):,} of the {count:,} points that it speaks of: it is "
            "cut short, get it again."
        )
    kept: Points = np.asarray(points, np.float64)[np.isfinite(points).all(axis=1)]
    return kept


def _pcd_header(data: bytes) -> tuple[dict[str, list[str]], str, int]:
    head: dict[str, list[str]] = {}
    start = 0
    for line in data[:_HEAD].splitlines(keepends=True):
        start += len(line)
        key, *values = line.decode("ascii", "replace").split() or [""]
        if key == "DATA" and values:
            return head, values[0], start
        if not key.startswith("#"):
            head[key] = values
    raise DataError("The .pcd file's header does not end (DATA is missing): save it again.")


def project_points(points: Points, calibration: Mapping[str, Points], name: str) -> SparseDepth:
    """LiDAR points as the sparse depth of the picture of camera 2, of each pixel the nearest.

    Raises:
        DataError: none lies in front of the camera.
    """
    placed = np.c_[points, np.ones(len(points))] @ calibration["to_camera"].T
    seen = np.c_[placed[:, :3], np.ones(len(points))] @ calibration["projection"].T
    seen = seen[(seen[:, 2] >= MIN_METRES) & (seen[:, 2] <= MAX_METRES)]
    u, v, metres = seen[:, 0] / seen[:, 2], seen[:, 1] / seen[:, 2], seen[:, 2]
    order = np.argsort(metres, kind="stable")
    pixels = np.floor(np.stack((u, v), axis=1)[order] + 0.5)
    _, first = np.unique(pixels, axis=0, return_index=True)
    kept = order[np.sort(first)]
    if kept.size == 0:
        raise DataError(
            f"None of the {len(points):,} points of {name} lies in front of the camera, expected "
            "some: check that the calibration belongs to it."
        )
    return SparseDepth(u[kept], v[kept], metres[kept], name=name, clip=True)


def read_calibration(text: str) -> dict[str, Points]:
    """KITTI's calibration: `to_camera` (4, 4) from the LiDAR, `projection` (3, 4) to pixels.

    Raises:
        DataError: a matrix is missing or garbled.
    """
    found: dict[str, Points] = {}
    for line in text.splitlines():
        key, _, rest = line.partition(":")
        with contextlib.suppress(ValueError):
            found[key.strip()] = np.array([float(part) for part in rest.split()])
    try:
        projection = _one(found, 12, "P2", "P_rect_02").reshape(3, 4)
        turned = _one(found, 9, "R0_rect", "R_rect_00", "R_rect", default=np.eye(3).ravel())
        rectify, place = np.eye(4), np.eye(4)
        rectify[:3, :3] = turned.reshape(3, 3)
        if "R" in found and "T" in found:
            place[:3, :3] = _one(found, 9, "R").reshape(3, 3)
            place[:3, 3] = _one(found, 3, "T")
        else:
            place[:3] = _one(found, 12, "Tr_velo_to_cam", "Tr_velo_cam", "Tr").reshape(3, 4)
    except KeyError as error:
        raise DataError(
            f"The calibration lacks {error.args[0]}, expected KITTI's: give the frame's "
            "calib file, or both calib_cam_to_cam.txt and calib_velo_to_cam.txt."
        ) from error
    return {"to_camera": rectify @ place, "projection": projection}


def _one(
    found: Mapping[str, Points], count: int, *names: str, default: Points | None = None
) -> Points:
    for name in names:
        values = found.get(name)
        if values is not None and values.size == count and np.isfinite(values).all():
            return values
    if default is None:
        raise KeyError(f"{' or '.join(names)} with {count} numbers")
    return default


def _calibration(path: Path, files: Sequence[Path]) -> dict[str, Points]:
    if not files:
        raise DataError(
            f"{path.name} holds LiDAR points, and nothing says how the camera sees them, expected "
            "KITTI's calibration: give it with --sparse-calib (calibration in a dataset config)."
        )
    return read_calibration("\n".join(_content(file, 1 << 20).decode(errors="replace")
                                      for file in files))  # fmt: skip


def _scale_beside(path: Path) -> float | None:
    """Of a sidecar with the file's own name, or of this program's (`STEM.json`)."""
    stems = [path.stem, path.stem.removesuffix("_depth16")]
    for stem in stems:
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError, RecursionError):
            content = json.loads(path.with_name(f"{stem}.json").read_bytes())
            scale = content.get("png_scale") or content.get("depth", {}).get("png_scale")
            if isinstance(scale, int | float) and not isinstance(scale, bool):
                return float(scale)
    return None


def _content(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise DataError(
            f"The file {path} cannot be read ({error.strerror}), expected sparse depth or its "
            "calibration: check the path."
        ) from error
    if len(data) > most:
        raise DataError(f"{path.name} is larger than {most >> 20} MiB: thin its points.")
    return data
