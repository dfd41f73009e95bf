"""USDZ of a surface with its photo, as phones' AR viewers open it.

The package is a zip without compression in which the bytes of every part begin at a multiple of 64
(padding in the extra field 0x1986, as USD's own tools do it). The scene is USD's text format: y up,
z backward, metres; the photo glows and is not lit. Source: "USDZ File Format Specification" and
"UsdPreviewSurface Specification", Pixar.
"""

from __future__ import annotations

import json
import struct
import zipfile
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from core.files.gltf import encode_texture, to_gltf_axes
from core.geometry.mesh import Mesh

_ALIGNED = 64
_PADDING = 0x1986
_LOCAL_HEADER = 30  # bytes before the name

_SCENE = """#usda 1.0
(
    customLayerData = {{
{comments}
    }}
    defaultPrim = "Photo"
    metersPerUnit = 1
    upAxis = "Y"
)

def Xform "Photo" (
    kind = "component"
)
{{
    def Mesh "Surface" (
        prepend apiSchemas = ["MaterialBindingAPI"]
    )
    {{
        uniform bool doubleSided = 1
        float3[] extent = [{extent}]
        int[] faceVertexCounts = [{counts}]
        int[] faceVertexIndices = [{indices}]
        rel material:binding = </Photo/Material>
        point3f[] points = [{points}]
        texCoord2f[] primvars:st = [{uv}] (
            interpolation = "vertex"
        )
        uniform token subdivisionScheme = "none"
    }}

    def Material "Material"
    {{
        token outputs:surface.connect = </Photo/Material/Glow.outputs:surface>

        def Shader "Glow"
        {{
            uniform token info:id = "UsdPreviewSurface"
            color3f inputs:diffuseColor = (0, 0, 0)
            color3f inputs:emissiveColor.connect = </Photo/Material/Picture.outputs:rgb>
            float inputs:roughness = 1
            token outputs:surface
        }}

        def Shader "Picture"
        {{
            uniform token info:id = "UsdUVTexture"
            asset inputs:file = @{picture}@
            token inputs:sourceColorSpace = "sRGB"
            float2 inputs:st.connect = </Photo/Material/Place.outputs:result>
            token inputs:wrapS = "clamp"
            token inputs:wrapT = "clamp"
            float3 outputs:rgb
        }}

        def Shader "Place"
        {{
            uniform token info:id = "UsdPrimvarReader_float2"
            string inputs:varname = "st"
            float2 outputs:result
        }}
    }}
}}
"""


def write_usdz(file: BinaryIO, mesh: Mesh) -> None:
    """Writes a package, with the comments as the layer's custom data.

    Args:
        file: seekable, open for writing.
    """
    texture = encode_texture(mesh.photo)
    picture = f"photo{texture.ending}"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as package:
        _add(package, file, "scene.usda", _scene(mesh, picture))
        _add(package, file, picture, texture.data)


def _scene(mesh: Mesh, picture: str) -> bytes:
    points = to_gltf_axes(mesh.vertices)
    uv = np.stack((mesh.uv[:, 0], 1 - mesh.uv[:, 1]), axis=1)  # from the lower left
    lines = (
        f"        string {key} = {json.dumps(' '.join(text.split()), ensure_ascii=False)}"
        for key, text in mesh.comments().items()
    )
    return _SCENE.format(
        comments="\n".join(lines),
        extent=_tuples(np.stack((points.min(0), points.max(0)))),
        counts=", ".join(["3"] * len(mesh.faces)),
        indices=", ".join(map(str, mesh.faces.ravel().tolist())),
        points=_tuples(points),
        uv=_tuples(uv),
        picture=picture,
    ).encode()


def _tuples(rows: NDArray[np.float32]) -> str:
    pattern = f"({', '.join(['%.7g'] * rows.shape[1])})"
    return ", ".join(pattern % tuple(row) for row in rows.tolist())


def _add(package: zipfile.ZipFile, file: BinaryIO, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name)  # always of 1980: the same scene gives the same bytes
    begins = file.tell() + _LOCAL_HEADER + len(name) + 4
    padding = -begins % _ALIGNED
    entry.extra = struct.pack("<HH", _PADDING, padding) + bytes(padding)
    package.writestr(entry, data)
