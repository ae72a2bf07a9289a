// @vitest-environment happy-dom
import type { VueWrapper } from "@vue/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";

import { app as state } from "../../src/state/app";
import { FakeCore } from "../fake/core";
import { duty } from "../today/scene";
import { fill, isThere, open, settled, tap, the } from "./mounting";

const HOUR = 3_600_000;
const at = (hours: number) => new Date(Date.now() + hours * HOUR).toISOString();
const due = (id: number, hours: number, more = {}) => duty(id, 0, { due_at: at(hours), opens_at: at(-9), ...more });

let app: VueWrapper | null = null;
afterEach(() => {
  app?.unmount();
  app = null;
  document.body.innerHTML = "";
});

function said(): string {
  return document.body.textContent ?? "";
}

describe("before the work", () => {
  it("leads from the code over password, post and PIN to today", async () => {
    const core = new FakeCore();
    core.state.phase = "enrol";
    core.state.grants = [
      { token: "t1", role_zh: "网格员", role_en: "grid worker", area: "新竹村" },
      { token: "t2", role_zh: "登记员", role_en: "registrar", area: "新竹镇" },
    ];
    app = await open(core);
    await fill(app, "enrol-code", "7k2qf-9xw0d");
    await tap(app, "enrol-go");
    await fill(app, "username", "wang");
    await fill(app, "password", "secret");
    await tap(app, "sign-in");
    await tap(app, "post");
    for (const digit of "482915") await tap(app, `key-${digit}`);
    for (const digit of "482915") await tap(app, `key-${digit}`);
    expect(core.calls.slice(0, 4)).toEqual(["enrol 7K2QF-9XW0D", "signIn wang", "post t1", "pin 482915"]);
    expect(isThere("filter-open")).toBe(true);
  });

  it("refuses a PIN that anybody would guess, and two that differ", async () => {
    const core = new FakeCore();
    core.state.phase = "pin";
    app = await open(core);
    for (const digit of "123456") await tap(app, `key-${digit}`);
    expect(the("said").textContent).toContain("太好猜");
    for (const digit of "482915") await tap(app, `key-${digit}`);
    for (const digit of "482916") await tap(app, `key-${digit}`);
    expect(the("said").textContent).toContain("不一样");
    expect(core.calls).toEqual([]);
  });

  it("shows nobody anything while locked, says how many tries are left, and goes on where it was", async () => {
    const core = new FakeCore();
    core.list = [due(1, 3, { name: "王海明" })];
    core.state.phase = "locked";
    app = await open(core, "/duty/1");
    expect(said()).not.toContain("王海明");
    for (const digit of "000000") await tap(app, `key-${digit}`);
    expect(the("said").textContent).toContain("4 次");
    for (const digit of "482915") await tap(app, `key-${digit}`);
    expect(said()).toContain("王海明");
    expect(isThere("begin")).toBe(true);
  });

  it("says after the fifth wrong PIN what is gone and what is not", async () => {
    const core = new FakeCore();
    core.state.phase = "locked";
    core.packed = [
      { id: "x", form: null, label: "", made_at: at(-1), state: "waiting", next_at: null, code: "", zh: "", en: "", reason: "", left_out: [] },
    ];
    app = await open(core);
    for (let n = 0; n < 5; n++) for (const digit of "000000") await tap(app, `key-${digit}`);
    expect(the("wiped").textContent).toContain("5 次");
    expect(said()).toContain("1 份没有丢");
  });

  it("leaves the page at once when the house orders the phone wiped", async () => {
    const core = new FakeCore();
    core.list = [due(1, 3, { name: "王海明" })];
    app = await open(core);
    expect(said()).toContain("王海明");
    Object.assign(core.state, { phase: "wiped", wipedBecause: "order" });
    await core.wipeSeen().then(() => Object.assign(core.state, { phase: "wiped" }));
    core.changed("phase");
    await settled(app);
    expect(said()).not.toContain("王海明");
    expect(isThere("wiped")).toBe(true);
    expect(state.duties).toEqual([]);
  });
});

describe("today", () => {
  it("puts the overdue on top and hides what this phone finished", async () => {
    const core = new FakeCore();
    core.list = [due(1, 3, { building: "9号楼" }), due(2, -2), due(3, -1, { rank: 1 }), due(4, 3)];
    core.done = [4];
    app = await open(core);
    const order = Array.from(document.querySelectorAll('[data-test^="block-"]'), (one) => one.getAttribute("data-test"));
    expect(order).toEqual(["block-urgent", "block-overdue", "block-due"]);
    expect(isThere("duty-4")).toBe(false);
    await tap(app, "filter-done");
    expect(isThere("duty-4")).toBe(true);
  });

  it("is done with one tap on a reason, which is no offence and can be taken back", async () => {
    const core = new FakeCore();
    core.list = [due(7, 3)];
    app = await open(core);
    await tap(app, "duty-7");
    await tap(app, "could-not");
    await tap(app, "reason-nobody_home");
    expect(core.calls).toContain("couldNot 7 nobody_home");
    expect(the("toast").textContent).toContain("没人在家");
    await tap(app, "undo");
    expect(core.done).toEqual([]);
  });

  it("reaches the form with the second tap", async () => {
    const core = new FakeCore();
    core.list = [due(7, 3)];
    app = await open(core);
    await tap(app, "duty-7");
    expect(the("begin").getAttribute("href")).toBe("/form/visit?duty=7");
  });

  it("calms without signal, and says what was not taken", async () => {
    const core = new FakeCore();
    const parcel = { form: null, label: "", made_at: at(-1), next_at: null, code: "", zh: "坏了", en: "broken", reason: "", left_out: [] };
    core.packed = [
      { ...parcel, id: "a", state: "waiting" },
      { ...parcel, id: "b", state: "refused" },
    ];
    app = await open(core);
    window.dispatchEvent(new Event("offline"));
    await settled(app);
    expect(the("net").textContent).toContain("没有信号也照常办，已有 1 份");
    expect(the("net-refused").textContent).toContain("1 份没被收下");
    window.dispatchEvent(new Event("online"));
    await settled(app);
    expect(isThere("net")).toBe(false);
  });

  it("shows what the desk decided, its reason, and what of a parcel was left out, where it needs a look", async () => {
    const core = new FakeCore();
    const parcel = { form: "visit", label: "", made_at: at(-1), next_at: null, code: "", zh: "", en: "", reason: "", left_out: [] };
    core.packed = [
      { ...parcel, id: "a", state: "declined", zh: "不予采用", en: "set aside", reason: "已问过本人" },
      { ...parcel, id: "b", state: "applied", left_out: [{ zh: "这张码牌无人登记", en: "nobody has this card" }] },
      { ...parcel, id: "c", state: "applied" },
    ];
    app = await open(core, "/sent");
    expect(the("parcel-reason").textContent).toContain("已问过本人");
    expect(the("pile-refused").textContent).toContain("这张码牌无人登记");
    expect(the("pile-refused").textContent).not.toContain("nobody");
    expect(the("pile-done").querySelectorAll("li.card")).toHaveLength(1);
  });

  it("tells somebody with nothing to do what happens next", async () => {
    app = await open(new FakeCore());
    expect(the("empty").textContent).toContain("新任务来了会自动出现");
  });

  it("says soon that the first duties are being fetched, and what to do when they do not come", async () => {
    const core = new FakeCore();
    core.state.syncedAt = null;
    core.syncing = { running: true, trouble: null };
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"], shouldAdvanceTime: true, advanceTimeDelta: 20 });
    app = await open(core);
    expect(isThere("late")).toBe(false);
    await vi.advanceTimersByTimeAsync(3000);
    vi.useRealTimers();
    expect(the("late").textContent).toContain("正在取今天的任务");
    core.syncing = { running: false, trouble: { code: "offline", zh: "没有网络", en: "no network" } };
    core.changed("sync");
    await settled(app);
    expect(the("empty").textContent).toContain("急事先照常做、记在纸上");
    await tap(app, "sync-again");
    expect(core.calls).toContain("sync");
    core.syncing = { running: false, trouble: { code: "storage_full", zh: "手机存储已满", en: "storage is full" } };
    core.changed("sync");
    await settled(app);
    expect(the("empty").textContent).toContain("手机存储已满");
    core.state.syncedAt = at(-1);
    core.changed("data");
    await settled(app);
    expect(the("sync-failed").textContent).toContain("手机存储已满");
  });

  it("shows each hint once, until asked again", async () => {
    app = await open(new FakeCore());
    await tap(app, "hint-read");
    expect(isThere("hint")).toBe(false);
    await tap(app, "tab-me");
    await tap(app, "hints-again");
    await tap(app, "tab-today");
    expect(isThere("hint")).toBe(true);
  });
});

describe("the register", () => {
  const people = Array.from({ length: 5055 }, (_, i) => ({
    id: `p${i}`,
    household: i + 1,
    name: i === 4000 ? "欧阳雪" : "王明",
    pinyin: i === 4000 ? "ou yang xue" : "wang ming",
    sex: "female",
    birth_year: 1970,
    phone: null,
    relation: "head",
  }));

  it("keeps only what is in sight of 5,055 people, and finds one of them", async () => {
    const core = new FakeCore();
    core.people = people;
    app = await open(core, "/register");
    expect(document.querySelectorAll('[data-test="person"]').length).toBeLessThan(60);
    await fill(app, "search", "oyx");
    expect(document.querySelectorAll('[data-test="person"]')).toHaveLength(1);
    expect(said()).toContain("欧阳雪");
    expect(said()).toContain("1 户 1 人");
    await fill(app, "search", "nobody");
    expect(the("empty").textContent).toContain("没找到");
    expect(said()).toContain("5055 户 5055 人");
  });

  it("is no page of a volunteer", async () => {
    const core = new FakeCore();
    core.state.me = { ...core.state.me!, register: false };
    core.people = people;
    app = await open(core, "/register");
    expect(isThere("tab-register")).toBe(false);
    expect(isThere("filter-open")).toBe(true);
  });
});

describe("me", () => {
  it("leaves out what a post has not", async () => {
    const core = new FakeCore();
    core.state.me = { ...core.state.me!, area: "" };
    app = await open(core, "/me");
    expect(said()).toContain("网格员");
    expect(said()).not.toContain("网格员 ·");
  });
});

describe("leaving", () => {
  it("says what is lost and what is not before it signs out", async () => {
    const core = new FakeCore();
    core.begun = [{ duty: 3 }];
    core.packed = [
      { id: "a", form: null, label: "", made_at: at(-1), state: "waiting", next_at: null, code: "", zh: "", en: "", reason: "", left_out: [] },
    ];
    app = await open(core, "/me");
    await tap(app, "sign-out");
    expect(the("sheet").textContent).toContain("1 份等待上报的照常自动上报");
    expect(the("sheet").textContent).toContain("1 份没办完的草稿会丢掉");
    expect(core.calls).toEqual([]);
    await tap(app, "yes");
    expect(core.calls).toContain("signOut");
    expect(isThere("wiped")).toBe(true);
  });
});
