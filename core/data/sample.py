"""One RGB-D training or test frame, and the file readers that every dataset shares."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from core.camera import from_fov
from core.data.depth_file import in_metres, read_stored, resized_nearest
from core.data.sparse_file import read_sparse
from core.errors import CameraError, DataError, ImageError
from core.images.decode import decode
from core.scale.measurements import SparseDepth

RgbArray = NDArray[np.uint8]
DepthArray = NDArray[np.float32]

Camera = tuple[float, float, float, float]
"""fx, fy, cx, cy in pixels, pixel centres at integer coordinates."""

MOST_STRETCHED = 1.02
"""How far a depth map's aspect ratio may be off its picture's: sizes are rounded."""

_ORIENTATION = 0x0112  # EXIF
# What says that a picture's numbers are not sRGB as they stand (`core.images.decode` reads it).
_SAYS_MORE = {"icc_profile", "gamma", "chromaticity", "transparency"}

SPARSE_TYPES = (".csv", ".bin", ".pcd")
"""Files of points (`core.data.sparse_file`) that may stand in place of a depth map."""

SPARSE = 0.25
"""A depth map with a smaller share of measured pixels is LiDAR's."""

DEPTH_ENCODINGS = ("scaled", "sunrgbd", "inverse")
"""What stored numbers are: units; units rotated by three bits (SUN RGB-D's PNGs); or inverse depth
up to scale and shift, such as the disparity of a stereo pair, which can be trained on only."""


def read_text(path: Path) -> str:
    """A text file's content, its lines ended by a line feed each.

    UTF-8 with or without the mark that Windows' Notepad puts in front of it, and the UTF-16 that
    PowerShell's `>` writes.

    Raises:
        OSError: it cannot be read.
        UnicodeDecodeError: it is neither.
    """
    data = path.read_bytes()
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = data.decode("utf-16" if wide else "utf-8-sig")
    return text.replace("\r\n", "\n")


@dataclass(frozen=True, eq=False)
class Sample:
    """A colour picture with the depth measured for it.

    Attributes:
        rgb: (H, W, 3) uint8, sRGB.
        depth: (H, W) float32, metres along the optical axis; 0 where nothing was measured. Below 0
            where -1 / depth is the inverse depth up to scale and shift, which no figure counts.
        fx, fy: focal lengths in pixels of `rgb`.
        cx, cy: principal point in pixels of `rgb`, pixel centres at integer coordinates.
        name: unique within its dataset; ends up in the per-image tables.
        sky: (H, W) bool where the set says it; None where it does not.
    """

    rgb: RgbArray
    depth: DepthArray
    fx: float
    fy: float
    cx: float
    cy: float
    name: str
    sky: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        if self.rgb.shape != (*self.depth.shape, 3):
            raise DataError(
                f"Frame {self.name}: got a picture of shape {self.rgb.shape} and a depth map of "
                f"shape {self.depth.shape}, expected (H, W, 3) and (H, W) of one size; "
                "check that both files belong to the same frame."
            )

    @property
    def valid(self) -> NDArray[np.bool_]:
        """(H, W) bool, True where a depth was measured."""
        return self.depth > 0


@dataclass(frozen=True)
class Frame:
    """Where one `Sample` lies on disk: two files, the depth scale and the camera.

    Attributes:
        rgb_path, depth_path: the colour picture and the depth map.
        name: unique within the dataset.
        depth_scale: stored depth units per metre (1000 for millimetres, 256 for KITTI).
        camera: fx, fy, cx, cy in pixels of the picture; or its horizontal field of view in
            degrees; None: its EXIF data say.
        kind: how the depth was measured ("lidar sweep", "stereo SGM", ...), "" if unknown.
        encoding: one of `DEPTH_ENCODINGS`.
        mask_path: a .npy whose zeros mark depths to ignore, if there is one.
        sky_path: a picture whose bright pixels are sky, if there is one.
        max_depth: metres beyond which a measurement counts as missing, None = no limit.
        calibration: files that say how the camera sees a LiDAR's points.
    """

    rgb_path: Path
    depth_path: Path
    name: str
    depth_scale: float
    camera: Camera | float | None
    kind: str = ""
    encoding: str = "scaled"
    mask_path: Path | None = None
    sky_path: Path | None = None
    max_depth: float | None = None
    calibration: tuple[Path, ...] = ()

    def load(self) -> Sample:
        """Reads both files; a depth map of another size is brought to the picture's.

        Raises:
            DataError: a file is missing or unreadable, the two have different shapes, or nothing
                says the camera.
        """
        rgb = read_rgb(self.rgb_path)
        if self.depth_path.suffix.lower() in SPARSE_TYPES:
            depth = read_points(self.depth_path, rgb.shape[:2], self.calibration)
        else:
            depth = read_depth(self.depth_path, self.depth_scale, self.encoding)
        if self.encoding == "inverse":
            depth = _up_to_scale_and_shift(depth)
        if self.mask_path is not None:
            depth = np.where(_mask(self.mask_path, depth.shape), depth, np.float32(0))
        depth = _at_size(depth, rgb.shape[:2], self.name)
        if self.max_depth is not None:
            depth = np.where(depth <= self.max_depth, depth, np.float32(0))
        return Sample(rgb, depth, *self._camera(rgb), name=self.name, sky=self._sky(depth.shape))

    def _sky(self, size: tuple[int, ...]) -> NDArray[np.bool_] | None:
        if self.sky_path is None:
            return None
        sky = read_rgb(self.sky_path)[..., 0] > 127
        if sky.shape != size:
            raise DataError(
                f"{self.sky_path} is of {sky.shape[1]}x{sky.shape[0]} pixels, expected its "
                f"picture's {size[1]}x{size[0]}: make it anew, or move it away."
            )
        return sky

    def _camera(self, rgb: RgbArray) -> Camera:
        if isinstance(self.camera, tuple):
            return self.camera
        height, width = rgb.shape[:2]
        if self.camera is not None:
            seen = from_fov(width, height, self.camera)
            return seen.fx, seen.fy, seen.cx, seen.cy
        focal = decode(self.rgb_path).focal_px
        if focal is None:
            raise DataError(
                f"{self.rgb_path} has no focal length in its EXIF data, expected one, since the "
                'dataset config says camera = "exif": write fov = DEGREES or camera = '
                "[fx, fy, cx, cy] instead."
            )
        return focal, focal, (width - 1) / 2, (height - 1) / 2


def _up_to_scale_and_shift(inverse: DepthArray) -> DepthArray:
    """Inverse depth as `Sample.depth` has it, the median at -1."""
    known = inverse > 0
    usual = np.median(inverse[known]) if known.any() else 1.0
    return np.where(known, -usual / np.where(known, inverse, 1), 0).astype(np.float32)


def _at_size(depth: DepthArray, size: tuple[int, ...], name: str) -> DepthArray:
    """A depth map at its picture's size, by nearest pixels."""
    height, width = size
    if depth.shape == (height, width):
        return depth
    stretch = depth.shape[1] / depth.shape[0] * height / width
    if not 1 / MOST_STRETCHED < stretch < MOST_STRETCHED:
        raise DataError(
            f"Frame {name}: got a picture of {width}x{height} pixels and a depth map of "
            f"{depth.shape[1]}x{depth.shape[0]}, expected the same shape; check that both files "
            "belong to the same frame."
        )
    return resized_nearest(depth, height, width)


class FrameDataset(Sequence[Sample]):
    """Frames on disk as a sequence of samples, each read when asked for.

    Holds paths only, so it is cheap to pickle into data-loader workers.
    """

    def __init__(self, frames: Sequence[Frame]) -> None:
        self.frames = tuple(frames)

    def __len__(self) -> int:
        return len(self.frames)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> FrameDataset: ...
    def __getitem__(self, index: int | slice) -> Sample | FrameDataset:
        if isinstance(index, slice):
            return FrameDataset(self.frames[index])
        return self.frames[index].load()


def scenes(dataset: FrameDataset) -> dict[str, list[Frame]]:
    """A dataset's frames by scene."""
    found: dict[str, list[Frame]] = {}
    for frame in dataset.frames:
        found.setdefault(scene_of(frame.name), []).append(frame)
    return found


def scene_of(name: str) -> str:
    """The scene (drive) that a frame belongs to: all before the last slash of its name."""
    return name.rpartition("/")[0]


def frame_name(dataset: Sequence[Sample], index: int) -> str:
    """What a frame is called, without reading it."""
    if isinstance(dataset, FrameDataset):
        return dataset.frames[index].name
    return f"{index:05d}"


def read_rgb(path: Path) -> RgbArray:
    """Reads a dataset picture as (H, W, 3) uint8 sRGB, upright, as the predictor would see it.

    Raises:
        DataError: the file is missing or is no picture.
    """
    with _open(path) as picture:
        plain = picture.mode in ("RGB", "L") and not _SAYS_MORE & picture.info.keys()
        if plain and picture.getexif().get(_ORIENTATION, 1) == 1:
            return np.asarray(picture.convert("RGB"), dtype=np.uint8)
    try:
        return decode(path).rgb
    except ImageError as error:
        raise DataError(f"{path}: {error}") from error


def read_depth(path: Path, scale: float, encoding: str = "scaled") -> DepthArray:
    """Reads a depth map as (H, W) float32 metres, 0 = nothing measured.

    Args:
        scale: stored units per metre.
        encoding: "scaled", or "sunrgbd" for 16-bit numbers rotated left by three bits.

    Raises:
        DataError: the file is missing, is no depth map, has 8 bits per pixel, or another scale.
    """
    try:
        stored = read_stored(path.read_bytes())
        if encoding == "sunrgbd":
            numbers = stored.astype(np.uint16)
            stored = (numbers >> 3) | (numbers << 13)
        return in_metres(stored, scale)
    except FileNotFoundError as error:
        raise DataError(
            f"{path} does not exist, expected the frame's depth map; check the dataset's root "
            "folder and its split file."
        ) from error
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}); expected the frame's depth map. Check its "
            "permissions."
        ) from error
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def read_split_lines(path: Path) -> list[list[str]]:
    """Reads a split file: one frame per line, columns separated by blanks or commas.

    Empty lines and lines that begin with # are skipped.

    Raises:
        DataError: the file is missing or lists nothing.
    """
    try:
        text = read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"Cannot read the split file {path} ({error}); expected a text file with one frame "
            "per line."
        ) from error
    lines = [line.replace(",", " ").split() for line in text.splitlines()]
    lines = [columns for columns in lines if columns and not columns[0].startswith("#")]
    if not lines:
        raise DataError(f"The split file {path} lists no frame; expected one frame per line.")
    return lines


def read_points(path: Path, size: tuple[int, ...], calibration: Sequence[Path] = ()) -> DepthArray:
    """Reads measured points as (H, W) float32 metres, 0 = nothing measured.

    Args:
        size: height and width of the picture that they belong to.

    Raises:
        DataError: the file is missing or garbled, or points lie outside the picture.
    """
    try:
        return on_grid(read_sparse(path, calibration=calibration), size)
    except CameraError as error:
        raise DataError(f"{path}: {error}") from error


def on_grid(points: SparseDepth, size: tuple[int, ...]) -> DepthArray:
    """Points as a depth map: 0 between them; of several in one pixel the nearest to the camera.

    Raises:
        CameraError: points outside the picture.
    """
    height, width = size
    u, v, metres = points.on_photo(width, height)
    columns = np.clip(np.floor(u + 0.5).astype(np.intp), 0, width - 1)
    rows = np.clip(np.floor(v + 0.5).astype(np.intp), 0, height - 1)
    depth = np.full((height, width), np.inf, np.float32)
    np.minimum.at(depth, (rows, columns), metres.astype(np.float32))
    return np.where(np.isinf(depth), np.float32(0), depth)


def _mask(path: Path, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """(H, W), False where a depth is to be ignored."""
    try:
        # Pickled arrays could run code, and no mask needs one.
        array = np.load(path, allow_pickle=False)
        mask = np.asarray(array, bool).squeeze()
    except (OSError, ValueError, TypeError, EOFError) as error:
        raise DataError(
            f"{path} cannot be read as a NumPy array ({error}); expected an unpickled .npy."
        ) from error
    if mask.shape != shape:
        raise DataError(
            f"{path} is of shape {mask.shape}, expected {shape}, as the depth map; check that both "
            "files belong to the same frame."
        )
    return mask


def _open(path: Path) -> Image.Image:
    try:
        with path.open("rb") as file:
            picture = Image.open(file)
            picture.load()
    except FileNotFoundError as error:
        raise DataError(
            f"{path} does not exist; check the dataset's root folder and its split file."
        ) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise DataError(
            f"{path} cannot be read as a picture ({error}); fetch that file of the dataset again."
        ) from error
    return picture
