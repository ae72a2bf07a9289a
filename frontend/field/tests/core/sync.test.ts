import { beforeEach, describe, expect, test, vi } from "vitest";

import { House } from "./house.ts";
import { PIN, aPhone, draft, opened, work } from "./made.ts";
import { mortal } from "./mortal.ts";

let house: House;
beforeEach(async () => {
  mortal.revive();
  house = await new House().open();
  house.buckets.set("duties:1", { digest: "a", columns: ["id", "kind"], rows: [[1, "visit"], [2, "car"]] });
  house.buckets.set("homes:1", { digest: "h", columns: ["id", "name"], rows: [[10, "王小明"]] });
});

describe("sync", () => {
  test("brings the buckets, then only what differs, then nothing", async () => {
    const phone = await aPhone(house);
    expect((await phone.sync.run())!.changed).toEqual(["duties:1", "homes:1"]);
    expect(await phone.sync.rows("duties:")).toEqual([
      { bucket: "duties:1", id: 1, kind: "visit" },
      { bucket: "duties:1", id: 2, kind: "car" },
    ]);
    house.buckets.set("duties:1", { digest: "b", columns: ["id", "kind"], rows: [[2, "car"]] });
    house.buckets.delete("homes:1");
    const later = (await phone.sync.run())!;
    expect([later.changed, later.gone]).toEqual([["duties:1"], ["homes:1"]]);
    expect(await phone.sync.rows("")).toEqual([{ bucket: "duties:1", id: 2, kind: "car" }]);
    expect((await phone.sync.run())!.changed).toEqual([]);
  });

  test("another tab's sync is seen, though this one had the rows unpacked", async () => {
    const phone = await aPhone(house);
    await phone.sync.run();
    await phone.sync.rows("duties:");
    const other = opened(phone.store.name);
    await other.vault.open(PIN);
    house.buckets.set("duties:1", { digest: "c", columns: ["id"], rows: [[3]] });
    await other.sync.run();
    expect(await phone.sync.rows("duties:")).toEqual([{ bucket: "duties:1", id: 3 }]);
  });

  test("a phone that dies while taking over has the old state or the new one, and the next sync mends it", async () => {
    for (let after = 1; ; after += 1) {
      const phone = await aPhone(house);
      await phone.sync.run();
      const before = await phone.sync.rows("");
      house.buckets.set("duties:1", { digest: `n${after}`, columns: ["id"], rows: [[100 + after]] });
      house.buckets.set("duties:2", { digest: `m${after}`, columns: ["id"], rows: [[200 + after]] });
      mortal.revive(after);
      const ended = await phone.sync.run().then(() => true, () => false);
      const died = mortal.dead();
      mortal.revive();
      const again = opened(phone.store.name);
      await again.vault.open(PIN);
      const ids = (await again.sync.rows("duties:")).map((row) => row.id);
      expect([before.filter((row) => row.bucket.startsWith("duties")).map((row) => row.id), [100 + after, 200 + after]]).toContainEqual(ids);
      await again.sync.run();
      expect((await again.sync.rows("duties:")).map((row) => row.id)).toEqual([100 + after, 200 + after]);
      house.buckets.delete("duties:2");
      house.buckets.set("duties:1", { digest: "a", columns: ["id"], rows: [[1]] });
      if (ended && !died) break;
      expect(after).toBeLessThan(100);
    }
  });

  test("notices are kept once each, newest first, in whichever order they come", async () => {
    const phone = await aPhone(house);
    const notice = (id: number) => {
      const at = "2022-07-14T10:00:00Z";
      return { id, kind: "duty", at, zh: "新任务", en: "a new duty", tone: "info", duty: null, read: false };
    };
    house.notices = [notice(1), notice(2)];
    expect((await phone.sync.run())!.notices.map((one) => one.id)).toEqual([2, 1]);
    house.notices = [notice(3), notice(2)];
    expect((await phone.sync.run())!.notices.map((one) => one.id)).toEqual([3]);
    expect((await phone.sync.notices()).map((one) => one.id)).toEqual([3, 2, 1]);
  });

  test("forms are fetched when they are others, and only then", async () => {
    const phone = await aPhone(house);
    await phone.sync.run();
    expect(await phone.sync.forms()).toEqual([{ code: "visit" }]);
    await phone.sync.run();
    expect(house.asked.filter((url) => url.endsWith("/forms"))).toHaveLength(1);
    house.forms = { digest: "f2", forms: [{ code: "visit" }, { code: "patrol" }] as never };
    await phone.sync.run();
    expect(await phone.sync.forms()).toHaveLength(2);
  });

  test("an order to wipe empties the phone, keeps what was done, and tells the house", async () => {
    const phone = await aPhone(house);
    await phone.sync.run();
    const done = work();
    await phone.queue.finish(done);
    house.wipe = true;
    expect((await phone.sync.run())!.wiped).toBe(true);
    expect(await phone.store.sealed.count()).toBe(0);
    expect(house.wipedToldBy).toBe(1);
    await phone.sender.send();
    expect([...house.applied.keys()]).toEqual([done.envelope.id]);
  });

  test("a token that the house takes no more locks the phone and asks for a new sign-in; drafts stay", async () => {
    const phone = await aPhone(house);
    const open = work();
    await phone.queue.saveDraft(draft(open), open);
    house.status = 401;
    await expect(phone.sync.run()).rejects.toMatchObject({ code: "session_over" });
    expect(await phone.first()).toBe("sign_in");
    expect(await phone.store.shadows.count()).toBe(1);
  });

  test("two tabs at once ask once", async () => {
    const phone = await aPhone(house);
    const other = opened(phone.store.name);
    await other.vault.open(PIN);
    const both = await Promise.all([phone.sync.run(), other.sync.run()]);
    expect(both.filter((one) => one === null)).toHaveLength(1);
  });
});

describe("the clock", () => {
  test("is the house's, whatever the phone shows: parcels carry the difference", async () => {
    house.ahead = 47 * 60_000;
    const phone = await aPhone(house);
    await phone.sync.run();
    expect(Math.abs(phone.clock.now() - Date.now() - house.ahead)).toBeLessThan(50);
    const done = work("record_visit");
    done.envelope.valid_at = new Date(phone.clock.now()).toISOString();
    await phone.queue.finish(done);
    await phone.sender.send();
    const { body } = house.applied.get(done.envelope.id)!;
    expect(Math.abs(body.offset_ms - house.ahead)).toBeLessThan(50);
    const implied = Date.parse(body.made_at) + body.offset_ms;
    expect(Math.abs(implied - Date.parse(body.envelope.valid_at))).toBeLessThan(1000);
  });

  test("is remembered when the app is opened again without a line", async () => {
    house.ahead = -90_000;
    const phone = await aPhone(house);
    await phone.sync.run();
    const again = opened(phone.store.name);
    await again.clock.load();
    expect(Math.abs(again.clock.offset() + 90_000)).toBeLessThan(50);
  });

  test("a slow answer does not spoil a quick one, but a phone that was set anew is noticed", async () => {
    const phone = await aPhone(house);
    const at = (ms: number) => new Date(ms).toISOString();
    const now = Date.now();
    await phone.clock.learn(at(now + 5000), now, now + 100);
    expect(phone.clock.offset()).toBe(4950);
    await phone.clock.learn(at(now + 1000), now - 8000, now + 4000);
    expect(phone.clock.offset()).toBe(4950);
    await phone.clock.learn(at(now + 3_600_000), now, now + 400);
    expect(Math.abs(phone.clock.offset() - 3_600_000)).toBeLessThan(500);
  });

  test("a phone set back while the app runs keeps the house's time", async () => {
    house.ahead = 0;
    const phone = await aPhone(house);
    await phone.sync.run();
    const real = Date.now();
    vi.spyOn(Date, "now").mockImplementation(() => real - 3_600_000);
    expect(Math.abs(phone.clock.now() - real)).toBeLessThan(2000);
  });
});

const GRANT = { token: "tok2", role: "grid_worker", line: "community", title: "Grid 2", role_zh: "", role_en: "", area: "", lo: 1, hi: 2, device: null };

describe("signing in", () => {
  test("once more by the same person with the same PIN: drafts are there, under the new token", async () => {
    const phone = await aPhone(house);
    const open = work();
    await phone.queue.saveDraft(draft(open), open);
    phone.vault.lock();
    phone.kick = () => undefined;
    await phone.begin(GRANT, "zhang", PIN);
    expect(await phone.queue.drafts()).toHaveLength(1);
    await phone.queue.finish(open, open.envelope.id);
    await phone.sender.send();
    expect([...house.applied.values()].map(({ body }) => [body.token, body.shadow])).toEqual([["tok2", false]]);
  });

  test("another person's sign-in finds nothing of the one before, whose work is sent under their own token", async () => {
    const phone = await aPhone(house);
    const open = work("register_tubes");
    await phone.queue.saveDraft(draft(open), open);
    await phone.vault.put("note", "private");
    phone.kick = () => undefined;
    await phone.begin(GRANT, "li", "902174");
    expect(await phone.vault.get("note")).toBeUndefined();
    expect(await phone.queue.drafts()).toEqual([]);
    await phone.queue.finish(work("record_visit"));
    await phone.sender.send();
    expect([...house.applied.values()].map(({ body }) => [body.token, body.shadow])).toEqual([["tok", true], ["tok2", false]]);
  });
});
