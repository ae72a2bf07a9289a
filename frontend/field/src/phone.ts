/**
 * The phone: its parts put together once for the page, and what happens between them.
 *
 *   import { phone } from "@/phone"   ->   phone.store, .vault, .queue, .sender, .sync, .client, .clock
 *
 *   await phone.start()                     on opening the app, before anything is shown; says what to show first:
 *                                           "enrol" | "sign_in" | "pin" | "open"
 *   await phone.enrol(code)                 exchange the desk's code for this device's secret
 *   await phone.posts(username, password)   sign in: the posts of the account, to choose one from
 *   await phone.begin(grant, username, pin) this post, this PIN: a vault is made; the same person's, opened by
 *                                           the same PIN, goes on with its drafts; anybody else's is wiped before
 *   await phone.open(pin)                   after locking
 *   await phone.signOut()                   what can be read is gone; what was done is still sent
 *   phone.kick()                            send and sync soon (a tap on “send now”, the line is back)
 */
import { type Device, type Grant, Client, Refused } from "./api/client.ts";
import { Clock } from "./queue/clock.ts";
import { Queue, type Session } from "./queue/queue.ts";
import { Sender } from "./queue/send.ts";
import { Sync } from "./sync/sync.ts";
import { Trouble, meansFull } from "./trouble.ts";
import { Ending, SESSION_MS } from "./vault/ending.ts";
import { Store } from "./vault/store.ts";
import { Vault } from "./vault/vault.ts";

const ROUND_MS = 15_000;
const SYNC_EVERY_MS = 120_000;
/** how long the house may take to say that a sign-in is not over yet */
const LAST_WORD_MS = 3_000;
export const SYNC_TAG = "parcels";

export type First = "enrol" | "sign_in" | "pin" | "open";

export class Phone {
  readonly store: Store;
  readonly clock: Clock;
  readonly vault: Vault;
  readonly client: Client;
  readonly queue: Queue;
  readonly sender: Sender;
  readonly sync: Sync;
  private readonly ending: Ending;
  private started = false;
  private syncedAt = 0;
  private busy = false;
  private again = false;

  constructor(store = new Store()) {
    this.store = store;
    this.clock = new Clock(store);
    this.vault = new Vault(store);
    this.client = new Client(this.clock);
    this.queue = new Queue(store, this.vault, this.clock);
    this.sender = new Sender(store, this.client, this.queue, this.vault);
    this.sync = new Sync(store, this.vault, this.client, this.sender);
    this.queue.onFinished = () => this.later();
    this.ending = new Ending(store);
    this.client.onTime = (house) => this.ending.learn(house);
  }

  async start(): Promise<First> {
    await this.clock.load();
    await this.endWhenOver();
    await this.queue.recover();
    if (!this.started) this.listen();
    this.started = true;
    const first = await this.first();
    this.kick();
    return first;
  }

  async first(): Promise<First> {
    if (!(await this.store.read<Device>("device"))) return "enrol";
    const state = await this.vault.state();
    if (state === "none" || (await this.store.read<boolean>("session_over"))) return "sign_in";
    return state === "open" ? "open" : "pin";
  }

  async enrol(code: string): Promise<Device> {
    const { device, secret, title } = await this.client.enrol(code);
    const found: Device = { device, secret, title };
    await this.store.write("device", found);
    // asked once: a browser that promises keeps the parcels when the phone gets full
    if (typeof navigator !== "undefined" && navigator.storage?.persist) await navigator.storage.persist();
    return found;
  }

  async posts(username: string, password: string): Promise<Grant[]> {
    const device = (await this.store.read<Device>("device")) ?? null;
    const grants = await this.client.signIn(username, password, device);
    if (device) await this.store.write("server_key", (await this.client.hello(device)).key);
    return grants;
  }

  async begin(grant: Grant, username: string, pin: string): Promise<void> {
    const { token, role, line, title, lo, hi } = grant;
    const session: Session = { token, username, role, line, title, lo, hi };
    const end = Date.now() + SESSION_MS;
    await this.endWhenOver();
    if (await this.isMine(username, pin)) {
      await this.vault.renew(session, end);
    } else {
      if ((await this.vault.state()) !== "none") await this.queue.wipe("other_person");
      await this.queue.recover();
      await this.vault.create(pin, session, end);
    }
    await this.store.plain.bulkDelete(["session_over", "wiped"]);
    this.kick();
  }

  /** Say whether the vault that is there is the same person's, who typed the same PIN: it stays, with its drafts. */
  private async isMine(username: string, pin: string): Promise<boolean> {
    if ((await this.vault.state()) === "none") return false;
    try {
      await this.vault.open(pin);
      return (await this.vault.get<Session>("session"))?.username === username;
    } catch (error) {
      if (error instanceof Trouble) return false;
      throw error;
    }
  }

  async open(pin: string): Promise<void> {
    await this.endWhenOver();
    await this.vault.open(pin);
    this.kick();
  }

  async signOut(): Promise<void> {
    await this.queue.wipe();
    this.kick();
  }

  kick(): void {
    this.syncedAt = 0;
    void this.sender.hurry().then(() => this.round());
  }

  /** Send what is due, and sync when it is time to; the next round comes by itself. */
  private async round(): Promise<void> {
    if (this.busy) {
      this.again = true;
      return;
    }
    this.busy = true;
    try {
      do {
        this.again = false;
        await this.endWhenOver();
        await this.orders();
        await this.sender.send();
        await this.syncWhenDue();
      } while (this.again);
    } catch (error) {
      // a Trouble stands in the queue's state already, and the next round tries again; as it does on a full phone
      if (!(error instanceof Trouble) && !meansFull(error)) throw error;
    } finally {
      this.busy = false;
    }
  }

  private async syncWhenDue(): Promise<void> {
    if (!this.vault.isOpen() || this.wasLately()) return;
    await this.sync.run();
    this.syncedAt = Date.now();
  }

  /** A locked phone is nobody's to sync; it still asks for orders, so that a lost one can be wiped. */
  private async orders(): Promise<void> {
    const device = await this.store.read<Device>("device");
    if (!device || this.vault.isOpen() || this.wasLately()) return;
    try {
      const { wipe, key } = await this.client.hello(device);
      this.syncedAt = Date.now();
      await this.store.write("server_key", key);
      if (wipe) await this.sender.obey(device);
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      // an enrolment that is over: nothing here is anybody's any more, and what was done waits for the desk
      if (error instanceof Refused) this.syncedAt = Date.now();
    }
  }

  /** Whether the house was asked within the last two minutes, and the phone was not set back since. */
  private wasLately(): boolean {
    return Math.abs(Date.now() - this.syncedAt) < SYNC_EVERY_MS;
  }

  /** The end of the token's time is the end of the vault; where the house can be asked, by its clock. */
  private async endWhenOver(): Promise<void> {
    this.clock.offset(); // notices a phone that was set back
    if (!(await this.ending.isOver())) return;
    await this.askTheTime();
    if (await this.ending.isOver()) await this.queue.wipe("expired");
  }

  private async askTheTime(): Promise<void> {
    const device = await this.store.read<Device>("device");
    if (!device || (typeof navigator !== "undefined" && navigator.onLine === false)) return;
    await this.client.hello(device, LAST_WORD_MS).catch((error: unknown) => {
      if (!(error instanceof Trouble)) throw error;
    });
  }

  private later(): void {
    void askForBackgroundSync();
    void this.round();
  }

  private listen(): void {
    if (typeof window === "undefined") return;
    window.addEventListener("online", () => this.kick());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") void this.round();
    });
    for (const kind of ["pointerdown", "keydown"]) {
      window.addEventListener(kind, () => this.vault.touch(), { capture: true, passive: true });
    }
    setInterval(() => void this.round(), ROUND_MS);
    // a newer app, open in another tab, wants to change the database: this one lets go and is loaded anew. What is being
    // typed is in its draft
    this.store.on("versionchange", () => {
      this.store.close();
      location.reload();
    });
  }
}

/** Where the browser can: send in the background when the line is back, with the app closed. */
async function askForBackgroundSync(): Promise<void> {
  if (typeof navigator === "undefined" || !navigator.serviceWorker) return;
  const registration = (await navigator.serviceWorker.getRegistration()) as
    | (ServiceWorkerRegistration & { sync?: { register(tag: string): Promise<void> } })
    | undefined;
  await registration?.sync?.register(SYNC_TAG).catch(() => undefined);
}

export const phone = new Phone();
