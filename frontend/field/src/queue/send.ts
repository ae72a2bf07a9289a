/**
 * Sending: parcels in the order of finishing, each kept until its receipt is written down.
 *
 *   sender.send()    send what is due; says how it went. Runs once at a time over all tabs and the service worker
 *   sender.hurry()   forget the waiting: the line is back, or somebody tapped “send now”
 *
 * Nobody need be signed in: the device's own secret is enough, and each parcel carries the token under which it was made.
 *
 * The first parcel holds up the others while the line or the house is down (`next_at`, doubling with jitter up to five
 * minutes). What the house chokes on is found by halving: it then steps aside, waits by itself, and the others pass.
 */
import { Trouble, meansFull } from "../trouble.ts";
import { type Client, type Device, type ParcelsAnswer, type Receipt, Refused } from "../api/client.ts";
import type { ParcelRow, ReceiptRow, Store } from "../vault/store.ts";
import type { Vault } from "../vault/vault.ts";
import { alone } from "./lease.ts";
import type { Line, Queue } from "./queue.ts";

export const MOST = 100;
const MOST_LETTERS = 3_000_000;
const FIRST_WAIT_MS = 2_000;
export const LONGEST_WAIT_MS = 5 * 60_000;
/** so many asking alone in vain, and it is the house that is down, not a parcel that is wrong */
const ASIDE_AT_ONCE = 3;
const KEPT_MS = 7 * 24 * 3600_000;
const LEAVES = new Set(["applied", "repeated", "noted", "held"]);

/** `idle`: nothing was due. `busy`: somebody else is sending. `waits`: something is left that waits. */
export type Sent = "idle" | "busy" | "done" | "waits";

export class Sender {
  private readonly store: Store;
  private readonly client: Client;
  private readonly queue: Queue;
  /** none in the service worker, where what the server says cannot be sealed and is left out */
  private readonly vault: Vault | null;
  private readonly chance: () => number;

  constructor(store: Store, client: Client, queue: Queue, vault: Vault | null, chance = Math.random) {
    this.store = store;
    this.client = client;
    this.queue = queue;
    this.vault = vault;
    this.chance = chance;
  }

  async send(): Promise<Sent> {
    let how: Sent = "idle";
    const ours = await alone(this.store, "send", async () => {
      how = await this.sendAlone();
    });
    return ours ? how : "busy";
  }

  async hurry(): Promise<void> {
    // what was never tried is held for its undo
    await this.store.parcels.filter((row) => row.tries > 0).modify({ next_at: 0 });
  }

  private async sendAlone(): Promise<Sent> {
    await this.queue.recover();
    const device = await this.store.read<Device>("device");
    if (!device) return "idle";
    if (await this.store.read<boolean>("wipe_ordered")) await this.obey(device);
    let most = MOST;
    let aside = 0;
    let sent = false;
    for (;;) {
      const batch = await this.due(most);
      if (!batch.length) break;
      try {
        const answer = await this.client.parcels(
          device,
          batch.map(({ id, sealed }) => ({ id, sealed })),
        );
        await this.settle(batch, answer);
        if (answer.wipe) await this.obey(device);
        sent = true;
        most = Math.min(MOST, most * 2);
      } catch (error) {
        if (!(error instanceof Trouble)) throw error;
        if (isAboutTheLine(error)) return this.wait(batch[0]!, error);
        if (batch.length > 1) {
          most = Math.ceil(batch.length / 2);
          continue;
        }
        await this.stepAside(batch[0]!, error);
        aside += 1;
        if (aside >= ASIDE_AT_ONCE) return this.wait(batch[0]!, error);
      }
    }
    const left = await this.store.parcels
      .where("id")
      .notEqual("")
      .filter((row) => row.state === "waiting")
      .count();
    return left ? "waits" : sent ? "done" : "idle";
  }

  /** The parcels to send now: in order, up to the first that has to wait; those that stepped aside are passed by. */
  private async due(most: number): Promise<ParcelRow[]> {
    const now = Date.now();
    const found: ParcelRow[] = [];
    let letters = 0;
    await this.store.parcels
      .orderBy("seq")
      .until((row) => {
        const mustWait = row.next_at > now && row.next_at < now + 2 * LONGEST_WAIT_MS;
        if (row.state === "refused" || (row.aside && mustWait)) return false;
        if (mustWait || found.length >= most) return true;
        letters += row.sealed.length;
        if (found.length && letters > MOST_LETTERS) return true;
        found.push(row);
        return false;
      })
      .each(() => undefined);
    return found;
  }

  private async settle(batch: ParcelRow[], answer: ParcelsAnswer): Promise<void> {
    const said = new Map(answer.receipts.map((receipt) => [receipt.id, receipt]));
    const words = await this.words(batch, said);
    const { parcels, receipts, sealed, plain } = this.store;
    const leaves = (row: ParcelRow) => LEAVES.has(said.get(row.id)?.status ?? "");
    const gone = batch.filter(leaves);
    const stays = batch.filter((row) => !leaves(row));
    try {
      await this.store.transaction("rw", parcels, receipts, sealed, plain, this.store.keys, async () => {
        await parcels.bulkDelete(gone.map((row) => row.seq!));
        await receipts.bulkPut(gone.map((row) => receiptOf(row, said.get(row.id)!)));
        await receipts
          .where("at")
          .below(Date.now() - KEPT_MS)
          .delete();
        if (words.length && (await this.vault?.isSameWithin())) await sealed.bulkPut(words);
        for (const row of stays) await this.keep(row, said.get(row.id));
        await this.store.write("line", { trouble: null, sent_at: Date.now() } satisfies Line);
      });
    } catch (error) {
      if (!meansFull(error)) throw error;
      // no room to write down what the server said: letting the parcels go, which it has, makes some
      await parcels.bulkDelete(gone.map((row) => row.seq!));
    }
  }

  /** What happens to a parcel that stays: refused with the server's words, or to be sent again later. */
  private async keep(row: ParcelRow, receipt: Receipt | undefined): Promise<void> {
    if (receipt?.status === "refused") {
      const { code, zh, en } = receipt;
      await this.store.parcels.update(row.seq!, { state: "refused", code, zh, en });
      return;
    }
    const floor = (receipt?.retry_after ?? 0) * 1000;
    await this.store.parcels.update(row.seq!, { tries: row.tries + 1, next_at: this.nextTry(row.tries, floor) });
  }

  private async words(batch: ParcelRow[], said: Map<string, Receipt>): Promise<SealedWords[]> {
    const vault = this.vault;
    if (!vault?.isOpen()) return [];
    const told = batch.map((row) => said.get(row.id)).filter((one): one is Receipt => !!one && LEAVES.has(one.status));
    try {
      return await Promise.all(told.map(({ id, zh, en, result }) => vault.box(`receipt:${id}`, { zh, en, result })));
    } catch {
      return []; // locked between two of them: the receipt's code remains
    }
  }

  private async wait(head: ParcelRow, trouble: Trouble): Promise<Sent> {
    const floor = trouble instanceof Refused ? (trouble.retryAfter ?? 0) : 0;
    const { parcels, plain } = this.store;
    await this.store.transaction("rw", parcels, plain, async () => {
      await parcels.update(head.seq!, {
        tries: head.tries + 1,
        next_at: this.nextTry(head.tries, floor),
        aside: false,
      });
      await this.note(trouble);
    });
    return "waits";
  }

  private async stepAside(row: ParcelRow, trouble: Trouble): Promise<void> {
    const { parcels, plain } = this.store;
    const { code, zh, en } = trouble;
    const next = { tries: row.tries + 1, next_at: this.nextTry(row.tries + 3, 0) };
    await this.store.transaction("rw", parcels, plain, async () => {
      await parcels.update(row.seq!, { ...next, aside: true, code, zh, en });
      await this.note(trouble);
    });
  }

  private async note({ code, zh, en }: Trouble): Promise<void> {
    const line = await this.store.read<Line>("line");
    await this.store.write("line", { trouble: { code, zh, en }, sent_at: line?.sent_at ?? null } satisfies Line);
  }

  private nextTry(tries: number, floor: number): number {
    const step = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(tries, 12));
    return Date.now() + Math.max(floor, Math.round(step * (0.5 + this.chance() / 2)));
  }

  /** Wipe because the house says so, and tell it; cut short, it goes on at the next sending. */
  async obey(device: Device): Promise<void> {
    await this.store.write("wipe_ordered", true);
    await this.queue.wipe("order");
    try {
      await this.client.wiped(device);
    } catch (error) {
      if (error instanceof Trouble) return;
      throw error;
    }
    await this.store.plain.delete("wipe_ordered");
  }
}

type SealedWords = Awaited<ReturnType<Vault["box"]>>;

/** The line, or the house as a whole: waiting helps, and halving does not. */
function isAboutTheLine(trouble: Trouble): boolean {
  return !(trouble instanceof Refused) || [401, 403, 404, 408, 429, 502, 503, 504].includes(trouble.status);
}

function receiptOf(row: ParcelRow, { status, code }: Receipt): ReceiptRow {
  const { id, form, duty, made_at } = row;
  return { id, status, code, form, duty, made_at, at: Date.now(), seen: 0 };
}
