/** What forms and flows ask of the phone: forms, duties, who acts, lists; drafts kept and finished work handed on. */

import { phone } from "../phone";
import { newId } from "../ids.ts";
import type { Draft, Session, Work } from "../queue/queue";
import type { Command } from "./engine";
import type { Attributes, Form, Values, Words } from "./types";

/** A form begun: what was filled in so far, and the ids that its command will carry. */
export interface FormDraft extends Draft {
  form: string;
  values: Values;
  ids: string[];
  step: number;
  /** the id of the command that this draft becomes */
  envelope: string;
  /** photos by id, as JPEG in base64 */
  pictures: Record<string, string>;
}

export interface Duty extends Attributes {
  id: number;
  kind: string;
  subject: string;
  subject_kind: string;
  form: string | null;
}

/** for how long finished work can still be taken back (ms) */
export const HOLD_MS = 5000;

export async function formOf(code: string): Promise<Form | null> {
  const forms = (await phone.sync.forms<Form>()) ?? [];
  return forms.find((form) => form.code === code) ?? null;
}

export async function dutyOf(id: string): Promise<Duty | null> {
  const duties = await phone.sync.rows<Duty>("duties:");
  return duties.find((duty) => String(duty.id) === id) ?? null;
}

export async function rowsOf<Row>(bucket: string): Promise<Row[]> {
  return phone.sync.rows<Row>(bucket);
}

/** Who acts, as forms read it: what the sync says, and the open sites to choose from. */
export async function myself(): Promise<Attributes> {
  const [me, sites] = await Promise.all([phone.sync.me(), rowsOf<{ id: string; name: string }>("sites")]);
  return { ...me, sites: sites.map(({ id, name }) => ({ code: id, zh: name, en: name })) } as unknown as Attributes;
}

export async function deskPhone(): Promise<string> {
  return (await phone.sync.desk())?.phone ?? "";
}

export interface TablePerson {
  resident: string;
  name: string;
  sex: string;
  birth_year: number;
  household: string | null;
  standing: "missing" | "sampled" | "excluded" | "not_on_roster";
  tube_code: string | null;
}

const ASK_MS = 4000;
const LOOK_MS = 3000;

/** Ask the server something while somebody waits; null when there is no line, no answer in time, or a refusal. */
async function ask<Answer>(path: string, body: unknown, patienceMs: number): Promise<Answer | null> {
  const session = await phone.vault.get<Session>("session");
  if (!session || !navigator.onLine) return null;
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), patienceMs);
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${session.token}` },
      body: JSON.stringify(body),
      credentials: "omit",
      cache: "no-store",
      signal: patience.signal,
    });
    return response.ok ? ((await response.json()) as Answer) : null;
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

/** What the house says of a document at a checkpoint: whether its holder must wait for the duty desk, never why. */
export interface LookAnswer extends Words {
  on_list: boolean;
  desk: string;
}

export function askCheckpoint(number: string): Promise<LookAnswer | null> {
  return ask("/api/field/checkpoint-look", { number }, LOOK_MS);
}

/** Ask the server who has a card or a document; null when there is no line: a table never waits for one. */
export function askTable(
  round: string,
  table: number,
  way: { code: string } | { document: string } | { resident: string; whole_household: boolean },
): Promise<TablePerson[] | null> {
  return ask("/api/table/people", { round, table, ...way }, ASK_MS);
}

export function now(): string {
  return new Date(phone.clock.now()).toISOString();
}

/** One draft for each form and duty: whoever comes back finds it. */
export function draftId(form: string, duty: number | null): string {
  return `${form}:${duty ?? ""}`;
}

export function newDraft(form: string, duty: number | null, values: Values = {}): FormDraft {
  return {
    id: draftId(form, duty),
    form,
    duty,
    at: phone.clock.now(),
    values,
    ids: [],
    step: 0,
    envelope: newId(phone.clock.now()),
    pictures: {},
  };
}

/** Return a draft out of Vue's wrappers, as it is stored. */
export function plain<Kind extends FormDraft>(draft: Kind): Kind {
  return JSON.parse(JSON.stringify(draft)) as Kind;
}

export function loadDraft<Kind extends FormDraft>(form: string, duty: number | null): Promise<Kind | undefined> {
  return phone.queue.draft<Kind>(draftId(form, duty));
}

/** Keep a draft; with a command, also the parcel that it would be, in case that the phone is wiped. */
export function keepDraft(draft: FormDraft, done?: Command): Promise<void> {
  return phone.queue.saveDraft(draft, done && workOf(draft, done));
}

export function dropDraft(draft: FormDraft): Promise<void> {
  return phone.queue.dropDraft(draft.id);
}

/** Hand a draft's command on, and its photos after it; they leave the phone no sooner than the hold allows. */
export async function finish(
  draft: FormDraft,
  command: Command,
  photos: Photo[] = [],
  holdMs = HOLD_MS,
): Promise<void> {
  await phone.queue.finish(workOf(draft, command), draft.id, holdMs);
  for (const photo of photos) await phone.queue.finish(photoOf(draft, photo), undefined, holdMs);
}

/** Take finished work back as a draft; null when it is on its way already. */
export async function takeBack<Kind extends FormDraft>(draft: Kind, photos: Photo[] = []): Promise<Kind | null> {
  if (!(await phone.queue.takeBack(draft.envelope))) return null;
  for (const photo of photos) await phone.queue.takeBack(photo.id);
  const again = { ...draft, envelope: newId(phone.clock.now()) };
  await phone.queue.saveDraft(again);
  return again;
}

export interface Photo {
  id: string;
  jpeg: string;
  /** the name of the field it was taken for */
  field: string;
}

const CAPTIONS = ["place", "door_notice", "goods", "hazard", "before", "after", "vehicle", "document"];

/** A photo goes by itself, under its own id, so that a thin line carries the result first. */
function photoOf(draft: FormDraft, { id, jpeg, field }: Photo): Work {
  const beside = draft.duty !== null ? { duty: draft.duty } : { subject: draft.ids[0] ?? draft.envelope };
  const payload = {
    jpeg,
    caption: CAPTIONS.find((one) => one === field || (draft.form ?? "").includes(one)) ?? "other",
    ...beside,
  };
  return { envelope: { id, kind: "attach_photo", valid_at: now(), payload }, duty: draft.duty, form: draft.form };
}

function workOf(draft: FormDraft, { kind, payload }: Command): Work {
  const label = typeof draft.label === "string" && draft.label ? { label: draft.label } : {};
  return {
    envelope: { id: draft.envelope, kind, valid_at: now(), payload },
    duty: draft.duty,
    form: draft.form,
    ...label,
  };
}
