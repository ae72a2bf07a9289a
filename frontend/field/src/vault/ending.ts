/**
 * When a sign-in ends: an instant on the phone's own clock, which goes with that clock when somebody sets it.
 *
 *   ending.isOver()       looked at in each round and before each opening
 *   ending.learn(house)   an answer of the house said what time it is there (milliseconds, the clock of its sign-ins)
 *
 * A clock that shows less than it showed before was set back: the end moves back by as much, and nobody gains by it more than
 * the minute since it was last looked at. A clock set forward looks like a phone that slept: only the house knows better.
 */
import { meansFull } from "../trouble.ts";
import type { KeyRow, Store } from "./store.ts";

/** a token works for twelve hours; the phone stops a little earlier than the house */
export const SESSION_MS = 12 * 3600_000 - 60_000;
const LOOKED_EVERY_MS = 60_000;
type VaultRow = Extract<KeyRow, { id: "vault" }>;

export class Ending {
  private readonly store: Store;

  constructor(store: Store) {
    this.store = store;
  }

  /** Say whether the sign-in is over; false where nobody is signed in. */
  async isOver(): Promise<boolean> {
    const row = await this.change((now, { ends_at, seen_at = now }) => {
      if (now >= seen_at && now < seen_at + LOOKED_EVERY_MS) return null;
      return { seen_at: now, ends_at: ends_at + Math.min(0, now - seen_at) };
    });
    return row !== null && Date.now() >= row.ends_at;
  }

  /** The first answer after signing in says when the house's twelve hours end; each later one, how far that is. */
  async learn(house: number): Promise<void> {
    if (!isFinite(house)) return;
    await this.change((now, { ends_at, house_ends_at }) => {
      if (house_ends_at === undefined) return { house_ends_at: house + ends_at - now };
      const found = now + Math.min(house_ends_at - house, SESSION_MS);
      return Math.abs(found - ends_at) < LOOKED_EVERY_MS ? null : { ends_at: found, seen_at: now };
    });
  }

  private async change(by: (now: number, row: VaultRow) => Partial<VaultRow> | null): Promise<VaultRow | null> {
    let next: VaultRow | null = null;
    try {
      await this.store.transaction("rw", this.store.keys, async () => {
        const row = (await this.store.keys.get("vault")) as VaultRow | undefined;
        const changed = row ? by(Date.now(), row) : null;
        next = row ? { ...row, ...changed } : null;
        if (next && changed) await this.store.keys.put(next);
      });
    } catch (error) {
      if (!meansFull(error)) throw error;
    }
    return next;
  }
}
