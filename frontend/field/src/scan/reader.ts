/** Codes out of a running camera: the browser's own reader where it knows enough, else the one that comes with the app. */

export interface Reader {
  read(video: HTMLVideoElement): Promise<string | null>;
  close(): void;
}

interface Detector {
  detect(source: HTMLVideoElement): Promise<{ rawValue: string }[]>;
}
interface DetectorMaker {
  new (options: { formats: string[] }): Detector;
  getSupportedFormats(): Promise<string[]>;
}

const NEEDED = ["qr_code", "code_128", "code_39", "data_matrix", "pdf417", "itf", "ean_13"];
/** pixels along the longer side: enough for a tube's bar code at a hand's distance, little enough for an old phone */
const WIDEST = 960;

export async function openReader(): Promise<Reader> {
  const own = await ownReader();
  return own ?? workerReader();
}

/** Bring the reader onto the phone while there is a line, so that the camera reads codes without one. */
export async function warmReader(): Promise<void> {
  if (!navigator.onLine || (await ownReader())) return;
  const { default: ZxingWorker } = await import("./zxing-worker.ts?worker");
  const worker = new ZxingWorker();
  worker.onmessage = worker.onerror = () => worker.terminate();
  worker.postMessage({ id: 0, data: new ArrayBuffer(0), width: 0, height: 0 });
}

async function ownReader(): Promise<Reader | null> {
  const maker = (self as unknown as { BarcodeDetector?: DetectorMaker }).BarcodeDetector;
  if (!maker) return null;
  try {
    const known = await maker.getSupportedFormats();
    if (!["qr_code", "code_128"].every((format) => known.includes(format))) return null;
    const detector = new maker({ formats: NEEDED.filter((format) => known.includes(format)) });
    return {
      read: async (video) => (await detector.detect(video))[0]?.rawValue ?? null,
      close: () => undefined,
    };
  } catch {
    return null; // some browsers name the reader and have none
  }
}

async function workerReader(): Promise<Reader> {
  const { default: ZxingWorker } = await import("./zxing-worker.ts?worker");
  const worker = new ZxingWorker();
  const canvas = document.createElement("canvas");
  const waiting = new Map<number, { done: (text: string | null) => void; failed: (why: Error) => void }>();
  let last = 0;
  worker.onmessage = ({ data }: MessageEvent<{ id: number; text: string | null; error?: string }>) => {
    const asked = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.error) asked?.failed(new Error(data.error));
    else asked?.done(data.text);
  };
  worker.onerror = (event) => {
    for (const asked of waiting.values()) asked.failed(new Error(event.message));
    waiting.clear();
  };
  return {
    read: (video) => {
      const image = pictureOf(video, canvas);
      if (!image) return Promise.resolve(null);
      const id = ++last;
      const { buffer } = image.data;
      worker.postMessage({ id, data: buffer, width: image.width, height: image.height }, [buffer]);
      return new Promise((done, failed) => waiting.set(id, { done, failed }));
    },
    close: () => worker.terminate(),
  };
}

function pictureOf(video: HTMLVideoElement, canvas: HTMLCanvasElement): ImageData | null {
  const { videoWidth, videoHeight } = video;
  if (!videoWidth || !videoHeight) return null;
  const scale = Math.min(1, WIDEST / Math.max(videoWidth, videoHeight));
  canvas.width = Math.round(videoWidth * scale);
  canvas.height = Math.round(videoHeight * scale);
  const pen = canvas.getContext("2d");
  if (!pen) return null;
  pen.drawImage(video, 0, 0, canvas.width, canvas.height);
  return pen.getImageData(0, 0, canvas.width, canvas.height);
}
