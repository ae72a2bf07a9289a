/** The cases that the server's own rules pass: both sides mean the same by a form. */
import { describe, expect, it } from "vitest";

import { command, couldNot, defaults, faults, fill, holds, said } from "../../src/forms/engine";
import type { Cond, Form, Option, Surroundings, Template, Values } from "../../src/forms/types";
import vectors from "../../src/forms/vectors.json";

const FORM = vectors.form as unknown as Form;
const { values, ...known } = vectors.filling;
const around = (): Surroundings => ({ ...known, ids: [...known.ids] });

describe("conditions", () => {
  it.each(vectors.conditions)("$name", (one) => {
    expect(holds(one.cond as Cond, one.values as Values)).toBe(one.holds);
  });
});

describe("templates", () => {
  it.each(vectors.templates)("$name", (one) => {
    expect(fill(one.template as Template, values as Values, around())).toEqual(one.gives);
  });
});

describe("answers", () => {
  it.each(vectors.answers)("$name", (one) => {
    const given = one.values as Values;
    expect(command(FORM, given, around()).payload).toEqual(one.payload);
    expect(faults(FORM, given, around())).toEqual(one.faults);
    expect(said(FORM, given).map((after) => after.en)).toEqual(one.after);
  });
});

describe("could not", () => {
  it.each(vectors.could_not)("$name", (one) => {
    const reason = FORM.could_not!.reasons.find((option) => option.code === one.reason) as Option;
    const excuse = { reason, note: one.note, againAt: one.again_at };
    expect(couldNot(FORM, {}, excuse, around()).payload).toEqual(one.payload);
  });
});

it("begins with what is known", () => {
  expect(defaults(FORM, around())).toEqual(vectors.begun);
});
