/**
 * What happens at a sampling table: a tube is opened, people go into it, it is closed, the next one begins.
 *
 * Pure: every step takes the table as it stands and returns it anew with what is said about the step. The table is
 * the draft that a phone keeps, so that a reload comes back to the same tube and the same count.
 */

import type { Words } from "../../forms/types";
import { counted } from "../../i18n/counted.ts";

export type Mode = "pooled" | "household" | "single";

export interface Setting {
  round: string;
  roundTitle: string;
  site: string | null;
  siteName: string;
  division: number;
  mode: Mode;
  capacity: number;
}

/** Somebody before the table: known to this phone, or only by what was scanned or told. */
export interface Person {
  resident?: string;
  code?: string;
  visitor?: Visitor;
  /** what the sampler sees: name as the phone knows it, or the last four characters of what was scanned */
  label: string;
  household?: string | null;
  /** the tube that the records name for this person in this round, if the phone was told of one */
  sampledIn?: string | null;
}

export interface Visitor {
  id: string;
  name: string;
  document: "resident_id" | "passport" | "travel_permit" | "other" | "none";
  number: string;
  sex?: "male" | "female";
  birth_date?: string;
  phone?: string;
  stays_at?: string;
}

export interface Sample {
  id: string;
  at: string;
  person: Person;
}

export interface Tube {
  id: string;
  code: string;
  mode: Mode;
  capacity: number;
  openedAt: string;
  sealedAt: string | null;
  samples: Sample[];
  /** samples that the records held when this phone took the tube over */
  before: number;
}

export interface Table {
  setting: Setting;
  tube: Tube | null;
  /** tubes closed on this phone in this session of the table, oldest first, people by key only */
  closed: { id: string; code: string; people: number; at: string; keys: string[] }[];
}

export type Tone = "good" | "warn" | "bad";

export interface Said {
  tone: Tone;
  words: Words;
  /** what the screen offers beside the sentence */
  way?: "close" | "open" | "close_and_open" | "undo" | "send_on";
}

export interface Step {
  table: Table;
  said: Said;
  changed: boolean;
}

/** Return under which one person is recognised again on this phone, whichever way they were scanned. */
export function keyOf(person: Person): string {
  if (person.resident) return `r:${person.resident}`;
  if (person.code) return `c:${person.code}`;
  const { document, number, name, id } = person.visitor as Visitor;
  return number ? `d:${document}:${number}` : `v:${name || id}`;
}

export function filled(tube: Tube): number {
  return tube.before + tube.samples.length;
}

export function isFull(tube: Tube): boolean {
  return filled(tube) >= tube.capacity;
}

export function openTable(setting: Setting): Table {
  return { setting, tube: null, closed: [] };
}

function stay(table: Table, tone: Tone, zh: string, en: string, way?: Said["way"]): Step {
  return { table, said: { tone, words: { zh, en }, ...(way ? { way } : {}) }, changed: false };
}

function move(table: Table, tone: Tone, zh: string, en: string, way?: Said["way"]): Step {
  return { table, said: { tone, words: { zh, en }, ...(way ? { way } : {}) }, changed: true };
}

export interface KnownTube {
  id: string;
  code: string;
  filled: number;
  sealed: boolean;
}

/** Open a tube by its printed code; `known` is what the records say of the code, if anything. */
export function openTube(table: Table, code: string, id: string, at: string, known?: KnownTube): Step {
  const { tube, setting } = table;
  if (tube?.code === code) return stay(table, "warn", `正在用这支管：${code}。`, `Tube ${code} is the one in use.`);
  const used = table.closed.find((one) => one.code === code);
  if (used || known?.sealed)
    return stay(table, "bad", `管 ${code} 已封，请换一支新管。`, `Tube ${code} is closed: take a new one.`, "open");
  if (tube && filled(tube) > 0 && !isFull(tube) && tube.mode === "pooled")
    return stay(
      table,
      "warn",
      `管 ${tube.code} 才 ${filled(tube)} 人（满管 ${tube.capacity}）。封管并换成 ${code} 吗？`,
      `Tube ${tube.code} holds ${filled(tube)} of ${tube.capacity}. Close it and go on with ${code}?`,
      "close_and_open",
    );
  const ready = tube ? (filled(tube) > 0 ? closeTube(table, at).table : { ...table, tube: null }) : table;
  const fresh: Tube = {
    id: known?.id ?? id,
    code,
    mode: setting.mode,
    capacity: setting.capacity,
    openedAt: at,
    sealedAt: null,
    samples: [],
    before: known?.filled ?? 0,
  };
  return move({ ...ready, tube: fresh }, "good", `已开管 ${code}，请扫人。`, `Tube ${code} is open: scan people.`);
}

/** Put a person into the open tube; refusals name the way out. */
export function addPerson(table: Table, person: Person, id: string, at: string): Step {
  const { tube } = table;
  if (!tube) return stay(table, "bad", "还没有开管，请先扫管码。", "No tube is open: scan a tube first.", "open");
  const refused = repeated(table, person) ?? noRoom(table, tube, person);
  if (refused) return refused;
  const samples = [...tube.samples, { id, at, person }];
  const next = { ...table, tube: { ...tube, samples } };
  const count = filled(next.tube);
  if (isFull(next.tube) && tube.mode !== "household")
    return move(
      next,
      "good",
      `${person.label}，第 ${count} 人。满管了，请扫下一支管。`,
      `${person.label}, number ${count}. The tube is full: scan the next one.`,
      "close",
    );
  return move(next, "good", `${person.label}，第 ${count} 人。`, `${person.label}, number ${count}.`);
}

function repeated(table: Table, person: Person): Step | null {
  const key = keyOf(person);
  const tube = table.tube as Tube;
  if (tube.samples.some((sample) => keyOf(sample.person) === key))
    return stay(
      table,
      "warn",
      `${person.label} 已在这支管里，不用再采。`,
      `${person.label} is in this tube already: send them on.`,
      "send_on",
    );
  const before = table.closed.find((one) => one.keys.includes(key));
  const code = before?.code ?? person.sampledIn;
  if (!code) return null;
  return stay(
    table,
    "warn",
    `${person.label} 本轮已采（管 ${code}），请直接离开。若那次扫错了人，先撤销那一条。`,
    `${person.label} was sampled in this round (tube ${code}): send them on. If that was a mistake, undo that one first.`,
    "send_on",
  );
}

function noRoom(table: Table, tube: Tube, person: Person): Step | null {
  if (isFull(tube))
    return stay(
      table,
      "bad",
      `管 ${tube.code} 已满（${filled(tube)} 人）。封管，扫下一支，再扫这个人。`,
      `Tube ${tube.code} is full (${filled(tube)}): close it, scan the next one, then this person again.`,
      "close",
    );
  const first = tube.samples[0]?.person;
  if (tube.mode !== "household" || !first?.household || !person.household || first.household === person.household)
    return null;
  return stay(
    table,
    "bad",
    `${person.label} 是另一户。封管，给这一户开新管。`,
    `${person.label} is of another household: close the tube and open one for them.`,
    "close",
  );
}

/** Take somebody out of the open tube again (the last one without an id): a wrong person, or no swab taken. */
export function undo(table: Table, id?: string): Step {
  const { tube } = table;
  const sample = id ? tube?.samples.find((one) => one.id === id) : tube?.samples[tube.samples.length - 1];
  if (!tube || !sample)
    return stay(table, "warn", "这支管里没有可以撤销的人。", "There is nobody to take back in this tube.");
  const samples = tube.samples.filter((one) => one !== sample);
  return move(
    { ...table, tube: { ...tube, samples } },
    "warn",
    `已撤销 ${sample.person.label}。棉签若已进管，现在扫这根棉签真正的主人。`,
    `${sample.person.label} was taken back. If a swab is in the tube already, scan now whose it truly is.`,
  );
}

/** What the server says of somebody who was scanned without being known here (`null`: nobody has this card or number). */
export function recognised(table: Table, id: string, found: Recognised | null, byCard: boolean): Step {
  const tube = table.tube as Tube;
  const sample = tube.samples.find((one) => one.id === id) as Sample;
  const { label } = sample.person;
  if (!found && byCard)
    return stay(
      table,
      "bad",
      `没有人持有这张采样码（${label}）。撤销这一条，改扫身份证或登记来人。`,
      `Nobody has this card (${label}): take it back, then scan their ID or register them.`,
      "undo",
    );
  if (!found)
    return stay(
      table,
      "warn",
      `${label} 不在名册，已按证件号进管，姓名由社区补。`,
      `${label} is in no register and goes in by the number; the community adds the name.`,
    );
  const person: Person = { resident: found.resident, label: found.name, household: found.household };
  const elsewhere = { ...table, tube: { ...tube, samples: tube.samples.filter((one) => one !== sample) } };
  const twice = repeated(elsewhere, { ...person, sampledIn: found.standing === "sampled" ? found.tube_code : null });
  if (twice)
    return stay(
      table,
      "bad",
      `${twice.said.words.zh}棉签还没进管就撤销这一条。`,
      `${twice.said.words.en} Take this one back unless the swab is in the tube.`,
      "undo",
    );
  const samples = tube.samples.map((one) => (one === sample ? { ...one, person } : one));
  const number = tube.before + samples.findIndex((one) => one.id === id) + 1;
  return move(
    { ...table, tube: { ...tube, samples } },
    "good",
    `${found.name}，第 ${number} 人。`,
    `${found.name}, number ${number}.`,
  );
}

export interface Recognised {
  resident: string;
  name: string;
  household: string | null;
  standing: string;
  tube_code: string | null;
}

/** Close the open tube: it becomes one parcel. An empty tube is put back as if it had never been opened. */
export function closeTube(table: Table, at: string): Step & { closed: Tube | null } {
  const { tube } = table;
  if (!tube) return { ...stay(table, "warn", "没有开着的管。", "No tube is open.", "open"), closed: null };
  if (filled(tube) === 0)
    return {
      ...move(
        { ...table, tube: null },
        "warn",
        `空管 ${tube.code} 已放回。`,
        `The empty tube ${tube.code} was put back.`,
        "open",
      ),
      closed: null,
    };
  const sealed: Tube = { ...tube, sealedAt: at };
  const entry = {
    id: tube.id,
    code: tube.code,
    people: filled(tube),
    at,
    keys: tube.samples.map((sample) => keyOf(sample.person)),
  };
  const next = { ...table, tube: null, closed: [...table.closed, entry] };
  return {
    ...move(
      next,
      "good",
      `管 ${tube.code} 已封，${filled(tube)} 人。请扫下一支管。`,
      `Tube ${tube.code} is closed with ${counted(filled(tube), "person", "people")}: scan the next tube.`,
      "open",
    ),
    closed: sealed,
  };
}

/** Return the payload of `register_scanned` for a tube as it stands, open or closed. */
export function payloadOf(setting: Setting, tube: Tube): Record<string, unknown> {
  const samples = tube.samples.map(({ id, at, person }) => ({
    id,
    taken_at: at,
    ...(person.resident
      ? { resident: person.resident }
      : person.code
        ? { code: person.code }
        : { visitor: person.visitor }),
  }));
  return {
    tube: {
      id: tube.id,
      code: tube.code,
      mode: tube.mode,
      capacity: tube.capacity,
      purpose: "area_screening",
      division_code: setting.division,
      round: setting.round,
      opened_at: tube.openedAt,
      ...(setting.site ? { site: setting.site } : {}),
      ...(tube.sealedAt ? { sealed_at: tube.sealedAt } : {}),
    },
    samples,
  };
}

/** People done by this phone at this table, the open tube included. */
export function countOf(table: Table): { people: number; tubes: number } {
  const open = table.tube ? table.tube.samples.length : 0;
  return {
    people: table.closed.reduce((total, one) => total + one.people, open),
    tubes: table.closed.length + (table.tube ? 1 : 0),
  };
}
