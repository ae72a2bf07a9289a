/**
 * The sync: what this post may carry today, brought into the vault.
 *
 *   sync.run()            ask, take over what differs, until the house has no more; the result is told to `sync.watch`
 *   sync.state()          whether it is at it, and what it met the last time; each change is told to `sync.watchState`
 *   sync.rows(prefix)     rows of all buckets whose name begins so (`duties:`, `homes:`), as objects, each with `bucket`
 *   sync.me(), sync.desk(), sync.notices(), sync.forms(), sync.syncedAt()      what else the last sync brought
 *
 * Buckets are taken over whole, digest and rows in one write: a phone that dies in between has the old one or the new one.
 */
import { type Client, type Device, type Me, type Notice, type Packed, Refused, type SyncAnswer } from "../api/client.ts";
import { Trouble, meansFull, vaultClosed } from "../trouble.ts";
import { alone } from "../queue/lease.ts";
import type { Session } from "../queue/queue.ts";
import type { Sender } from "../queue/send.ts";
import type { Store } from "../vault/store.ts";
import type { Vault } from "../vault/vault.ts";

const BUCKET = "bucket:";
const MOST_ROUNDS = 50;
const KEPT_NOTICES = 200;

export type Row<Columns = Record<string, unknown>> = Columns & { bucket: string };
export interface SyncResult {
  /** the house ordered the phone wiped: it is */
  wiped: boolean;
  changed: string[];
  gone: string[];
  notices: Notice[];
}

export interface SyncState {
  running: boolean;
  trouble: Trouble | null;
}

export class Sync {
  private readonly watchers = new Set<(result: SyncResult) => void>();
  private readonly stateWatchers = new Set<() => void>();
  private stands: SyncState = { running: false, trouble: null };
  private going: Promise<SyncResult | null> | null = null;
  /** buckets unpacked already, by name; a digest that has changed, here or in another tab, makes one stale */
  private readonly opened = new Map<string, { digest: string; rows: Record<string, unknown>[] }>();
  private readonly store: Store;
  private readonly vault: Vault;
  private readonly client: Client;
  private readonly sender: Sender;

  constructor(store: Store, vault: Vault, client: Client, sender: Sender) {
    this.store = store;
    this.vault = vault;
    this.client = client;
    this.sender = sender;
    vault.watch(() => {
      if (vault.isOpen()) return;
      this.opened.clear();
      // what it met was told to whoever was there then
      this.stand(this.stands.running, null);
    });
  }

  /** Bring the phone up to date; null when another tab is at it. Throws a Trouble: `offline`, `session_over`, `locked`. */
  run(): Promise<SyncResult | null> {
    if (!this.going) this.going = this.runOnce().finally(() => (this.going = null));
    return this.going;
  }

  state(): SyncState {
    return this.stands;
  }

  private async runOnce(): Promise<SyncResult | null> {
    this.stand(true, this.stands.trouble);
    try {
      const result = await this.runAlone();
      this.stand(false, result ? null : this.stands.trouble);
      return result;
    } catch (error) {
      const trouble = meansFull(error) ? noRoom(error) : error;
      // where nobody is signed in any more, another page says so
      this.stand(false, trouble instanceof Trouble && this.vault.isOpen() ? trouble : null);
      throw trouble;
    }
  }

  private stand(running: boolean, trouble: Trouble | null): void {
    this.stands = { running, trouble };
    for (const fn of this.stateWatchers) fn();
  }

  private async runAlone(): Promise<SyncResult | null> {
    const result: SyncResult = { wiped: false, changed: [], gone: [], notices: [] };
    const ours = await alone(this.store, "sync", async () => {
      for (let round = 0; round < MOST_ROUNDS; round += 1) {
        const answer = await this.ask();
        await this.takeOver(answer, result);
        if (result.wiped || !answer.more) break;
      }
      if (!result.wiped) await this.bringForms();
    });
    if (!ours) return null;
    for (const fn of this.watchers) fn(result);
    return result;
  }

  /** Every row of the buckets whose name begins so, in order of bucket. */
  async rows<Columns = Record<string, unknown>>(prefix: string): Promise<Row<Columns>[]> {
    const have = await this.have();
    const found: Row<Columns>[] = [];
    for (const bucket of Object.keys(have).filter((name) => name.startsWith(prefix)).sort()) {
      for (const row of await this.unpacked(bucket, have[bucket]!)) found.push({ ...(row as Columns), bucket });
    }
    return found;
  }

  me(): Promise<Me | undefined> {
    return this.vault.get<Me>("me");
  }

  desk(): Promise<SyncAnswer["desk"] | undefined> {
    return this.vault.get<SyncAnswer["desk"]>("desk");
  }

  /** Newest first. */
  async notices(): Promise<Notice[]> {
    return (await this.vault.get<Notice[]>("notices")) ?? [];
  }

  async forms<Form>(): Promise<Form[] | undefined> {
    return (await this.vault.get<{ forms: Form[] }>("forms"))?.forms;
  }

  /** The phone's clock (ms) when something last came from the house, or none. */
  syncedAt(): Promise<number | undefined> {
    return this.vault.get<number>("synced_at");
  }

  watch(fn: (result: SyncResult) => void): () => void {
    this.watchers.add(fn);
    return () => this.watchers.delete(fn);
  }

  watchState(fn: () => void): () => void {
    this.stateWatchers.add(fn);
    return () => this.stateWatchers.delete(fn);
  }

  private async ask(): Promise<SyncAnswer> {
    const session = await this.vault.get<Session>("session");
    if (!session) throw vaultClosed();
    const last = (await this.notices())[0]; // the greatest id: they are kept in that order
    try {
      return await this.client.sync(session.token, await this.have(), last ? last.id : null);
    } catch (error) {
      if (error instanceof Refused && error.status === 401) throw await this.sessionOver(error);
      throw error;
    }
  }

  /** Whether something that was synced had to make room for what was done; the next sync brings it again. */
  async isLacking(): Promise<boolean> {
    const digests = (await this.vault.get<Record<string, string>>("have")) ?? {};
    return Object.keys(digests).length > Object.keys(await this.have()).length;
  }

  /** The digests of the buckets that are there: one that made room for a parcel is asked for anew. */
  private async have(): Promise<Record<string, string>> {
    const digests = (await this.vault.get<Record<string, string>>("have")) ?? {};
    const there = new Set(await this.vault.names(BUCKET));
    const have: Record<string, string> = {};
    for (const [bucket, digest] of Object.entries(digests)) if (there.has(BUCKET + bucket)) have[bucket] = digest;
    return have;
  }

  private async takeOver(answer: SyncAnswer, result: SyncResult): Promise<void> {
    await this.store.write("server_key", answer.key);
    if (answer.wipe) {
      const device = await this.store.read<Device>("device");
      if (device) await this.sender.obey(device);
      result.wiped = true;
      return;
    }
    const changed = Object.entries(answer.changed);
    const have = await this.have();
    for (const bucket of answer.gone) delete have[bucket];
    for (const [bucket, packed] of changed) have[bucket] = packed.digest;
    const values: [string, unknown][] = [
      ...changed.map(([bucket, packed]) => [BUCKET + bucket, packed] as [string, unknown]),
      ["have", have],
      ["me", answer.me],
      ["desk", answer.desk],
      ["forms_digest", answer.forms.digest],
    ];
    // duties without the forms to do them by are no first sync
    if (await this.forms()) values.push(["synced_at", Date.now()]);
    const fresh = await this.fresh(answer.notices);
    if (fresh.length) values.push(["notices", [...fresh, ...(await this.notices())].slice(0, KEPT_NOTICES)]);
    await this.vault.putAll(values, answer.gone.map((bucket) => BUCKET + bucket));
    result.changed.push(...Object.keys(answer.changed));
    result.gone.push(...answer.gone);
    result.notices.push(...fresh);
  }

  /** Those that are not there yet, newest first, in whichever order they came. */
  private async fresh(notices: Notice[]): Promise<Notice[]> {
    const there = new Set((await this.notices()).map((one) => one.id));
    const fresh = notices.filter((one) => !there.has(one.id));
    return fresh.sort((one, other) => other.id - one.id);
  }

  /** Fetch the forms when the house says that they are others. */
  private async bringForms(): Promise<void> {
    const session = await this.vault.get<Session>("session");
    const wanted = await this.vault.get<string>("forms_digest");
    const there = await this.vault.get<{ digest: string; tag: string | null }>("forms");
    if (!session || !wanted || there?.digest === wanted) return;
    const answer = await this.client.forms(session.token, there?.tag ?? null);
    if (!answer) return;
    const forms = { ...answer.found, tag: answer.tag };
    await this.vault.putAll([["forms", forms], ["synced_at", Date.now()]], []);
  }

  private async sessionOver(cause: unknown): Promise<Trouble> {
    await this.store.write("session_over", true);
    this.vault.lock();
    return new Trouble(
      "session_over",
      "这次登录已经结束，请重新登录。完成的都在，会自动上报。",
      "This sign-in is over: sign in again. Finished work is kept and will be sent.",
      cause,
    );
  }

  private async unpacked(bucket: string, digest: string): Promise<Record<string, unknown>[]> {
    const known = this.opened.get(bucket);
    if (known?.digest === digest) return known.rows;
    const packed = await this.vault.get<Packed>(BUCKET + bucket);
    if (!packed) return [];
    const rows = unpack(packed);
    this.opened.set(bucket, { digest: packed.digest, rows });
    return rows;
  }
}

function noRoom(cause: unknown): Trouble {
  return new Trouble(
    "storage_full",
    "手机存储已满，新任务存不下。已完成的都在，照常上报。请删去手机里的照片或视频腾出空间，再更新一次。",
    "The phone's storage is full: new duties have no room. Everything finished is safe and is sent. Free some space (photos, videos), then update again.",
    cause,
  );
}

/** Rows as objects. */
export function unpack({ columns, rows }: Pick<Packed, "columns" | "rows">): Record<string, unknown>[] {
  return rows.map((row) => {
    const found: Record<string, unknown> = {};
    columns.forEach((column, at) => (found[column] = row[at]));
    return found;
  });
}
