import { describe, expect, it } from "vitest";

import { asked, command, couldNot, defaults, faults, fill, holds, said, sentence } from "../../src/forms/engine";
import type { Form, Surroundings, Values, Words } from "../../src/forms/types";

const around = (): Surroundings => ({
  duty: { id: 77, subject: "order-1" },
  subject: { name: "王小明" },
  me: { title: "三组" },
  now: "2022-07-14T08:00:00+08:00",
  ids: [],
});

const CHECK: Form = {
  code: "daily_check",
  zh: "每日健康监测",
  en: "daily check",
  icon: "thermometer",
  duties: ["daily_check"],
  alone: false,
  command: "record_checks",
  permission: "quarantine.check_person",
  layout: "page",
  fields: [
    { name: "temperature", type: "temperature", zh: "体温", en: "temperature", required: true, min: 34, max: 43 },
    { name: "unwell", type: "flag", zh: "有不舒服", en: "unwell", default: false },
    {
      name: "symptoms",
      type: "choices",
      zh: "症状",
      en: "symptoms",
      required: true,
      when: { field: "unwell", is: true },
      options: [
        { code: "cough", zh: "咳嗽", en: "cough" },
        { code: "fever", zh: "发热", en: "fever" },
      ],
    },
    {
      name: "since",
      type: "text",
      zh: "多久了",
      en: "since when",
      required: true,
      when: { field: "symptoms", is: "cough" },
    },
  ],
  payload: {
    checks: [
      {
        id: { $id: 1 },
        order: { $duty: "subject" },
        temperature: { $value: "temperature" },
        symptoms: { $omit_if_empty: { $value: "symptoms" } },
        note: { $if: { field: "since", filled: false }, then: "none", else: { $value: "since" } },
      },
      { $omit_if_empty: { $value: "nothing" } },
    ],
    by: { $me: "title" },
    at: { $now: 1 },
    whom: { $subject: "name" },
  },
  could_not: {
    reasons: [{ code: "nobody_home", zh: "家里没人", en: "nobody at home" }],
    command: "record_checks",
    payload: {
      checks: [
        { order: { $duty: "subject" }, could_not: { $value: "reason" }, note: { $omit_if_empty: { $value: "note" } } },
      ],
    },
  },
  after: [
    { when: { field: "unwell", is: true }, zh: "请多休息", en: "rest", tone: "info" },
    { when: { field: "temperature", at_least: 37.3 }, zh: "正在叫车", en: "a car is being asked for", tone: "alarm" },
  ],
};

describe("conditions", () => {
  it("holds for equal values, members of several, and numbers from a bound on", () => {
    expect(holds({ field: "a", is: "x" }, { a: "x" })).toBe(true);
    expect(holds({ field: "a", is: "x" }, { a: ["y", "x"] })).toBe(true);
    expect(holds({ field: "a", at_least: 37.3 }, { a: 37.2 })).toBe(false);
    expect(holds({ field: "a", at_least: 37.3 }, { a: 37.3 })).toBe(true);
  });
  it("never holds for a number that was not given", () => {
    expect(holds({ field: "a", at_least: 0 }, {})).toBe(false);
    expect(holds({ field: "a", at_least: 0 }, { a: "" })).toBe(false);
  });
  it("takes a missing answer for nothing", () => {
    expect(holds({ field: "a", is: false }, {})).toBe(false);
    expect(holds({ field: "a", filled: false }, { a: [] })).toBe(true);
  });
  it("joins and turns", () => {
    const cond = { all: [{ field: "a", is: 1 }, { any: [{ field: "b", is: 2 }, { not: { field: "c", is: 3 } }] }] };
    expect(holds(cond, { a: 1, c: 4 })).toBe(true);
    expect(holds(cond, { a: 1, c: 3 })).toBe(false);
  });
});

describe("what is asked", () => {
  it("asks nothing whose condition rests on a question that is hidden", () => {
    const values = { unwell: false, symptoms: ["cough"] };
    expect(asked(CHECK, values).map((field) => field.name)).toEqual(["temperature", "unwell"]);
  });
  it("sends nothing that was filled in and hidden since", () => {
    const sent = command(CHECK, { temperature: 36.5, unwell: false, symptoms: ["cough"], since: "3" }, around());
    expect(JSON.stringify(sent)).not.toContain("cough");
  });
});

describe("templates", () => {
  it("fills values, duty, subject, sender, time and a new id that stays", () => {
    const here = around();
    const first = command(CHECK, { temperature: 38.2, unwell: true, symptoms: ["cough"], since: "两天" }, here);
    const again = command(CHECK, { temperature: 38.2, unwell: true, symptoms: ["cough"], since: "两天" }, here);
    expect(first).toEqual(again);
    expect(first).toEqual({
      kind: "record_checks",
      payload: {
        checks: [{ id: here.ids[0], order: "order-1", temperature: 38.2, symptoms: ["cough"], note: "两天" }],
        by: "三组",
        at: "2022-07-14T08:00:00+08:00",
        whom: "王小明",
      },
    });
  });
  it("keeps no and zero, which are answers", () => {
    expect(
      fill(
        { a: { $omit_if_empty: { $value: "no" } }, b: { $omit_if_empty: { $value: "none" } } },
        { no: false, none: 0 },
        around(),
      ),
    ).toEqual({ a: false, b: 0 });
  });
  it("gives null for an if without an else, and one entry for each of a list", () => {
    expect(fill({ a: { $if: { field: "x", is: 1 }, then: 2 } }, {}, around())).toEqual({ a: null });
    const each = { $each: { $value: "codes" }, give: { code: { $item: 1 } } };
    expect(fill(each, { codes: ["x", "y"] }, around())).toEqual([{ code: "x" }, { code: "y" }]);
  });
});

describe("validation", () => {
  const wrong = (values: Values): Record<string, Words> => {
    const found: Record<string, Words> = {};
    for (const [name, what] of faults(CHECK, values, around()))
      found[name] = sentence(
        CHECK.fields.find((field) => field.name === name)!,
        what,
        values[name],
      );
    return found;
  };
  it("says in both languages what is open", () => {
    const found = wrong({ unwell: true });
    expect(Object.keys(found)).toEqual(["temperature", "symptoms"]);
    expect(found.temperature?.zh).toContain("体温");
    expect(found.symptoms?.en).toContain("choose at least one");
  });
  it("refuses a temperature of nobody alive, and takes the bound", () => {
    expect(wrong({ temperature: 63.8 }).temperature?.zh).toContain("重新测量");
    expect(wrong({ temperature: 43 })).toEqual({});
  });
  it("refuses an answer that the form no longer offers", () => {
    expect(wrong({ temperature: 36.6, unwell: true, symptoms: ["plague"] }).symptoms?.en).toContain("no longer");
  });
  it("takes a no for an answer", () => {
    const form = { ...CHECK, fields: [{ ...CHECK.fields[1]!, required: true }] };
    expect(faults(form, { unwell: false }, around())).toEqual([]);
    expect(faults(form, {}, around())).toEqual([["unwell", "required"]]);
  });
});

it("says why it could not be done", () => {
  expect(
    couldNot(CHECK, {}, { reason: CHECK.could_not!.reasons[0]!, note: "", againAt: null }, around()).payload,
  ).toEqual({
    checks: [{ order: "order-1", could_not: "nobody_home" }],
  });
});

it("says what an answer calls for", () => {
  expect(said(CHECK, { temperature: 38.2, unwell: true }).map((one) => one.tone)).toEqual(["info", "alarm"]);
  expect(said(CHECK, { temperature: 36.6 })).toEqual([]);
});

it("begins with what is known", () => {
  expect(defaults(CHECK, around())).toEqual({ unwell: false });
});
