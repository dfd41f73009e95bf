// The network in ONNX Runtime: WebGPU where there is one, else WebAssembly, on several threads
// where the page is cross-origin isolated.
import type { InferenceSession } from "onnxruntime-web";
import { CHECK_SIZE, checkPicture, type ModelAbout } from "./about";
import { fetchModel, type Progress } from "./model_cache";
import { Problem } from "./problem";
import type { Plane } from "./upsample";

type Runtime = typeof import("onnxruntime-web");
export type EngineName = "webgpu" | "wasm";

const STRIDES = [16, 8, 4, 2, 1];
const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];
const MOST_THREADS = 4;
const DIFFERENCE = 0.02; // relative, on average, between what the runtime gives and Python's

/** One level at its own size: metres after it, and what it adds before the sigmoid. */
export interface Level {
  stride: number;
  depth: Plane;
  residual: Plane;
}

export class Network {
  private constructor(
    private readonly runtime: Runtime,
    private readonly session: InferenceSession,
    readonly about: ModelAbout,
    readonly engine: EngineName,
    readonly threads: number,
  ) {}

  /** Loads a model; an engine that computes another depth than Python is not used. */
  static async open(about: ModelAbout, base: string, asked: EngineName | null, progress: Progress): Promise<Network> {
    const content = await fetchModel(new URL(about.file, base), about, progress);
    const engines: EngineName[] = asked ? [asked] : (await hasGpu()) ? ["webgpu", "wasm"] : ["wasm"];
    let reason: unknown = null;
    for (const engine of engines) {
      try {
        const network = await Network.with(engine, content, about, base);
        if (await network.agrees()) return network;
        await network.close();
      } catch (error) {
        reason = error instanceof Problem ? error.values.reason : error;
      }
    }
    return engineFails(reason ?? about.name);
  }

  private static async with(engine: EngineName, content: Uint8Array, about: ModelAbout, base: string): Promise<Network> {
    const runtime = engine === "webgpu" ? await import("onnxruntime-web/webgpu") : await import("onnxruntime-web/wasm");
    const threads = globalThis.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency || 1, MOST_THREADS) : 1;
    const name = `runtime/ort-wasm-simd-threaded${engine === "webgpu" ? ".asyncify" : ""}`;
    runtime.env.logLevel = "fatal";
    runtime.env.wasm.numThreads = threads;
    runtime.env.wasm.wasmPaths = { mjs: new URL(`${name}.mjs`, base), wasm: new URL(`${name}.wasm`, base) };
    const options = { executionProviders: [engine], logSeverityLevel: 4 } as const; // errors are told by the page
    const session = await runtime.InferenceSession.create(content, options);
    return new Network(runtime, session, about, engine, threads);
  }

  /** Metres after every level, coarse to fine, and the residuals. */
  async run(rgb: Uint8Array, width: number, height: number, focal: number): Promise<Level[]> {
    const image = new Float32Array(rgb.length);
    const area = width * height;
    for (let k = 0; k < rgb.length; k++) {
      const c = k % 3;
      image[c * area + (k - c) / 3] = (rgb[k] / 255 - MEAN[c]) / STD[c];
    }
    const feeds = { image: new this.runtime.Tensor("float32", image, [1, 3, height, width]) };
    // ONNX Runtime takes no optional inputs here: the graph assumes the training camera.
    const factor = this.about.focal === null ? 1 : focal / usualFocal(this.about, width, height);
    const names = STRIDES.flatMap((stride) => [`level_${stride}`, `residual_${stride}`]);
    const results = await this.session.run(feeds, names).catch(engineFails);
    const plane = (name: string, by: number): Plane => {
      const { data, dims } = results[name];
      return { values: (data as Float32Array).map((value) => value * by), width: dims[3], height: dims[2] };
    };
    const level = (n: number): Level => ({ stride: n, depth: plane(`level_${n}`, factor), residual: plane(`residual_${n}`, 1) });
    const levels = STRIDES.map(level);
    Object.values(results).forEach((tensor) => tensor.dispose());
    return levels.every(({ depth }) => depth.values.every(Number.isFinite)) ? levels : engineFails("NaN");
  }

  private async agrees(): Promise<boolean> {
    const { check } = this.about;
    const focal = usualFocal(this.about, CHECK_SIZE, CHECK_SIZE);
    const [coarsest] = await this.run(checkPicture(), CHECK_SIZE, CHECK_SIZE, focal);
    const off = check.reduce((sum, metres, k) => sum + Math.abs(coarsest.depth.values[k] / metres - 1), 0);
    return off / check.length <= DIFFERENCE;
  }

  close(): Promise<void> {
    return this.session.release();
  }
}

function engineFails(reason: unknown): never {
  throw new Problem("error_engine", { reason: String(reason).slice(0, 200) });
}

/** The training camera's focal length in pixels of a network input of this size. */
export function usualFocal({ camera }: ModelAbout, width: number, height: number): number {
  return (Math.sqrt(camera.fx * camera.fy) / Math.max(camera.width, camera.height)) * Math.max(width, height);
}

/** Whether there is a GPU; one that is computed on the processor is slower than WebAssembly. */
async function hasGpu(): Promise<boolean> {
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  if (!adapter) return false;
  const older = adapter as { isFallbackAdapter?: boolean }; // where browsers told it before
  return !(adapter.info?.isFallbackAdapter ?? older.isFallbackAdapter);
}
