/** The core of a phone in the field: the pages' questions, answered by vault, queue and sync. */

import { couldNot as excused } from "../forms/engine";
import { HOLD_MS } from "../forms/house";
import type { Attributes, Form } from "../forms/types";
import { newId } from "../ids";
import { phone } from "../phone";
import type { Grant as Post } from "../api/client";
import type { Session, WipedBecause } from "../queue/queue";
import type { Home, Person } from "../people/search";
import type { Duty } from "../today/duty";
import { decisionsFrom, dutyFrom, formFor, homeFrom, parcelViews, personFrom, wordsFrom, type Row } from "./rows";
import type { Core, FormCard, Grant, Me, Notice, Phase, Reason, Status, WipeReason, Words } from "./core";

interface Wiped {
  why: WipedBecause;
  at: number;
}

const ANSWERED = ["held", "noted", "applied"];
const FLOWS = ["sampling", "handover", "checkpoint"];
const WHY: Record<WipedBecause, WipeReason> = {
  sign_out: "signOut",
  order: "order",
  tries: "tries",
  expired: "expired",
  other_person: "signOut",
};

/** Between password and PIN: kept in memory alone, so that a reload asks for the password again. */
let posts: Post[] = [];
let chosen: Post | null = null;
let username = "";

async function phaseNow(): Promise<Phase> {
  const first = await phone.first();
  if (first === "enrol" || first === "open") return first;
  if (first === "pin") return "locked";
  if (chosen) return "pin";
  if (posts.length > 1) return "post";
  return (await phone.store.read<Wiped>("wiped")) ? "wiped" : "signin";
}

async function status(): Promise<Status> {
  const [phase, wiped, device, end, tries] = await Promise.all([
    phaseNow(),
    phone.store.read<Wiped>("wiped"),
    phone.store.read<{ title: string }>("device"),
    phone.vault.endsAt(),
    phone.vault.triesLeft(),
  ]);
  const open = phase === "open";
  const synced = open ? await phone.sync.syncedAt() : undefined;
  const desk = open ? await phone.sync.desk() : undefined;
  const lacking = open && (await phone.sync.isLacking());
  return {
    phase,
    wipedBecause: wiped ? WHY[wiped.why] : null,
    device: device ? device.title : null,
    me: open ? await whoAmI() : null,
    until: end === null ? null : new Date(end + phone.clock.offset()).toISOString(),
    grants: posts.map(({ token, role_zh, role_en, area }) => ({ token, role_zh, role_en, area })),
    offset: phone.clock.offset(),
    syncedAt: synced === undefined ? null : new Date(synced + phone.clock.offset()).toISOString(),
    lacking,
    deskPhone: desk?.phone || null,
    triesLeft: tries,
  };
}

/** Before the first sync, what the sign-in said. */
async function whoAmI(): Promise<Me | null> {
  const me = await phone.sync.me();
  if (me) return me;
  const session = await phone.vault.get<Session>("session");
  if (!session) return null;
  const { username: account, title, role } = session;
  return { account, title, role, role_zh: "", role_en: "", area: "", register: false, may: [] };
}

async function duties(): Promise<Duty[]> {
  const [rows, forms] = await Promise.all([phone.sync.rows<Row>("duties:"), phone.sync.forms<Form>()]);
  return rows.map((row) => dutyFrom(row, formFor(row, forms ?? [])));
}

function instant(): string {
  return new Date(phone.clock.now()).toISOString();
}

async function couldNot(duty: Duty, reason: Reason): Promise<(() => Promise<boolean>) | null> {
  const [forms, rows, me] = await Promise.all([phone.sync.forms<Form>(), phone.sync.rows<Row>("duties:"), phone.sync.me()]);
  const form = (forms ?? []).find((one) => one.code === duty.form);
  const row = rows.find((one) => Number(one.id) === duty.id);
  if (!form || !row) throw new Error(`no form ${duty.form} for duty ${duty.id}`);
  const subject = (row.subject_row ?? {}) as Attributes;
  const around = { duty: row as Attributes, subject, me: { ...me } as Attributes, now: instant(), ids: [] };
  const { kind, payload } = excused(form, {}, { reason, note: "", againAt: null }, around);
  const id = newId(phone.clock.now());
  const label = duty.name ?? "";
  const work = { envelope: { id, kind, valid_at: around.now, payload }, duty: duty.id, form: form.code, label };
  await phone.queue.finish(work, undefined, HOLD_MS);
  return () => phone.queue.takeBack(id);
}

async function decisions() {
  return decisionsFrom(await phone.sync.rows<Row>("decided"));
}

async function parcels() {
  const [waiting, shadows, receipts, open] = [
    await phone.queue.parcels(),
    await phone.store.shadows.toArray(),
    await phone.queue.receipts(),
    phone.vault.isOpen(),
  ];
  const views = parcelViews(waiting, shadows, receipts, Date.now(), phone.clock.offset());
  if (!open) return views;
  const decided = await decisions();
  for (const view of views) {
    view.label = (await phone.queue.labelOf(view.id)) ?? "";
    if (ANSWERED.indexOf(view.state) >= 0) Object.assign(view, wordsFrom(await phone.queue.wordsOf(view.id)));
    if (view.state === "held") Object.assign(view, decided.get(view.id));
  }
  return views;
}

/** Not what was refused or set aside (the duty is still to do), nor what a later sync has shown to stand otherwise. */
async function finishedHere(): Promise<number[]> {
  const synced = (await phone.sync.syncedAt()) ?? 0;
  const waiting = (await phone.queue.parcels()).filter((row) => row.state === "waiting");
  const decided = await decisions();
  const arrived = (await phone.queue.receipts()).filter((one) =>
    one.status === "held" ? !decided.has(one.id) : one.at > synced,
  );
  return [...waiting, ...arrived].filter((one) => one.duty !== null).map((one) => Number(one.duty));
}

async function notices(): Promise<Notice[]> {
  const seen = (await phone.vault.get<string>("notices_seen")) ?? "";
  return (await phone.sync.notices()).map((one) => ({
    id: one.id,
    at: one.at,
    zh: one.zh,
    en: one.en,
    duty: one.duty === null ? null : Number(one.duty),
    tone: one.tone === "alarm" ? "alarm" : "info",
    fresh: one.at > seen,
  }));
}

async function exportUnsent(): Promise<Blob> {
  const device = await phone.store.read<{ device: string }>("device");
  const [waiting, shadows] = [await phone.queue.parcels(), await phone.store.shadows.toArray()];
  const all = [...waiting, ...shadows.map((one) => one.parcel)].map(({ id, sealed }) => ({ id, sealed }));
  const file = { format: "lianfang parcels 1", device: device?.device ?? null, at: instant(), parcels: all };
  return new Blob([JSON.stringify(file)], { type: "application/json" });
}

async function choosePost(grant: Grant): Promise<void> {
  chosen = posts.filter((post) => post.token === grant.token)[0] ?? null;
}

async function signIn(name: string, password: string): Promise<void> {
  posts = await phone.posts(name, password);
  username = name;
  chosen = posts.length === 1 ? posts[0]! : null;
}

async function setPin(pin: string): Promise<void> {
  if (!chosen) throw new Error("no post was chosen");
  await phone.begin(chosen, username, pin);
  await phone.store.plain.delete("wiped");
  posts = [];
  chosen = null;
}

async function unlock(pin: string): Promise<boolean> {
  try {
    await phone.open(pin);
    return true;
  } catch (problem) {
    const { code } = problem as { code?: string };
    if (code === "wrong_pin" || code === "wiped") return false;
    throw problem;
  }
}

async function register(): Promise<{ people: Person[]; homes: Home[] }> {
  const [people, homes, named] = await Promise.all([
    phone.sync.rows<Row>("people:"),
    phone.sync.rows<Row>("homes:"),
    phone.sync.rows<Row>("duties:"),
  ]);
  const phones = new Map<string, string>();
  for (const row of named) if (row.resident && row.phone) phones.set(String(row.resident), String(row.phone));
  return { people: people.map((row) => personFrom(row, phones)), homes: homes.map(homeFrom) };
}

export const real: Core = {
  status,
  signIn,
  choosePost,
  setPin,
  unlock,
  duties,
  parcels,
  finishedHere,
  register,
  notices,
  couldNot,
  exportUnsent,
  async enrol(code) {
    await phone.enrol(code);
  },
  async lock() {
    phone.vault.lock();
  },
  signOut: () => phone.signOut(),
  async wipeSeen() {
    await phone.store.plain.delete("wiped");
  },
  async sync() {
    await phone.sync.run();
  },
  syncState: () => phone.sync.state(),
  async send() {
    await phone.sender.hurry();
    await phone.sender.send();
  },
  retry: (id) => phone.queue.retry(id),
  async kinds() {
    const rows = await phone.sync.rows<Words & { code: string }>("kinds");
    return new Map(rows.map(({ code, zh, en }) => [code, { zh, en }] as [string, Words]));
  },
  async forms() {
    const forms = (await phone.sync.forms<Form>()) ?? [];
    const me = await phone.sync.me();
    return forms.map((form): FormCard => ({
      code: form.code,
      zh: form.zh,
      en: form.en,
      flow: FLOWS.indexOf(form.layout) >= 0,
      reasons: form.could_not?.reasons ?? [],
      alone: form.alone && (!form.permission || (me?.may ?? []).indexOf(form.permission) >= 0),
    }));
  },
  async seeNotices() {
    const newest = (await phone.sync.notices())[0];
    if (newest) await phone.vault.put("notices_seen", newest.at);
  },
  async drafts() {
    return (await phone.queue.drafts()).map((draft) => ({ duty: draft.duty === null ? null : Number(draft.duty) }));
  },
  async storage() {
    const { used, quota, promised } = await phone.queue.storageState();
    return { used, free: used === null || quota === null ? null : quota - used, persisted: promised };
  },
  onChange(hear) {
    phone.vault.watch(() => hear("phase"));
    phone.queue.watch(() => hear("queue"));
    phone.sync.watch(() => hear("data"));
    phone.sync.watchState(() => hear("sync"));
  },
};
