/**
 * The keys of the vault: a random data key, wrapped by a key made of the PIN and of a device key that cannot be exported.
 *
 * `deviceKey` makes the device key once. `wrapNewKey` makes a data key and its wrapping; `unwrapKey` opens it with a PIN or
 * fails. `seal` and `unseal` are AES-256-GCM over bytes, bound to a name. Nothing here touches a table but `keys`.
 */
import { Trouble } from "../trouble.ts";
import { type Bytes, utf8 } from "./bytes.ts";
import type { Box, Store } from "./store.ts";

/** OWASP's figure for PBKDF2-HMAC-SHA-512 in 2023, used with SHA-256: a third of a second on a cheap phone. */
export const ROUNDS = 210_000;
const AES = { name: "AES-GCM", length: 256 } as const;

export interface WrappedKey {
  salt: Bytes;
  iv: Bytes;
  wrapped: ArrayBuffer;
}

/** The device key: an HMAC key that the browser keeps and shows to nobody, made when first asked for. */
export async function deviceKey(store: Store): Promise<CryptoKey> {
  const kept = await store.keys.get("device");
  if (kept?.id === "device") return kept.key;
  const hmac = { name: "HMAC", hash: "SHA-256", length: 256 };
  const made = await subtle().generateKey(hmac, false, ["sign"]);
  return store.transaction("rw", store.keys, async () => {
    const meanwhile = await store.keys.get("device");
    if (meanwhile?.id === "device") return meanwhile.key;
    await store.keys.put({ id: "device", key: made });
    return made;
  });
}

export async function wrapNewKey(pin: string, device: CryptoKey): Promise<{ key: CryptoKey; wrapped: WrappedKey }> {
  const salt = random(16);
  const iv = random(12);
  const extractable = await subtle().generateKey(AES, true, ["encrypt", "decrypt"]);
  const wrapping = await wrappingKey(pin, salt, device);
  const wrapped = await subtle().wrapKey("raw", extractable, wrapping, { name: "AES-GCM", iv });
  return { key: await unwrapKey(pin, { salt, iv, wrapped }, device), wrapped: { salt, iv, wrapped } };
}

/** Open the data key, not to be exported; fails when the PIN is wrong. */
export async function unwrapKey(pin: string, wrapped: WrappedKey, device: CryptoKey): Promise<CryptoKey> {
  const wrapping = await wrappingKey(pin, wrapped.salt, device);
  const how = { name: "AES-GCM", iv: wrapped.iv };
  return subtle().unwrapKey("raw", wrapped.wrapped, wrapping, how, AES, false, ["encrypt", "decrypt"]);
}

async function wrappingKey(pin: string, salt: Bytes, device: CryptoKey): Promise<CryptoKey> {
  const typed = await subtle().importKey("raw", utf8(pin), "PBKDF2", false, ["deriveBits"]);
  const stretch = { name: "PBKDF2", hash: "SHA-256", salt, iterations: ROUNDS };
  const stretched = await subtle().deriveBits(stretch, typed, 256);
  // the device signs what the PIN became: whoever has a copy of the tables alone has nothing to try PINs against
  const mixed = await subtle().sign("HMAC", device, stretched);
  const base = await subtle().importKey("raw", mixed, "HKDF", false, ["deriveKey"]);
  const last = { name: "HKDF", hash: "SHA-256", salt, info: utf8("lianfang vault 1") };
  return subtle().deriveKey(last, base, AES, false, ["wrapKey", "unwrapKey"]);
}

export async function seal(key: CryptoKey, name: string, content: Bytes): Promise<Box> {
  const iv = random(12);
  const how = { name: "AES-GCM", iv, additionalData: utf8(name) };
  return { iv, box: await subtle().encrypt(how, key, content) };
}

export async function unseal(key: CryptoKey, name: string, box: Box): Promise<ArrayBuffer> {
  return subtle().decrypt({ name: "AES-GCM", iv: box.iv, additionalData: utf8(name) }, key, box.box);
}

export function random(length: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(length));
}

/** WebCrypto, which browsers hide from pages that did not come over HTTPS. */
export function subtle(): SubtleCrypto {
  const found = typeof crypto === "undefined" ? undefined : crypto.subtle;
  if (found) return found;
  throw new Trouble(
    "insecure",
    "这个地址没有加密（不是 https），手机不能安全保存资料。请用值班室给的 https 地址打开。",
    "This address is not encrypted (no https), so the phone cannot keep anything safely. Open the https address that the duty desk gives you.",
  );
}
