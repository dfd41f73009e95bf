"""Borders and surfaces: whether depth breaks where objects end, and is flat where walls are.

The nine metrics count every pixel alike and hardly see either. Everything here wants dense truth,
and the prediction scaled by the median ratio first, so that shape counts and scale does not.

Sources: edge F1 from J. Hu et al., "Revisiting Single Image Depth Estimation", WACV 2019; border
accuracy and completeness and planarity after T. Koch et al., "Evaluation of CNN-based Single-Image
Depth Estimation Methods", ECCV Workshops 2018.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.data.sample import Sample

EDGE_THRESHOLDS = (0.25, 0.5, 1.0)
"""Lengths of the Sobel response of metres above which a pixel is an edge."""

BORDER_THRESHOLD = 0.5  # whose edges border accuracy and completeness take
FARTHEST = 10.0  # pixels; a border without a counterpart counts as this far off
EDGE_MARGIN = 4  # pixels around a true edge that have no normal
TRUTH_BLUR = 1.5  # pixels; standard deviation of the Gaussian that takes out the sensor's noise
NORMAL_WINDOW = 5  # pixels over which points are averaged
NORMAL_ANGLES = (11.25, 22.5, 30.0)
TILE = 96  # pixels; side of the squares that are tried as flat regions
FLAT = (0.01, 0.005)  # metres, or share of the depth: how far true points of a plane lie off it
DENSE_SHARE = 0.5
"""Least share of measured pixels at which borders and surfaces can be told from the truth."""

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class GeometryFigures:
    """One frame's figures; NaN where the frame has nothing to measure them on.

    Attributes:
        precision, recall: of edge pixels, one for each of `EDGE_THRESHOLDS`.
        accuracy: mean distance of predicted border pixels to the nearest true one, pixels.
        completeness: mean distance of true border pixels to the nearest predicted one, pixels.
        normal_mean: mean angle between predicted and true normals, degrees.
        normal_within: share of pixels with an angle below each of `NORMAL_ANGLES`.
        planarity: RMS distance of predicted points to the plane fitted through them, over regions
            whose true points lie on a plane, centimetres.
    """

    precision: tuple[float, ...]
    recall: tuple[float, ...]
    accuracy: float
    completeness: float
    normal_mean: float
    normal_within: tuple[float, ...]
    planarity: float


def measure_geometry(
    scaled: NDArray[np.floating], sample: Sample, counts: Mask
) -> GeometryFigures | None:
    """One frame's figures.

    Args:
        scaled: (H, W) predicted metres, scaled to the truth's median; NaN where there is none.
        counts: (H, W), the pixels inside the protocol's crop and range.

    Returns:
        The figures, or None where the truth is too sparse to have borders.
    """
    gt = sample.depth
    rows, columns = np.nonzero(counts)
    window = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
    measured = gt > 0
    if measured[window].mean() < DENSE_SHARE:
        return None
    known = measured & np.isfinite(scaled)
    # A pixel next to a missing one has no slope.
    known = ndimage.binary_erosion(known, np.ones((3, 3)), border_value=1)
    inside = np.zeros_like(known)
    inside[window] = known[window]
    truth = np.where(measured, gt, 0).astype(np.float64)
    found = np.where(np.isfinite(scaled), scaled, 0).astype(np.float64)
    true_slope, slope = sobel_length(truth), sobel_length(found)
    scores = [edge_scores(slope > t, true_slope > t, inside) for t in EDGE_THRESHOLDS]
    accuracy, completeness = border_distances(
        (slope > BORDER_THRESHOLD) & inside, (true_slope > BORDER_THRESHOLD) & inside
    )
    edges = (true_slope > EDGE_THRESHOLDS[0]) | ~known
    away = inside & (ndimage.distance_transform_edt(~edges) > EDGE_MARGIN)
    angles = normal_angles(found, ndimage.gaussian_filter(truth, TRUTH_BLUR), sample)[away]
    within = tuple(float(np.mean(angles < a)) if angles.size else np.nan for a in NORMAL_ANGLES)
    return GeometryFigures(
        precision=tuple(p for p, _ in scores),
        recall=tuple(r for _, r in scores),
        accuracy=accuracy,
        completeness=completeness,
        normal_mean=float(angles.mean()) if angles.size else np.nan,
        normal_within=within,
        planarity=planarity(found, truth, inside, sample),
    )


def sobel_length(depth: Array) -> Array:
    """Length of the 3x3 Sobel response (kernel 1 2 1, not normalised), (H, W) -> (H, W)."""
    across, down = (ndimage.sobel(depth, axis, mode="nearest") for axis in (1, 0))
    length: Array = np.hypot(across, down)
    return length


def edge_scores(found: Mask, true: Mask, inside: Mask) -> tuple[float, float]:
    """Precision and recall of edge pixels, same pixel; NaN where there is none to judge by."""
    found, true = found & inside, true & inside
    hits = np.count_nonzero(found & true)
    n_found, n_true = np.count_nonzero(found), np.count_nonzero(true)
    if n_true == 0:
        return (0.0 if n_found else np.nan), np.nan
    return (hits / n_found if n_found else 0.0), hits / n_true


def border_distances(found: Mask, true: Mask) -> tuple[float, float]:
    """Accuracy and completeness of borders in pixels, each distance at most `FARTHEST`."""
    if not true.any():
        return (FARTHEST if found.any() else np.nan), np.nan
    to_true = np.minimum(ndimage.distance_transform_edt(~true), FARTHEST)
    if not found.any():
        return np.nan, FARTHEST
    to_found = np.minimum(ndimage.distance_transform_edt(~found), FARTHEST)
    return float(to_true[found].mean()), float(to_found[true].mean())


def points(depth: Array, camera: Sample) -> Array:
    """(H, W, 3) camera coordinates in metres of a depth map, seen by a frame's camera."""
    v, u = np.indices(depth.shape)
    return np.stack(
        ((u - camera.cx) / camera.fx * depth, (v - camera.cy) / camera.fy * depth, depth), -1
    )


def normal_angles(found: Array, true: Array, camera: Sample) -> Array:
    """(H, W) degrees between the surfaces' normals, from 0 to 90: the sign does not count."""
    first, second = (_normals(depth, camera) for depth in (found, true))
    cosine = np.abs((first * second).sum(-1)).clip(0, 1)
    return np.asarray(np.degrees(np.arccos(cosine)))


def _normals(depth: Array, camera: Sample) -> Array:
    window = (NORMAL_WINDOW, NORMAL_WINDOW, 1)
    averaged = ndimage.uniform_filter(points(depth, camera), window, mode="nearest")
    normal = np.cross(np.gradient(averaged, axis=1), np.gradient(averaged, axis=0))
    return np.asarray(normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-12))


def planarity(found: Array, true: Array, inside: Mask, camera: Sample) -> float:
    """RMS distance in cm of predicted points to their own plane where the true ones have one.

    The squares of `TILE` pixels whose true points lie within `FLAT` of a plane are the regions;
    NaN where there is none.
    """
    predicted, measured = points(found, camera), points(true, camera)
    squares = []
    for top in range(0, found.shape[0] - TILE + 1, TILE // 2):
        for left in range(0, found.shape[1] - TILE + 1, TILE // 2):
            tile = slice(top, top + TILE), slice(left, left + TILE)
            if not inside[tile].all():
                continue
            limit = max(FLAT[0], FLAT[1] * float(np.median(true[tile])))
            if off_plane(measured[tile].reshape(-1, 3)) <= limit:
                squares.append(off_plane(predicted[tile].reshape(-1, 3)) ** 2)
    return 100 * float(np.sqrt(np.mean(squares))) if squares else np.nan


def off_plane(cloud: Array) -> float:
    """RMS distance of (n, 3) points to the plane that fits them best, in their own unit."""
    centred = cloud - cloud.mean(0)
    smallest = np.linalg.eigvalsh(centred.T @ centred / len(cloud))[0]
    return float(np.sqrt(max(smallest, 0.0)))


def summarise_geometry(frames: Sequence[GeometryFigures]) -> dict[str, float]:
    """The figures by key, over frames that have them; edge F1 is that of mean precision and recall.

    Returns:
        `edge_f1_T`, `edge_precision_T` and `edge_recall_T` for each threshold T,
        `border_accuracy_px`, `border_completeness_px`, `normal_mean_deg`, `normal_11`,
        `normal_22`, `normal_30`, `planarity_cm` and `images`; NaN where no frame has the figure.
        Empty without frames.
    """
    if not frames:
        return {}
    figures: dict[str, float] = {}
    for index, threshold in enumerate(EDGE_THRESHOLDS):
        precision = _mean([frame.precision[index] for frame in frames])
        recall = _mean([frame.recall[index] for frame in frames])
        both = precision + recall
        figures[f"edge_f1_{threshold}"] = 2 * precision * recall / both if both else 0.0
        figures[f"edge_precision_{threshold}"] = precision
        figures[f"edge_recall_{threshold}"] = recall
    figures["border_accuracy_px"] = _mean([frame.accuracy for frame in frames])
    figures["border_completeness_px"] = _mean([frame.completeness for frame in frames])
    figures["normal_mean_deg"] = _mean([frame.normal_mean for frame in frames])
    for index, angle in enumerate(NORMAL_ANGLES):
        figures[f"normal_{int(angle)}"] = _mean([frame.normal_within[index] for frame in frames])
    figures["planarity_cm"] = _mean([frame.planarity for frame in frames])
    figures["images"] = len(frames)
    return figures


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
