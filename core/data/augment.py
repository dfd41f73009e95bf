"""Augmentation that keeps depth right, and the network's view of a training sample.

The sky, which no sensor measures, is found by colour here; clouds tell it by depth
(`core.geometry.masks`).
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor

from core.data.sample import SPARSE, DepthArray, Sample
from core.model.config import IMAGENET_MEAN, IMAGENET_STD

BRIGHT = 185.0  # of 255; cloud and haze
BLUE = 18.0  # how far blue must lie above red where the sky is darker than that
SMOOTH = 5.0  # largest local contrast (standard deviation, of 255)
LABEL_EVERY = 6  # one sky pixel in this many rows and columns is marked
DENSE = 0.25  # a larger share of measured pixels comes from stereo
UNSURE = 2.5  # stereo finds no match worth keeping above the horizon where contrast is lower
HORIZON = 0.45  # of the picture's height
WALL, WALL_SHARE = 40.0, 0.25  # metres, and the share of the "sky" measured nearer: it is a wall

SKY = np.float32(1e6)
"""Metres that stand for the sky in a training sample."""

MEAN, STD = np.array(IMAGENET_MEAN, np.float32), np.array(IMAGENET_STD, np.float32)
FAR = 0.95  # of the model's depth range: where the sky is put
FILTERS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.BOX)


def find_sky(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Smooth bright or blue pixels that reach the top edge without a break in their column.

    Cautious: sky between branches and below wires is missed rather than a white wall taken.

    Args:
        rgb: (H, W, 3).

    Returns:
        (H, W), True where there is sky.
    """
    height, width = rgb.shape[:2]
    small = Image.fromarray(rgb).resize((width // 2, height // 2), Image.Resampling.BOX)
    colour = np.asarray(small, np.float32)
    light = colour.mean(2)
    contrast = local_contrast(np.asarray(small))
    blue = (colour[..., 2] - colour[..., 0] > BLUE) & (light > 70)
    candidate = ((light > BRIGHT) | blue) & (contrast < SMOOTH)
    reaches = np.logical_and.accumulate(candidate[1:], axis=0)  # the first row is often dark
    sky = np.concatenate((reaches[:1], reaches))
    # A lone column is a gap between houses at best; its neighbours have to agree.
    steady = Image.fromarray(sky).convert("L").filter(ImageFilter.MedianFilter(7))
    return np.asarray(steady.resize((width, height), Image.Resampling.NEAREST)) > 127


def mark_sky(sample: Sample) -> Sample:
    """A driving frame with SKY in the sky, and without stereo matches that cannot be trusted.

    The sky is marked on a sparse grid: labelled densely it would outweigh the few pixels that
    LiDAR measures. What looks like sky and is measured near (a white wall) stays as it is.
    Where the set says itself what is sky, every pixel of it is marked, and nothing is guessed.
    """
    if sample.sky is not None:
        return replace(sample, depth=np.where(sample.sky, SKY, sample.depth), sky=None)
    sky, depth = find_sky(sample.rgb), sample.depth
    if np.count_nonzero(depth) > DENSE * depth.size:
        flat = local_contrast(sample.rgb) < UNSURE
        flat[int(HORIZON * len(flat)) :] = False
        depth = np.where(flat, np.float32(0), depth)
    near = np.count_nonzero(sky & (sample.depth > 0) & (sample.depth < WALL))
    if near < WALL_SHARE * np.count_nonzero(sky):
        depth = np.where(sky, np.float32(0), depth)
        grid = np.zeros_like(sky)
        grid[::LABEL_EVERY, ::LABEL_EVERY] = True
        depth = np.where(sky & grid, SKY, depth)
    return replace(sample, depth=depth)


def local_contrast(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(H, W) standard deviation of the brightness over 5x5 pixels, of 255."""
    light = rgb.mean(2, dtype=np.float32)
    variance = np.maximum(_blur(light**2) - _blur(light) ** 2, 0)
    return np.asarray(np.sqrt(variance), np.float32)


def _blur(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean over 5x5 pixels, edges repeated."""
    padded = np.pad(values, 2, mode="edge").astype(np.float64)
    total = np.pad(padded.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    window = total[5:, 5:] - total[:-5, 5:] - total[5:, :-5] + total[:-5, :-5]
    return np.asarray(window / 25, np.float32)


@dataclass(frozen=True)
class AugmentConfig:
    """How far training samples are varied; the defaults are the paper's for NYU.

    Attributes:
        zoom: range of the zoom factor; the crop is the frame divided by it.
        rotation: most degrees of roll, either way.
        tilt: most degrees of pitch and of yaw, either way: what the camera would have seen, had it
            been turned about its centre.
        flip: probability of a left-right flip.
        gain: range of each colour channel's gain.
        brightness: range of the common gain.
        contrast, saturation: ranges of the factor towards the mean and towards grey.
        gamma: range of the exponent.
        grey: probability of a grey picture.
        noise: most standard deviation of added noise, in 0..255 values.
        blur: probability of a Gaussian blur of 0.3 to 1.2 pixels.
        jpeg: probability of JPEG artefacts, quality 30 to 90.
        cut_swap: probability that the view is cut along a row and its two parts change places,
            so that height in the picture alone does not tell depth (CutFlip: Shao et al.,
            "URCDC-Depth", 2023).
    """

    zoom: tuple[float, float] = (1.0, 1.0)
    rotation: float = 2.5
    tilt: float = 0.0
    flip: float = 0.5
    gain: tuple[float, float] = (0.8, 1.2)
    brightness: tuple[float, float] = (0.75, 1.25)
    contrast: tuple[float, float] = (1.0, 1.0)
    saturation: tuple[float, float] = (1.0, 1.0)
    gamma: tuple[float, float] = (1.0, 1.0)
    grey: float = 0.0
    noise: float = 0.0
    blur: float = 0.0
    jpeg: float = 0.0
    cut_swap: float = 0.0


def normalise(rgb: NDArray[np.uint8] | NDArray[np.float32]) -> Tensor:
    """(h, w, 3) RGB in 0..255 to a (3, h, w) ImageNet-normalised float32 tensor."""
    scaled = (rgb.astype(np.float32) / 255.0 - MEAN) / STD
    return torch.from_numpy(np.ascontiguousarray(scaled.transpose(2, 0, 1)))


def training_view(
    sample: Sample,
    size: tuple[int, int],
    focal: float | None,
    config: AugmentConfig,
    rng: np.random.Generator,
    border: int = 0,
    max_depth: float = np.inf,
) -> tuple[Tensor, Tensor]:
    """One augmented view of a sample.

    A view of focal length f (in pixels at the network's input) is what a camera of that focal
    length would have taken, so with a canonical focal length the depth is multiplied by
    focal / f; without one, zooming by s divides depth by s.

    Args:
        size: (h, w) of the network's input.
        focal: the model's canonical focal length in pixels, or None.
        rng: the only source of randomness.
        border: pixels to leave out on every side of the frame.
        max_depth: of the model, metres; the sky gets FAR of it, what is measured beyond it counts
            as not measured.

    Returns:
        image (3, h, w) ImageNet-normalised, depth (1, h, w) as in the sample.
    """
    height, width = size
    photo, depth = Image.fromarray(sample.rgb), Image.fromarray(sample.depth)
    if config.rotation or config.tilt:
        most = np.array((config.rotation, config.tilt, config.tilt))
        photo, depth = turn_camera(sample, *rng.uniform(-most, most))
    room_w, room_h = photo.width - 2 * border, photo.height - 2 * border
    widest = min(room_w, room_h * width / height)
    zoom = float(np.exp(rng.uniform(*np.log(config.zoom))))
    crop_w, crop_h = widest / zoom, widest * height / width / zoom
    left = border + float(rng.uniform(0, room_w - crop_w))
    top = border + float(rng.uniform(0, room_h - crop_h))
    box = (left, top, left + crop_w, top + crop_h)
    resample = FILTERS[int(rng.integers(len(FILTERS)))]
    rgb = np.asarray(photo.resize((width, height), resample, box=box))
    metres = shrink_depth(np.asarray(depth), box, size)
    seen_focal = sample.fx * width / crop_w
    sky = metres == SKY
    metres = metres * np.float32(focal / seen_focal if focal else 1 / zoom)
    metres = np.where(sky, np.float32(FAR * max_depth), np.where(metres > max_depth, 0, metres))
    if rng.random() < config.flip:
        rgb, metres = rgb[:, ::-1], metres[:, ::-1]
    if rng.random() < config.cut_swap:
        row = -int(height * rng.uniform(0.2, 0.8))
        rgb, metres = np.roll(rgb, row, 0), np.roll(metres, row, 0)
    image = normalise(vary_colour(degrade(rgb, config, rng), config, rng))
    return image, torch.from_numpy(np.ascontiguousarray(metres, np.float32))[None]


def turn_camera(
    sample: Sample, roll: float, pitch: float, yaw: float
) -> tuple[Image.Image, Image.Image]:
    """What the camera would have seen, had it been turned about its centre.

    The picture moves by the homography K R K^-1. A point's depth changes with the axis it is
    measured along; what the camera did not see is black and not measured.

    Args:
        roll, pitch, yaw: degrees about the z, x and y axis (x right, y down, z forward).

    Returns:
        photo (RGB) and depth (F, metres, 0 = not measured), as large as the sample's.
    """
    (s_roll, s_pitch, s_yaw), (c_roll, c_pitch, c_yaw) = (
        function(np.radians((roll, pitch, yaw))) for function in (np.sin, np.cos)
    )
    about_z = np.array([[c_roll, -s_roll, 0], [s_roll, c_roll, 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, c_pitch, -s_pitch], [0, s_pitch, c_pitch]])
    about_y = np.array([[c_yaw, 0, s_yaw], [0, 1, 0], [-s_yaw, 0, c_yaw]])
    # Pillow's coordinates start at a pixel's corner, the intrinsics' at its centre.
    camera = np.array([[sample.fx, 0, sample.cx + 0.5], [0, sample.fy, sample.cy + 0.5], [0, 0, 1]])
    to_ray = (about_z @ about_x @ about_y).T @ np.linalg.inv(camera)
    source = camera @ to_ray
    coefficients = (source / source[2, 2]).ravel()[:8].tolist()
    image, depth = Image.fromarray(sample.rgb), Image.fromarray(sample.depth)
    perspective = Image.Transform.PERSPECTIVE
    photo = image.transform(image.size, perspective, coefficients, Image.Resampling.BILINEAR)
    moved = depth.transform(depth.size, perspective, coefficients, Image.Resampling.NEAREST)
    columns, rows = np.arange(depth.width) + 0.5, np.arange(depth.height)[:, None] + 0.5
    along_axis = to_ray[2, 0] * columns + to_ray[2, 1] * rows + to_ray[2, 2]
    metres = np.asarray(moved)
    metres = np.where(metres == SKY, metres, metres / along_axis.astype(np.float32))
    return photo, Image.fromarray(metres)


def shrink_depth(
    depth: DepthArray, box: tuple[float, float, float, float], size: tuple[int, int]
) -> DepthArray:
    """The part of a depth map inside `box`, at `size`.

    A dense map gives every pixel its nearest measurement. A sparse one (LiDAR) keeps all of them,
    the nearest to the camera where several fall together: points of the background that shine
    through a foreground's border are the farther ones.

    Args:
        depth: (H, W) metres, 0 = not measured.
        box: left, top, right, bottom in pixels.
        size: (h, w).

    Returns:
        (h, w) metres, 0 = not measured.
    """
    height, width = size
    if np.count_nonzero(depth) > SPARSE * depth.size:
        image = Image.fromarray(depth)
        return np.asarray(image.resize((width, height), Image.Resampling.NEAREST, box=box))
    left, top, right, bottom = box
    v, u = np.nonzero(depth)
    column = np.floor((u + 0.5 - left) / (right - left) * width).astype(np.int64)
    row = np.floor((v + 0.5 - top) / (bottom - top) * height).astype(np.int64)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    shrunk = np.full(size, np.inf, np.float32)
    np.minimum.at(shrunk, (row[inside], column[inside]), depth[v[inside], u[inside]])
    return np.where(np.isinf(shrunk), np.float32(0), shrunk)


def degrade(
    rgb: NDArray[np.uint8], config: AugmentConfig, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Blur and JPEG artefacts as cameras and messengers leave them; (h, w, 3) in 0..255."""
    image = Image.fromarray(rgb)
    if rng.random() < config.blur:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.2))))
    if rng.random() < config.jpeg:
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=int(rng.integers(30, 91)))
        image = Image.open(stream)
    return np.asarray(image)


def vary_colour(
    rgb: NDArray[np.uint8], config: AugmentConfig, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Gain, brightness, gamma, contrast, saturation, grey and noise; (h, w, 3) in 0..255."""
    image = rgb.astype(np.float32) / 255.0
    image = image ** np.float32(np.exp(rng.uniform(*np.log(config.gamma))))
    image *= rng.uniform(*config.gain, 3).astype(np.float32)
    image *= np.float32(rng.uniform(*config.brightness))
    mean = image.mean(dtype=np.float32)
    image = mean + (image - mean) * np.float32(rng.uniform(*config.contrast))
    luminance = image.mean(2, keepdims=True)
    saturation = 0.0 if rng.random() < config.grey else rng.uniform(*config.saturation)
    image = luminance + (image - luminance) * np.float32(saturation)
    if config.noise:
        sigma = rng.uniform(0, config.noise) / 255.0
        image += rng.standard_normal(image.shape, np.float32) * np.float32(sigma)
    return np.asarray(np.clip(image, 0, 1) * 255, np.float32)
