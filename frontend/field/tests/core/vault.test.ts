import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { Trouble } from "../../src/trouble.ts";
import { fromUtf8 } from "../../src/vault/bytes.ts";
import { IDLE_MS, PIN_TRIES, Vault, checkPin } from "../../src/vault/vault.ts";
import { House } from "./house.ts";
import { PIN, aPhone, draft, opened, work } from "./made.ts";

let house: House;
beforeEach(async () => {
  house = await new House().open();
});
afterEach(() => vi.useRealTimers());

async function codeOf(doing: Promise<unknown>): Promise<string> {
  return doing.then(
    () => "nothing",
    (error: unknown) => (error instanceof Trouble ? error.code : String(error)),
  );
}

describe("PIN", () => {
  test("opens what was kept, also after the phone was switched off", async () => {
    const phone = await aPhone(house);
    await phone.vault.put("draft:1", { name: "王小明" });
    const again = opened(phone.store.name);
    expect(await again.vault.state()).toBe("locked");
    expect(await codeOf(again.vault.get("draft:1"))).toBe("locked");
    await again.vault.open(PIN);
    expect(await again.vault.get("draft:1")).toEqual({ name: "王小明" });
  });

  test("a wrong one opens nothing and says how many are left; the right one starts the count anew", async () => {
    const phone = await aPhone(house);
    phone.vault.lock();
    await expect(phone.vault.open("111222")).rejects.toMatchObject({ code: "wrong_pin", left: 4 });
    expect(phone.vault.isOpen()).toBe(false);
    await phone.vault.open(PIN);
    expect(await phone.vault.triesLeft()).toBe(PIN_TRIES);
  });

  test("is counted before it is tried: pulling the battery while it is tried gives no further tries", async () => {
    const phone = await aPhone(house);
    for (let tries = 0; tries < 4; tries += 1) {
      const thief = opened(phone.store.name);
      vi.spyOn(crypto.subtle, "unwrapKey").mockRejectedValueOnce(new Error("battery out"));
      await thief.vault.open("111222").catch(() => undefined);
    }
    expect(await phone.vault.triesLeft()).toBe(1);
  });

  test("five wrong ones destroy what can be read, and the shadow of open work goes into the line", async () => {
    const phone = await aPhone(house);
    const swabbed = work("register_tubes");
    await phone.queue.saveDraft(draft(swabbed), swabbed);
    const thief = opened(phone.store.name);
    const said = [];
    for (let tries = 0; tries < 5; tries += 1) said.push(await codeOf(thief.vault.open(`11122${tries}`)));
    expect(said).toEqual(["wrong_pin", "wrong_pin", "wrong_pin", "wrong_pin", "wiped"]);
    expect(await codeOf(thief.vault.open(PIN))).toBe("no_vault");
    expect(await phone.store.sealed.count()).toBe(0);
    expect((await phone.store.read<{ why: string }>("wiped"))?.why).toBe("tries");
    await thief.sender.send();
    expect([...house.applied.keys()]).toEqual([swabbed.envelope.id]);
  });

  test("many at the same instant count one by one", async () => {
    const phone = await aPhone(house);
    const tries = Array.from({ length: 12 }, () => codeOf(opened(phone.store.name).vault.open("999111")));
    const said = await Promise.all(tries);
    expect(said.filter((code) => code === "wrong_pin").length).toBeLessThan(PIN_TRIES);
    expect(await phone.vault.state()).toBe("none");
  });

  test.each(["12345", "123456", "654321", "000000", "12345a", "1234567"])("%s is refused when it is chosen", (pin) => {
    expect(() => checkPin(pin)).toThrow(Trouble);
  });
});

describe("at rest", () => {
  test("no table holds a word of what was kept, nor a key that could be taken out", async () => {
    const phone = await aPhone(house);
    await phone.queue.saveDraft(draft(work(), { name: "王小明", id_card: "460025199001011234" }));
    await phone.queue.finish(work("record_visit", { label: "李大力 3-201" }));
    const shown: string[] = [];
    for (const table of phone.store.tables) for (const row of await table.toArray()) shown.push(...words(row));
    expect(shown.join(" ")).not.toMatch(/王小明|460025|李大力|zhang|well|tok\b/);
    const device = await phone.store.keys.get("device");
    const key = (device as unknown as { key: CryptoKey }).key;
    await expect(crypto.subtle.exportKey("raw", key)).rejects.toThrow();
  });

  test("a copy of the tables without the device key does not open, even with the PIN", async () => {
    const phone = await aPhone(house);
    const copy = opened(`${phone.store.name}-copy`);
    for (const table of phone.store.tables) {
      const rows = (await table.toArray()).filter((row: { id?: string }) => row.id !== "device" || table.name !== "keys");
      await copy.store.table(table.name).bulkPut(rows);
    }
    await expect(copy.vault.open(PIN)).rejects.toMatchObject({ code: "wrong_pin" });
  });

  test("a row cannot be passed off under another name", async () => {
    const phone = await aPhone(house);
    await phone.vault.put("draft:1", "one");
    const row = (await phone.store.sealed.get("draft:1"))!;
    await phone.store.sealed.put({ ...row, name: "draft:2" });
    await expect(phone.vault.get("draft:2")).rejects.toThrow();
  });
});

describe("locking", () => {
  test("ten idle minutes lock it, a tap begins them anew", async () => {
    const phone = await aPhone(house);
    const start = Date.now();
    const clock = vi.spyOn(Date, "now");
    clock.mockReturnValue(start + IDLE_MS - 1000);
    phone.vault.touch();
    clock.mockReturnValue(start + 2 * IDLE_MS - 2000);
    expect(phone.vault.isOpen()).toBe(true);
    // the phone slept: no timer ran
    clock.mockReturnValue(start + 2 * IDLE_MS);
    expect(phone.vault.isOpen()).toBe(false);
    expect(await codeOf(phone.vault.get("session"))).toBe("locked");
  });

  test("a tap after the idle time locks instead of lengthening it", async () => {
    const phone = await aPhone(house);
    vi.spyOn(Date, "now").mockReturnValue(Date.now() + IDLE_MS + 1);
    phone.vault.touch();
    expect(phone.vault.isOpen()).toBe(false);
  });
});

describe("several tabs", () => {
  test("one that opened an earlier vault writes nothing into the next person's", async () => {
    const phone = await aPhone(house);
    const other = opened(phone.store.name);
    await other.vault.open(PIN);
    const mine = work();
    const row = await other.vault.box("draft:x", "of the person before");
    expect(row.name).toBe("draft:x");
    await phone.queue.wipe();
    await phone.vault.create("902174", { token: "other" }, Date.now() + 1000);
    expect(await codeOf(other.queue.saveDraft(draft(mine), mine))).toMatch(/locked|not_ready/);
    expect(await codeOf(other.vault.put("draft:y", 1))).toBe("locked");
    expect(await phone.vault.names("draft:")).toEqual([]);
  });
});

describe("shapes", () => {
  test("a row written by an older version is brought up when it is read", async () => {
    const phone = await aPhone(house);
    await phone.vault.put("draft:1", { temp: "36.6" });
    const newer = new Vault(phone.store, [
      (name, value) => (name.startsWith("draft:") ? { temperature: Number((value as { temp: string }).temp) } : value),
      (name, value) => (name.startsWith("draft:") ? { ...(value as object), unit: "°C" } : value),
    ]);
    await newer.open(PIN);
    expect(await newer.get("draft:1")).toEqual({ temperature: 36.6, unit: "°C" });
    await newer.put("draft:2", { temperature: 37, unit: "°C" });
    expect(await newer.get("draft:2")).toEqual({ temperature: 37, unit: "°C" });
  });
});

/** Whatever text a row shows to somebody who reads the database. */
function words(value: unknown): string[] {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return [fromUtf8(value as ArrayBuffer)];
  if (value && typeof value === "object") return Object.values(value).flatMap(words);
  return [String(value)];
}
