"""MCAP with ROS 2 messages: the photo, its depth, its camera and the points, as robots have them.

| topic | message |
|---|---|
| `/camera/image` | sensor_msgs/Image, rgb8 |
| `/camera/depth` | sensor_msgs/Image, 32FC1: metres along the optical axis, NaN where none |
| `/camera/camera_info` | sensor_msgs/CameraInfo: the pinhole camera of both |
| `/camera/points` | sensor_msgs/PointCloud2: x, y, z, rgb |
| `/about` | std_msgs/String: JSON with model, units, camera and scale |

The frame is `camera_optical_frame`, whose axes are OpenCV's (REP 103: x right, y down, z forward),
and depth is as REP 118 has it. All stamps are 0: one photo has no place in time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from core.camera import Intrinsics, check_pinhole
from core.errors import ExportError
from core.geometry.point_cloud import PointCloud

FRAME = "camera_optical_frame"
_FLOAT32 = 7  # of sensor_msgs/PointField


def write_mcap(
    file: BinaryIO,
    rgb: NDArray[np.uint8],
    depth: NDArray[np.float32],
    camera: Intrinsics,
    cloud: PointCloud,
    comments: Mapping[str, str],
) -> None:
    """Writes one message of each topic.

    Args:
        rgb: (H, W, 3), the photo.
        depth: (H, W) metres.
        cloud: in the camera's frame.
        comments: key -> text.

    Raises:
        ExportError: the packages mcap and rosbags are not installed.
        CameraError: a panorama's camera, which no CameraInfo describes.
    """
    check_pinhole(camera, "ROS 2 messages")
    try:
        from mcap.writer import CompressionType, Writer
        from rosbags.typesys import Stores, get_typestore
    except ImportError as error:
        raise ExportError(
            f"An MCAP file cannot be written ({error}), expected the packages mcap and rosbags: "
            "install them, or save ply."
        ) from error
    store = get_typestore(Stores.ROS2_HUMBLE)
    writer = Writer(file, compression=CompressionType.ZSTD)
    writer.start(profile="ros2", library="LapDepth Studio")
    for topic, kind, message in _messages(store.types, rgb, depth, camera, cloud, comments):
        text, _ = store.generate_msgdef(kind, ros_version=2)
        schema = writer.register_schema(kind, "ros2msg", text.encode())
        channel = writer.register_channel(topic, "cdr", schema)
        data = bytes(store.serialize_cdr(message, kind))
        writer.add_message(channel, log_time=0, data=data, publish_time=0)
    writer.finish()  # type: ignore[no-untyped-call]


def _messages(
    types: Mapping[str, Any],
    rgb: NDArray[np.uint8],
    depth: NDArray[np.float32],
    camera: Intrinsics,
    cloud: PointCloud,
    comments: Mapping[str, str],
) -> Iterator[tuple[str, str, Any]]:
    """Topic, type and message, one after the other: large ones are not all there at once."""
    header = types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](0, 0), FRAME)
    height, width = depth.shape
    about = types["std_msgs/msg/String"](json.dumps(dict(comments)))
    yield "/about", "std_msgs/msg/String", about
    k = np.array([camera.fx, 0, camera.cx, 0, camera.fy, camera.cy, 0, 0, 1])
    p = np.insert(k.reshape(3, 3), 3, 0, axis=1).ravel()
    none = types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
    kind = "sensor_msgs/msg/CameraInfo"
    pinhole = types[kind](
        header, height, width, "plumb_bob", np.zeros(5), k, np.eye(3).ravel(), p, 0, 0, none
    )
    yield "/camera/camera_info", kind, pinhole
    kind = "sensor_msgs/msg/Image"
    pixels = np.ascontiguousarray(rgb).reshape(-1)
    yield "/camera/image", kind, types[kind](header, height, width, "rgb8", 0, 3 * width, pixels)
    metres = np.ascontiguousarray(depth, "<f4").reshape(-1).view(np.uint8)
    yield "/camera/depth", kind, types[kind](header, height, width, "32FC1", 0, 4 * width, metres)
    kind = "sensor_msgs/msg/PointCloud2"
    field = types["sensor_msgs/msg/PointField"]
    fields = [field(name, 4 * i, _FLOAT32, 1) for i, name in enumerate(("x", "y", "z", "rgb"))]
    records = np.empty((len(cloud), 4), "<f4")
    records[:, :3] = cloud.points
    red, green, blue = cloud.colors.astype("<u4").T
    records[:, 3] = (red << 16 | green << 8 | blue).view("<f4")  # PCL's packing
    data = records.reshape(-1).view(np.uint8)
    yield "/camera/points", kind, types[kind](
        header, 1, len(cloud), fields, False, 16, 16 * len(cloud), data, True
    )  # fmt: skip
