import { describe, expect, it } from "vitest";

import {
  addPerson,
  closeTube,
  countOf,
  filled,
  openTable,
  openTube,
  payloadOf,
  undo,
} from "../../src/flows/sampling/state";
import type { Mode, Person, Setting, Table } from "../../src/flows/sampling/state";

const AT = "2022-07-14T08:00:00+08:00";
const setting = (mode: Mode = "pooled", capacity = 3): Setting => ({
  round: "round-1",
  roundTitle: "第一轮",
  site: "site-1",
  siteName: "新竹小学",
  division: 469021101201000,
  mode,
  capacity,
});
const person = (name: string, household = "h1"): Person => ({ resident: name, label: name, household });
const withTube = (mode: Mode = "pooled", capacity = 3): Table =>
  openTube(openTable(setting(mode, capacity)), "T1", "tube-1", AT).table;
const fill = (table: Table, ...names: string[]): Table =>
  names.reduce((now, name) => addPerson(now, person(name), `s-${name}`, AT).table, table);

describe("a tube of many", () => {
  it("counts people, says that it is full and takes nobody beyond", () => {
    const table = fill(withTube(), "a", "b");
    const third = addPerson(table, person("c"), "s-c", AT);
    expect(third.said).toMatchObject({ tone: "good", way: "close" });
    const fourth = addPerson(third.table, person("d"), "s-d", AT);
    expect(fourth).toMatchObject({ changed: false, said: { tone: "bad", way: "close" } });
    expect(filled(fourth.table.tube!)).toBe(3);
  });
  it("goes on with the next tube by one scan once it is full", () => {
    const next = openTube(fill(withTube(), "a", "b", "c"), "T2", "tube-2", AT);
    expect(next.table.closed).toMatchObject([{ code: "T1", people: 3 }]);
    expect(next.table.tube).toMatchObject({ code: "T2", samples: [] });
  });
  it("asks before it closes one that has room", () => {
    const next = openTube(fill(withTube(), "a"), "T2", "tube-2", AT);
    expect(next).toMatchObject({ changed: false, said: { way: "close_and_open" } });
    expect(next.table.tube?.code).toBe("T1");
  });
  it("takes nobody before a tube is open", () => {
    expect(addPerson(openTable(setting()), person("a"), "s", AT)).toMatchObject({
      changed: false,
      said: { way: "open" },
    });
  });
  it("opens no tube that was closed, here or by the records", () => {
    const closed = closeTube(fill(withTube(), "a"), AT).table;
    expect(openTube(closed, "T1", "x", AT).changed).toBe(false);
    expect(openTube(closed, "T9", "x", AT, { id: "y", code: "T9", filled: 2, sealed: true }).changed).toBe(false);
  });
  it("goes on with a tube that the records hold, under its own id and count", () => {
    const table = openTube(openTable(setting()), "T9", "x", AT, {
      id: "y",
      code: "T9",
      filled: 2,
      sealed: false,
    }).table;
    expect(table.tube).toMatchObject({ id: "y", before: 2 });
    expect(addPerson(table, person("a"), "s", AT).said.way).toBe("close");
  });
});

describe("somebody twice", () => {
  it("is sent on when in this tube, in a tube before, or sampled by the records", () => {
    const table = fill(withTube(), "a");
    expect(addPerson(table, person("a"), "s2", AT)).toMatchObject({ changed: false, said: { way: "send_on" } });
    const later = openTube(closeTube(table, AT).table, "T2", "tube-2", AT).table;
    const again = addPerson(later, person("a"), "s3", AT);
    expect(again.changed).toBe(false);
    expect(again.said.words.en).toContain("T1");
    expect(addPerson(later, { ...person("z"), sampledIn: "T77" }, "s4", AT).said.words.zh).toContain("T77");
  });
  it("is recognised by card and by document too", () => {
    const card: Person = { code: "LF1:X", label: "…X" };
    const paper: Person = { visitor: { id: "v", name: "", document: "resident_id", number: "1" }, label: "…1" };
    const table = addPerson(addPerson(withTube(), card, "1", AT).table, paper, "2", AT).table;
    expect(addPerson(table, { ...card }, "3", AT).changed).toBe(false);
    expect(addPerson(table, { ...paper, visitor: { ...paper.visitor!, id: "w" } }, "4", AT).changed).toBe(false);
  });
  it("may come again after the mistake was undone", () => {
    const table = undo(fill(withTube(), "a", "b"), "s-a").table;
    expect(table.tube?.samples.map((one) => one.id)).toEqual(["s-b"]);
    expect(addPerson(table, person("a"), "s9", AT).changed).toBe(true);
  });
});

describe("a household", () => {
  it("takes one door only", () => {
    const table = addPerson(withTube("household", 10), person("a", "h1"), "1", AT).table;
    expect(addPerson(table, person("b", "h1"), "2", AT).changed).toBe(true);
    expect(addPerson(table, person("c", "h2"), "3", AT)).toMatchObject({ changed: false, said: { way: "close" } });
  });
  it("goes on with the next household by the next tube without asking", () => {
    const next = openTube(addPerson(withTube("household", 10), person("a"), "1", AT).table, "T2", "tube-2", AT);
    expect(next.table.closed).toHaveLength(1);
    expect(next.table.tube?.code).toBe("T2");
  });
});

describe("closing", () => {
  it("puts an empty tube back and closes another as it is", () => {
    expect(closeTube(withTube(), AT)).toMatchObject({ closed: null, table: { tube: null, closed: [] } });
    const done = closeTube(fill(withTube(), "a", "b"), AT);
    expect(done.closed?.sealedAt).toBe(AT);
    expect(countOf(done.table)).toEqual({ people: 2, tubes: 1 });
  });
  it("becomes one parcel with everybody in it as they were recognised", () => {
    const some = addPerson(fill(withTube(), "a"), { code: "LF1:X", label: "x" }, "s-x", AT).table;
    expect(payloadOf(some.setting, closeTube(some, AT).closed!)).toEqual({
      tube: {
        id: "tube-1",
        code: "T1",
        mode: "pooled",
        capacity: 3,
        purpose: "area_screening",
        division_code: 469021101201000,
        round: "round-1",
        opened_at: AT,
        site: "site-1",
        sealed_at: AT,
      },
      samples: [
        { id: "s-a", taken_at: AT, resident: "a" },
        { id: "s-x", taken_at: AT, code: "LF1:X" },
      ],
    });
  });
});
