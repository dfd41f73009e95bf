// The photo's points in space, to be turned: seen from the camera at first.
import { BufferAttribute, BufferGeometry, Color, PerspectiveCamera, Points, PointsMaterial, Scene, WebGLRenderer } from "three";
import { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
import { flyingPixels } from "./flying";
import { sampledPixel, type View } from "./protocol";

const MOST_POINTS = 150_000;

export class Space {
  private readonly renderer = new WebGLRenderer({ antialias: true, preserveDrawingBuffer: true });
  private readonly camera = new PerspectiveCamera(60, 1, 0.01, 1000);
  private readonly controls = new OrbitControls(this.camera, this.renderer.domElement);
  private readonly scene = new Scene();
  private points: Points<BufferGeometry, PointsMaterial> | null = null;
  private gap = 0; // between two points on screen, in screen heights, times the distance to look at

  constructor(private readonly place: HTMLElement) {
    place.append(this.renderer.domElement);
    this.renderer.domElement.tabIndex = 0;
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    this.controls.rotateSpeed = 0.4;
    this.controls.listenToKeyEvents(this.renderer.domElement);
    this.controls.addEventListener("change", () => this.draw());
    new ResizeObserver(() => this.draw()).observe(place);
  }

  show(view: View, scale: number): void {
    const { positions, colors, step } = pointsOf(view, scale);
    const geometry = new BufferGeometry();
    geometry.setAttribute("position", new BufferAttribute(positions, 3));
    geometry.setAttribute("color", new BufferAttribute(colors, 3));
    const depths = Float64Array.from({ length: positions.length / 3 }, (_, k) => -positions[3 * k + 2]).sort();
    const middle = depths[depths.length >> 1] || 1;
    const vertical = (2 * Math.atan2(view.size[1] / 2, view.intrinsics.fy) * 180) / Math.PI;
    this.forget();
    this.points = new Points(geometry, new PointsMaterial({ vertexColors: true, sizeAttenuation: false }));
    this.gap = (middle * step) / view.depth.height;
    this.scene.add(this.points);
    this.camera.fov = Math.min(vertical * 1.08, 150);
    this.camera.position.set(0, 0, 0);
    this.controls.target.set(0, 0, -middle);
    this.controls.update();
    this.draw();
  }

  forget(): void {
    if (!this.points) return;
    this.scene.remove(this.points);
    this.points.geometry.dispose();
    this.points.material.dispose();
    this.points = null;
  }

  private draw(): void {
    const { clientWidth: width, clientHeight: height } = this.place;
    if (!width || !height) return;
    this.renderer.setSize(width, height);
    const distance = this.camera.position.distanceTo(this.controls.target);
    if (this.points) this.points.material.size = Math.max(1, 1.15 * (this.gap / distance) * height);
    this.camera.aspect = width / height;
    this.camera.updateProjectionMatrix();
    this.renderer.render(this.scene, this.camera);
  }
}

/** Points with y up and z backward, thinned, without those that fly; colours in linear light. */
function pointsOf({ depth, rgb, size, intrinsics }: View, scale: number) {
  const { values, width, height } = depth;
  const flying = flyingPixels(values, width, height);
  const step = Math.max(1, Math.ceil(Math.sqrt((width * height) / MOST_POINTS)));
  const [positions, colors]: [number[], number[]] = [[], []];
  const colour = new Color();
  for (let j = 0; j < height; j += step) {
    for (let i = 0; i < width; i += step) {
      const k = j * width + i;
      const z = values[k] * scale;
      if (!(z > 0) || flying[k]) continue;
      const [u, v] = [sampledPixel(i, width, size[0]), sampledPixel(j, height, size[1])];
      positions.push(((u - intrinsics.cx) / intrinsics.fx) * z, (-(v - intrinsics.cy) / intrinsics.fy) * z, -z);
      colour.setRGB(rgb[3 * k] / 255, rgb[3 * k + 1] / 255, rgb[3 * k + 2] / 255, "srgb");
      colors.push(colour.r, colour.g, colour.b);
    }
  }
  return { positions: Float32Array.from(positions), colors: Float32Array.from(colors), step };
}
