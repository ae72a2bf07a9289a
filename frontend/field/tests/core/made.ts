/** Phones in a test's hand: one signed in, the same one opened again, work to finish. */
import { newId } from "../../src/ids.ts";
import { Phone } from "../../src/phone.ts";
import type { Draft, Session, Work } from "../../src/queue/queue.ts";
import { Store } from "../../src/vault/store.ts";
import { DEVICE, type House } from "./house.ts";

export const PIN = "270481";
export const SESSION: Session = {
  token: "tok", username: "zhang", role: "grid_worker", line: "community", title: "Grid 1", lo: 1, hi: 2,
};
let phones = 0;

/** A new phone, enrolled and signed in; the round that comes by itself is off, a test says when to send. */
export async function aPhone(house: House, name = `phone-${(phones += 1)}`): Promise<Phone> {
  const phone = opened(name);
  await phone.store.write("device", DEVICE);
  await phone.store.write("server_key", house.key);
  await phone.vault.create(PIN, SESSION, Date.now() + 12 * 3600_000);
  return phone;
}

/** The phone of that name, as it is after it was switched off: nothing but what lies in its database. */
export function opened(name: string): Phone {
  const phone = new Phone(new Store(name));
  phone.queue.onFinished = () => undefined;
  return phone;
}

export function work(kind = "record_visit", more: Partial<Work> = {}): Work {
  const valid_at = new Date().toISOString();
  return { envelope: { id: newId(), kind, valid_at, payload: { outcome: "well" } }, duty: 7, form: "visit", ...more };
}

export function draft(of: Work, more: Record<string, unknown> = {}): Draft {
  return { id: of.envelope.id, form: "visit", duty: 7, at: Date.now(), values: { temperature: 36.6 }, ...more };
}

/** A random number that a seed brings back (mulberry32). */
export function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
