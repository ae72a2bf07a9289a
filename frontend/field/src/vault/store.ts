/**
 * The phone's database (IndexedDB by Dexie): what lies in it and in which shape.
 *
 * - `sealed`: everything readable (drafts, duties, people, the session), each row a box that only the open vault reads.
 * - `parcels`: finished work, sealed to the server: nobody who holds the phone can read it. In the order of finishing.
 * - `shadows`: by draft, the sealed parcel of what is already done in the world, for the case that the vault is wiped.
 * - `receipts`: what the server said about parcels, without its words (those are in `sealed`).
 * - `keys`: the device key and the wrapped key of the vault.
 * - `plain`: what may be known: the device's id and secret, the server's public key, the clock, who sends.
 *
 * A new version of the app adds a `version(n)` below and never changes an old one; an old tab lets go of the database when a
 * new one wants to upgrade it. The content of sealed rows carries a version of its own (see `vault.ts`).
 */
import Dexie, { type Table } from "dexie";

import type { Bytes } from "./bytes.ts";

export interface Box {
  iv: Bytes;
  box: ArrayBuffer;
}

export interface SealedRow extends Box {
  name: string;
}

export type KeyRow =
  | { id: "device"; key: CryptoKey }
  | {
      id: "vault";
      /** which vault this is: a tab that opened an earlier one must not write into this one */
      vault: string;
      salt: Bytes;
      iv: Bytes;
      wrapped: ArrayBuffer;
      /** PINs tried since the last right one, counted before they are tried */
      tries: number;
      /** milliseconds of the phone's clock: the token's end, and when that clock was last looked at (see ending.ts) */
      ends_at: number;
      seen_at?: number;
      /** milliseconds of the house's clock: the token's end */
      house_ends_at?: number;
    };

export interface ParcelRow {
  seq?: number;
  id: string;
  sealed: string;
  form: string | null;
  duty: number | null;
  made_at: number;
  /** `refused`: the server has not kept it and says why in `zh`, `en`; it stays until somebody decides */
  state: "waiting" | "refused";
  tries: number;
  /** milliseconds of the phone's clock before which it is not sent */
  next_at: number;
  /** it failed alone, again and again, on the server's side: the others pass by */
  aside: boolean;
  code: string;
  zh: string;
  en: string;
}

export interface ShadowRow {
  draft: string;
  parcel: ParcelRow;
}

export interface ReceiptRow {
  id: string;
  status: string;
  code: string;
  form: string | null;
  duty: number | null;
  made_at: number;
  at: number;
  /** whether it was shown to whoever did it */
  seen: 0 | 1;
}

export interface PlainRow {
  id: string;
  value: unknown;
}

export class Store extends Dexie {
  sealed!: Table<SealedRow, string>;
  parcels!: Table<ParcelRow, number>;
  shadows!: Table<ShadowRow, string>;
  receipts!: Table<ReceiptRow, string>;
  keys!: Table<KeyRow, string>;
  plain!: Table<PlainRow, string>;

  constructor(name = "lianfang-field") {
    // what is finished is on the disk before the phone says so
    super(name, { chromeTransactionDurability: "strict" });
    this.version(1).stores({
      sealed: "name",
      parcels: "++seq,&id,duty",
      shadows: "draft",
      receipts: "id,at,duty",
      keys: "id",
      plain: "id",
    });
  }

  async read<Value>(id: string): Promise<Value | undefined> {
    return (await this.plain.get(id))?.value as Value | undefined;
  }

  async write(id: string, value: unknown): Promise<void> {
    await this.plain.put({ id, value });
  }
}

/** Row names that begin with some text, for a range query. */
export function startingWith(prefix: string): [string, string] {
  return [prefix, `${prefix}\uffff`];
}
