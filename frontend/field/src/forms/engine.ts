/**
 * What a described form means: which questions are asked, what is missing, and the command that it becomes. Pure.
 *
 * The server has the same rules in Python (`lianfang.kit.forms`); both run the cases of vectors.json.
 */

import { newId } from "../ids.ts";
import type { After, Cond, Field, Form, Option, Surroundings, Template, Value, Values, Words } from "./types";

export function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "object" && Object.keys(value as object).length === 0;
}

/** Say whether a condition is met: none always is, and a missing answer equals nothing and reaches no number. */
export function holds(cond: Cond | null | undefined, values: Values): boolean {
  if (!cond) return true;
  if ("any" in cond) return cond.any.some((one) => holds(one, values));
  if ("all" in cond) return cond.all.every((one) => holds(one, values));
  if ("not" in cond) return !holds(cond.not, values);
  const value = values[cond.field];
  if ("filled" in cond) return isEmpty(value) !== cond.filled;
  if ("at_least" in cond) return typeof value === "number" && value >= cond.at_least;
  const isOne = (one: unknown): boolean => one !== null && one !== undefined && one === cond.is;
  return Array.isArray(value) ? value.some(isOne) : isOne(value);
}

/** Return the fields that are asked now; what a hidden field held before does not count. */
export function asked(form: Form, values: Values): Field[] {
  const kept: Values = {};
  return form.fields.filter((field) => {
    if (!holds(field.when, kept)) return false;
    if (field.type !== "note" && !isEmpty(values[field.name])) kept[field.name] = values[field.name];
    return true;
  });
}

/** Return the answers to the questions that are asked. */
export function answers(form: Form, values: Values): Values {
  const kept: Values = {};
  for (const field of asked(form, values))
    if (field.type !== "note" && !isEmpty(values[field.name])) kept[field.name] = values[field.name];
  return kept;
}

const SOURCES = ["$value", "$duty", "$subject", "$me", "$item"] as const;

/** Fill a template; what is not known becomes null. */
export function fill(template: Template, values: Values, around: Surroundings, item?: unknown): unknown {
  const deeper = (part: Template): unknown => fill(part, values, around, item);
  const stays = (part: Template): boolean => !(hasKey(part, "$omit_if_empty") && isEmpty(deeper(part)));
  if (Array.isArray(template)) return template.filter(stays).map(deeper);
  if (template === null || typeof template !== "object") return template;
  const node = template as Record<string, unknown>;
  const source = SOURCES.find((name) => name in node);
  if (source) return pick(source, node[source], values, around, item);
  if ("$now" in node) return around.now;
  if ("$id" in node) return nthId(around, Number(node.$id));
  if ("$if" in node) return deeper(holds(node.$if as Cond, values) ? node.then : (node.else ?? null));
  if ("$each" in node)
    return ((deeper(node.$each) as unknown[] | null) ?? []).map((one) => fill(node.give, values, around, one));
  if ("$omit_if_empty" in node) return deeper(node.$omit_if_empty);
  const filled: Record<string, unknown> = {};
  for (const [name, part] of Object.entries(node)) if (stays(part)) filled[name] = deeper(part);
  return filled;
}

function hasKey(part: Template, name: string): boolean {
  return part !== null && typeof part === "object" && name in (part as object);
}

function pick(source: string, path: unknown, values: Values, around: Surroundings, item: unknown): unknown {
  if (source === "$item" && typeof path !== "string") return item ?? null;
  const from: Record<string, unknown> = {
    $value: values,
    $duty: around.duty,
    $subject: around.subject,
    $me: around.me,
    $item: item,
  };
  let found = from[source];
  for (const name of String(path).split("."))
    found = found !== null && typeof found === "object" ? (found as Record<string, unknown>)[name] : null;
  return found ?? null;
}

function nthId(around: Surroundings, place: number): string {
  while (around.ids.length < place) around.ids.push(newId());
  return around.ids[place - 1] as string;
}

/** Return the answers that a form begins with: the defaults that are known. */
export function defaults(form: Form, around: Surroundings): Values {
  const values: Values = {};
  for (const field of form.fields) {
    const known = fill(field.default ?? null, {}, around);
    if (!isEmpty(known)) values[field.name] = known as Value;
  }
  return values;
}

/** Return what a choice offers: its own options, or those that the duty or its subject brings. */
export function optionsOf(field: Field, around: Surroundings): Option[] {
  if (field.options && field.options.length) return field.options;
  return (fill(field.options_from ?? null, {}, around) as Option[] | null) ?? [];
}

export type Fault = "required" | "type" | "option" | "min" | "max";

/** Return what is wrong with an answer, or nothing. */
export function fault(field: Field, value: Value | undefined, around: Surroundings): Fault | "" {
  if (isEmpty(value)) return field.required ? "required" : "";
  const several = field.many === true || field.type === "choices";
  const each = (Array.isArray(value) ? value : [value]) as Value[];
  if (Array.isArray(value) !== several || !each.every((one) => fits(field, one))) return "type";
  if (field.type === "choice" || field.type === "choices") {
    const codes = optionsOf(field, around).map((option) => option.code);
    if (!each.every((one) => codes.includes(String(one)))) return "option";
  }
  if (typeof value !== "number") return "";
  if (typeof field.min === "number" && value < field.min) return "min";
  return typeof field.max === "number" && value > field.max ? "max" : "";
}

const ZONED = /T.*(?:Z|[+-]\d\d:?\d\d)$/;

function fits(field: Field, value: Value): boolean {
  if (field.type === "number" || field.type === "temperature")
    return typeof value === "number" && Number.isFinite(value);
  if (field.type === "flag") return typeof value === "boolean";
  if (field.type === "place") return typeof value === "object";
  if (field.type === "time") return typeof value === "string" && ZONED.test(value) && !Number.isNaN(Date.parse(value));
  return typeof value === "string";
}

const WANTED: Partial<Record<Field["type"], Words>> = {
  choice: { zh: "请选一项", en: "choose one" },
  choices: { zh: "请至少选一项", en: "choose at least one" },
  scan: { zh: "请扫码或手工输入", en: "scan or type it" },
  photo: { zh: "请拍一张照片", en: "take a photo" },
  person: { zh: "请选人", en: "choose the person" },
  household: { zh: "请选一户", en: "choose the household" },
  temperature: { zh: "请填体温", en: "measure and fill in" },
  flag: { zh: "请点“是”或“否”", en: "say yes or no" },
  time: { zh: "请选时间", en: "choose the time" },
  place: { zh: "请填地点", en: "say where" },
};

/** Return the sentence that says what is wrong with an answer and what to do. */
export function sentence(field: Field, wrong: Fault, value: Value | undefined): Words {
  if (wrong === "required") {
    const what = WANTED[field.type] ?? { zh: "请填写", en: "fill it in" };
    return { zh: `“${field.zh}”还没有填：${what.zh}。`, en: `“${field.en}” is still open: ${what.en}.` };
  }
  if (wrong === "min" || wrong === "max") return beyond(field, value);
  if (wrong === "option")
    return {
      zh: `“${field.zh}”里没有这一项了，请重新选择。`,
      en: `“${field.en}” no longer offers this answer: choose again.`,
    };
  return { zh: `“${field.zh}”填得不对，请重新填。`, en: `“${field.en}” cannot be read: fill it in again.` };
}

function beyond(field: Field, value: Value | undefined): Words {
  const unit = field.unit || (field.type === "temperature" ? "°C" : "");
  const span = `${field.min ?? "…"}–${field.max ?? "…"}`;
  const again: Words =
    field.type === "temperature" ? { zh: "请重新测量", en: "measure again" } : { zh: "请核对", en: "check it" };
  return {
    zh: `${value} ${unit} 不在 ${span} 之间，${again.zh}。`,
    en: `${value} ${unit} is not within ${span}: ${again.en}.`,
  };
}

/** Return what is wrong with each asked field, in the order of the form. */
export function faults(form: Form, values: Values, around: Surroundings): [string, Fault][] {
  const kept = answers(form, values);
  const found: [string, Fault][] = [];
  for (const field of asked(form, values)) {
    const wrong = field.type === "note" ? "" : fault(field, kept[field.name], around);
    if (wrong) found.push([field.name, wrong]);
  }
  return found;
}

export interface Command {
  kind: string;
  payload: Record<string, unknown>;
}

/** Return the command that a filled-in form becomes. */
export function command(form: Form, values: Values, around: Surroundings): Command {
  return { kind: form.command, payload: fill(form.payload, answers(form, values), around) as Record<string, unknown> };
}

export interface Excuse {
  reason: Option;
  note: string;
  /** when somebody comes again: ISO with its zone */
  againAt: string | null;
}

/** Return the command that says why it could not be done; `values` is what had been filled in. */
export function couldNot(form: Form, values: Values, excuse: Excuse, around: Surroundings): Command {
  if (!form.could_not) throw new Error(`form ${form.code} has no way to say that it could not be done`);
  const note = excuse.note.trim();
  const said: Values = {
    ...answers(form, values),
    reason: excuse.reason.code,
    reason_text: note ? `${excuse.reason.zh}：${note}` : excuse.reason.zh,
    note,
    again_at: excuse.againAt,
  };
  return {
    kind: form.could_not.command,
    payload: fill(form.could_not.payload, said, around) as Record<string, unknown>,
  };
}

/** Return what is said about these answers, in the form's order. */
export function said(form: Form, values: Values): After[] {
  const given = answers(form, values);
  return form.after.filter((one) => holds(one.when, given));
}
