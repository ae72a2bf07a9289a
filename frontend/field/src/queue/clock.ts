/**
 * The server's clock as the phone knows it: what `valid_at` is written in, however the phone is set.
 *
 *   clock.now()                  milliseconds, corrected
 *   clock.offset()               server minus phone, milliseconds
 *   clock.learn(at, sent, got)   an answer said `at`; the request left at `sent` and was back at `got` (phone's clock)
 *
 * The best of the recent measurements counts (the shortest way). A phone that is set back while the app runs is noticed by
 * the timer that only goes forward; set forward, by the next answer.
 */
import { meansFull } from "../trouble.ts";
import type { Store } from "../vault/store.ts";

const LASTS_MS = 30 * 60_000;
/** the phone's clock and its steady timer drift apart by less than this in a shift */
const DRIFT_MS = 2_000;

export interface Measured {
  offset: number;
  trip: number;
  phone: number;
}

export class Clock {
  private measured: Measured = { offset: 0, trip: Infinity, phone: 0 };
  private wall = Date.now();
  private steady = steadyNow();
  private readonly store: Store;

  constructor(store: Store) {
    this.store = store;
  }

  /** Read what was measured before the app was last closed. */
  async load(): Promise<void> {
    this.measured = (await this.store.read<Measured>("clock")) ?? this.measured;
  }

  offset(): number {
    this.noticeSetBack();
    return this.measured.offset;
  }

  now(): number {
    return Date.now() + this.offset();
  }

  async learn(at: string, sent: number, got: number): Promise<void> {
    this.noticeSetBack();
    const trip = got - sent;
    const server = Date.parse(at);
    if (!isFinite(server) || trip < 0) return;
    const found = { offset: Math.round(server - (sent + got) / 2), trip, phone: got };
    const last = this.measured;
    const stale = Math.abs(got - last.phone) > LASTS_MS;
    // farther off than both ways together could explain: the phone was set meanwhile
    const moved = Math.abs(found.offset - last.offset) > (trip + last.trip) / 2 + DRIFT_MS;
    if (!stale && !moved && trip > last.trip) return;
    this.measured = found;
    await this.keep();
  }

  /** For the next opening without a line. A full phone measures again: nothing that was sent hangs on it. */
  private async keep(): Promise<void> {
    try {
      await this.store.write("clock", this.measured);
    } catch (error) {
      if (!meansFull(error)) throw error;
    }
  }

  private noticeSetBack(): void {
    const wall = Date.now();
    const steady = steadyNow();
    const missing = steady - this.steady - (wall - this.wall);
    if (missing > DRIFT_MS) {
      this.measured = { ...this.measured, offset: this.measured.offset + Math.round(missing), trip: Infinity };
      void this.keep();
    }
    this.wall = wall;
    this.steady = steady;
  }
}

function steadyNow(): number {
  return typeof performance === "undefined" ? Date.now() : performance.now();
}
