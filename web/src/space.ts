// The photo's points in space, to be turned: seen from the camera at first.
import { BufferGeometry, Color, Float32BufferAttribute, PerspectiveCamera, Points, PointsMaterial, Scene, WebGLRenderer } from "three";
import { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
import { fieldOfView } from "./camera";
import { solid } from "./flying";
import { shownPoint, type View } from "./protocol";

const MOST_POINTS = 150_000;

export class Space {
  private readonly renderer = new WebGLRenderer({ antialias: true, preserveDrawingBuffer: true });
  private readonly camera = new PerspectiveCamera(60, 1, 0.01, 1000);
  private readonly controls = new OrbitControls(this.camera, this.renderer.domElement);
  private readonly scene = new Scene();
  private readonly points = new Points(new BufferGeometry(), new PointsMaterial({ vertexColors: true, sizeAttenuation: false }));
  private gap = 0; // between two points on screen, in screen heights, times the distance to look at

  constructor(private readonly place: HTMLElement) {
    this.scene.add(this.points);
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
    const depths = Float32Array.from({ length: positions.length / 3 }, (_, k) => -positions[3 * k + 2]).sort();
    const middle = depths[depths.length >> 1] || 1;
    this.forget();
    this.points.geometry.setAttribute("position", new Float32BufferAttribute(positions, 3));
    this.points.geometry.setAttribute("color", new Float32BufferAttribute(colors, 3));
    this.gap = (middle * step) / view.depth.height;
    this.camera.fov = Math.min(1.08 * fieldOfView(view.size[1], view.intrinsics.fy), 150);
    this.camera.position.set(0, 0, 0);
    this.controls.target.set(0, 0, -middle);
    this.controls.update();
    this.draw();
  }

  forget(): void {
    this.points.geometry.dispose();
    this.points.geometry = new BufferGeometry();
  }

  private draw(): void {
    const { clientWidth: width, clientHeight: height } = this.place;
    if (!width || !height) return;
    this.renderer.setSize(width, height);
    const distance = this.camera.position.distanceTo(this.controls.target);
    this.points.material.size = Math.max(1, 1.15 * (this.gap / distance) * height);
    this.camera.aspect = width / height;
    this.camera.updateProjectionMatrix();
    this.renderer.render(this.scene, this.camera);
  }
}

/** Points with y up and z backward, thinned, without those that fly; colours in linear light. */
function pointsOf(view: View, scale: number) {
  const { width, height } = view.depth;
  const depth = solid(view.depth.values, width, height, scale);
  const step = Math.max(1, Math.ceil(Math.sqrt((width * height) / MOST_POINTS)));
  const [positions, colors]: [number[], number[]] = [[], []];
  const colour = new Color();
  for (let j = 0; j < height; j += step) {
    for (let i = 0; i < width; i += step) {
      const k = j * width + i;
      if (Number.isNaN(depth[k])) continue;
      const [x, y, z] = shownPoint(view, i, j, depth[k]);
      positions.push(x, -y, -z);
      const [red, green, blue] = view.rgb.subarray(3 * k);
      colors.push(...colour.setRGB(red / 255, green / 255, blue / 255, "srgb"));
    }
  }
  return { positions, colors, step };
}
