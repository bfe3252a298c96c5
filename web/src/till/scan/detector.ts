/**
 * Reads barcodes out of pictures: by the browser where it can, else by WebAssembly from this very origin, because a till without a
 * network cannot fetch it from anywhere. Loaded when the camera is first used.
 */
import { BarcodeDetector as Ponyfill, prepareZXingModule } from "barcode-detector/ponyfill";
import wasm from "zxing-wasm/reader/zxing_reader.wasm?url";

export interface Detector {
  detect(picture: ImageBitmapSource): Promise<{ rawValue: string }[]>;
}

const FORMATS = ["ean_13", "ean_8", "upc_a", "upc_e", "code_128", "code_39", "itf", "qr_code"] as const;

/** Return what reads barcodes here. */
export async function makeDetector(): Promise<Detector> {
  const native = (globalThis as { BarcodeDetector?: { new (options: { formats: readonly string[] }): Detector; getSupportedFormats(): Promise<string[]> } }).BarcodeDetector;
  if (native && (await native.getSupportedFormats()).includes("ean_13")) return new native({ formats: FORMATS });
  prepareZXingModule({ overrides: { locateFile: () => wasm } });
  return new Ponyfill({ formats: [...FORMATS] });
}
