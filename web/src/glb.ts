// A textured surface as glTF; its comments are the mesh's extras.
import { BufferGeometry, DoubleSide, Float32BufferAttribute, Mesh, MeshBasicMaterial, SRGBColorSpace, Texture, Uint32BufferAttribute } from "three";
import { GLTFExporter } from "three/examples/jsm/exporters/GLTFExporter.js";

const TEXTURE_SIDE = 4096;

export async function glb(
  points: number[],
  uv: number[],
  faces: Uint32Array,
  photo: ImageBitmap,
  about: Record<string, string>,
): Promise<Blob> {
  const geometry = new BufferGeometry().setIndex(new Uint32BufferAttribute(faces, 1));
  geometry.setAttribute("position", new Float32BufferAttribute(points, 3));
  geometry.setAttribute("uv", new Float32BufferAttribute(uv, 2));
  const map = new Texture(photo);
  Object.assign(map, { flipY: false, colorSpace: SRGBColorSpace, userData: { mimeType: "image/jpeg" } });
  const mesh = new Mesh(geometry, new MeshBasicMaterial({ map, side: DoubleSide }));
  Object.assign(mesh, { name: "photo", userData: about });
  const content = await new GLTFExporter().parseAsync(mesh, { binary: true, maxTextureSize: TEXTURE_SIDE });
  return new Blob([content as ArrayBuffer], { type: "model/gltf-binary" });
}
