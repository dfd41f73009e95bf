"""Whatever a stranger may write into a field, a name or a header: a result, or one sentence."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.images.decode import decode
from scripts.fuzz import targets
from tests.core.pictures import encode, scene

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["auto", "ply", "turbo", "surface", "1e5", "nan", "-0"]),
    lambda inner: st.lists(inner, max_size=6)
    | st.dictionaries(st.sampled_from(["near", "far", "pose", "shape", "voxel", "path"]), inner),
    max_leaves=12,
)  # fmt: skip
PICTURE = Image.fromarray(scene())
# The tags that are read, a few that are not, and whatever else fits into 16 bits.
TAGS = st.sampled_from([0x0112, 0x010F, 0x8769, 0x8825, 0x920A, 0xA002, 0xA003, 0xA20E, 0xA210,
                        0xA404, 0xA405, 0x927C]) | st.integers(0, 65535)  # fmt: skip


@given(JSON)
@settings(max_examples=60)
def test_any_json_is_settings_or_a_sentence(value: Any) -> None:
    targets.run("parameters", json.dumps(value).encode())


@given(st.text(max_size=300))
def test_any_name_is_shown_in_one_printable_line(name: str) -> None:
    targets.run("names", name.encode("utf-8", "surrogatepass"))


@given(
    st.lists(
        st.tuples(TAGS, st.integers(0, 14), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)),
        max_size=8,
    ),
    st.integers(0, 2**32 - 1),
    st.booleans(),
)
@settings(max_examples=60)
def test_any_exif_leaves_the_pixels_alone(
    entries: list[tuple[int, int, int, int]], following: int, little: bool
) -> None:
    order = "<" if little else ">"
    block = (b"II*\0" if little else b"MM\0*") + struct.pack(f"{order}IH", 8, len(entries))
    block += b"".join(struct.pack(f"{order}HHII", *entry) for entry in entries)
    data = encode(PICTURE, "PNG", exif=b"Exif\0\0" + block + struct.pack(f"{order}I", following))
    photo = decode(data)
    assert np.array_equal(np.sort(photo.rgb.reshape(-1, 3), 0), np.sort(scene().reshape(-1, 3), 0))
    assert photo.focal_px is None or photo.focal_px > 0
