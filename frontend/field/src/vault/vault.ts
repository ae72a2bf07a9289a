/**
 * The vault: whatever can be read on the phone, readable only while it is open.
 *
 *   vault.create(pin, session)   a new vault for a new sign-in; an earlier one must have been wiped
 *   vault.renew(session)         the same person signed in once more
 *   vault.open(pin)              wrong PINs are counted before they are tried: the fifth destroys the vault
 *   vault.lock()                 forget the key; ten idle minutes do the same (`vault.touch()` on every tap)
 *   vault.state()                "none" | "locked" | "open"
 *   vault.get / put / remove / names / values     sealed rows by name, as JSON
 *   vault.box(name, value)       seal a row without writing it, for `queue` to write it in a transaction of its own
 *   vault.destroy()              key and sealed rows are gone; `Queue.wipe` calls it and keeps parcels and shadows
 *   vault.watch(fn)              told of each opening, locking and destruction, also by another tab
 *
 * Values carry the version of their shape; `upgrades` brings older ones up when they are read.
 */
import { newId } from "../ids.ts";
import { Trouble, meansFull, storageFull, vaultClosed } from "../trouble.ts";
import { fromUtf8, utf8 } from "./bytes.ts";
import { deviceKey, seal, unseal, unwrapKey, wrapNewKey } from "./keys.ts";
import { type KeyRow, type SealedRow, type Store, startingWith } from "./store.ts";

export const PIN_TRIES = 5;
export const IDLE_MS = 10 * 60_000;
export type VaultState = "none" | "locked" | "open";
type VaultRow = Extract<KeyRow, { id: "vault" }>;

/** How the value of a row changed: `upgrades[n]` makes version n + 1 of version n. Only ever appended to. */
export type Upgrade = (name: string, value: unknown) => unknown;
const UPGRADES: Upgrade[] = [];

export class Vault {
  private key: CryptoKey | null = null;
  private which = "";
  private used = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly watchers = new Set<() => void>();
  private readonly tabs: BroadcastChannel | null;
  private readonly store: Store;
  private readonly upgrades: Upgrade[];

  constructor(store: Store, upgrades: Upgrade[] = UPGRADES) {
    this.store = store;
    this.upgrades = upgrades;
    this.tabs = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(`${store.name}-vault`);
    if (this.tabs) this.tabs.onmessage = () => void this.follow();
  }

  /** Make a vault for a session that ends at an instant (ms, the phone's clock). */
  async create(pin: string, session: unknown, endsAt: number): Promise<void> {
    checkPin(pin);
    const { key, wrapped } = await wrapNewKey(pin, await deviceKey(this.store));
    const row: VaultRow = { id: "vault", vault: newId(), ...wrapped, tries: 0, ends_at: endsAt, seen_at: Date.now() };
    const first = await this.sealed(key, "session", session);
    await this.store.transaction("rw", this.store.keys, this.store.sealed, async () => {
      if (await this.store.keys.get("vault")) throw new Error("the earlier vault is not wiped yet");
      await this.store.sealed.clear();
      await this.store.keys.put(row);
      await this.store.sealed.put(first);
    });
    this.opened(key, row.vault);
  }

  /** A new session for whoever has the vault open: everything in it stays. */
  async renew(session: unknown, endsAt: number): Promise<void> {
    const row = await this.box("session", session);
    await this.store.transaction("rw", this.store.keys, this.store.sealed, async () => {
      await this.checkWithin();
      const { house_ends_at: _, ...kept } = (await this.store.keys.get("vault")) as VaultRow;
      await this.store.keys.put({ ...kept, ends_at: endsAt, seen_at: Date.now() });
      await this.store.sealed.put(row);
    });
  }

  /** Open it with a PIN; throws a Trouble `wrong_pin` (with `left`), `wiped` or `no_vault`. */
  async open(pin: string): Promise<void> {
    const row = await this.countTry();
    let key: CryptoKey;
    try {
      key = await unwrapKey(pin, row, await deviceKey(this.store));
    } catch {
      const left = PIN_TRIES - row.tries;
      if (left <= 0) throw await this.tooManyTries();
      throw Object.assign(wrongPin(left), { left });
    }
    await this.store.transaction("rw", this.store.keys, async () => {
      const now = (await this.store.keys.get("vault")) as VaultRow | undefined;
      if (now?.vault !== row.vault) throw noVault();
      await this.store.keys.put({ ...now, tries: 0 });
    });
    this.opened(key, row.vault);
  }

  private async countTry(): Promise<VaultRow> {
    const counting = this.store.transaction("rw", this.store.keys, async () => {
      const row = (await this.store.keys.get("vault")) as VaultRow | undefined;
      if (!row) throw noVault();
      const next = { ...row, tries: row.tries + 1 };
      if (next.tries <= PIN_TRIES) await this.store.keys.put(next);
      return next;
    });
    const counted = await Promise.resolve(counting).catch((error: unknown) => {
      // without room to count it, no PIN is tried
      throw meansFull(error) ? noRoom(error) : error;
    });
    if (counted.tries > PIN_TRIES) throw await this.tooManyTries();
    return counted;
  }

  /** What to do when the tries are used up; the queue hangs its own wipe in here, so that shadows become parcels. */
  onTooManyTries: () => Promise<void> = () => this.destroy();

  private async tooManyTries(): Promise<Trouble> {
    await this.onTooManyTries();
    return new Trouble(
      "wiped",
      "PIN 码错了五次，手机上的资料已清除。完成的都在，会自动上报。请重新登录。",
      "Five wrong PINs: what could be read on this phone is gone. Finished work is kept and will be sent. Sign in again.",
    );
  }

  lock(): void {
    if (!this.key) return;
    this.key = null;
    clearTimeout(this.timer);
    this.tell();
  }

  /** Somebody is using the phone: the idle time begins anew. */
  touch(): void {
    if (!this.key || this.idle()) return this.lock();
    this.used = Date.now();
  }

  async state(): Promise<VaultState> {
    const row = (await this.store.keys.get("vault")) as VaultRow | undefined;
    if (!row) return "none";
    return this.isOpen() && row.vault === this.which ? "open" : "locked";
  }

  isOpen(): boolean {
    // a sleeping phone runs no timers: the clock is looked at whenever the key would be used
    if (this.key && this.idle()) this.lock();
    return this.key !== null;
  }

  /** How many PINs may still be tried. */
  async triesLeft(): Promise<number> {
    const row = (await this.store.keys.get("vault")) as VaultRow | undefined;
    return Math.max(0, PIN_TRIES - (row?.tries ?? 0));
  }

  /** The instant at which the session and with it the vault ends, or none. */
  async endsAt(): Promise<number | null> {
    const row = (await this.store.keys.get("vault")) as VaultRow | undefined;
    return row ? row.ends_at : null;
  }

  async get<Value>(name: string): Promise<Value | undefined> {
    const key = this.needKey();
    const row = await this.store.sealed.get(name);
    return row ? ((await this.unsealed(key, row)) as Value) : undefined;
  }

  async put(name: string, value: unknown): Promise<void> {
    await this.putAll([[name, value]], []);
  }

  async remove(name: string): Promise<void> {
    await this.putAll([], [name]);
  }

  /** Write and remove rows together: all of it or nothing. */
  async putAll(values: [string, unknown][], gone: string[]): Promise<void> {
    const rows = await Promise.all(values.map(([name, value]) => this.box(name, value)));
    try {
      await this.store.transaction("rw", this.store.keys, this.store.sealed, async () => {
        await this.checkWithin();
        await this.store.sealed.bulkDelete(gone);
        await this.store.sealed.bulkPut(rows);
      });
    } catch (error) {
      throw meansFull(error) ? storageFull(error) : error;
    }
  }

  async names(prefix: string): Promise<string[]> {
    this.needKey();
    return this.store.sealed.where("name").between(...startingWith(prefix)).primaryKeys();
  }

  /** Every row whose name begins so, opened, in order of name. */
  async values<Value>(prefix: string): Promise<[string, Value][]> {
    const key = this.needKey();
    const rows = await this.store.sealed.where("name").between(...startingWith(prefix)).toArray();
    return Promise.all(rows.map(async (row) => [row.name, (await this.unsealed(key, row)) as Value] as [string, Value]));
  }

  async box(name: string, value: unknown): Promise<SealedRow> {
    return this.sealed(this.needKey(), name, value);
  }

  /** Inside of a transaction over `keys`: throw when the vault was wiped or made anew since it was opened here. */
  async checkWithin(): Promise<void> {
    if (await this.isSameWithin()) return;
    this.lock();
    throw vaultClosed();
  }

  /** Inside of a transaction over `keys`: say whether the vault opened here is still the phone's. */
  async isSameWithin(): Promise<boolean> {
    const row = (await this.store.keys.get("vault")) as VaultRow | undefined;
    return row?.vault === this.which && this.key !== null;
  }

  /** Inside of a transaction over `keys` and `sealed`, or by itself: the key and all that it opened are gone. */
  async destroy(): Promise<void> {
    await this.store.transaction("rw", this.store.keys, this.store.sealed, async () => {
      await this.store.keys.delete("vault");
      await this.store.sealed.clear();
    });
    this.lock();
    this.tell();
    this.tabs?.postMessage("destroyed");
  }

  watch(fn: () => void): () => void {
    this.watchers.add(fn);
    return () => this.watchers.delete(fn);
  }

  private opened(key: CryptoKey, which: string): void {
    this.key = key;
    this.which = which;
    this.used = Date.now();
    this.watchIdle();
    this.tell();
  }

  private watchIdle(): void {
    clearTimeout(this.timer);
    const left = this.used + IDLE_MS - Date.now();
    this.timer = setTimeout(() => (this.isOpen() ? this.watchIdle() : undefined), Math.max(1000, left));
  }

  private idle(): boolean {
    const since = Date.now() - this.used;
    return since >= IDLE_MS || since < -60_000;
  }

  private async follow(): Promise<void> {
    if ((await this.state()) !== "open") this.lock();
    this.tell();
  }

  private tell(): void {
    for (const fn of this.watchers) fn();
  }

  private needKey(): CryptoKey {
    if (!this.isOpen() || !this.key) throw vaultClosed();
    return this.key;
  }

  private async sealed(key: CryptoKey, name: string, value: unknown): Promise<SealedRow> {
    return { name, ...(await seal(key, name, utf8(JSON.stringify({ v: this.upgrades.length, value })))) };
  }

  private async unsealed(key: CryptoKey, row: SealedRow): Promise<unknown> {
    const { v, value } = JSON.parse(fromUtf8(await unseal(key, row.name, row))) as { v: number; value: unknown };
    return this.upgrades.slice(v).reduce((older, upgrade) => upgrade(row.name, older), value);
  }
}

/** Six digits, no run and no repetition: what somebody looking on would try first is refused. */
export function checkPin(pin: string): void {
  const steps = new Set(Array.from(pin.slice(1), (digit, at) => Number(digit) - Number(pin[at])));
  const plain = steps.size === 1 && Math.abs([...steps][0]!) <= 1;
  if (/^\d{6}$/.test(pin) && !plain) return;
  throw new Trouble(
    "weak_pin",
    "PIN 码要六位数字，不能全相同，也不能是 123456 这样的连号。",
    "The PIN needs six digits, not all the same and not a run such as 123456.",
  );
}

function wrongPin(left: number): Trouble {
  return new Trouble(
    "wrong_pin",
    `PIN 码不对，还可以试 ${left} 次。`,
    `This PIN is wrong. ${left} ${left === 1 ? "try" : "tries"} left.`,
  );
}

function noRoom(cause: unknown): Trouble {
  return new Trouble(
    "storage_full",
    "手机存储已满，暂时打不开。里面的都在，已完成的照常上报。请删去手机里的照片或视频腾出空间，再输一次。",
    "The phone's storage is full, so it cannot open. Everything is still in it, finished work is sent. Free some space (photos, videos), then type the PIN again.",
    cause,
  );
}

function noVault(): Trouble {
  return new Trouble("no_vault", "手机上没有登录，请先登录。", "Nobody is signed in on this phone. Sign in first.");
}
