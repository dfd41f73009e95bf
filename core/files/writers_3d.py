"""3D files for the table of `core.files.outputs`: geometry, stereo pictures, a clip."""

from __future__ import annotations

import io
import mmap
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from core.atomic import write_atomic
from core.errors import ExportError
from core.files.gltf import plain_name
from core.files.png import encode_png, with_text
from core.files.writers_2d import ExportJob, Facts
from core.geometry.measure import Measurer
from core.geometry.mesh import Mesh
from core.geometry.point_cloud import CloudOptions, PointCloud, point_cloud
from core.geometry.provenance import SceneInfo
from core.geometry.render import Picture, anaglyph, camera_move, side_by_side, stereo_pair
from core.geometry.three_d import Shape, SpaceOptions, build, save
from core.geometry.virtual_object import Kind, place
from core.scale.measurements import unit_of

if TYPE_CHECKING:
    from core.files.geometry_process import Apart
    from core.prediction import Prediction


_CRF = "18"  # H.264's quality: what is hard to tell from the original


def save_clip(
    path: Path, frames: Iterable[Picture], *, fps: float, comments: Mapping[str, str]
) -> None:
    """Writes an .mp4, whole or not at all.

    Args:
        frames: (H, W, 3) uint8 each, one size, at least one.
        comments: key -> text, kept in the file.

    Raises:
        ExportError: PyAV is missing, or the disk refused.
    """
    try:
        import av
    except (ImportError, OSError) as error:
        raise ExportError(
            f"PyAV could not be loaded ({error}), expected it for an .mp4: run 'make setup', which "
            "installs it."
        ) from error
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as film:
        film.metadata["comment"] = "; ".join(f"{key}: {text}" for key, text in comments.items())
        stream: Any = None
        for picture in frames:
            picture = _even(picture)
            if stream is None:
                rate = Fraction(fps).limit_denominator(1001)
                stream = film.add_stream("libx264", rate, {"crf": _CRF, "threads": "2"})
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = "yuv420p"  # the only one that every browser plays
            film.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        film.mux(stream.encode(None))
    write_atomic(path, buffer.getvalue())


def _even(picture: Picture) -> Picture:
    """With an even width and height, which the format demands: the last line is repeated."""
    height, width = picture.shape[:2]
    padded = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return np.ascontiguousarray(padded)


RENDERED_POINTS = 300_000  # a picture of 640 pixels shows no more
CLIP_POINTS = 120_000  # in motion half of that is enough, and twice as fast
SPLATS = 1_000_000  # 68 MB; viewers draw some millions
ROS_POINTS = 1_000_000
USDZ_POINTS = 150_000  # text of some ten megabytes; phones draw a few 100,000 triangles
CLIP_FRAMES, CLIP_FPS = 36, 18.0
_LOW = 0.75  # of the photo's height: where an object stands that has no place
_FRAMES = {".ply": "opencv", ".glb": "gltf", ".zip": "obj: x right, y up, z backward"}


def write_geometry(
    path: Path, prediction: Prediction, rgb: NDArray[np.uint8], wanted: SpaceOptions
) -> Facts:
    """Points or a surface as .ply or .glb, or an .obj with its .mtl and texture in a .zip.

    Raises:
        ExportError: nothing is left, Open3D is needed and missing, or the disk refused.
    """
    return write_built(path, build(prediction, rgb, wanted.for_file(path.suffix)))


def write_built(path: Path, built: PointCloud | Mesh) -> Facts:
    """Writes what was built, in the kind of file that the ending names.

    Raises:
        ExportError: an ending that cannot hold it, or the disk refused.
    """
    if path.suffix == ".zip":
        _save_zipped_obj(path, built)
    else:
        save(built, path)
    facts: Facts = {"unit": unit_of(built.scene.metric), "frame": _FRAMES[path.suffix]}
    if isinstance(built, Mesh):
        return facts | {"vertices": len(built.vertices), "triangles": len(built.faces)}
    return facts | {"points": len(built), "dropped": dict(built.dropped)}


def _wanted(job: ExportJob) -> SpaceOptions:
    return job.space or SpaceOptions()


def _built(job: ExportJob, wanted: SpaceOptions) -> PointCloud | Mesh:
    """Within the job's limits, if it has any."""
    if job.apart is None:
        return build(job.prediction, job.rgb, wanted)
    from core.files.geometry_process import build_apart

    return build_apart(job.prediction, job.rgb, wanted, job.apart)


def _write_geometry(path: Path, job: ExportJob) -> Facts:
    if job.apart is None:
        return write_geometry(path, job.prediction, job.rgb, _wanted(job))
    from core.files.geometry_process import write_apart

    return write_apart(path, job.prediction, job.rgb, _wanted(job), job.apart)


def _write_splats(path: Path, job: ExportJob) -> Facts:
    """Gaussian splats of the points, at most `SPLATS` of them."""
    from core.files import ply

    wanted = replace(_wanted(job).thinned(SPLATS), shape="points", faces=None)
    cloud = _built(job, replace(wanted, points=replace(wanted.points, normals=True)))
    assert isinstance(cloud, PointCloud)  # noqa: S101 - that is what "points" gives
    table = ply.splats(cloud)
    write_atomic(path, lambda file: ply.write_splats(file, table, cloud.comments()))
    return {"unit": unit_of(cloud.scene.metric), "frame": "opencv", "splats": len(table)}


def _write_usdz(path: Path, job: ExportJob) -> Facts:
    """The surface as a package for AR viewers, with at most `USDZ_POINTS` points."""
    from core.files import usdz

    wanted = _wanted(job)
    shape: Shape = "poisson" if wanted.shape == "poisson" else "surface"
    mesh = _built(job, replace(wanted.thinned(USDZ_POINTS), shape=shape))
    assert isinstance(mesh, Mesh)  # noqa: S101 - that is what these shapes give
    write_atomic(path, lambda file: usdz.write_usdz(file, mesh))
    facts: Facts = {"unit": unit_of(mesh.scene.metric), "frame": "usd: x right, y up, z backward"}
    return facts | {"vertices": len(mesh.vertices), "triangles": len(mesh.faces)}


def _write_mcap(path: Path, job: ExportJob) -> Facts:
    """Photo, depth, camera and at most `ROS_POINTS` points as ROS 2 messages."""
    from core.files import ros

    cloud = _built(
        job, replace(_wanted(job).thinned(ROS_POINTS), shape="points", faces=None, pose=None)
    )
    assert isinstance(cloud, PointCloud)  # noqa: S101 - that is what "points" gives
    camera, comments = job.prediction.intrinsics, cloud.comments()

    def write(file: BinaryIO) -> None:
        ros.write_mcap(file, job.rgb, job.prediction.depth, camera, cloud, comments)

    write_atomic(path, write)
    return {"unit": unit_of(cloud.scene.metric), "frame": ros.FRAME, "points": len(cloud)}


def _write_stereo(path: Path, job: ExportJob) -> Facts:
    """A .png for both eyes: side by side, or an anaglyph where the name says so."""
    left, right = stereo_pair(_surface(job))
    kind = "anaglyph" if path.stem.endswith("anaglyph") else "side by side"
    picture = anaglyph(left, right) if kind == "anaglyph" else side_by_side(left, right)
    write_atomic(path, with_text(encode_png(np.ascontiguousarray(picture)), job.origin()))
    return {"kind": kind, "width": picture.shape[1], "height": picture.shape[0]}


def _write_clip(path: Path, job: ExportJob) -> Facts:
    """A camera move that begins and ends at the photo's own view, as .mp4."""
    moved = camera_move(_surface(job, CLIP_POINTS), frames=CLIP_FRAMES)
    pictures = moved if job.apart is None else _while_wanted(moved, job.apart)
    save_clip(path, pictures, fps=CLIP_FPS, comments=job.origin())
    return {"frames": CLIP_FRAMES, "fps": CLIP_FPS}


def write_object(
    path: Path,
    prediction: Prediction,
    rgb: NDArray[np.uint8],
    *,
    kind: Kind = "ball",
    at: tuple[float, float] | None = None,
    size: float = 0.3,
    back: float = 0.0,
) -> Facts:
    """The photo as .png with a virtual object in it, hidden by what stands nearer.

    Args:
        rgb: (H, W, 3), the photo.
        kind: of `core.geometry.virtual_object.KINDS`.
        at: the pixel (u, v) that it stands on; None: below the photo's middle.
        size: diameter or edge, metres.
        back: metres by which it is moved away from the camera.

    Raises:
        CameraError: outside the photo, or no depth there.
        ExportError: an object that cannot be, a place behind the camera, or the disk refused.
    """
    width, height = prediction.photo_size
    u, v = at or ((width - 1) / 2, (height - 1) * _LOW)
    placed = place(rgb, Measurer.of(prediction), u, v, kind=kind, size=size, nearer=-back)
    text = SceneInfo.of(prediction).comments()
    write_atomic(path, with_text(encode_png(placed.rgb), text))
    facts: Facts = {"object": kind, "size": size, "at": [u, v], "back": back}
    return facts | {"distance": placed.distance, "visible": placed.visible}


def _while_wanted(pictures: Iterator[Picture], apart: Apart) -> Iterator[Picture]:
    """Tells before each picture how far the clip is; ends it where nobody waits any more."""
    from core.files.geometry_process import check_wanted

    for done in range(CLIP_FRAMES + 1):  # asked once more behind the last picture
        check_wanted(apart)
        apart.tell(done, CLIP_FRAMES)
        picture = next(pictures, None)
        if picture is None:
            return
        yield picture


def _surface(job: ExportJob, at_most: int = RENDERED_POINTS) -> Mesh:
    """In the camera frame, fine enough for a picture of it.

    Nothing is filtered: seen from near the photo's own place, a stretched border is
    less odd than a hole.
    """
    options = CloudOptions(edge_tolerance=None, max_points=at_most)
    return point_cloud(job.prediction, job.rgb, options).surface()


def _save_zipped_obj(path: Path, built: Any) -> None:
    stem = plain_name(path.stem.removesuffix("_obj"))
    with tempfile.TemporaryDirectory() as folder:
        save(built, Path(folder) / f"{stem}.obj")
        write_atomic(path, lambda file: _zip(file, sorted(Path(folder).iterdir())))


def _zip(file: BinaryIO, parts: Sequence[Path]) -> None:
    """Packs files without reading them into memory: an .obj of a large photo has gigabytes."""
    with zipfile.ZipFile(file, "w") as archive:
        for part in parts:
            entry = zipfile.ZipInfo(part.name)  # always of 1980
            entry.compress_type = zipfile.ZIP_DEFLATED
            with (
                part.open("rb") as source,
                mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as content,
            ):
                archive.writestr(entry, content, compresslevel=1)


WRITERS: Mapping[str, Callable[[Path, ExportJob], Facts]] = {
    "ply": _write_geometry,
    "glb": _write_geometry,
    "obj": _write_geometry,
    "splat": _write_splats,
    "usdz": _write_usdz,
    "mcap": _write_mcap,
    "stereo": _write_stereo,
    "anaglyph": _write_stereo,
    "clip": _write_clip,
}
