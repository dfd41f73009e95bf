// What the build writes beside the page (scripts/web.py): models, sentences, colour maps.
import type { TrainingCamera } from "./camera";

export interface ModelAbout {
  name: string;
  file: string;
  bytes: number;
  /** Of the file; the browser keeps it under this name. */
  sha256: string;
  /** Of the checkpoint that it was exported from. */
  checkpoint: string;
  max_depth: number;
  /** Canonical focal length in pixels; null where depth does not depend on it. */
  focal: number | null;
  working_height: number;
  supervised_levels: boolean;
  camera: TrainingCamera;
  licence: string;
  training_data: string;
  /** Depth at 1/16 of the picture of `checkPicture`, metres: what the runtime has to give. */
  check: number[];
}

export interface About {
  version: string;
  models: ModelAbout[];
  /** language -> section.key -> sentence with {blanks}. */
  texts: Record<string, Record<string, string>>;
  /** name -> 256 RGB bytes in hexadecimal, nearest first; "signed" is for residuals. */
  colormaps: Record<string, string>;
}

export const CHECK_SIZE = 96;

/** A picture that Python makes as well. */
export function checkPicture(): Uint8Array {
  return Uint8Array.from({ length: CHECK_SIZE * CHECK_SIZE * 3 }, (_, k) => {
    const [c, x, y] = [k % 3, Math.floor(k / 3) % CHECK_SIZE, Math.floor(k / 3 / CHECK_SIZE)];
    return x * (c + 1) + y * 2; // the lowest eight bits of it
  });
}
