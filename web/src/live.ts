// The live camera: one picture at a time; what it gives meanwhile is dropped.
import type { Client } from "./client";
import { autoRange } from "./colormap";
import { Problem } from "./problem";
import { drawDepth } from "./stage";
import { complain, digits, find, t } from "./words";

let camera: MediaStream | null = null;

type Take = (photo: Blob) => void;

export const isLive = (): boolean => camera !== null;

export function stopCamera(): void {
  camera?.getTracks().forEach((track) => track.stop());
  camera = null;
}

/**
 * Shows depth until the camera is stopped.
 *
 * @param draw shows or hides what belongs to it, at the beginning and after a failure.
 * @param take gets the picture that the user takes.
 */
export async function startCamera(client: Client, colours: () => Uint8Array, draw: () => void, take: Take): Promise<void> {
  try {
    camera = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: 640 } });
  } catch (error) {
    return complain(new Problem("error_camera", { reason: (error as Error).message }));
  }
  const mine = camera;
  const video = Object.assign(document.createElement("video"), { srcObject: camera, muted: true, playsInline: true });
  await video.play();
  draw();
  find("#shutter").onclick = async () => {
    const still = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    still.getContext("2d")!.drawImage(video, 0, 0);
    take(await still.convertToBlob({ type: "image/jpeg", quality: 0.95 }));
  };
  const canvas = find<HTMLCanvasElement>("#live-depth");
  let [count, seen] = [0, 0];
  const countFrame = (): void => {
    seen++;
    if (camera === mine) video.requestVideoFrameCallback(countFrame);
  };
  video.requestVideoFrameCallback?.(countFrame);
  const started = performance.now();
  while (camera === mine) {
    try {
      const began = performance.now();
      const depth = await client.frame(await createImageBitmap(video));
      if (camera !== mine) break;
      const range = autoRange(depth);
      drawDepth(canvas, depth, colours(), range);
      const rate = (++count / ((performance.now() - started) / 1000)).toFixed(1);
      const [near, far] = range.map((z) => `${digits(z)} m`);
      const told = { rate, ms: (performance.now() - began).toFixed(0), dropped: Math.max(0, seen - count), near, far };
      canvas.setAttribute("aria-label", (find("#live-told").textContent = t("web.live_told", told)));
      document.body.dataset.frames = String(count);
    } catch (error) {
      stopCamera();
      draw();
      complain(error);
    }
    await new Promise(requestAnimationFrame);
  }
}
