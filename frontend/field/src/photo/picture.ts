/** A photo as it leaves the phone: small, drawn anew (so without place, time or maker), hidden parts made coarse. */

/** pixels along the longer side */
export const LONGEST = 1280;
const QUALITIES = [0.72, 0.55, 0.4, 0.25];
/** what the server keeps of one photo (bytes), as base64 letters */
const LETTERS = (300_000 / 3) * 4;
/** side of the coarse squares and radius of the finger, as a share of the longer side */
const SQUARE = 1 / 40;
const FINGER = 1 / 14;

export interface Size {
  width: number;
  height: number;
}

export function fitted({ width, height }: Size): Size {
  const scale = Math.min(1, LONGEST / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** Draw a picture from a file, the right way up, into a canvas. */
export async function drawn(file: Blob, canvas: HTMLCanvasElement): Promise<void> {
  const image = await decoded(file);
  const size = fitted({ width: image.naturalWidth, height: image.naturalHeight });
  canvas.width = size.width;
  canvas.height = size.height;
  canvas.getContext("2d")?.drawImage(image, 0, 0, size.width, size.height);
  URL.revokeObjectURL(image.src);
}

function decoded(file: Blob): Promise<HTMLImageElement> {
  return new Promise((done, failed) => {
    const image = new Image();
    image.onload = () => done(image);
    image.onerror = () => failed(new Error("no picture"));
    image.src = URL.createObjectURL(file);
  });
}

/** Make what a finger touched coarse: every square under it becomes its own mean colour, for good. */
export function coarsen(canvas: HTMLCanvasElement, x: number, y: number): void {
  const pen = canvas.getContext("2d");
  if (!pen) return;
  const longer = Math.max(canvas.width, canvas.height);
  const side = Math.max(4, Math.round(longer * SQUARE));
  const reach = longer * FINGER;
  const from = (at: number): number => Math.max(0, Math.floor((at - reach) / side) * side);
  for (let left = from(x); left < Math.min(canvas.width, x + reach); left += side)
    for (let top = from(y); top < Math.min(canvas.height, y + reach); top += side) {
      const { data } = pen.getImageData(left, top, side, side);
      pen.fillStyle = mean(data);
      pen.fillRect(left, top, side, side);
    }
}

function mean(pixels: Uint8ClampedArray): string {
  const sum = [0, 0, 0];
  let number = 0;
  for (let at = 0; at < pixels.length; at += 4) {
    if (pixels[at + 3] === 0) continue;
    number++;
    for (let part = 0; part < 3; part++) sum[part] = (sum[part] as number) + (pixels[at + part] as number);
  }
  return `rgb(${sum.map((one) => Math.round(one / Math.max(number, 1))).join(",")})`;
}

/** Return the picture as JPEG in base64, without any of what a camera writes beside it, and no larger than is kept. */
export function written(canvas: HTMLCanvasElement): string {
  let jpeg = "";
  for (const quality of QUALITIES) {
    jpeg = canvas.toDataURL("image/jpeg", quality).replace(/^data:image\/jpeg;base64,/, "");
    if (jpeg.length <= LETTERS) break;
  }
  return jpeg;
}
