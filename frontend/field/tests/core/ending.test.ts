import { beforeEach, describe, expect, test, vi } from "vitest";

import type { Phone } from "../../src/phone.ts";
import { House } from "./house.ts";
import { PIN, aPhone, opened } from "./made.ts";

const HOUR = 3600_000;
let house: House;
/** what really passed, and how far off the phone is set */
let passed: number;
let set: number;
beforeEach(async () => {
  house = await new House().open();
  [passed, set] = [0, 0];
  const [start, steady] = [Date.now(), performance.now()];
  vi.spyOn(Date, "now").mockImplementation(() => start + passed + set);
  vi.spyOn(performance, "now").mockImplementation(() => steady + passed);
  house.machine = () => start + passed;
});

/** A look at the phone, as each round has it: what became of the vault. */
async function looked(phone: Phone): Promise<string> {
  await (phone as unknown as { endWhenOver(): Promise<void> }).endWhenOver();
  return (await phone.vault.endsAt()) === null ? "over" : "goes on";
}

/** Time passes while the app runs and looks every so often. */
async function works(phone: Phone, hours: number): Promise<string> {
  for (let minute = 0; minute < hours * 60; minute += 5) {
    passed += 5 * 60_000;
    if ((await looked(phone)) === "over") return "over";
  }
  return "goes on";
}

describe.each(["without a line", "with a line"])("a clock that is set, %s", (how) => {
  async function signedIn(): Promise<Phone> {
    const phone = await aPhone(house);
    await phone.sync.run();
    house.offline = how === "without a line";
    await phone.vault.put("draft:1", "half a form");
    return phone;
  }

  test.each([1, 3, 24, 24 * 365])("back by %i hours ends nothing before its time, and at its time it ends", async (hours) => {
    const phone = await signedIn();
    expect(await works(phone, 2)).toBe("goes on");
    set = -hours * HOUR;
    expect(await works(phone, 9.5)).toBe("goes on");
    await phone.vault.open(PIN);
    expect(await phone.vault.get("draft:1")).toBe("half a form");
    expect(await works(phone, 0.75)).toBe("over");
    expect((await phone.store.read<{ why: string }>("wiped"))?.why).toBe("expired");
  });

  test("back while the app is closed costs nothing and gives at most the time that it was closed", async () => {
    const phone = await signedIn();
    expect(await works(phone, 2)).toBe("goes on");
    set = -30 * HOUR;
    passed += 1 * HOUR;
    const again = opened(phone.store.name);
    await again.clock.load();
    expect(await works(again, 8.5)).toBe("goes on");
    expect(await works(again, 2)).toBe("over");
  });

  test("back and forth, again and again, gives no more time than a sign-in has", async () => {
    const phone = await signedIn();
    for (let turn = 0; turn < 10; turn += 1) {
      expect(await works(phone, 1)).toBe("goes on");
      set = turn % 2 ? 0 : -6 * HOUR;
      if (turn % 2) break;
    }
    expect(await works(phone, 12)).toBe("over");
  });
});

test("a clock set forward ends a sign-in only where the house cannot be asked", async () => {
  const phone = await aPhone(house);
  await phone.sync.run();
  set = 15 * HOUR;
  expect(await looked(phone)).toBe("goes on");
  expect(await works(phone, 11)).toBe("goes on");
  set = 40 * HOUR;
  house.offline = true;
  expect(await looked(phone)).toBe("over");
});

test("a drill that moves the time of the response ends nobody's sign-in", async () => {
  const phone = await aPhone(house);
  await phone.sync.run();
  house.ahead = 48 * HOUR;
  await phone.sync.run();
  expect(await works(phone, 11)).toBe("goes on");
  expect(await works(phone, 1)).toBe("over");
});

test("a phone that was set back goes on syncing", async () => {
  const phone = await aPhone(house);
  const due = () => (phone as unknown as { syncWhenDue(): Promise<void> }).syncWhenDue();
  await due();
  await due();
  expect(house.asked.filter((path) => path.endsWith("/sync"))).toHaveLength(1);
  passed = 60_000;
  set = -5 * HOUR;
  await phone.vault.open(PIN); // to be idle for minus five hours locks
  await due();
  expect(house.asked.filter((path) => path.endsWith("/sync"))).toHaveLength(2);
});

test("set back and opened again without a line it still writes in the house's time", async () => {
  const phone = await aPhone(house);
  await phone.sync.run();
  passed = HOUR;
  set = -7 * HOUR;
  await looked(phone);
  const again = opened(phone.store.name);
  await again.clock.load();
  expect(Math.abs(again.clock.now() - house.machine())).toBeLessThan(2000);
});
