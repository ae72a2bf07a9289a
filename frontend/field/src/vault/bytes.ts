/** Text and numbers as bytes, and back: UTF-8, base64url without padding, hex. */

export type Bytes = Uint8Array<ArrayBuffer>;

export function utf8(text: string): Bytes {
  return new Uint8Array(new TextEncoder().encode(text));
}

export function fromUtf8(bytes: ArrayBuffer | Bytes): string {
  return new TextDecoder().decode(bytes);
}

export function joined(...parts: (Bytes | ArrayBuffer)[]): Bytes {
  const views = parts.map((part) => (part instanceof Uint8Array ? part : new Uint8Array(part)));
  const whole = new Uint8Array(views.reduce((length, view) => length + view.length, 0));
  let at = 0;
  for (const view of views) {
    whole.set(view, at);
    at += view.length;
  }
  return whole;
}

export function toBase64url(bytes: Bytes): string {
  let text = "";
  // in pieces: a photograph has more bytes than a call may have arguments
  for (let at = 0; at < bytes.length; at += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  }
  return btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

export function fromBase64url(text: string): Bytes {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

export function toHex(bytes: Bytes): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
