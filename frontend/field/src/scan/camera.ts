/** The camera at the back, and its lamp. */

import type { Words } from "../forms/types";

export async function openCamera(): Promise<MediaStream> {
  if (!navigator.mediaDevices) throw new DOMException("no camera here", "NotSupportedError");
  return navigator.mediaDevices.getUserMedia({
    audio: false,
    video: { facingMode: { ideal: "environment" }, width: { ideal: 1280 }, height: { ideal: 720 } },
  });
}

export function closeCamera(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

interface Lamp {
  torch?: boolean;
}

export function hasTorch(stream: MediaStream): boolean {
  const track = stream.getVideoTracks()[0];
  const able = track && "getCapabilities" in track ? (track.getCapabilities() as MediaTrackCapabilities & Lamp) : {};
  return Boolean((able as Lamp).torch);
}

export async function setTorch(stream: MediaStream, on: boolean): Promise<void> {
  const wish = { advanced: [{ torch: on } as MediaTrackConstraintSet & Lamp] };
  await stream.getVideoTracks()[0]?.applyConstraints(wish);
}

/** Return why there is no picture, and what to do instead. */
export function cameraTrouble(error: unknown): Words {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError")
    return {
      zh: "没有相机权限。请在浏览器设置里允许相机，或用扫码枪、手工输入。",
      en: "The camera is not allowed. Allow it in the browser's settings, or use a scanner or type.",
    };
  if (name === "NotFoundError" || name === "OverconstrainedError")
    return {
      zh: "这台手机没有可用的相机。请用扫码枪或手工输入。",
      en: "This phone has no camera to use: use a scanner or type.",
    };
  if (name === "NotReadableError")
    return {
      zh: "相机正被别的应用占用。关掉它，再点“再试”。",
      en: "Another app uses the camera: close it and try again.",
    };
  if (!window.isSecureContext)
    return {
      zh: "网址不是 https，浏览器不给用相机。请用扫码枪或手工输入，并告诉值班室。",
      en: "This address is not https, so that the browser refuses the camera. Use a scanner or type, and tell the duty desk.",
    };
  return { zh: "相机打不开。请用扫码枪或手工输入。", en: "The camera does not start: use a scanner or type." };
}
