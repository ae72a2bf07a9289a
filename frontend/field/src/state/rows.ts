/** Rows as the sync packs them, made into what the pages read: what a role does not get is empty, never undefined. Pure. */

import type { Form } from "../forms/types";
import type { Home, Person } from "../people/search";
import type { Duty } from "../today/duty";
import type { ParcelRow, ReceiptRow, ShadowRow } from "../vault/store";
import type { ParcelState, ParcelView } from "./core";

export type Row = Record<string, unknown>;

function text(value: unknown): string {
  return value === null || value === undefined ? "" : String(value);
}

function maybe(value: unknown): string | null {
  return value === null || value === undefined || value === "" ? null : String(value);
}

function number(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

/** Return the code of the form that does a duty: as the house says, else the form of its kind. */
export function formFor(row: Row, forms: readonly Form[]): string | null {
  if (row.form !== undefined) return maybe(row.form);
  const of = forms.filter(
    ({ duties, subject_kinds }) =>
      duties.indexOf(text(row.kind)) >= 0 && (!subject_kinds?.length || subject_kinds.indexOf(text(row.subject_kind)) >= 0),
  );
  return of.length ? of[0]!.code : null;
}

export function dutyFrom(row: Row, form: string | null): Duty {
  return {
    id: Number(row.id),
    kind: text(row.kind),
    subject_kind: text(row.subject_kind),
    subject: text(row.subject),
    resident: maybe(row.resident),
    name: maybe(row.name),
    name_zh: text(row.name_zh),
    name_en: text(row.name_en),
    street: text(row.street),
    building: text(row.building),
    unit: text(row.unit),
    room: text(row.room),
    address: text(row.address),
    phone: maybe(row.phone),
    opens_at: text(row.opens_at),
    due_at: text(row.due_at),
    rank: number(row.rank) ?? 50,
    rule: text(row.rule),
    rule_zh: text(row.rule_zh),
    rule_en: text(row.rule_en),
    form,
    lon: number(row.lon),
    lat: number(row.lat),
    state: row.state === "done" ? "done" : "outstanding",
    outcome: maybe(row.outcome),
    finished_at: maybe(row.finished_at),
    last_at: maybe(row.last_at),
    last_kind: maybe(row.last_kind),
    last_outcome: maybe(row.last_outcome),
  };
}

export function homeFrom(row: Row): Home {
  return {
    id: text(row.id),
    number: number(row.number) ?? 0,
    street: text(row.street),
    building: text(row.building),
    unit: text(row.unit),
    room: text(row.room),
    address: text(row.address),
  };
}

/** A person of the register names the household by its number; a phone number is here only for today's duties. */
export function personFrom(row: Row, phones: ReadonlyMap<string, string>): Person {
  return {
    id: text(row.id),
    household: number(row.household),
    name: text(row.name),
    pinyin: text(row.pinyin),
    sex: text(row.sex),
    birth_year: number(row.birth_year),
    phone: phones.get(text(row.id)) ?? null,
    relation: text(row.relation),
  };
}

/** Return what the phone has sent and not sent: what waits, what is begun and already done in the world, what has its receipt. */
export function parcelViews(
  waiting: readonly ParcelRow[],
  shadows: readonly ShadowRow[],
  receipts: readonly ReceiptRow[],
  now: number,
  offset: number,
): ParcelView[] {
  const when = (ms: number) => new Date(ms + offset).toISOString();
  const view = (row: ParcelRow, state: ParcelState): ParcelView => ({
    id: row.id,
    form: row.form,
    label: "",
    made_at: when(row.made_at),
    state,
    next_at: row.next_at ? when(row.next_at) : null,
    code: row.code,
    zh: row.zh,
    en: row.en,
    reason: "",
    left_out: [],
  });
  const stateOf = (row: ParcelRow): ParcelState =>
    row.state === "refused" ? "refused" : row.tries > 0 && row.next_at > now ? "later" : "waiting";
  return [
    ...waiting.map((row) => view(row, stateOf(row))),
    ...shadows.map(({ parcel }) => view(parcel, "shadow")),
    ...receipts.map((one): ParcelView => ({
      id: one.id,
      form: one.form,
      label: "",
      made_at: when(one.made_at),
      state: one.status as ParcelState,
      next_at: null,
      code: one.code,
      zh: "",
      en: "",
      reason: "",
      left_out: [],
    })),
  ];
}

/** What the server answered to a parcel: its words, and what of it was not taken. */
export function wordsFrom(said: { zh: string; en: string; result: unknown } | undefined): Partial<ParcelView> {
  if (!said) return {};
  const { refused } = (said.result ?? {}) as { refused?: { sentence?: string; sentence_zh?: string }[] };
  const left_out = Array.isArray(refused)
    ? refused.map((one) => ({ zh: one.sentence_zh || text(one.sentence), en: text(one.sentence) }))
    : [];
  return { zh: said.zh, en: said.en, left_out };
}

/** What a human decided about parcels that were held, by their ids, as the last sync brought it. */
export function decisionsFrom(rows: readonly Row[]): Map<string, Decision> {
  return new Map(
    rows.map((row): [string, Decision] => [
      text(row.id),
      {
        state: row.status === "applied" ? "applied" : "declined",
        code: text(row.code),
        zh: text(row.zh),
        en: text(row.en),
        reason: text(row.reason),
      },
    ]),
  );
}

export type Decision = Pick<ParcelView, "state" | "code" | "zh" | "en" | "reason">;
