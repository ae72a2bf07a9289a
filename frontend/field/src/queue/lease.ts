/**
 * One at a time, over all tabs and the service worker: `alone(store, name, work)` runs the work, or not at all (`false`) while
 * another one is at it.
 *
 * The browser's own locks end with the tab that holds them. Where there are none (before Chrome 69, Safari 15.4), a row in the
 * database says who is at it and until when; a tab that dies holds the others up for at most `LEASE_MS`.
 */
import { newId } from "../ids.ts";
import type { Store } from "../vault/store.ts";

export const LEASE_MS = 60_000;
interface Lease {
  owner: string;
  until: number;
}

export async function alone(store: Store, name: string, work: () => Promise<void>): Promise<boolean> {
  const locks = typeof navigator === "undefined" ? undefined : navigator.locks;
  if (!locks) return leased(store, name, work);
  let ours = false;
  await locks.request(`${store.name}-${name}`, { ifAvailable: true }, async (lock) => {
    ours = lock !== null;
    if (ours) await work();
  });
  return ours;
}

async function leased(store: Store, name: string, work: () => Promise<void>): Promise<boolean> {
  const row = `lease-${name}`;
  const owner = newId();
  if (!(await take(store, row, owner))) return false;
  const renewing = setInterval(() => void take(store, row, owner).catch(() => undefined), LEASE_MS / 3);
  try {
    await work();
  } finally {
    clearInterval(renewing);
    await store.transaction("rw", store.plain, async () => {
      if ((await store.read<Lease>(row))?.owner === owner) await store.plain.delete(row);
    });
  }
  return true;
}

function take(store: Store, row: string, owner: string): Promise<boolean> {
  return store.transaction("rw", store.plain, async () => {
    const held = await store.read<Lease>(row);
    const now = Date.now();
    const free = !held || held.owner === owner || held.until < now || held.until > now + 2 * LEASE_MS;
    if (free) await store.write(row, { owner, until: now + LEASE_MS });
    return free;
  });
}
