/**
 * A parcel: one finished command, sealed to the server's public key (see docs/explanation/the-phone.md for the bytes).
 *
 * `sealParcel` uses nothing but WebCrypto, so that it runs in a page, a worker and Node.js alike.
 */
import { idBytes } from "../ids.ts";
import { type Bytes, fromBase64url, joined, toBase64url, toHex, utf8 } from "../vault/bytes.ts";
import { random, subtle } from "../vault/keys.ts";

export interface ServerKey {
  id: string;
  public: string;
}

export interface Envelope {
  id: string;
  kind: string;
  valid_at: string;
  payload: unknown;
}

export interface ParcelBody {
  token: string;
  envelope: Envelope;
  made_at: string;
  offset_ms: number;
  duty: number | null;
  form: string | null;
  shadow: boolean;
}

const LABEL = utf8("lianfang parcel 1");
const CURVE = { name: "ECDH", namedCurve: "P-256" } as const;

/** Seal a body to a key, as base64url; its id is the envelope's. */
export async function sealParcel(key: ServerKey, body: ParcelBody): Promise<string> {
  const recipient = fromBase64url(key.public);
  const id = new Uint8Array(await subtle().digest("SHA-256", recipient)).slice(0, 8);
  if (toHex(id) !== key.id) throw new Error(`the server's key is not the one called ${key.id}`);
  const pair = (await subtle().generateKey(CURVE, false, ["deriveBits"])) as CryptoKeyPair;
  const ephemeral = new Uint8Array(await subtle().exportKey("raw", pair.publicKey));
  const aes = await agreedKey(pair.privateKey, ephemeral, recipient);
  const iv = random(12);
  const how = { name: "AES-GCM", iv, additionalData: joined(LABEL, idBytes(body.envelope.id)) };
  const sealed = await subtle().encrypt(how, aes, utf8(JSON.stringify(body)));
  return toBase64url(joined(Uint8Array.of(1), id, ephemeral, iv, sealed));
}

async function agreedKey(own: CryptoKey, ephemeral: Bytes, recipient: Bytes): Promise<CryptoKey> {
  const theirs = await subtle().importKey("raw", recipient, CURVE, false, []);
  const shared = await subtle().deriveBits({ name: "ECDH", public: theirs }, own, 256);
  const base = await subtle().importKey("raw", shared, "HKDF", false, ["deriveKey"]);
  const how = { name: "HKDF", hash: "SHA-256", salt: joined(ephemeral, recipient), info: LABEL };
  return subtle().deriveKey(how, base, { name: "AES-GCM", length: 256 }, false, ["encrypt"]);
}
