"""A depth-buffered triangle rasteriser in NumPy: no GPU, no window system, the same everywhere.

Made for the small triangles of a photo's surface: all triangles of about one size are drawn at
once, pixel offset by pixel offset inside their bounding boxes.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from core.camera import Intrinsics

_NEAREST = 1e-3  # metres: triangles that reach closer, or behind the camera, are left out
_AT_ONCE = 1 << 18  # triangles x pixels in one pass: what fits the cache
_SMALL = 8  # pixels: larger triangles are few and drawn one by one
# A pixel centre on a shared edge belongs to both triangles, never to none; and a vertex that was a
# pixel's own covers it again, rounded as it is (of the triangle's weights, and pixels).
_EDGE = 1e-3


@dataclass(frozen=True, eq=False)
class Raster:
    """A rendered picture.

    Attributes:
        values: (H, W, c) float32, interpolated; 0 where nothing is.
        depth: (H, W) float32 metres along the optical axis; infinite where nothing is.
    """

    values: NDArray[np.float32]
    depth: NDArray[np.float32]


def rasterize(
    vertices: NDArray[np.floating],
    faces: NDArray[np.integer],
    values: NDArray[np.floating],
    intrinsics: Intrinsics,
    size: tuple[int, int],
) -> Raster:
    """Draws triangles, both sides, the nearest in front.

    Args:
        vertices: (n, 3) metres in the camera frame.
        faces: (m, 3) indices.
        values: (n, c) to interpolate, perspective-correct: colours, texture coordinates.
        intrinsics: of the picture.
        size: its width and height in pixels.
    """
    width, height = size
    target = _Target(width, height)
    drawn = _projected(vertices, faces, intrinsics, size)
    side = 1
    while len(drawn.face):
        if side > _SMALL:
            for index in range(len(drawn.face)):
                target.draw(drawn.taken(np.array([index])), *_box_offsets(drawn, index))
            break
        fits = drawn.extent <= side
        small = drawn.taken(np.flatnonzero(fits))
        step = max(1, _AT_ONCE // (side * side))
        for start in range(0, len(small.face), step):
            some = small.taken(np.arange(start, min(start + step, len(small.face))))
            for row in range(side):
                for column in range(side):
                    target.draw(some, column, row)
        drawn = drawn.taken(np.flatnonzero(~fits))
        side *= 2
    return target.finished(faces, values)


@dataclass(frozen=True, eq=False)
class _Triangles:
    """Triangles on the picture, one array per quantity: contiguous ones are several times faster.

    Barycentric weights b and c are linear in the pixel: their values at the first pixel of the
    bounding box, and their steps to the next column and row.
    """

    face: NDArray[np.intp]
    left: NDArray[np.intp]
    top: NDArray[np.intp]
    right: NDArray[np.intp]
    bottom: NDArray[np.intp]
    b: NDArray[np.float64]
    b_column: NDArray[np.float64]
    b_row: NDArray[np.float64]
    c: NDArray[np.float64]
    c_column: NDArray[np.float64]
    c_row: NDArray[np.float64]
    inverse_a: NDArray[np.float64]
    inverse_b: NDArray[np.float64]
    inverse_c: NDArray[np.float64]

    @property
    def extent(self) -> NDArray[np.intp]:
        """Longer side of the bounding box in pixels."""
        longer = np.maximum(self.right - self.left, self.bottom - self.top) + 1
        return np.asarray(longer)

    def taken(self, index: NDArray[np.intp]) -> _Triangles:
        if len(index) == len(self.face):
            return self
        return _Triangles(*(getattr(self, item.name)[index] for item in fields(self)))


def _projected(
    vertices: NDArray[np.floating],
    faces: NDArray[np.integer],
    intrinsics: Intrinsics,
    size: tuple[int, int],
) -> _Triangles:
    """Triangles whose bounding box holds a pixel centre of the picture."""
    z = vertices[:, 2].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        w = np.where(z > _NEAREST, 1 / z, np.nan)
    x = vertices[:, 0] * w * intrinsics.fx + intrinsics.cx
    y = vertices[:, 1] * w * intrinsics.fy + intrinsics.cy
    corners = [np.ascontiguousarray(faces[:, corner]) for corner in range(3)]
    ax, bx, cx = (x[corner] for corner in corners)
    ay, by, cy = (y[corner] for corner in corners)
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    # NaN, a corner too near or behind, propagates into the bounds and fails the comparison.
    left = np.maximum(np.ceil(np.minimum(np.minimum(ax, bx), cx) - _EDGE), 0)
    right = np.minimum(np.floor(np.maximum(np.maximum(ax, bx), cx) + _EDGE), size[0] - 1)
    top = np.maximum(np.ceil(np.minimum(np.minimum(ay, by), cy) - _EDGE), 0)
    bottom = np.minimum(np.floor(np.maximum(np.maximum(ay, by), cy) + _EDGE), size[1] - 1)
    face = np.flatnonzero((left <= right) & (top <= bottom) & (area != 0))
    ax, ay, bx, by, cx, cy = (array[face] for array in (ax, ay, bx, by, cx, cy))
    left, right, top, bottom = (array[face] for array in (left, right, top, bottom))
    scale = 1 / area[face]
    b_column, b_row = (cy - ay) * scale, -(cx - ax) * scale
    c_column, c_row = -(by - ay) * scale, (bx - ax) * scale
    return _Triangles(
        face,
        left.astype(np.intp),
        top.astype(np.intp),
        right.astype(np.intp),
        bottom.astype(np.intp),
        (left - ax) * b_column + (top - ay) * b_row,
        b_column,
        b_row,
        (left - ax) * c_column + (top - ay) * c_row,
        c_column,
        c_row,
        *(w[corner[face]] for corner in corners),
    )


def _box_offsets(drawn: _Triangles, index: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Columns and rows of all pixels of one triangle's bounding box, from its upper left."""
    rows, columns = np.indices(
        (
            drawn.bottom[index] - drawn.top[index] + 1,
            drawn.right[index] - drawn.left[index] + 1,
        )
    )
    return columns.ravel(), rows.ravel()


class _Target:
    """The buffers that are drawn into."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.inverse = np.zeros(width * height, np.float32)  # 1 / depth, 0 = nothing yet
        self.face = np.full(width * height, -1, np.intp)
        self.weights = np.zeros((width * height, 3), np.float32)

    def draw(
        self, some: _Triangles, column: NDArray[np.intp] | int, row: NDArray[np.intp] | int
    ) -> None:
        """Many triangles at one pixel of their boxes each, or one triangle at many pixels."""
        b = some.b + column * some.b_column + row * some.b_row
        c = some.c + column * some.c_column + row * some.c_row
        inside = (b >= -_EDGE) & (c >= -_EDGE) & (b + c <= 1 + _EDGE)
        x, y = some.left + column, some.top + row
        hit = np.flatnonzero(inside & (x <= some.right) & (y <= some.bottom))
        if len(hit) == 0:
            return
        of = hit if len(some.face) == len(inside) else np.zeros_like(hit)
        b, c = b[hit], c[hit]
        parts_b, parts_c = b * some.inverse_b[of], c * some.inverse_c[of]
        parts_a = (1 - b - c) * some.inverse_a[of]
        near = parts_a + parts_b + parts_c
        pixel = y[hit] * self.width + x[hit]
        front = np.flatnonzero(near.astype(np.float32) > self.inverse[pixel])
        # Far to near, so that of several triangles on one pixel the nearest is written last.
        order = front[np.argsort(near[front], kind="stable")]
        pixel, near = pixel[order], near[order]
        self.inverse[pixel] = near
        self.face[pixel] = some.face[of[order]]
        for corner, part in enumerate((parts_a, parts_b, parts_c)):
            self.weights[pixel, corner] = part[order] / near

    def finished(self, faces: NDArray[np.integer], values: NDArray[np.floating]) -> Raster:
        """Interpolates the values once, at the pixels that are seen."""
        seen = np.flatnonzero(self.face >= 0)
        result = np.zeros((self.face.size, values.shape[1]), np.float32)
        corners = faces[self.face[seen]]
        for corner in range(3):
            result[seen] += self.weights[seen, corner, None] * values[corners[:, corner]]
        with np.errstate(divide="ignore"):
            depth = (1 / self.inverse).astype(np.float32)
        shape = (self.height, self.width)
        return Raster(result.reshape(*shape, -1), depth.reshape(shape))
