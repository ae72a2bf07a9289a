/**
 * The queue: drafts apart from finished work, and nothing that was done lost.
 *
 *   queue.saveDraft(draft, work?)   keep a draft in the vault; with `work`, its shadow beside it, in one write
 *   queue.draft(id), queue.drafts() read them back
 *   queue.dropDraft(id)             draft and shadow are gone: for what was not done, or was undone
 *   queue.shadow(draft, work)       renew only the shadow: what is already done in the world must survive a wipe
 *   queue.finish(work, draft?)      seal a finished command into a parcel; draft and shadow go in the same write. The same
 *                                   envelope id again returns the parcel there is: tapping twice does nothing twice
 *   queue.wipe(why)                 what can be read is destroyed; shadows become parcels; everything is still sent
 *   queue.recover()                 finish a wipe that was cut short (on start, and before each sending)
 *   queue.retry(id)                 send a refused parcel once more
 *   queue.state(), queue.parcels(), queue.receipts(), queue.labelOf(id), queue.wordsOf(id), queue.seen(id)   what there is to show
 *   queue.storageState()            how much room is left, and whether the browser promises to keep it
 *   queue.watch(fn)                 called with the state now and whenever it changes, also in another tab
 *
 * `work.envelope.id` is made once, when the draft begins (`newId(clock.now())`), and `valid_at` is the corrected instant at
 * which it was done (`new Date(clock.now()).toISOString()`).
 */
import { liveQuery } from "dexie";

import { Trouble, meansFull, storageFull } from "../trouble.ts";
import { type ParcelRow, type ReceiptRow, type Store, startingWith } from "../vault/store.ts";
import type { Vault } from "../vault/vault.ts";
import type { Clock } from "./clock.ts";
import { alone } from "./lease.ts";
import { type Envelope, type ServerKey, sealParcel } from "./parcel.ts";

export interface Work {
  envelope: Envelope;
  duty: number | null;
  form: string | null;
  /** what it is about, for the list of what was sent: shown while the vault is open, gone with it */
  label?: string;
}

/** A draft: whatever the form keeps, and the id under which it is kept. */
export interface Draft {
  id: string;
  form: string;
  duty: number | null;
  at: number;
  [more: string]: unknown;
}

/** Why what could be read was destroyed, as row `wiped` of `plain`, for the page that says so. */
export type WipedBecause = "sign_out" | "order" | "tries" | "expired" | "other_person";

/** Who is signed in, kept in the vault as row `session`. */
export interface Session {
  token: string;
  username: string;
  role: string;
  line: string;
  title: string;
  lo: number;
  hi: number;
}

export interface QueueState {
  /** finished and not yet with the server, refused ones included */
  parcels: number;
  refused: number;
  /** receipts that a human should look at and has not seen: held, noted, refused */
  unseen: number;
  drafts: number;
  /** why the last attempt to send failed, or null */
  trouble: { code: string; zh: string; en: string } | null;
  /** phone's clock, ms: when something last arrived; when the next attempt is due */
  sent_at: number | null;
  next_at: number | null;
}

export interface StorageState {
  used: number | null;
  quota: number | null;
  /** the browser promised not to clear it when room gets scarce */
  promised: boolean;
  /** so little is left that photographs should wait */
  low: boolean;
}

/** What the sender last met, as row `line` of `plain`. */
export interface Line {
  trouble: QueueState["trouble"];
  sent_at: number | null;
}

const LOW_BYTES = 20 * 1024 * 1024;
/** rows that the next sync brings again: they make room for what nothing brings again */
const REPLACEABLE = "bucket:";
const DRAFT = "draft:";
const LABEL = "label:";

export class Queue {
  /** Called after something was put into the line: whoever sends hangs in here. */
  onFinished: () => void = () => undefined;
  private readonly store: Store;
  private readonly vault: Vault;
  private readonly clock: Clock;

  constructor(store: Store, vault: Vault, clock: Clock) {
    this.store = store;
    this.vault = vault;
    this.clock = clock;
    vault.onTooManyTries = () => this.wipe("tries");
  }

  async saveDraft(draft: Draft, work?: Work): Promise<void> {
    const row = await this.vault.box(DRAFT + draft.id, draft);
    const parcel = work && (await this.parcelOf(work, true));
    await this.withRoom(() =>
      this.store.transaction("rw", this.store.keys, this.store.sealed, this.store.shadows, async () => {
        await this.vault.checkWithin();
        await this.store.sealed.put(row);
        if (parcel) await this.store.shadows.put({ draft: draft.id, parcel });
      }),
    );
  }

  draft<Kind extends Draft = Draft>(id: string): Promise<Kind | undefined> {
    return this.vault.get<Kind>(DRAFT + id);
  }

  async drafts<Kind extends Draft = Draft>(): Promise<Kind[]> {
    return (await this.vault.values<Kind>(DRAFT)).map(([, draft]) => draft);
  }

  async dropDraft(id: string): Promise<void> {
    await this.store.transaction("rw", this.store.sealed, this.store.shadows, async () => {
      await this.store.sealed.delete(DRAFT + id);
      await this.store.shadows.delete(id);
    });
  }

  async shadow(draft: string, work: Work): Promise<void> {
    const parcel = await this.parcelOf(work, true);
    await this.withRoom(() =>
      this.store.transaction("rw", this.store.keys, this.store.shadows, async () => {
        await this.vault.checkWithin();
        await this.store.shadows.put({ draft, parcel });
      }),
    );
  }

  async finish(work: Work, draft?: string, holdMs = 0): Promise<ParcelRow> {
    const parcel = await this.parcelOf(work, false);
    if (holdMs) parcel.next_at = Date.now() + holdMs;
    const label = work.label === undefined ? null : await this.vault.box(LABEL + parcel.id, work.label);
    const { keys, parcels, receipts, shadows, sealed } = this.store;
    const kept = await this.withRoom(() =>
      this.store.transaction("rw", keys, parcels, receipts, shadows, sealed, async () => {
        if (label && (await this.vault.isSameWithin())) await sealed.put(label);
        if (draft !== undefined) {
          await sealed.delete(DRAFT + draft);
          await shadows.delete(draft);
        }
        return this.addWithin(parcel);
      }),
    );
    this.onFinished();
    if (holdMs) setTimeout(() => this.onFinished(), holdMs + 50);
    return kept;
  }

  /** Undo what was finished and never left the phone; false when it is on its way, or may have been. */
  async takeBack(id: string): Promise<boolean> {
    const { parcels } = this.store;
    let undone = 0;
    await alone(this.store, "send", async () => {
      undone = await parcels
        .where("id")
        .equals(id)
        .filter((row) => row.tries === 0 && row.state === "waiting")
        .delete();
    });
    return undone > 0;
  }

  async wipe(why: WipedBecause = "sign_out"): Promise<void> {
    await this.store.write("wiped", { why, at: Date.now() });
    // the key first: whatever happens next, nothing can be read any more
    await this.vault.destroy();
    await this.recover();
  }

  async recover(): Promise<void> {
    const { keys, parcels, receipts, shadows } = this.store;
    const moved = await this.store.transaction("rw", keys, parcels, receipts, shadows, async () => {
      if (await keys.get("vault")) return 0;
      const left = (await shadows.toArray()).sort((one, other) => one.parcel.made_at - other.parcel.made_at);
      for (const { parcel } of left) await this.addWithin(parcel);
      await shadows.clear();
      // nobody is there any more who could take back what was just finished
      const held = await parcels.filter((row) => row.tries === 0 && row.next_at > 0).modify({ next_at: 0 });
      return left.length + held;
    });
    if (moved) this.onFinished();
  }

  async retry(id: string): Promise<void> {
    await this.store.parcels.where("id").equals(id).modify({ state: "waiting", aside: false, next_at: 0 });
    this.onFinished();
  }

  parcels(): Promise<ParcelRow[]> {
    return this.store.parcels.orderBy("seq").toArray();
  }

  async receipts(limit = 200): Promise<ReceiptRow[]> {
    return this.store.receipts.orderBy("at").reverse().limit(limit).toArray();
  }

  /** What a parcel is about, as `work.label` said. */
  labelOf(id: string): Promise<string | undefined> {
    return this.vault.get(LABEL + id);
  }

  /** What the server said about a parcel, if the vault was open when it said so. */
  wordsOf(id: string): Promise<{ zh: string; en: string; result: unknown } | undefined> {
    return this.vault.get(`receipt:${id}`);
  }

  async seen(id: string): Promise<void> {
    await this.store.receipts.update(id, { seen: 1 });
  }

  async state(): Promise<QueueState> {
    const rows = await this.store.parcels.orderBy("seq").toArray();
    const line = await this.store.read<Line>("line");
    const unseen = await this.store.receipts.filter((one) => !one.seen && needsAHuman(one)).count();
    const waiting = rows.filter((row) => row.state === "waiting");
    return {
      parcels: rows.length,
      refused: rows.length - waiting.length,
      unseen,
      drafts: await this.store.sealed
        .where("name")
        .between(...startingWith(DRAFT))
        .count(),
      trouble: line?.trouble ?? null,
      sent_at: line?.sent_at ?? null,
      next_at: waiting.length ? waiting[0]!.next_at : null,
    };
  }

  watch(fn: (state: QueueState) => void): () => void {
    const following = liveQuery(() => this.state()).subscribe(fn);
    return () => following.unsubscribe();
  }

  async storageState(): Promise<StorageState> {
    const manager = typeof navigator === "undefined" ? undefined : navigator.storage;
    const estimate = manager?.estimate ? await manager.estimate() : {};
    const used = estimate.usage ?? null;
    const quota = estimate.quota ?? null;
    const promised = manager?.persisted ? await manager.persisted() : false;
    return { used, quota, promised, low: used !== null && quota !== null && quota - used < LOW_BYTES };
  }

  private async parcelOf(work: Work, shadow: boolean): Promise<ParcelRow> {
    const session = await this.vault.get<Session>("session");
    const key = await this.store.read<ServerKey>("server_key");
    if (!session || !key) throw notReady();
    const { envelope, duty, form } = work;
    const now = Date.now();
    const sealed = await sealParcel(key, {
      token: session.token,
      envelope,
      made_at: new Date(now).toISOString(),
      offset_ms: this.clock.offset(),
      duty,
      form,
      shadow,
    });
    const fresh = { state: "waiting", tries: 0, next_at: 0, aside: false, code: "", zh: "", en: "" } as const;
    return { id: envelope.id, sealed, form, duty, made_at: now, ...fresh };
  }

  /** Inside of a transaction: put a parcel into the line unless it is there, or was there and has its receipt. */
  private async addWithin(parcel: ParcelRow): Promise<ParcelRow> {
    const there = await this.store.parcels.where("id").equals(parcel.id).first();
    if (there) return there;
    if (!(await this.store.receipts.get(parcel.id))) await this.store.parcels.add(parcel);
    return parcel;
  }

  /** Write; when the phone is full, let go of what a sync brings again, and write once more. */
  private async withRoom<Result>(write: () => PromiseLike<Result>): Promise<Result> {
    try {
      return await write();
    } catch (error) {
      if (!meansFull(error)) throw error;
    }
    try {
      await this.store.sealed
        .where("name")
        .between(...startingWith(REPLACEABLE))
        .delete();
      return await write();
    } catch (error) {
      throw meansFull(error) ? storageFull(error) : error;
    }
  }
}

export function needsAHuman(receipt: { status: string }): boolean {
  return receipt.status === "held" || receipt.status === "noted";
}

function notReady(): Trouble {
  return new Trouble(
    "not_ready",
    "手机还没有登录完成，请先联网登录。",
    "Signing in is not complete: sign in with a line first.",
  );
}
