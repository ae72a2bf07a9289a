/** A house small enough for a test: it opens parcels for real, applies each command once, and can fail in every way. */
import { vi } from "vitest";

import type { Notice, Packed, Receipt } from "../../src/api/client.ts";
import { idBytes, newId } from "../../src/ids.ts";
import type { ParcelBody } from "../../src/queue/parcel.ts";
import { fromBase64url, fromUtf8, joined, toBase64url, toHex, utf8 } from "../../src/vault/bytes.ts";

const CURVE = { name: "ECDH", namedCurve: "P-256" } as const;
const LABEL = utf8("lianfang parcel 1");
export const DEVICE = { device: newId(), secret: "s3cret", title: "Phone 7" };

export interface Applied {
  body: ParcelBody;
  times: number;
}

export class House {
  readonly applied = new Map<string, Applied>();
  /** requests by address, in order */
  readonly asked: string[] = [];
  readonly batches: string[][] = [];
  key = { id: "", public: "" };
  /** server minus phone, milliseconds: the time of the response, which a drill moves */
  ahead = 0;
  /** its machine's time, by which sign-ins end, milliseconds */
  machine: () => number = () => Date.now();
  offline = false;
  /** apply, and lose the answer on its way back */
  losesAnswers = false;
  status = 0;
  retryAfter = "";
  wipe = false;
  wipedToldBy = 0;
  buckets = new Map<string, Packed>();
  notices: Notice[] = [];
  forms = { digest: "f1", forms: [{ code: "visit" }] };
  answerFor: (id: string, body: ParcelBody) => Partial<Receipt> | null = () => null;
  /** a parcel that breaks the house when it is in a batch */
  poison = "";
  shuffles = false;
  hook: () => void = () => undefined;
  private pair: CryptoKeyPair | undefined;

  async open(): Promise<this> {
    this.pair = (await crypto.subtle.generateKey(CURVE, true, ["deriveBits"])) as CryptoKeyPair;
    const raw = new Uint8Array(await crypto.subtle.exportKey("raw", this.pair.publicKey));
    const id = new Uint8Array(await crypto.subtle.digest("SHA-256", raw)).slice(0, 8);
    this.key = { id: toHex(id), public: toBase64url(raw) };
    vi.stubGlobal("fetch", (url: string, init: RequestInit) => this.fetch(url, init));
    return this;
  }

  /** Open a parcel as the server does. */
  async unseal(id: string, text: string): Promise<ParcelBody> {
    const bytes = fromBase64url(text);
    if (bytes[0] !== 1 || toHex(bytes.slice(1, 9)) !== this.key.id) throw new Error("not ours");
    const [ephemeral, iv, box] = [bytes.slice(9, 74), bytes.slice(74, 86), bytes.slice(86)];
    const theirs = await crypto.subtle.importKey("raw", ephemeral, CURVE, false, []);
    const shared = await crypto.subtle.deriveBits({ name: "ECDH", public: theirs }, this.pair!.privateKey, 256);
    const base = await crypto.subtle.importKey("raw", shared, "HKDF", false, ["deriveKey"]);
    const how = { name: "HKDF", hash: "SHA-256", salt: joined(ephemeral, fromBase64url(this.key.public)), info: LABEL };
    const aes = await crypto.subtle.deriveKey(how, base, { name: "AES-GCM", length: 256 }, false, ["decrypt"]);
    const opening = { name: "AES-GCM", iv, additionalData: joined(LABEL, idBytes(id)) };
    return JSON.parse(fromUtf8(await crypto.subtle.decrypt(opening, aes, box))) as ParcelBody;
  }

  private async fetch(url: string, init: RequestInit): Promise<Response> {
    this.asked.push(url);
    this.hook();
    if (this.offline) throw new TypeError("Failed to fetch");
    if (this.status) return this.refuse(this.status);
    const body = init.body ? (JSON.parse(init.body as string) as Record<string, unknown>) : {};
    const answer = await this.answer(url, body, init);
    answer.headers.set("Date", new Date(this.machine()).toUTCString());
    this.hook();
    if (this.losesAnswers) throw new TypeError("connection reset");
    return answer;
  }

  private async answer(url: string, body: Record<string, unknown>, init: RequestInit): Promise<Response> {
    const at = new Date(this.machine() + this.ahead).toISOString();
    if (url.endsWith("/parcels")) return this.take(at, body.parcels as { id: string; sealed: string }[]);
    if (url.endsWith("/hello")) return json({ at, wipe: this.wipe, key: this.key });
    if (url.endsWith("/forms")) {
      const tag = (init.headers as Record<string, string>)["If-None-Match"];
      return tag === this.forms.digest ? new Response(null, { status: 304 }) : json(this.forms, { ETag: this.forms.digest });
    }
    if (url.endsWith("/wiped")) {
      this.wipedToldBy += 1;
      this.wipe = false;
      return json({ at, wipe: false });
    }
    if (url.endsWith("/sync")) return this.sync(at, body.have as Record<string, string>);
    return this.refuse(404);
  }

  private async take(at: string, parcels: { id: string; sealed: string }[]): Promise<Response> {
    this.batches.push(parcels.map((one) => one.id));
    if (parcels.some((one) => one.id === this.poison)) return this.refuse(500);
    const receipts: Partial<Receipt>[] = [];
    for (const { id, sealed } of parcels) {
      const body = await this.unseal(id, sealed);
      const other = this.answerFor(id, body);
      if (other) {
        receipts.push({ id, code: "", zh: "", en: "", result: {}, ...other });
        if (other.status === "refused" || other.status === "later") continue;
      }
      const known = this.applied.get(id);
      if (known && known.body.envelope.kind !== body.envelope.kind) throw new Error("the id was used for something else");
      if (!known) this.applied.set(id, { body, times: 1 });
      const status = known ? "repeated" : "applied";
      if (!other) receipts.push({ id, status, code: "", zh: "好", en: "fine", result: { kind: body.envelope.kind } });
    }
    if (this.shuffles) receipts.reverse();
    return json({ at, wipe: this.wipe, receipts });
  }

  private sync(at: string, have: Record<string, string>): Response {
    const changed: Record<string, Packed> = {};
    for (const [name, bucket] of this.buckets) if (have[name] !== bucket.digest) changed[name] = bucket;
    const gone = Object.keys(have).filter((name) => !this.buckets.has(name));
    const me = { account: newId(), title: "Grid 1", role: "grid_worker", area: "Xinzhu", register: true, may: [] };
    const forms = { digest: this.forms.digest };
    const rest = { notices: this.notices, wipe: this.wipe, desk: { phone: "12345" }, key: this.key };
    return json({ at, me, forms, changed, gone, more: false, ...rest });
  }

  private refuse(status: number): Response {
    const headers: Record<string, string> = { "Content-Type": "application/problem+json" };
    if (this.retryAfter) headers["Retry-After"] = this.retryAfter;
    return new Response(JSON.stringify({ title: "Failed", detail: "Something broke.", status }), { status, headers });
  }
}

function json(body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { headers: { "Content-Type": "application/json", ...headers } });
}
