"""Where the fuzzer starts: small well-formed inputs of every target."""

from __future__ import annotations

import json
import struct

import numpy as np

from core.files.depth_maps import encode_exr
from scripts.fuzz.targets import TARGETS
from scripts.hostile.corpus import corpus

_LARGEST = 2000  # bytes
_ARGUMENTS = (
    [None, 192, True, 60, [500, 500, 320, 240]],
    ["turbo", 0.5, 20],
    ["glb", 0.05, 0.5],
    [[[10, 20], [30, 40]], None],
    [[1, 2, 30, 40]],
    ["color,depth16"],
    {"known": [0, 0, 9, 9, 2.5]},
    ["clip", [3, 4], "ball", 0.5, 1],
    {"shape": "surface", "near": 1, "voxel": 0.02, "pose": list(range(16)), "faces": 9},
)


def seeds(target: str) -> dict[str, bytes]:
    """Content by a name."""
    if target == "picture":
        return {name: data for name, data in corpus().items() if 0 < len(data) < _LARGEST}
    if target == "parameters":
        return {str(number): json.dumps(value).encode() for number, value in enumerate(_ARGUMENTS)}
    if target == "exr":
        return {"plain": encode_exr(np.ones((4, 5), np.float32))}
    if target == "weights":
        entry = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}
        text = json.dumps({"__metadata__": {"a": "b"}, "w": entry}).encode()
        return {"plain": struct.pack("<Q", len(text)) + text + bytes(24)}
    if target in TARGETS:
        return {"plain": b"photo.jpg", "long": b"../a\0" * 40, "odd": "п%n‮.png".encode()}
    raise ValueError(f"{target} is no target")
