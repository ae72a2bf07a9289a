/** A phone that dies: between any two writes of its database, at random, for want of room; each thing done arrives once. */
import { IDBObjectStore } from "fake-indexeddb";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import type { Phone } from "../../src/phone.ts";
import type { Work } from "../../src/queue/queue.ts";
import { House } from "./house.ts";
import { PIN, aPhone, chances, draft, opened, work } from "./made.ts";
import { mortal } from "./mortal.ts";

// as cheap as the Python suite's passwords: it is not the PIN that is tried here
const derive = crypto.subtle.deriveBits.bind(crypto.subtle);
crypto.subtle.deriveBits = (how, key, length) => {
  const cheap = typeof how === "object" && "iterations" in how ? { ...how, iterations: 100 } : how;
  return derive(cheap as Pbkdf2Params, key, length!);
};

let house: House;
beforeEach(async () => {
  mortal.revive();
  house = await new House().open();
  house.hook = () => {
    if (mortal.dead()) throw new TypeError("the phone is dead");
  };
});
afterEach(() => {
  mortal.revive();
  vi.restoreAllMocks();
});

/** What the phone promised: a call that came back kept its promise, whatever happened afterwards. */
interface Promised {
  saved: Work[];
  finished: Work[];
}

async function shift(phone: Phone, promised: Promised, plan: Work[], ending: (phone: Phone) => Promise<unknown>): Promise<void> {
  const [tube, visit, open] = plan as [Work, Work, Work];
  await phone.queue.saveDraft(draft(tube), tube);
  promised.saved.push(tube);
  await phone.queue.finish(visit);
  promised.finished.push(visit);
  await phone.queue.saveDraft(draft(tube, { values: { people: 2 } }), tube);
  await phone.queue.finish(tube, tube.envelope.id);
  promised.finished.push(tube);
  await phone.queue.saveDraft(draft(open), open);
  promised.saved.push(open);
  await ending(phone);
}

const ENDINGS: [string, (phone: Phone) => Promise<unknown>][] = [
  ["sending", (phone) => phone.sender.send()],
  ["signing out", (phone) => phone.queue.wipe().then(() => phone.sender.send())],
  ["an order to wipe", async (phone) => {
    house.wipe = true;
    await phone.sender.send();
  }],
];

describe.each(ENDINGS)("death before any write of a shift that ends with %s", (_name, ending) => {
  test("loses nothing and doubles nothing", async () => {
    let survived = false;
    for (let after = 1; !survived; after += 1) {
      house.applied.clear();
      house.wipe = false;
      const phone = await aPhone(house);
      const plan = [work("register_tubes"), work("record_visit"), work("register_tubes")];
      const promised: Promised = { saved: [], finished: [] };
      mortal.revive(after);
      survived = await shift(phone, promised, plan, ending).then(() => true, () => false);
      survived = survived && !mortal.dead();
      mortal.revive();
      await checkKept(phone.store.name, promised, plan);
      expect(after).toBeLessThan(200);
    }
  });
});

/** The phone is switched on again: whatever it promised is in its drafts, in its line, or at the house, and arrives once. */
async function checkKept(name: string, promised: Promised, plan: Work[]): Promise<void> {
  const again = opened(name);
  await again.queue.recover();
  if ((await again.vault.state()) === "locked") {
    await again.vault.open(PIN);
    const drafts = new Set((await again.queue.drafts()).map((one) => one.id));
    for (const { envelope } of promised.saved) {
      const there = (await again.store.parcels.where("id").equals(envelope.id).count()) > 0;
      expect(drafts.has(envelope.id) || there || house.applied.has(envelope.id)).toBe(true);
      // never both: a draft that is still there could be finished a second time in another shape
      expect(drafts.has(envelope.id) && there).toBe(false);
    }
    await again.queue.wipe();
  }
  await again.sender.hurry();
  await again.sender.send();
  expect(await again.store.parcels.count()).toBe(0);
  const known = new Set(plan.map((one) => one.envelope.id));
  for (const id of house.applied.keys()) expect(known.has(id)).toBe(true);
  for (const { envelope } of [...promised.saved, ...promised.finished]) {
    expect(house.applied.get(envelope.id)?.times).toBe(1);
  }
}

describe("chance", () => {
  test.each(Array.from({ length: 20 }, (_, seed) => [seed + 1]))("seed %i: 40 commands through deaths, lost answers and broken lines", async (seed) => {
    const chance = chances(seed);
    const done: Work[] = [];
    let phone = await aPhone(house);
    for (let step = 0; step < 40; step += 1) {
      const one = work(`kind_${step}`);
      house.offline = chance() < 0.3;
      house.losesAnswers = chance() < 0.3;
      house.status = chance() < 0.1 ? 500 : 0;
      mortal.revive(chance() < 0.4 ? 1 + Math.floor(chance() * 14) : Infinity);
      const kept = await phone.queue.saveDraft(draft(one), one).then(() => true, () => false);
      const ended = await phone.queue.finish(one, one.envelope.id).then(() => true, () => false);
      await phone.sender.hurry().then(() => phone.sender.send()).catch(() => undefined);
      if (kept || ended) done.push(one);
      if (!mortal.dead()) continue;
      mortal.revive();
      phone = opened(phone.store.name);
      await phone.vault.open(PIN);
      if (kept && !ended && (await phone.queue.draft(one.envelope.id))) await phone.queue.finish(one, one.envelope.id);
    }
    mortal.revive();
    house.offline = house.losesAnswers = false;
    house.status = 0;
    await phone.sender.hurry();
    await phone.sender.send();
    expect(await phone.store.parcels.count()).toBe(0);
    for (const { envelope } of done) expect(house.applied.get(envelope.id)?.body.envelope).toEqual(envelope);
    expect(house.applied.size).toBeGreaterThanOrEqual(done.length);
  });
});

describe("no room left", () => {
  function full(when: (store: string) => boolean): void {
    for (const name of ["put", "add"] as const) {
      const real = IDBObjectStore.prototype[name];
      vi.spyOn(IDBObjectStore.prototype, name).mockImplementation(function (this: IDBObjectStore, ...given) {
        if (when(this.name)) throw new DOMException("no room", "QuotaExceededError");
        return real.apply(this, given as Parameters<typeof real>);
      });
    }
  }

  test("finishing says so in a sentence, keeps the draft and its shadow, and works when there is room again", async () => {
    const phone = await aPhone(house);
    const done = work();
    await phone.queue.saveDraft(draft(done), done);
    full((store) => store === "parcels");
    await expect(phone.queue.finish(done, done.envelope.id)).rejects.toMatchObject({ code: "storage_full", zh: expect.stringContaining("存储已满") });
    expect(await phone.queue.drafts()).toHaveLength(1);
    expect(await phone.store.shadows.count()).toBe(1);
    vi.restoreAllMocks();
    await phone.queue.finish(done, done.envelope.id);
    expect(await phone.store.parcels.count()).toBe(1);
  });

  test("what a sync brings again makes room for what nothing brings again", async () => {
    const phone = await aPhone(house);
    house.buckets.set("homes:1", { digest: "d1", columns: ["id"], rows: [[1]] });
    await phone.sync.run();
    let room = false;
    const remove = vi.spyOn(IDBObjectStore.prototype, "delete").mockImplementation(function (this: IDBObjectStore, key) {
      room = true;
      remove.mockRestore();
      return this.delete(key as IDBValidKey);
    });
    full((store) => store === "parcels" && !room);
    await phone.queue.finish(work());
    expect(await phone.store.parcels.count()).toBe(1);
    expect(await phone.sync.rows("homes:")).toEqual([]);
    vi.restoreAllMocks();
    await phone.sync.run();
    expect(await phone.sync.rows("homes:")).toEqual([{ bucket: "homes:1", id: 1 }]);
  });

  test("no room even for receipts: the house has the parcels, they go", async () => {
    const phone = await aPhone(house);
    await phone.queue.finish(work());
    full((store) => store === "receipts");
    await phone.sender.send();
    expect(house.applied.size).toBe(1);
    expect(await phone.store.parcels.count()).toBe(0);
  });

  test("no room while wiping: nothing can be read, and shadows wait for room", async () => {
    const phone = await aPhone(house);
    const open = work();
    await phone.queue.saveDraft(draft(open), open);
    full((store) => store === "parcels");
    await phone.queue.wipe().catch(() => undefined);
    expect(await phone.store.sealed.count()).toBe(0);
    vi.restoreAllMocks();
    const again = opened(phone.store.name);
    await again.sender.send();
    expect([...house.applied.keys()]).toEqual([open.envelope.id]);
  });
});
