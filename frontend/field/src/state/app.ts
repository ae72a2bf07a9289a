/** What every page shows of the phone's state, kept fresh from the core; one clock for all. */

import { computed, ref, shallowReactive } from "vue";

import { inLanguage, t, zh, type Key } from "../i18n";
import type { Duty } from "../today/duty";
import { forgetRoutes } from "../today/groups";
import type { Change, Core, FormCard, Notice, ParcelView, Status, Words } from "./core";

const NOBODY: Status = {
  phase: "starting",
  wipedBecause: null,
  device: null,
  me: null,
  until: null,
  grants: [],
  offset: 0,
  syncedAt: null,
  lacking: false,
  deskPhone: null,
  triesLeft: 5,
};

export const app = shallowReactive({
  ...NOBODY,
  online: true,
  syncing: false,
  syncTrouble: null as (Words & { code: string }) | null,
  sending: false,
  /** whether today's data were read from the vault since it was opened */
  loaded: false,
  duties: [] as Duty[],
  finishedHere: new Set<number>() as ReadonlySet<number>,
  kinds: new Map<string, Words>(),
  forms: [] as FormCard[],
  notices: [] as Notice[],
  parcels: [] as ParcelView[],
});

/** A moment every half minute, by the phone's clock; `now` is corrected to the server's. */
const tick = ref(Date.now());
export const now = computed(() => tick.value + app.offset);

const UNSENT = ["waiting", "later", "sending"];
export const queue = computed(() => ({
  waiting: app.parcels.filter((parcel) => UNSENT.includes(parcel.state)).length,
  held: app.parcels.filter((parcel) => parcel.state === "held").length,
  refused: app.parcels.filter((parcel) => parcel.state === "refused").length,
}));

let core: Core | null = null;

/** Return the phone's core. */
export function ask(): Core {
  if (!core) throw new Error("the core is not there yet");
  return core;
}

/** Take the core on and read everything once. */
export async function begin(given: Core): Promise<void> {
  core = given;
  app.online = navigator.onLine !== false;
  window.addEventListener("online", () => (app.online = true));
  window.addEventListener("offline", () => (app.online = false));
  window.setInterval(() => (tick.value = Date.now()), 30_000);
  const hear: Record<Change, () => unknown> = { phase: refresh, queue: readQueue, data: readSynced, sync: readSync };
  given.onChange((change) => void hear[change]());
  readSync();
  await refresh();
}

/** A sync brings duties, and what the desk decided about what was sent. */
async function readSynced(): Promise<void> {
  await Promise.all([readData(), readQueue()]);
}

/** Read who is signed in and everything that this makes readable. */
export async function refresh(): Promise<void> {
  tick.value = Date.now();
  // when it was synced is said together with what came, or an empty list would stand there for a moment
  const { syncedAt: _, lacking: __, ...rest } = await ask().status();
  Object.assign(app, rest);
  await readQueue();
  if (app.phase === "open") await readData();
  else forget();
}

/** What a locked phone shows nobody. */
function forget(): void {
  forgetRoutes();
  Object.assign(app, { loaded: false, syncedAt: null, duties: [], kinds: new Map(), forms: [], notices: [], finishedHere: new Set() });
}

export async function readQueue(): Promise<void> {
  app.parcels = await ask().parcels();
  if (app.phase === "open") app.finishedHere = new Set(await ask().finishedHere());
}

async function readData(): Promise<void> {
  const { syncedAt, lacking, me, deskPhone, offset, phase } = await ask().status();
  Object.assign(app, { me, deskPhone, offset, phase });
  if (phase !== "open") return forget();
  const [duties, finished, kinds, forms, notices] = await Promise.all([
    ask().duties(),
    ask().finishedHere(),
    ask().kinds(),
    ask().forms(),
    ask().notices(),
  ]);
  const finishedHere = new Set(finished);
  Object.assign(app, { syncedAt, lacking, duties, finishedHere, kinds, forms, notices, loaded: true });
}

/** Fetch what is new; says nothing when there is no signal, since work goes on. */
export async function update(): Promise<void> {
  try {
    await ask().sync();
  } catch {
    // its state says what it met
  } finally {
    await refresh();
  }
}

function readSync(): void {
  const { running, trouble } = ask().syncState();
  Object.assign(app, { syncing: running, syncTrouble: trouble });
}

/** Send what waits; returns whether nothing waits any more. */
export async function sendNow(): Promise<boolean> {
  if (!app.sending) {
    app.sending = true;
    try {
      await ask().send();
    } catch {
      // what cannot be sent stays and is sent later
    } finally {
      app.sending = false;
      await readQueue();
    }
  }
  return queue.value.waiting === 0;
}

/** Return the sentence for something that went wrong: what a Trouble says, else that it is none of the person's doing. */
export function sentence(problem: unknown): string {
  const told = problem as { zh?: string; en?: string; message?: string; title?: string } | null;
  // what the server says of this very case is better than what is said of its kind
  if (told?.zh && told.en && told.zh !== told.en) return inLanguage(told.zh, told.en);
  const key = `error.${told?.title ?? ""}`;
  if (key in zh) return t(key as Key);
  if (told?.zh && told.en) return inLanguage(told.zh, told.en);
  console.error(problem);
  return t("error.other", { detail: told?.message ?? String(problem) });
}
