/** Ids made where the record is made: UUIDv7 (RFC 9562), so that a repeat is known as a repeat. */

export function newId(now: number = Date.now()): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  for (let place = 5, rest = now; place >= 0; place -= 1, rest = Math.floor(rest / 256)) bytes[place] = rest % 256;
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const text = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join("-");
}

/** The 16 bytes of a UUID; anything else is refused. */
export function idBytes(id: string): Uint8Array<ArrayBuffer> {
  const text = id.replace(/-/g, "");
  if (!/^[0-9a-fA-F]{32}$/.test(text)) throw new Error(`${id} is no UUID`);
  return Uint8Array.from(text.match(/../g)!, (pair) => parseInt(pair, 16));
}
