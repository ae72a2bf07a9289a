import { beforeEach, describe, expect, test, vi } from "vitest";

import { newId } from "../../src/ids.ts";
import { LONGEST_WAIT_MS, MOST } from "../../src/queue/send.ts";
import { DEVICE, House } from "./house.ts";
import { PIN, aPhone, draft, opened, work } from "./made.ts";

let house: House;
beforeEach(async () => {
  house = await new House().open();
});

async function finished(phone: Awaited<ReturnType<typeof aPhone>>, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let one = 0; one < count; one += 1) ids.push((await phone.queue.finish(work())).id);
  return ids;
}

describe("what arrives", () => {
  test("is what was done, once, in the order of finishing, with the token of whoever did it", async () => {
    const phone = await aPhone(house);
    const done = work("record_visit", { duty: 99 });
    const first = (await phone.queue.finish(done)).id;
    const others = await finished(phone, MOST + 20);
    expect(await phone.sender.send()).toBe("done");
    expect([...house.applied.keys()]).toEqual([first, ...others]);
    expect(house.batches.map((batch) => batch.length)).toEqual([MOST, 21]);
    const { body } = house.applied.get(first)!;
    expect(body).toMatchObject({ token: "tok", envelope: done.envelope, duty: 99, form: "visit", shadow: false });
    expect((await phone.queue.state()).parcels).toBe(0);
    expect(await phone.store.receipts.count()).toBe(MOST + 21);
  });

  test("a second tap on finish, here or in another tab, makes no second parcel, nor does one after the receipt", async () => {
    const phone = await aPhone(house);
    const done = work();
    await phone.queue.saveDraft(draft(done), done);
    await Promise.all([phone.queue.finish(done, done.envelope.id), phone.queue.finish(done, done.envelope.id)]);
    expect(await phone.store.parcels.count()).toBe(1);
    await phone.sender.send();
    await phone.queue.finish(done);
    expect(await phone.store.parcels.count()).toBe(0);
    expect(await phone.queue.drafts()).toEqual([]);
    expect(await phone.store.shadows.count()).toBe(0);
  });

  test("leaves with nobody signed in and the vault wiped", async () => {
    const phone = await aPhone(house);
    const [id] = await finished(phone, 1);
    await phone.signOut();
    const again = opened(phone.store.name);
    await again.sender.send();
    expect([...house.applied.keys()]).toEqual([id]);
  });
});

describe("receipts", () => {
  test("without one nothing leaves: the answer was lost, the same is sent again and repeated", async () => {
    const phone = await aPhone(house);
    await finished(phone, 3);
    house.losesAnswers = true;
    expect(await phone.sender.send()).toBe("waits");
    expect(house.applied.size).toBe(3);
    expect(await phone.store.parcels.count()).toBe(3);
    house.losesAnswers = false;
    await phone.sender.hurry();
    expect(await phone.sender.send()).toBe("done");
    expect((await phone.queue.receipts()).map((one) => one.status)).toEqual(["repeated", "repeated", "repeated"]);
  });

  test("are taken by their id, in whichever order they come; what has none stays", async () => {
    const phone = await aPhone(house);
    const ids = await finished(phone, 4);
    house.shuffles = true;
    house.answerFor = (id) =>
      id === ids[2]
        ? { id: newId(), status: "applied" }
        : id === ids[1]
          ? { status: "held", code: "after_grant" }
          : null;
    await phone.sender.send();
    expect((await phone.queue.parcels()).map((row) => row.id)).toEqual([ids[2]]);
    expect((await phone.store.receipts.get(ids[1]!))!).toMatchObject({ status: "held", code: "after_grant" });
    expect((await phone.queue.state()).unseen).toBe(1);
    await phone.queue.seen(ids[1]!);
    expect((await phone.queue.state()).unseen).toBe(0);
  });

  test("a refused parcel stays with the house's words, holds nobody up, and can be sent again", async () => {
    const phone = await aPhone(house);
    const ids = await finished(phone, 3);
    house.answerFor = (id) =>
      id === ids[0] ? { status: "refused", code: "unknown_key", zh: "密钥不对", en: "unknown key" } : null;
    expect(await phone.sender.send()).toBe("done");
    expect(await phone.queue.parcels()).toMatchObject([{ id: ids[0], state: "refused", zh: "密钥不对" }]);
    expect([...house.applied.keys()]).toEqual([ids[1], ids[2]]);
    house.answerFor = () => null;
    await phone.queue.retry(ids[0]!);
    await phone.sender.send();
    expect(house.applied.size).toBe(3);
  });

  test("what the house said is readable only with the PIN", async () => {
    const phone = await aPhone(house);
    const [id] = await finished(phone, 1);
    await phone.sender.send();
    expect(await phone.queue.wordsOf(id!)).toMatchObject({ zh: "好" });
    phone.vault.lock();
    await expect(phone.queue.wordsOf(id!)).rejects.toMatchObject({ code: "locked" });
  });

  test("of a kind that this version does not know: the parcel stays", async () => {
    const phone = await aPhone(house);
    await finished(phone, 1);
    house.answerFor = () => ({ status: "postponed" as "later" });
    expect(await phone.sender.send()).toBe("waits");
    expect(await phone.store.parcels.count()).toBe(1);
  });
});

describe("waiting", () => {
  test("no line: the first parcel holds up the others, longer each time, at most five minutes", async () => {
    const phone = await aPhone(house);
    const ids = await finished(phone, 2);
    house.offline = true;
    const waits: number[] = [];
    const now = vi.spyOn(Date, "now");
    let at = new Date().getTime();
    for (let tries = 0; tries < 12; tries += 1) {
      now.mockReturnValue(at);
      expect(await phone.sender.send()).toBe("waits");
      const [head, next] = await phone.queue.parcels();
      expect(next!.next_at).toBe(0);
      waits.push(head!.next_at - at);
      at = head!.next_at;
    }
    expect(waits[0]).toBeLessThanOrEqual(2000);
    expect(waits[4]).toBeGreaterThan(waits[0]!);
    expect(Math.max(...waits)).toBeLessThanOrEqual(LONGEST_WAIT_MS);
    expect((await phone.queue.state()).trouble?.code).toBe("offline");
    now.mockReturnValue(at - 1);
    const asked = house.asked.length;
    await phone.sender.send();
    expect(house.asked.length).toBe(asked);
    house.offline = false;
    now.mockReturnValue(at);
    expect(await phone.sender.send()).toBe("done");
    expect([...house.applied.keys()]).toEqual(ids);
    expect((await phone.queue.state()).trouble).toBeNull();
  });

  test("two phones that lost the line together do not come back together", async () => {
    const [one, other] = [await aPhone(house), await aPhone(house)];
    house.offline = true;
    for (const phone of [one, other]) {
      await finished(phone, 1);
      for (let tries = 0; tries < 6; tries += 1) {
        await phone.sender.hurry();
        await phone.sender.send();
      }
    }
    expect((await one.queue.parcels())[0]!.next_at).not.toBe((await other.queue.parcels())[0]!.next_at);
  });

  test("the house says when: not before", async () => {
    const phone = await aPhone(house);
    await finished(phone, 1);
    house.status = 429;
    house.retryAfter = "77";
    const before = Date.now();
    await phone.sender.send();
    expect((await phone.queue.parcels())[0]!.next_at).toBeGreaterThanOrEqual(before + 77_000);
  });

  test("`later` for one: those behind it that the house took are gone, the one comes again", async () => {
    const phone = await aPhone(house);
    const ids = await finished(phone, 3);
    house.answerFor = (id) => (id === ids[1] ? { status: "later", retry_after: 30 } : null);
    await phone.sender.send();
    const [left] = await phone.queue.parcels();
    expect(left!.id).toBe(ids[1]);
    expect(left!.next_at).toBeGreaterThanOrEqual(Date.now() + 29_000);
  });

  test("a parcel that breaks the house is found by halving, steps aside, and the others arrive", async () => {
    const phone = await aPhone(house);
    const ids = await finished(phone, 60);
    house.poison = ids[17]!;
    expect(await phone.sender.send()).toBe("waits");
    expect(house.applied.size).toBe(59);
    expect(await phone.queue.parcels()).toMatchObject([
      { id: ids[17], aside: true, state: "waiting", code: "refused_500" },
    ]);
    expect(house.batches.length).toBeLessThan(20);
    house.poison = "";
    await phone.sender.hurry();
    await phone.sender.send();
    expect(house.applied.size).toBe(60);
  });

  test("a house that breaks at everything is not asked for each of 500 parcels", async () => {
    const phone = await aPhone(house);
    await finished(phone, 40);
    house.status = 500;
    await phone.sender.send();
    expect(house.asked.length).toBeLessThan(25);
    expect(await phone.store.parcels.count()).toBe(40);
  });

  test("a gate's own page in the house's place is no answer", async () => {
    const phone = await aPhone(house);
    await finished(phone, 1);
    vi.stubGlobal(
      "fetch",
      async () => new Response("<html>log in</html>", { headers: { "Content-Type": "text/html" } }),
    );
    await phone.sender.send();
    expect((await phone.queue.state()).trouble?.code).toBe("offline");
    expect(await phone.store.parcels.count()).toBe(1);
  });

  test("a phone's clock set back by days holds nothing up", async () => {
    const phone = await aPhone(house);
    await finished(phone, 1);
    house.offline = true;
    await phone.sender.send();
    house.offline = false;
    vi.spyOn(Date, "now").mockReturnValue(Date.now() - 3 * 86400_000);
    expect(await phone.sender.send()).toBe("done");
  });
});

describe("one sender", () => {
  test.each(["locks", "lease"])("several tabs at once, by %s: each parcel is asked for once", async (means) => {
    if (means === "lease") vi.stubGlobal("navigator", {});
    const phone = await aPhone(house);
    await finished(phone, 30);
    const tabs = Array.from({ length: 5 }, () => opened(phone.store.name));
    const how = await Promise.all(tabs.map((tab) => tab.sender.send()));
    expect(how.filter((one) => one === "busy")).toHaveLength(4);
    expect(house.batches).toHaveLength(1);
  });

  test("a tab that died while sending holds the others up for a minute at most", async () => {
    vi.stubGlobal("navigator", {});
    const phone = await aPhone(house);
    await finished(phone, 1);
    await phone.store.write("lease-send", { owner: "dead", until: Date.now() + 60_000 });
    expect(await phone.sender.send()).toBe("busy");
    vi.spyOn(Date, "now").mockReturnValue(Date.now() + 61_000);
    expect(await phone.sender.send()).toBe("done");
  });
});

describe("orders", () => {
  test("to wipe: nothing can be read, shadows are sent, the house is told", async () => {
    const phone = await aPhone(house);
    const open = work("register_tubes");
    await phone.queue.saveDraft(draft(open), open);
    const [id] = await finished(phone, 1);
    house.wipe = true;
    await phone.sender.send();
    expect([...house.applied.keys()]).toEqual([id, open.envelope.id]);
    expect(house.applied.get(open.envelope.id)!.body.shadow).toBe(true);
    expect(await phone.vault.state()).toBe("none");
    expect(await phone.store.sealed.count()).toBe(0);
    expect(house.wipedToldBy).toBe(1);
  });

  test("cut short before the house was told: it is told at the next sending", async () => {
    const phone = await aPhone(house);
    await phone.store.write("wipe_ordered", true);
    house.offline = true;
    await phone.sender.obey(DEVICE);
    expect(await phone.vault.state()).toBe("none");
    house.offline = false;
    await phone.sender.send();
    expect(house.wipedToldBy).toBe(1);
  });

  test("a draft whose content is done nowhere yet leaves nothing behind", async () => {
    const phone = await aPhone(house);
    await phone.queue.saveDraft(draft(work()));
    await phone.queue.wipe();
    await phone.sender.send();
    expect(house.applied.size).toBe(0);
  });
});

test("what could still be taken back goes at once when nobody is there to do so", async () => {
  const phone = await aPhone(house);
  const { id } = await phone.queue.finish(work(), undefined, 60_000);
  expect(await phone.sender.send()).toBe("waits");
  await phone.queue.wipe();
  await phone.sender.send();
  expect([...house.applied.keys()]).toEqual([id]);
});

describe("the token's time", () => {
  test("its end empties the vault when the app is opened, and what was done is still sent", async () => {
    const phone = await aPhone(house);
    const [id] = await finished(phone, 1);
    vi.spyOn(Date, "now").mockReturnValue(Date.now() + 12 * 3600_000 + 1);
    const again = opened(phone.store.name);
    await expect(again.open(PIN)).rejects.toMatchObject({ code: "no_vault" });
    expect((await again.store.read<{ why: string }>("wiped"))?.why).toBe("expired");
    await again.sender.send();
    expect([...house.applied.keys()]).toEqual([id]);
  });
});

describe("taking back", () => {
  test("undoes what is still held, and the draft can be finished anew under another id", async () => {
    const phone = await aPhone(house);
    const { id } = await phone.queue.finish(work(), undefined, 5000);
    expect(await phone.sender.send()).toBe("waits");
    await phone.sender.hurry();
    expect(await phone.sender.send()).toBe("waits");
    expect(await phone.queue.takeBack(id)).toBe(true);
    expect((await phone.queue.state()).parcels).toBe(0);
    expect(house.applied.size).toBe(0);
  });

  test("is over when the hold is over and it was sent", async () => {
    const phone = await aPhone(house);
    const { id } = await phone.queue.finish(work(), undefined, 5000);
    vi.spyOn(Date, "now").mockReturnValue(Date.now() + 5001);
    expect(await phone.sender.send()).toBe("done");
    expect(await phone.queue.takeBack(id)).toBe(false);
    expect(house.applied.has(id)).toBe(true);
  });

  test("is refused for what was tried once, since it may have arrived", async () => {
    const phone = await aPhone(house);
    const [id] = await finished(phone, 1);
    house.offline = true;
    await phone.sender.send();
    expect(await phone.queue.takeBack(id!)).toBe(false);
    expect((await phone.queue.state()).parcels).toBe(1);
  });
});
