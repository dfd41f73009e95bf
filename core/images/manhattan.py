"""Walls made straight and square: most surfaces indoors face one of three directions.

A room's floor, walls and cupboards stand at right angles (the Manhattan world of Coughlan and
Yuille, ICCV 1999). The network knows roughly which of the three directions a surface faces, and the
photo's straight lines say exactly where the three are. So the frame of the three is fitted to both,
and the slopes of surfaces that nearly face one of them are made those of a plane that does. What it
is worth, and how the settings were chosen: docs/decisions/0007-flat-surfaces.md.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.camera import Intrinsics

Floats = NDArray[np.float32]
Array = NDArray[np.float64]

_GREY = np.array([0.299, 0.587, 0.114], np.float32)
_COHERENT = 0.9  # of 1: how much a line's gradients have one direction
_CONTRAST = 8.0  # of 255 a pixel, RMS: the least of a line's gradient
_MOST_LINES, _MOST_NORMALS = 400, 400  # spread over the picture
_PITCHES, _YAWS = (-25, 0, 25, 50), (0, 30, 60)  # degrees, of the frames to start from
_KEPT, _OTHER = 5, 8.0  # frames that are fitted to lines too, and degrees between two of them
_COARSE = (25.0, 15.0, 12.0)  # degrees that a normal may be off, from step to step
_FINE = (8.0, 5.0, 3.0, 2.0)  # likewise a line
_NORMAL, _LINE = 12.0, 3.0  # degrees, at the end
_NORMALS_COUNT = 0.1  # against lines
_LEAST_SUPPORT = 0.25  # share of the normals that must face along a frame
_FACES = math.cos(math.radians(35))  # of a surface and a direction: nearer than that it faces it
_GRAZING = 0.1  # of the cosine between its direction and the view: slopes below say little
_MISFIT = 0.02  # of log depth from cell to cell: where the slope is further off, depth breaks
_STIFFNESS = 0.005  # against change of depth as a whole
_MOST = 0.2  # of log inverse depth: the largest change


def straightening(
    inverse: Floats, slopes: Floats, rgb: NDArray[np.uint8], camera: Intrinsics
) -> Floats:
    """By what inverse depth is to be multiplied, so that walls are straight and square.

    Args:
        inverse: (h, w) inverse depth of cells.
        slopes: (2, h, w), its slopes across and down, from cell to cell.
        rgb: (H, W, 3) uint8, the photo; a cell has the same whole number of its pixels each way.
        camera: of the photo at (w, h).

    Returns:
        (h, w) factors; ones where the three directions are not found.
    """
    h, w = inverse.shape
    rays = camera.rays(*np.meshgrid(np.arange(w), np.arange(h)))
    normal_x, normal_y = slopes[0] * camera.fx, slopes[1] * camera.fy
    normals = np.stack(
        (normal_x, normal_y, inverse - normal_x * rays[..., 0] - normal_y * rays[..., 1]), axis=-1
    )
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    found = find_frame(
        _some(normals.reshape(-1, 3), _MOST_NORMALS), lines(rgb, rgb.shape[1] // w, camera)
    )
    if found is None:
        return np.ones_like(inverse)
    change = _correction(np.log(inverse), normals, rays, found).clip(-_MOST, _MOST)
    return np.asarray(np.exp(change), np.float32)


def lines(rgb: NDArray[np.uint8], cell: int, camera: Intrinsics) -> Array:
    """The photo's straight lines, each by the plane through it and the camera.

    Args:
        rgb: (H, W, 3) uint8, sides multiples of the cell's.
        cell: side of a cell in pixels.
        camera: of the photo in cells.

    Returns:
        (n, 3) unit normals of those planes: at right angles to the direction of the line in space.
    """
    grey = _blurred(_blurred(rgb.astype(np.float32) @ _GREY))
    across, down = np.zeros_like(grey), np.zeros_like(grey)
    inner = slice(1, -1), slice(1, -1)
    across[inner] = (grey[1:-1, 2:] - grey[1:-1, :-2]) / 2
    down[inner] = (grey[2:, 1:-1] - grey[:-2, 1:-1]) / 2
    sums = _cell_sums(across * across, across * down, down * down, cell)
    sums = sums[:, 1:, 1:] + sums[:, 1:, :-1] + sums[:, :-1, 1:] + sums[:, :-1, :-1]
    xx, xy, yy, at_u, at_v = sums.reshape(5, -1).astype(np.float64)
    strength = xx + yy
    one_way = np.hypot(xx - yy, 2 * xy) > _COHERENT * strength
    seen = _some(np.flatnonzero(one_way & (strength > 2 * cell * _CONTRAST**2)), _MOST_LINES)
    xx, xy, yy, at_u, at_v, strength = (each[seen] for each in (xx, xy, yy, at_u, at_v, strength))
    turn = np.arctan2(2 * xy, xx - yy) / 2
    x, y = np.cos(turn), np.sin(turn)
    u, v = at_u / strength, at_v / strength
    planes = np.stack(
        (camera.fx * x, camera.fy * y, x * (camera.cx - u) + y * (camera.cy - v)), axis=-1
    )
    return np.asarray(planes / np.linalg.norm(planes, axis=-1, keepdims=True))


def _cell_sums(xx: Floats, xy: Floats, yy: Floats, cell: int) -> Floats:
    """Sums over cells of squared gradients, and of their strength times its place in cells."""
    height, width = xx.shape
    h, w = height // cell, width // cell
    within = (np.arange(cell, dtype=np.float32) + np.float32(0.5)) / np.float32(cell)
    within -= np.float32(0.5)

    def rows(values: Floats) -> Floats:
        return np.asarray(values.reshape(h, cell, width).sum(1))

    def columns(values: Floats, weights: Floats) -> Floats:
        return np.asarray((values.reshape(-1, cell) @ weights).reshape(h, w))

    strength = xx + yy
    ones = np.ones_like(within)
    down = np.tensordot(within, strength.reshape(h, cell, width), (0, 1))
    sums = [columns(rows(each), ones) for each in (xx, xy, yy)]
    whole = sums[0] + sums[2]
    at_u = columns(rows(strength), within) + whole * np.arange(w, dtype=np.float32)
    at_v = columns(down, ones) + whole * np.arange(h, dtype=np.float32)[:, None]
    return np.stack((*sums, at_u, at_v))


def find_frame(normals: Array, planes: Array) -> Array | None:
    """The three directions at right angles that surfaces face and lines run along.

    Args:
        normals: (n, 3) unit normals of surfaces.
        planes: (m, 3) unit normals of the planes through lines and the camera.

    Returns:
        (3, 3), a direction a row; None where too few surfaces face along any frame.
    """
    frames = _starts()
    for spread in _COARSE:
        frames = _fitted(frames, normals, spread, planes[:0], _LINE)
    best: list[int] = []
    for index in np.argsort(-_facing(frames, normals, _NORMAL).sum(-1).mean(-1), kind="stable"):
        if all(_apart(frames[index], frames[other]) > _OTHER for other in best):
            best.append(int(index))
    frames = frames[best[:_KEPT]]
    for spread in _FINE:
        frames = _fitted(frames, normals, _NORMAL, planes, spread)
    support = _facing(frames, normals, _NORMAL).sum(-1).mean(-1)
    score = support + _along(frames, planes, _LINE).max(-1).sum(-1) / max(len(planes), 1)
    chosen = int(score.argmax())
    return frames[chosen] if support[chosen] >= _LEAST_SUPPORT else None


def _fitted(
    frames: Array, normals: Array, normal_spread: float, planes: Array, line_spread: float
) -> Array:
    """One step of Gauss and Newton for every frame: (s, 3, 3) to (s, 3, 3).

    A surface that faces one direction has its normal at right angles to the other two; a line along
    a direction has its plane at right angles to it. So either kind is unit vectors that should be
    at right angles to a direction, and only their weighted second moments are needed.
    """
    faces = _facing(frames, normals, normal_spread)
    weights = (faces.sum(-1, keepdims=True) - faces) / _sine(normal_spread) ** 2
    moments = _moments(weights * (_NORMALS_COUNT / len(normals)), normals)
    if len(planes):
        weights = _along(frames, planes, line_spread) / _sine(line_spread) ** 2
        moments = moments + _moments(weights / len(planes), planes)
    levers = _cross(frames)
    matrix = (levers @ moments @ levers.swapaxes(-1, -2)).sum(1) + 1e-9 * np.eye(3)
    pull = -(levers @ moments @ frames[..., None]).sum(1)
    turn = np.linalg.solve(matrix, pull)[..., 0]
    angle = np.maximum(np.linalg.norm(turn, axis=-1), 1e-12)[:, None, None]
    spin = _cross(turn)
    turned = np.eye(3) + np.sin(angle) / angle * spin + (1 - np.cos(angle)) / angle**2 * spin @ spin
    return np.asarray(frames @ turned.swapaxes(-1, -2))


def _facing(frames: Array, normals: Array, spread: float) -> Array:
    """(s, n, 3): how much each surface faces each direction."""
    cosines = normals @ frames.swapaxes(-1, -2)
    return np.asarray(np.exp((cosines**2 - 1) / (2 * _sine(spread) ** 2)))


def _along(frames: Array, planes: Array, spread: float) -> Array:
    """(s, m, 3): how much each line runs along each direction."""
    return np.asarray(np.exp((planes @ frames.swapaxes(-1, -2)) ** 2 / (-2 * _sine(spread) ** 2)))


def _moments(weights: Array, vectors: Array) -> Array:
    """(s, n, 3) weights and (n, 3) vectors to (s, 3, 3, 3), second moments for each direction."""
    squares = (vectors[:, :, None] * vectors[:, None]).reshape(-1, 9)
    return np.asarray((weights.swapaxes(-1, -2) @ squares).reshape(-1, 3, 3, 3))


def _correction(logs: Floats, normals: Array, rays: Array, frame: Array) -> Array:
    """What is to be added to (h, w) log inverse depth: a screened Poisson equation."""
    faces = np.abs(normals @ frame.T)
    axis = faces.argmax(-1)
    towards = np.take_along_axis(np.abs(rays @ frame.T), axis[..., None], -1)[..., 0]
    straight = faces.max(-1) > _FACES
    straight &= towards > _GRAZING * np.linalg.norm(rays, axis=-1)
    flat = np.log(np.maximum(towards, 1e-9))  # and a constant: log inverse depth of such a plane
    source = np.zeros(logs.shape)
    for before, after in _NEIGHBOURS:
        wanted = (flat[after] - flat[before]) - (logs[after] - logs[before])
        one = straight[before] & straight[after] & (axis[before] == axis[after])
        wanted = np.where(one & (np.abs(wanted) < _MISFIT), wanted, 0)
        source[after] += wanted
        source[before] -= wanted
    (rows, of_rows), (columns, of_columns) = (_cosines(side) for side in logs.shape)
    waves = rows @ source @ columns.T / (_STIFFNESS + of_rows[:, None] + of_columns)
    return np.asarray(rows.T @ waves @ columns)


_NEIGHBOURS = (
    ((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
    ((slice(None, -1), slice(None)), (slice(1, None), slice(None))),
)


@cache
def _starts() -> Array:
    return np.array([_turned_by(pitch, yaw) for pitch in _PITCHES for yaw in _YAWS])


def _turned_by(pitch: float, yaw: float) -> Array:
    """The frame of a camera that looks down by `pitch` degrees, and past a wall by `yaw`."""
    (sin_p, cos_p), (sin_y, cos_y) = (
        (math.sin(math.radians(angle)), math.cos(math.radians(angle))) for angle in (pitch, yaw)
    )
    tilt = np.array([[1, 0, 0], [0, cos_p, -sin_p], [0, sin_p, cos_p]])
    return np.asarray((tilt @ [[cos_y, 0, sin_y], [0, 1, 0], [-sin_y, 0, cos_y]]).T)


@lru_cache(maxsize=8)  # 4 MB each at the largest working size
def _cosines(side: int) -> tuple[Array, Array]:
    """The cosine transform of a side, and the Laplacian's eigenvalues."""
    waves = np.arange(side)[:, None]
    matrix = np.cos(np.pi * waves * (np.arange(side) + 0.5) / side) * math.sqrt(2 / side)
    matrix[0] /= math.sqrt(2)
    return matrix, 2 - 2 * np.cos(np.pi * waves[:, 0] / side)


def _cross(vectors: Array) -> Array:
    """(..., 3) to (..., 3, 3), the matrices that take a cross product with them."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    none = np.zeros_like(x)
    rows = (none, -z, y, z, none, -x, -y, x, none)
    return np.stack(rows, axis=-1).reshape(*vectors.shape, 3)


def _apart(one: Array, other: Array) -> float:
    """Degrees between two frames, whose directions have no order and no sign."""
    return math.degrees(math.acos(min(np.abs(one @ other.T).max(1).min(), 1.0)))


def _blurred(grey: Floats) -> Floats:
    """Averaged by 1 2 1 each way; the outermost pixels stay."""
    result = grey.copy()
    result[1:-1] += (grey[2:] - 2 * grey[1:-1] + grey[:-2]) / 4
    both = result.copy()
    both[:, 1:-1] += (result[:, 2:] - 2 * result[:, 1:-1] + result[:, :-2]) / 4
    return both


def _sine(degrees: float) -> float:
    return math.sin(math.radians(degrees))


def _some(items: NDArray[Any], most: int) -> NDArray[Any]:
    """At most so many of them, spread evenly: an odd step, lest all be in the same few columns."""
    return items[:: math.ceil(len(items) / most) | 1]
