/** Reads codes out of pictures away from the page's own thread; the WebAssembly comes from this server. */
import { prepareZXingModule, readBarcodes } from "zxing-wasm/reader";
import wasm from "zxing-wasm/reader/zxing_reader.wasm?url";

/** A picture to read; an empty one only brings the reader onto the phone. */
interface Picture {
  id: number;
  data: ArrayBuffer;
  width: number;
  height: number;
}

const overrides = { locateFile: (path: string) => (path.endsWith(".wasm") ? wasm : path) };
prepareZXingModule({ overrides });

const FORMATS = ["QRCode", "DataMatrix", "PDF417", "Code128", "Code39", "Codabar", "ITF", "EAN13"] as const;

self.onmessage = async ({ data: picture }: MessageEvent<Picture>): Promise<void> => {
  if (!picture.width) {
    await prepareZXingModule({ overrides, fireImmediately: true });
    self.postMessage({ id: picture.id, text: null });
    return;
  }
  const image = new ImageData(new Uint8ClampedArray(picture.data), picture.width, picture.height);
  try {
    const found = await readBarcodes(image, { formats: [...FORMATS], maxNumberOfSymbols: 1, tryHarder: true });
    self.postMessage({ id: picture.id, text: found[0]?.text ?? null });
  } catch (error) {
    self.postMessage({ id: picture.id, text: null, error: String(error) });
  }
};
